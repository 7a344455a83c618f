// The host under every shape of Emscripten's glue, whichever Emscripten is installed (glue-shapes.ts).

import { beforeAll, describe, expect, test } from 'vitest';
import { type CompiledModule, compile } from '../../src/compile/index.ts';
import { ExitError, loadWasm, TrapError, UnsupportedModuleError } from '../../src/index.ts';
import { ALL_EXPORTED, type Exported, glueOf, SHAPES } from './glue-shapes.ts';

const source = new URL('programs/glue.c', import.meta.url).pathname;
let compiled: CompiledModule;

beforeAll(async () => {
  compiled = await compile([source], { toolchain: 'emscripten' });
});

describe.each(SHAPES)('glue like that of Emscripten $versions', (shape) => {
  const load = (args: string[] = [], exported: Exported = ALL_EXPORTED) =>
    loadWasm(compiled.wasm, {
      name: 'glue.wasm',
      glue: glueOf(shape, exported),
      args,
      env: { WHO: ' me' },
      stdin: 'typed',
      files: { '/in/file': 'contents' },
    });

  test('runs a program that returns, with its environment, input, output and files', async () => {
    using sandbox = await load();
    expect(sandbox.run()).toEqual({ exitCode: 3, ended: true, stdout: 'glue me typed', stderr: 'done' });
    expect(Buffer.from(sandbox.readFile('/in/file')!).toString()).toBe('contents');
    expect(sandbox.readFile('/in/other')).toBeNull();
    expect(sandbox.heap.leaks().totals.definite).toEqual({ blocks: 1, bytes: 5 });
  });

  test('runs a program that exits, and takes its profile then', async () => {
    using sandbox = await load(['7']);
    expect(sandbox.run()).toMatchObject({ exitCode: 7, stdout: 'glue me typed' });
    expect(sandbox.heap.leaks().totals.definite).toEqual({ blocks: 1, bytes: 5 });
  });

  test('takes the profile of a program at the end of main, before the glue tears it down', async () => {
    using sandbox = await load([], { ...ALL_EXPORTED, callMain: true });
    expect(sandbox.run()).toMatchObject({ exitCode: 3, stdout: 'glue me typed', stderr: 'done' });
    expect([...sandbox.heap.snapshot().liveBytes]).toEqual(expect.arrayContaining([5, 7]));
  });

  test('throws an ExitError when a function that the host called exits', async () => {
    using sandbox = await load();
    let error: unknown;
    try {
      sandbox.exports.leave!(4);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ExitError);
    expect(error).toMatchObject({ exitCode: 4 });
  });

  test('throws a TrapError with the stack of a C++ exception', async () => {
    using sandbox = await load();
    let error: unknown;
    try {
      sandbox.exports.throw_one!();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TrapError);
    expect((error as TrapError).frames.map((frame) => frame.function)).toEqual(['throw_one']);
  });

  test('has a clock', async () => {
    using sandbox = await load();
    expect(sandbox.exports.ticks!()).toBe(1);
  });

  test.each<[string, Partial<Exported>, RegExp]>([
    [
      'no file system',
      { FS: 'missing' },
      /does not give its file system: link with -sFORCE_FILESYSTEM=1 and/,
    ],
    [
      'a file system that must not be asked for',
      { FS: 'getter' },
      /does not give its file system: .*=FS,ENV/,
    ],
    [
      'a function in place of its file system',
      { FS: 'function' },
      /does not give its file system: .*=FS,ENV/,
    ],
    [
      'a function in place of its environment',
      { ENV: 'function' },
      /does not give its environment: .*=FS,ENV/,
    ],
    [
      'no environment',
      { ENV: 'missing' },
      /does not give its environment: .*-sEXPORTED_RUNTIME_METHODS=FS,ENV/,
    ],
    [
      'an environment that must not be asked for',
      { ENV: 'getter' },
      /does not give its environment: .*=FS,ENV/,
    ],
    ['no preRun', { preRun: false }, /does not call preRun: .*-sINCOMING_MODULE_JS_API/],
  ])('is rejected, and the message says how to link, when it gives %s', async (_, exported, message) => {
    const error = await load([], { ...ALL_EXPORTED, ...exported }).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(UnsupportedModuleError);
    expect((error as Error).message).toMatch(message);
  });
});
