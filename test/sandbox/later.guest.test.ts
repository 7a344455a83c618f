// A guest that goes on by itself after a call has returned (Emscripten's timers and main loops): how its end, its exits
// and its traps reach the code that loaded it.

import { afterEach, describe, expect, it } from 'vitest';
import { type Sandbox, TrapError } from '../../src/index.ts';
import { CommandDirectory } from '../support/command-directory.ts';
import { held, load, programPath, thrown } from '../support/guest-programs.ts';

const open: Sandbox[] = [];
afterEach(() => {
  for (const sandbox of open.splice(0)) sandbox.dispose();
});

async function callbacks(options: Parameters<typeof load>[2] = {}): Promise<Sandbox> {
  const sandbox = await load('emscripten', 'later.c', options);
  open.push(sandbox);
  return sandbox;
}

describe('callbacks of a library', () => {
  it('are waited for by finished(), again and again', async () => {
    const sandbox = await callbacks();
    sandbox.exports.keep_later!(100, 5);
    sandbox.exports.keep_later!(7, 20);
    expect(sandbox.exports.calls!()).toBe(0);
    expect(await sandbox.finished()).toMatchObject({ exitCode: 0, ended: true });
    expect(sandbox.exports.calls!()).toBe(2);
    expect(held(sandbox)).toEqual({ keep: 107 });
    expect(sandbox.exitCode).toBeNull();
    sandbox.exports.keep_later!(3, 1);
    await sandbox.finished();
    expect(sandbox.exports.calls!()).toBe(3);
  });

  it('may exit: the process lives, and the sandbox knows the status', async () => {
    const statuses: number[] = [];
    const sandbox = await callbacks({ onExit: (status) => statuses.push(status) });
    sandbox.exports.exit_later!(5, 1);
    expect(await sandbox.finished()).toMatchObject({ exitCode: 5, ended: true });
    expect(sandbox.exitCode).toBe(5);
    expect(statuses).toEqual([5]);
  });

  it('may exit: nothing that is pending runs where the runtime ends with it', async () => {
    const sandbox = await callbacks({ link: ['-sEXIT_RUNTIME=1'] });
    sandbox.exports.exit_later!(5, 1);
    expect(await sandbox.finished()).toMatchObject({ exitCode: 5, ended: true });
    sandbox.exports.keep_later!(1, 1);
    await sandbox.finished();
    expect(sandbox.exports.calls!()).toBe(0);
  });

  it('may trap: onCallbackError and finished() have a TrapError with the stack in C', async () => {
    const errors: unknown[] = [];
    const sandbox = await callbacks({ onCallbackError: (error) => errors.push(error) });
    sandbox.exports.trap_later!(1);
    sandbox.exports.keep_later!(1, 60);
    const error = await sandbox.finished().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TrapError);
    expect((error as TrapError).frames.map((frame) => frame.function)).toEqual(['fail', 'deep']);
    expect(errors).toEqual([error]);
    expect(sandbox.trapped).toBe(true);
    // The heap and the functions can still be used.
    expect(sandbox.exports.calls!()).toBe(0);
    expect(await sandbox.finished().catch((reason: unknown) => reason)).toBe(error);
  });

  it('are over when the sandbox is disposed of', async () => {
    const sandbox = await callbacks();
    sandbox.exports.trap_later!(1);
    const waiting = sandbox.finished().catch((reason: unknown) => reason);
    sandbox.dispose();
    expect(await waiting).toMatchObject({ code: 'HEAPLINE_DISPOSED' });
    await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('that nobody waits for end a process with an uncaught TrapError, but not with an exit', () => {
    const directory = new CommandDirectory();
    try {
      const source = programPath('later.c');
      const index = new URL('../../src/index.ts', import.meta.url).href;
      directory.write(
        'watch.mjs',
        `import { loadC } from ${JSON.stringify(index)};
        process.on('uncaughtException', (error) => console.log(error.name, error.frames[0].function));
        const open = () => loadC(${JSON.stringify(source)}, { toolchain: 'emscripten', flags: ['-O1'] });
        const [leaving, trapping] = [await open(), await open()];
        leaving.exports.exit_later(5, 1);
        trapping.exports.trap_later(30);
        setTimeout(() => console.log('alive', leaving.exitCode), 200);`,
      );
      expect(directory.node(['watch.mjs'])).toMatchObject({
        status: 0,
        stdout: 'TrapError fail\nalive 5\n',
        stderr: '',
      });
    } finally {
      directory.dispose();
    }
  });
});

describe('a program with a main loop', () => {
  it('goes on after run(), and its heap is that of its end, before atexit functions', async () => {
    const statuses: number[] = [];
    const sandbox = await load('emscripten', 'main-loop.c', { onExit: (status) => statuses.push(status) });
    open.push(sandbox);
    expect(sandbox.run()).toMatchObject({ exitCode: 3, ended: false });
    expect(sandbox.exitCode).toBeNull();
    expect(sandbox.heap.stats().inUseObjects).toBe(0);
    expect(thrown(() => sandbox.run())).toMatchObject({ code: 'HEAPLINE_STATE' });
    expect(await sandbox.finished()).toMatchObject({ exitCode: 3, ended: true });
    expect(statuses).toEqual([3]);
    expect(sandbox.heap.stats()).toMatchObject({ inUseObjects: 5, inUseBytes: 40 });
    expect(sandbox.heap.leaks().isClean(['definite', 'indirect', 'possible'])).toBe(true);
    expect(sandbox.heap.leaks().of(['reachable'])).toMatchObject([{ blocks: 5, bytes: 40 }]);
  });
});

it('finished() has nothing to wait for over WASI', async () => {
  const sandbox = await load('clang', 'library.c');
  open.push(sandbox);
  expect(await sandbox.finished()).toMatchObject({ exitCode: 0, ended: true });
});
