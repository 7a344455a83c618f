// Processes that lack something that most processes have: a directory for temporary files, a home directory, a working
// directory, a PATH whose directories can all be searched.

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
  it('passes over directories on PATH that cannot be searched', async () => {
    // A name that is too long is refused like another user's directory, but even for root.
    process.env.PATH = [path.join('/', 'x'.repeat(300)), kept.PATH].join(path.delimiter);
    expect((await compile([source], { cacheDir, toolchain: 'clang' })).toolchain.name).toBe('clang');
  });

  it('needs no directory for temporary files if the embedded compiler can compile the sources', async () => {
    process.env.TMPDIR = path.join(tree.directory, 'missing');
    const fresh = { cacheDir: path.join(cacheDir, 'fresh') };
    const compiled = await compile([source], fresh);
    expect(compiled.toolchain.name).toBe('embedded');
    // Reported once, although each of the other toolchains has failed on it.
    expect(compiled.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^Cannot write temporary files in \S+missing: ENOENT.*Set TMPDIR to a directory/s,
      ),
    ]);
  });

  it.each(['clang', 'emscripten'] as const)(
    'reports once that %s cannot write temporary files',
    async (toolchain) => {
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
    },
  );

  it('says so when the working directory has been removed', async () => {
    const directory = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'heapline-gone-')));
    process.chdir(directory);
    rmdirSync(directory);
    const refusal = compile([source], { cacheDir });
    process.chdir(home);
    await expect(refusal).rejects.toThrow(FileError);
    await expect(refusal).rejects.toThrow(/working directory is not there/);
  });

  it('rejects a source whose name no file can have', async () => {
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

  it('ignores a relative path in XDG_CACHE_HOME', () => {
    process.chdir(os.tmpdir());
    delete process.env.HEAPLINE_CACHE;
    process.env.XDG_CACHE_HOME = 'relative';
    process.env.HOME = '/home/somebody';
    expect(defaultCacheDirectory()).toBe(path.join('/home/somebody', '.cache', 'heapline'));
  });
});

describe('a tool', () => {
  it('that the system refuses to start fails like any other', async () => {
    const { status, stderr } = await runTool('true', ['x'.repeat(4 * 2 ** 20)]);
    expect(status).toBe(-1);
    expect(stderr).toContain('E2BIG');
  });

  it('for which there is no file descriptor fails like any other', () => {
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

  it('waits while as many tools run as there are processors', async () => {
    const file = path.join(tree.directory, 'running');
    // Each tool counts the tools that run at the same time.
    const count = `echo >> ${file}.$$; ls ${file}.* | wc -l; sleep 0.2; rm ${file}.$$`;
    const all = await Promise.all(Array.from({ length: 12 }, () => runTool('sh', ['-c', count])));
    expect(Math.max(...all.map(({ stdout }) => Number(stdout)))).toBeLessThanOrEqual(
      Math.max(2, os.availableParallelism()),
    );
  });
});
