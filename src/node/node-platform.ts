// The platform's implementation for Node.js.

import { AssertionError } from 'node:assert';
import { constants } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers';
import { pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { MissingRuntimeError } from '../errors.ts';
import { type Platform, type Scripts, TooLongError } from '../platform/index.ts';
import { linearExpression } from './linear-expression.ts';
import { moreWasi } from './more-wasi.ts';
import { codeDirectory, runtimeDirectory } from './own-files.ts';
import { originalPosition, toPath } from './source-maps.ts';
import { stoppable } from './stoppable.ts';

const scripts: Scripts = {
  ownDirectory: codeDirectory,
  toPath,
  originalPosition,
  mapsStackText: () => (process as { sourceMapsEnabled?: boolean }).sourceMapsEnabled === true,
  // Node.js creates its own modules in the main context, whatever context imports them.
  mainError: Object.getPrototypeOf(AssertionError) as ErrorConstructor,
};

export const nodePlatform: Platform = {
  name: 'node',
  gzip: (bytes, level) => gzipSync(bytes, { level }),
  gunzip,
  sha256: (content) => createHash('sha256').update(content).digest('hex'),
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
  block: (milliseconds) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds),
  atMost: (milliseconds, work, stopped) => stoppable(work, { timeout: milliseconds }, stopped),
  moreWasi,
  liveFiles: async (...given) => (await import('./live-files.ts')).liveFiles(...given),
  callScopes: async () => (await import('./call-scopes.ts')).callScopes,
  runtimeObject,
  scripts,
};

function runtimeObject(flavour: 'wasi' | 'emscripten'): Uint8Array {
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
    return gunzipSync(bytes, { maxOutputLength: Math.min(most, constants.MAX_LENGTH) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw new TooLongError((error as Error).message, { cause: error });
  }
}
