// The JavaScript world of Emscripten's glue. It has the language and the parts that all engines share (timers, text,
// random numbers, a console). Glue that was linked for Node.js also finds a `process` and a `require` that look like
// Node's and give no access to anything. The console writes to the guest's streams, as the process's console would.

import { Console } from 'node:console';
import { randomBytes, randomFillSync } from 'node:crypto';
import { constants } from 'node:fs';
import { posix } from 'node:path';
import { Writable } from 'node:stream';
import type { EventLoop, Output } from '../host/index.ts';
import { ExitSignal } from '../host/index.ts';
import { never, STILL_FILES, stillEngine } from './before-factory.ts';

/** The parts that a world is made of. */
export interface WorldParts {
  readonly loop: EventLoop;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** The globals of a guest's world. `exported` is the module object to which the guest's script may export. */
export function glueWorld(exported: { exports: unknown }, parts: WorldParts) {
  return {
    module: exported,
    exports: exported.exports,
    WebAssembly: stillEngine(),
    fetch: never as typeof never | undefined,
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
      getRandomValues: (array: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(array),
      randomUUID: () => crypto.randomUUID(),
    },
    ...parts.loop.timers(),
    // The parts are made when the program asks for them, because few programs do.
    get console() {
      const own = consoleOf(parts);
      Object.defineProperty(this, 'console', { value: own, writable: true, configurable: true });
      return own;
    },
    // Glue exports ENV even when it was linked without it. Such glue exports this object, which nobody reads.
    ENV: {},
    process: emptyProcess(parts.loop),
    require: stillRequire as typeof emptyRequire,
    __filename: '/glue.js',
    __dirname: '/',
  };
}

/** Lets the world's script start its module, now that the factory is known. */
export function openWorld(world: ReturnType<typeof glueWorld>): void {
  world.WebAssembly = WebAssembly;
  world.fetch = undefined;
  world.require = emptyRequire;
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

/** The parts of `process` that glue for Node uses. Handlers that the glue installs are never called. */
function emptyProcess(loop: EventLoop): object {
  return {
    argv: ['node', '/glue.js'],
    env: {},
    versions: { node: process.versions.node },
    platform: 'linux',
    // The glue sets this property to the exit status of the program for the time when nothing is left to do.
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
    // The monotonic clock of glue up to 3.1.39.
    hrtime: Object.assign((since?: [number, number]) => process.hrtime(since), {
      bigint: () => process.hrtime.bigint(),
    }),
    // Glue with NODEFS asks for the constants when it starts. They give no access to files.
    binding: (name: string) => (name === 'constants' ? { fs: { ...constants } } : {}),
    // Glue up to 4.0.8 uses this property when it was linked with ASSERTIONS.
    release: { name: 'node' },
    exit(code?: number): never {
      const status = code ?? loop.status ?? 0;
      loop.end(status);
      throw new ExitSignal(status);
    },
  };
}

function stillRequire(name: string): unknown {
  return /^(node:)?fs$/.test(name) ? STILL_FILES : emptyRequire(name);
}

function emptyRequire(name: string): unknown {
  switch (name.replace(/^node:/, '')) {
    case 'path':
      return emptyPath();
    case 'crypto':
      return { randomBytes, randomFillSync, webcrypto: crypto };
    default:
      return {};
  }
}

/** Node's module `path` in a process whose working directory is the root. */
function emptyPath(): object {
  const absolute = (...parts: string[]): string => posix.resolve('/', ...parts);
  const path = {
    ...posix,
    resolve: absolute,
    relative: (from: string, to: string) => posix.relative(absolute(from), absolute(to)),
  };
  return Object.assign(path, { posix: path });
}
