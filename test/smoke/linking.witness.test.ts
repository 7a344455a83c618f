// docs/linking.md tells how to link a module in a build of one's own. This test runs its commands as the page shows
// them; the modules that they make are loaded, profiled and searched for leaks.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadWasm } from '../../src/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/linking.md'), 'utf8');
const [forWasi, forEmscripten, withLinkFlags] = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(
  ([, commands]) => commands!,
);

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'heapline-linking-'));
  copyFileSync(join(root, 'examples/leaky.c'), join(directory, 'main.c'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs commands of the page in a shell and returns their output. */
function run(commands: string): string {
  const cli = `"${process.execPath}" "${join(root, 'dist/cli.js')}"`;
  const functions = `heapline() { ${cli} "$@"; }\nnpx() { "$@"; }\n`;
  return execFileSync('bash', ['-euc', functions + commands], {
    cwd: directory,
    env: { ...process.env, HEAPLINE: root },
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

async function expectProfile(glue: boolean): Promise<void> {
  const options = glue ? { glue: readFileSync(join(directory, 'main.js'), 'utf8') } : {};
  using lib = await loadWasm(join(directory, 'main.wasm'), options);
  const { exitCode, stdout } = lib.run();
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '1000 requests, 10 refused\n' });
  expect(lib.heap.profile().top({ granularity: 'lines' })).toMatch(/40kB .* header_parse .*main\.c:62/);
  expect(lib.heap.leaks().definite.blocks).toBeGreaterThan(0);
}

it('a module linked by the command for WASI runs and is profiled at its lines', async () => {
  run(forWasi!);
  await expectProfile(false);
});

it('a module linked by the command for Emscripten does the same', async () => {
  expect(run(forEmscripten!)).toBe('1000 requests, 10 refused\n');
  await expectProfile(true);
});

it('modules linked with the output of `heapline link-flags` do the same', async () => {
  const [wasi, emscripten] = withLinkFlags!.trim().split('\n');
  run(`${forWasi!.split('clang --target=wasm32-wasi main.o')[0]}${wasi}`);
  await expectProfile(false);
  run(`${forEmscripten!.split('emcc -O1')[0]}${emscripten}`);
  await expectProfile(true);
});

it('a library is linked by Emscripten with the flags that the page names', async () => {
  writeFileSync(
    join(directory, 'library.c'),
    '#include <stdlib.h>\nvoid *grab(int n) { return malloc(n); }\n',
  );
  const flags = /For a library, add `(--no-entry.*?)`/s.exec(page)![1]!.replaceAll('\n', ' ');
  run(
    `emcc -g -c library.c -o library.o
     emcc -O1 -g library.o $(heapline link-flags emscripten-sandbox) ${flags.replace('_NAME', '_grab')} -o library.js`,
  );
  const glue = readFileSync(join(directory, 'library.js'), 'utf8');
  using lib = await loadWasm(join(directory, 'library.wasm'), { glue });
  lib.exports.grab!(100);
  expect(lib.heap.stats().inUseBytes).toBeGreaterThanOrEqual(100);
  expect(lib.heap.profile().top({ granularity: 'lines' })).toContain('grab');
});

it('a module linked as a WASI command is rejected, because its exports run the constructors again', async () => {
  run(forWasi!.replace('-Wl,--export=__main_void', '-mexec-model=command'));
  await expect(loadWasm(join(directory, 'main.wasm'))).rejects.toThrow(/-mexec-model=reactor/);
});
