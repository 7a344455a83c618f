// The platform's implementation for Node.js, without the part that looks up positions of scripts: programs of
// `heapline cc` start without that part. Modules of Node.js that few callers need are loaded when they are needed,
// because each takes milliseconds.

import { constants } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers';
import { pathToFileURL } from 'node:url';
import { MissingRuntimeError } from '../errors.ts';
import { type Platform, type RuntimeFlavour, TooLongError } from '../platform/index.ts';
import { builtin } from './builtin-modules.ts';
import { interruptAfter } from './interrupter.ts';
import { linearExpression } from './linear-expression.ts';
import { moreWasi } from './more-wasi.ts';
import { runtimeDirectory } from './own-files.ts';
import { stoppable } from './stoppable.ts';

export const machine: Omit<Platform, 'scripts'> = {
  name: 'node',
  gzip: (bytes, level) => builtin('node:zlib').gzipSync(bytes, { level }),
  gunzip,
  sha256: (content) => builtin('node:crypto').createHash('sha256').update(content).digest('hex'),
  linearExpression,
  environment: (name) => process.env[name],
  workingDirectory: () => {
    try {
      return process.cwd();
    } catch {
      return undefined; // Another program has removed it.
    }
  },
  fileUrl: (path) => pathToFileURL(path).href,
  nextTurn: () => new Promise((resolve) => setImmediate(resolve)),
  idleTime,
  block: (milliseconds) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds),
  atMost: (milliseconds, work, stopped) => stoppable(work, { timeout: milliseconds }, stopped),
  interruptAfter,
  moreWasi,
  liveFiles: async (...given) => (await import('./live-files.ts')).liveFiles(...given),
  callScopes: async () => (await import('./call-scopes.ts')).callScopes,
  runtimeObject,
  fetchRuntimeObjects: null,
  heedBranchHints,
};

/** From version 26 on, Node.js heeds hints about branches by itself. Before, V8 has a flag for them. */
function heedBranchHints(): void {
  if (Number.parseInt(process.versions.node, 10) >= 26) return;
  builtin('node:v8').setFlagsFromString('--experimental-wasm-branch-hinting');
}

let eventLoop: Pick<typeof import('node:perf_hooks').performance, 'eventLoopUtilization'> | null = null;

/** The global `performance` may be that of fake timers. */
function idleTime(): number {
  eventLoop ??= builtin('node:perf_hooks').performance;
  return eventLoop.eventLoopUtilization().idle;
}

function runtimeObject(flavour: RuntimeFlavour): Uint8Array {
  const file = join(runtimeDirectory(), `heapline-${flavour}.o`);
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new MissingRuntimeError(
      `The module was linked without the runtime, and the runtime to graft in is missing: there is no ${file}.`,
      { cause },
    );
  }
}

function gunzip(bytes: Uint8Array, most: number): Uint8Array {
  try {
    return builtin('node:zlib').gunzipSync(bytes, { maxOutputLength: Math.min(most, constants.MAX_LENGTH) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw new TooLongError((error as Error).message, { cause: error });
  }
}
