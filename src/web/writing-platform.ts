// The platform's implementation for browsers. It uses nothing but the web's own interfaces, so that it runs in web
// workers and in other engines for servers as well.

import { PlatformError } from '../errors.ts';
import type { Platform } from '../platform/index.ts';
import { gzip } from './gzip.ts';
import { fetchRuntimeObjects, runtimeObject } from './runtime-objects.ts';
import { sha256 } from './sha256.ts';

/** Without the readers of other tools' files, which pages that only write profiles need not load. */
export const writingPlatform: Platform = {
  name: 'web',
  gzip,
  gunzip: () => {
    throw new PlatformError('heapline/browser decompresses nothing: heapline/core does.');
  },
  sha256,
  // The engine for RE2's expressions is as large as the rest of Heapline. Profiles that need it show all frames.
  linearExpression: () => null,
  environment: () => undefined,
  workingDirectory: () => undefined,
  fileUrl: (path) => new URL(encodeURI(path).replace(/[?#]/g, encodeURIComponent), 'file:///').href,
  nextTurn,
  block,
  atMost: null,
  interruptAfter: null,
  moreWasi: async (args, env) => (await import('./more-wasi.ts')).moreWasi(args, env),
  liveFiles: null,
  callScopes: null,
  runtimeObject,
  fetchRuntimeObjects,
  scripts: {
    ownDirectory: null,
    toPath: (file) => file,
    originalPosition: (file, line, column) => ({ file, line, column }),
    mapsStackText: () => false,
    mainError: Error,
  },
};

/** The main thread of a page must not wait, so it loops. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** A message arrives in a later turn, and unlike a timer nobody delays or replaces it. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
