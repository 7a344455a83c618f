import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { CompileError, FileError, InvalidArgumentError, ToolchainError } from '../../src/errors.ts';
import { sourceTree } from '../support/source-tree.ts';

const cacheDir = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
const tree = sourceTree({ 'one.c': 'int one(void) { return 1; }\n' });
const source = tree.file('one.c');
const kept = { ...process.env };

afterEach(() => {
  for (const name of ['PATH', 'EMSDK', 'WASI_SDK_PATH', 'HEAPLINE_CLANG', 'HEAPLINE_TOOLCHAIN']) {
    if (kept[name] === undefined) delete process.env[name];
    else process.env[name] = kept[name];
  }
});
afterAll(() => {
  rmSync(cacheDir, { recursive: true, force: true });
  tree[Symbol.dispose]();
});

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (reason: unknown) => reason,
  );

describe('choosing a toolchain', () => {
  it('takes the embedded toolchain when no other is installed', async () => {
    process.env.PATH = tree.directory;
    delete process.env.EMSDK;
    const compiled = await compile([source], { cacheDir });
    expect(compiled.toolchain.name).toBe('embedded');
  });

  it('passes over a tool that exists but does not work', async () => {
    const bin = path.join(tree.directory, 'bin');
    const fake = sourceTree({});
    fake.write('emcc', '#!/bin/sh\nexit 1\n');
    fake.write('clang', '#!/bin/sh\nexit 1\n');
    chmodSync(fake.file('emcc'), 0o755);
    chmodSync(fake.file('clang'), 0o755);
    process.env.PATH = `${fake.directory}${path.delimiter}${bin}`;
    expect((await compile([source], { cacheDir })).toolchain.name).toBe('embedded');
    const error = await failure(compile([source], { cacheDir, toolchain: 'emscripten' }));
    expect(error).toBeInstanceOf(ToolchainError);
    expect((error as ToolchainError).message).toContain(fake.file('emcc'));
    fake[Symbol.dispose]();
  });

  it('says how to install the requested toolchain when it is missing', async () => {
    process.env.PATH = tree.directory;
    delete process.env.EMSDK;
    const emscripten = await failure(compile([source], { cacheDir, toolchain: 'emscripten' }));
    expect(emscripten).toBeInstanceOf(ToolchainError);
    expect((emscripten as ToolchainError).message).toMatch(/emcc.*EMSDK.*install/);
    const clang = await failure(compile([source], { cacheDir, toolchain: 'clang' }));
    expect(clang).toBeInstanceOf(ToolchainError);
    expect((clang as ToolchainError).message).toMatch(/WASI_SDK_PATH/);
  });

  it('takes only the emcc that HEAPLINE_EMCC names, and says so when that emcc cannot be used', async () => {
    vi.stubEnv('HEAPLINE_EMCC', tree.file('none'));
    const other = await compile([source], { cacheDir });
    expect(other.toolchain.name).not.toBe('emscripten');
    expect(other.warnings.map(({ message }) => message).join()).toMatch(
      /HEAPLINE_EMCC is .*none, .* no such program/,
    );
    const error = await failure(compile([source], { cacheDir, toolchain: 'emscripten' }));
    expect(error).toBeInstanceOf(ToolchainError);
    expect((error as ToolchainError).message).toContain(`HEAPLINE_EMCC is ${tree.file('none')}`);
    vi.stubEnv('HEAPLINE_EMCC', 'emcc');
    expect((await compile([source], { cacheDir })).toolchain.name).toBe('emscripten');
    vi.unstubAllEnvs();
  });

  it('lets HEAPLINE_TOOLCHAIN decide only for `auto`', async () => {
    process.env.HEAPLINE_TOOLCHAIN = 'embedded';
    expect((await compile([source], { cacheDir })).toolchain.name).toBe('embedded');
    expect((await compile([source], { cacheDir, toolchain: 'clang' })).toolchain.name).toBe('clang');
    process.env.HEAPLINE_TOOLCHAIN = 'gcc';
    expect(await failure(compile([source], { cacheDir }))).toBeInstanceOf(InvalidArgumentError);
  });

  describe('that the cache does not know', () => {
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
    afterAll(() => rmSync(scratch, { recursive: true, force: true }));

    /** A clang that logs the arguments of each call. */
    const recordingClang = () => {
      const fake = sourceTree({});
      const log = fake.file('calls');
      fake.write('clang', `#!/bin/sh\necho "$@" >>'${log}'\nexec /usr/bin/clang-22 "$@"\n`);
      chmodSync(fake.file('clang'), 0o755);
      process.env.HEAPLINE_CLANG = fake.file('clang');
      return {
        calls: () => readFileSync(log, 'utf8').trim().split('\n'),
        [Symbol.dispose]: () => fake[Symbol.dispose](),
      };
    };

    it('tries it once, with the sources themselves', async () => {
      using clang = recordingClang();
      const options = { toolchain: 'clang', cacheDir: path.join(scratch, 'good') } as const;
      const compiled = await compile([source], options);
      expect(compiled.toolchain.version).toMatch(/^clang 22\./);
      const calls = clang.calls();
      // The calls that ask about its sysroot are not counted here, because their answers are cached.
      expect(calls.filter((call) => !call.includes(' -print-'))).toHaveLength(3);
      expect(calls.length).toBeLessThanOrEqual(7);
      expect(calls.filter((call) => call === '--version')).toHaveLength(1);
      expect(calls.filter((call) => call.includes(source))).toHaveLength(1);
      const again = await compile([source], options);
      expect(again).toMatchObject({ cached: true, toolchain: compiled.toolchain });
      expect(clang.calls()).toEqual(calls);
    });

    it('does not blame it for a mistake in the sources', async () => {
      using clang = recordingClang();
      const options = { toolchain: 'clang', cacheDir: path.join(scratch, 'bad') } as const;
      const wrong = tree.write('wrong.c', 'int one(void) { return two; }\n');
      expect(await failure(compile([wrong], options))).toBeInstanceOf(CompileError);
      expect(clang.calls().filter((call) => call.includes('probe.c'))).toHaveLength(1);
      const calls = clang.calls().length;
      expect(await failure(compile([wrong], options))).toBeInstanceOf(CompileError);
      expect(clang.calls()).toHaveLength(calls + 1);
    });
  });

  it('goes on to the next toolchain with `auto` when the first cannot compile the sources', async () => {
    const jumps = tree.write(
      'jumps.c',
      '#include <setjmp.h>\nstatic jmp_buf b;\nint f(void) { if (setjmp(b)) return 1; longjmp(b, 1); }\n',
    );
    const fake = sourceTree({});
    process.env.PATH = `/usr/bin${path.delimiter}/bin`;
    fake.write('emcc', '#!/bin/sh\nexit 1\n');
    chmodSync(fake.file('emcc'), 0o755);
    process.env.PATH = `${fake.directory}${path.delimiter}/usr/bin${path.delimiter}/bin`;
    expect((await compile([source], { cacheDir })).toolchain.name).toBe('clang');
    expect((await compile([jumps], { cacheDir })).toolchain.name).toBe('embedded');
    fake[Symbol.dispose]();
  });
});

describe('arguments', () => {
  it.each([
    ['no source', [], {}],
    ['a source that is not C', ['/etc/hostname'], {}],
    ['an unknown toolchain', [source], { toolchain: 'gcc' }],
    ['flags that are not a list', [source], { flags: '-O2' }],
    ['an invalid macro name', [source], { define: { 'a b': '1' } }],
    ['an invalid macro value', [source], { define: { A: 1 } }],
    ['an export that is not a name', [source], { exports: ['a b'] }],
    ['an option that does not exist', [source], { defines: {} }],
    ['a flag that Heapline sets itself', [source], { flags: ['-o', 'x'] }],
    ['a flag without its path', [source], { flags: ['-I'] }],
    ['a flag without its path', [source], { flags: ['--sysroot'] }],
  ])('rejects %s', async (_, sources, options) => {
    expect(await failure(compile(sources, { cacheDir, ...options } as never))).toBeInstanceOf(
      InvalidArgumentError,
    );
  });

  it('rejects a file that does not exist, under the name that the caller gave', async () => {
    const error = await failure(compile(['no/such.c'], { cacheDir }));
    expect(error).toBeInstanceOf(FileError);
    expect((error as FileError).path).toBe('no/such.c');
    expect(await failure(compile([tree.directory], { cacheDir }))).toBeInstanceOf(FileError);
    expect(await failure(compile([source], { cacheDir, link: ['no-such.o'] }))).toBeInstanceOf(FileError);
  });
});
