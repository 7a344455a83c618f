// The JavaScript world that Emscripten's glue finds: the language, what all engines share (timers, text, random numbers,
// a console), and for glue that was linked for Node.js a `process` and a `require` that look like Node's and hold
// nothing. What is written to the console goes to the guest's own streams, as it would to the process's.

import { Console } from 'node:console';
import { randomBytes, randomFillSync } from 'node:crypto';
import { posix } from 'node:path';
import { Writable } from 'node:stream';
import type { EventLoop, Output } from '../host/index.ts';
import { ExitSignal } from '../host/index.ts';

/** What the world is made of. */
export interface WorldParts {
  readonly loop: EventLoop;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** The globals of a guest's world, `exported` being the module that its script may export. */
export function glueWorld(exported: { exports: unknown }, parts: WorldParts) {
  return {
    module: exported,
    exports: exported.exports,
    // Given when the factory is known: glue that makes none starts its module at once, and fails much later.
    WebAssembly: undefined as typeof WebAssembly | undefined,
    TextDecoder,
    TextEncoder,
    URL,
    URLSearchParams,
    AbortController,
    structuredClone: (value: unknown) => structuredClone(value),
    atob: (text: string) => atob(text),
    btoa: (text: string) => btoa(text),
    performance: { now: () => performance.now(), timeOrigin: performance.timeOrigin },
    crypto: {
      getRandomValues: (array: Uint8Array) => crypto.getRandomValues(array),
      randomUUID: () => crypto.randomUUID(),
    },
    ...parts.loop.timers(),
    // Made when it is asked for: few programs do.
    get console() {
      const own = consoleOf(parts);
      Object.defineProperty(this, 'console', { value: own, writable: true, configurable: true });
      return own;
    },
    // Glue exports ENV even when it was linked without it: then this one, which nobody reads.
    ENV: {},
    process: emptyProcess(parts.loop),
    require: emptyRequire,
    __filename: '/glue.js',
    __dirname: '/',
  };
}

/** A console that writes to the guest's streams. */
function consoleOf({ stdout, stderr }: WorldParts): Console {
  const stream = (output: Output): Writable =>
    new Writable({
      decodeStrings: true,
      write(chunk: Uint8Array, _encoding, written) {
        output.write(new Uint8Array(chunk));
        written();
      },
    });
  return new Console({ stdout: stream(stdout), stderr: stream(stderr), colorMode: false });
}

/** What glue for Node asks for. Handlers that it installs are never called. */
function emptyProcess(loop: EventLoop): object {
  return {
    argv: ['node', '/glue.js'],
    env: {},
    versions: { node: process.versions.node },
    platform: 'linux',
    // The glue sets it to the status that the program is to have when nothing is left to do.
    get exitCode(): number {
      return loop.status ?? 0;
    },
    set exitCode(status: number) {
      if (!loop.ended) loop.status = status;
    },
    on() {},
    cwd: () => '/',
    nextTick: (call: (...args: unknown[]) => void, ...args: unknown[]) =>
      loop.timers().queueMicrotask(() => call(...args)),
    // Up to 3.1.39 the monotonic clock.
    hrtime: Object.assign((since?: [number, number]) => process.hrtime(since), {
      bigint: () => process.hrtime.bigint(),
    }),
    // Asked for up to 4.0.8 where the link had ASSERTIONS.
    release: { name: 'node' },
    exit(code?: number): never {
      const status = code ?? loop.status ?? 0;
      loop.end(status);
      throw new ExitSignal(status);
    },
  };
}

function emptyRequire(name: string): unknown {
  switch (name.replace(/^node:/, '')) {
    case 'path':
      return {
        dirname: posix.dirname,
        join: posix.join,
        normalize: posix.normalize,
        isAbsolute: posix.isAbsolute,
      };
    case 'crypto':
      return { randomBytes, randomFillSync, webcrypto: crypto };
    default:
      return {};
  }
}
