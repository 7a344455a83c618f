// docs/linking.md tells how to link a module with one's own build. Its command is run here as it stands, and the
// module it makes is loaded, profiled and searched for leaks.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadWasm } from '../../src/index.ts';

const root = new URL('../..', import.meta.url).pathname;

it('a module linked by the command in docs/linking.md runs and is profiled at its lines', async () => {
  const page = readFileSync(join(root, 'docs/linking.md'), 'utf8');
  const command = /^```sh\n(.*?)^```/ms.exec(page)![1]!;
  const directory = mkdtempSync(join(tmpdir(), 'heapline-linking-'));
  try {
    copyFileSync(join(root, 'examples/leaky.c'), join(directory, 'main.c'));
    execFileSync('bash', ['-euc', command], { cwd: directory, env: { ...process.env, HEAPLINE: root } });
    const lib = await loadWasm(join(directory, 'main.wasm'));
    const { exitCode, stdout } = lib.run();
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '1000 requests, 10 refused\n' });
    expect(lib.heap.profile().top({ granularity: 'lines' })).toMatch(/40kB .* header_parse .*main\.c:62/);
    expect(lib.heap.leaks().definite.blocks).toBeGreaterThan(0);
    lib[Symbol.dispose]();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it('so does one linked by Emscripten, by the other command', async () => {
  const page = readFileSync(join(root, 'docs/linking.md'), 'utf8');
  const command = [...page.matchAll(/^```sh\n(.*?)^```/gms)][1]![1]!;
  const directory = mkdtempSync(join(tmpdir(), 'heapline-linking-'));
  try {
    copyFileSync(join(root, 'examples/leaky.c'), join(directory, 'main.c'));
    const heapline = `heapline() { "${process.execPath}" "${join(root, 'dist/cli.js')}" "$@"; }\n`;
    const output = execFileSync('bash', ['-euc', `${heapline}${command}`], {
      cwd: directory,
      env: { ...process.env, HEAPLINE: root },
      encoding: 'utf8',
      stdio: 'pipe',
    });
    expect(output).toBe('1000 requests, 10 refused\n');
    const glue = readFileSync(join(directory, 'main.js'), 'utf8');
    using lib = await loadWasm(join(directory, 'main.wasm'), { glue });
    expect(lib.run()).toMatchObject({ exitCode: 0 });
    expect(lib.heap.profile().top({ granularity: 'lines' })).toMatch(/40kB .* header_parse .*main\.c:62/);
    expect(lib.heap.leaks().definite.blocks).toBeGreaterThan(0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it('a module linked as a WASI command is refused, because its exports run the constructors again', async () => {
  const page = readFileSync(join(root, 'docs/linking.md'), 'utf8');
  const command = /^```sh\n(.*?)^```/ms
    .exec(page)![1]!
    .replace('-mexec-model=reactor -Wl,--export=__main_void', '');
  const directory = mkdtempSync(join(tmpdir(), 'heapline-linking-'));
  try {
    copyFileSync(join(root, 'examples/leaky.c'), join(directory, 'main.c'));
    execFileSync('bash', ['-euc', command], { cwd: directory, env: { ...process.env, HEAPLINE: root } });
    await expect(loadWasm(join(directory, 'main.wasm'))).rejects.toThrow(/-mexec-model=reactor/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
