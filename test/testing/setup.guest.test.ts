// Compiling before the tests: what it leaves in the cache, what it prints, and what it rejects.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CompileError, InvalidArgumentError, loadC } from '../../src/index.ts';
import { compileAhead } from '../../src/testing/setup.ts';

const program = new URL('programs/requests.c', import.meta.url).pathname;
let cacheDir: string;

beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'heapline-ahead-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(cacheDir, { recursive: true });
});

/** The text that is written to standard error during the work. */
async function saidDuring(work: () => Promise<unknown>): Promise<string> {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    await work();
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

test('its objects are in the cache, and it names slow steps', async () => {
  const steps: string[] = [];
  const options = { toolchain: 'embedded', flags: ['-O1'], cacheDir } as const;
  const said = await saidDuring(() =>
    compileAhead(program, { ...options, onProgress: ({ step }) => void steps.push(step) }),
  );
  expect(steps).toEqual(['compile', 'link']);
  const seconds = Number(/^heapline: compiled requests\.c in (\d+\.\d) s\n$/m.exec(said)?.[1]);
  // The embedded compiler takes 3 s to start on most machines.
  if (!Number.isNaN(seconds)) expect(seconds).toBeGreaterThanOrEqual(1);
  else expect(said).toBe('');

  const later: string[] = [];
  const lib = await loadC(program, { ...options, onProgress: ({ step }) => void later.push(step) });
  lib.dispose();
  // A slow machine is also told that it goes on.
  expect([...new Set(later)]).toEqual(['instrument']);
  expect(await saidDuring(() => compileAhead([program], options))).toBe('');
});

test('it prints each step that takes more than a second, and the whole time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const said = await saidDuring(() =>
      compileAhead(program, {
        toolchain: 'clang',
        cacheDir,
        onProgress: () => void vi.advanceTimersByTime(2000),
      }),
    );
    const [first, ...rest] = said.trimEnd().split('\n');
    expect(first).toBe(`heapline: compiling ${program} …`);
    expect(rest.at(-1)).toMatch(/^heapline: compiled requests\.c in [2-9]\.0 s$/);
  } finally {
    vi.useRealTimers();
  }
});

test('it fails on C that does not compile and checks options as loadC() does', async () => {
  const broken = join(cacheDir, 'broken.c');
  writeFileSync(broken, 'int broken(void) { return }\n');
  await expect(compileAhead(broken, { toolchain: 'clang', cacheDir })).rejects.toThrow(CompileError);
  await expect(compileAhead([])).rejects.toThrow('compileAhead() takes the path of a C file');
  await expect(compileAhead(program, { flag: ['-O1'] } as never)).rejects.toThrow(
    /compileAhead\(\) has no option 'flag'/,
  );
  await expect(compileAhead(program, { flag: [] } as never)).rejects.toThrow(InvalidArgumentError);
});

test('it warns when nothing can be kept for the tests', async () => {
  vi.stubEnv('HEAPLINE_CACHE', '');
  vi.stubEnv('XDG_CACHE_HOME', '');
  vi.stubEnv('HOME', 'relative');
  vi.spyOn(process, 'cwd').mockReturnValue('/');
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
  await compileAhead(program, { toolchain: 'clang' });
  expect(warn.mock.calls).toEqual([
    [expect.stringContaining('HEAPLINE_CACHE'), { code: 'HEAPLINE_NO_CACHE' }],
  ]);
});
