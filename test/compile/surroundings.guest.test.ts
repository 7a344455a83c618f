// Processes whose surroundings lack what most have: a directory for temporary files, a home, a working directory, a PATH
// of directories that can all be looked into.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Cache, defaultCacheDirectory, hashOf } from '../../src/compile/cache.ts';
import { compile } from '../../src/compile/index.ts';
import { runTool } from '../../src/compile/process.ts';
import { FileError, ToolchainError } from '../../src/errors.ts';
import { sourceTree } from '../support/source-tree.ts';

const cacheDir = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
const tree = sourceTree({ 'one.c': 'int one(void) { return 1; }\n' });
const source = tree.file('one.c');
const home = process.cwd();
const kept = { ...process.env };

afterEach(() => {
  process.chdir(home);
  for (const name of ['PATH', 'TMPDIR', 'HOME', 'XDG_CACHE_HOME', 'HEAPLINE_CACHE']) {
    if (kept[name] === undefined) delete process.env[name];
    else process.env[name] = kept[name];
  }
});
afterAll(() => {
  rmSync(cacheDir, { recursive: true, force: true });
  tree[Symbol.dispose]();
});

describe('compiling', () => {
  it('passes over what cannot be looked into on PATH', async () => {
    // Too long a name is refused as a directory of another user's is, even for root.
    process.env.PATH = [path.join('/', 'x'.repeat(300)), kept.PATH].join(path.delimiter);
    expect((await compile([source], { cacheDir, toolchain: 'clang' })).toolchain.name).toBe('clang');
  });

  it('needs no directory for temporary files where the embedded compiler does', async () => {
    process.env.TMPDIR = path.join(tree.directory, 'missing');
    const fresh = { cacheDir: path.join(cacheDir, 'fresh') };
    const compiled = await compile([source], fresh);
    expect(compiled.toolchain.name).toBe('embedded');
    // Told once, although each of the other toolchains has met it.
    expect(compiled.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^Cannot write temporary files in \S+missing: ENOENT.*Set TMPDIR to a directory/s,
      ),
    ]);
  });

  it.each(['clang', 'emscripten'] as const)('tells once that %s has nowhere to write', async (toolchain) => {
    const blocked = [path.join(tree.directory, 'missing'), source];
    for (const directory of blocked) {
      process.env.TMPDIR = directory;
      const options = { cacheDir: path.join(cacheDir, 'fresh'), toolchain };
      const error = await compile([source], options).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ToolchainError);
      const { message, name } = error as Error;
      expect(name).toBe('ToolchainError');
      expect(message).toMatch(
        /^Cannot write temporary files in .*Set TMPDIR to a directory that you can write to/,
      );
      expect(message.match(/Cannot write/g)).toHaveLength(1);
    }
  });

  it('says so when the working directory has been removed', async () => {
    const directory = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'heapline-gone-')));
    process.chdir(directory);
    rmdirSync(directory);
    const refusal = compile([source], { cacheDir });
    process.chdir(home);
    await expect(refusal).rejects.toThrow(FileError);
    await expect(refusal).rejects.toThrow(/working directory is not there/);
  });

  it('refuses a source whose name no file can have', async () => {
    await expect(compile([`/${'x'.repeat(300)}.c`], { cacheDir })).rejects.toThrow(FileError);
  });
});

describe('the cache', () => {
  it('is not kept for a user without a home', () => {
    process.chdir(os.tmpdir());
    delete process.env.HEAPLINE_CACHE;
    delete process.env.XDG_CACHE_HOME;
    process.env.HOME = '';
    expect(defaultCacheDirectory()).toBeNull();
    const key = hashOf('key');
    new Cache().store(key, 'result', [], { meta: 1, blobs: {} });
    expect(new Cache().find(key, 'result')).toBeNull();
  });

  it('takes no relative path out of XDG_CACHE_HOME', () => {
    process.chdir(os.tmpdir());
    delete process.env.HEAPLINE_CACHE;
    process.env.XDG_CACHE_HOME = 'relative';
    process.env.HOME = '/home/somebody';
    expect(defaultCacheDirectory()).toBe(path.join('/home/somebody', '.cache', 'heapline'));
  });
});

describe('a tool', () => {
  it('that the system refuses to start is a failure like others', async () => {
    const { status, stderr } = await runTool('true', ['x'.repeat(4 * 2 ** 20)]);
    expect(status).toBe(-1);
    expect(stderr).toContain('E2BIG');
  });

  it('for which there is no file descriptor is one, too', () => {
    const script = `
      import { runTool } from ${JSON.stringify(new URL('../../src/compile/process.ts', import.meta.url).pathname)};
      import { openSync } from 'node:fs';
      const { status, stderr } = await runTool('true', []);
      try { for (;;) openSync('/dev/null'); } catch {}
      const failed = await runTool('true', []);
      process.stdout.write(JSON.stringify([status, failed.status, failed.stderr]));`;
    const loader = import.meta.resolve('tsx');
    const shell = `ulimit -n 64 && exec "$0" --import ${loader} --input-type=module -e "$1"`;
    const { stdout, stderr } = spawnSync('sh', ['-c', shell, process.execPath, script], { encoding: 'utf8' });
    expect(stdout, stderr).toMatch(/^\[0,-1,".*EMFILE"\]$/);
  });

  it('waits while as many run as there are processors', async () => {
    const file = path.join(tree.directory, 'running');
    // Each counts those that run beside it.
    const count = `echo >> ${file}.$$; ls ${file}.* | wc -l; sleep 0.2; rm ${file}.$$`;
    const all = await Promise.all(Array.from({ length: 12 }, () => runTool('sh', ['-c', count])));
    expect(Math.max(...all.map(({ stdout }) => Number(stdout)))).toBeLessThanOrEqual(
      Math.max(2, os.availableParallelism()),
    );
  });
});
