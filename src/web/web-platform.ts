// The platform's implementation for browsers. It uses nothing but the web's own interfaces, so that it runs in web
// workers and in other engines for servers as well.

import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex } from '@noble/hashes/utils';
import { MissingRuntimeError } from '../errors.ts';
import type { Platform } from '../platform/index.ts';
import { gunzip, gzip } from './gzip.ts';
import { moreWasi } from './more-wasi.ts';

export const webPlatform: Platform = {
  name: 'web',
  gzip,
  gunzip,
  // The web's own digests are promises, and modules are looked up by their hash in synchronous code.
  sha256: (content) => bytesToHex(sha256(content)),
  // The engine for RE2's expressions is as large as the rest of Heapline. Profiles that need it show all frames.
  linearExpression: () => null,
  environment: () => undefined,
  workingDirectory: () => undefined,
  fileUrl: (path) => new URL(encodeURI(path).replace(/[?#]/g, encodeURIComponent), 'file:///').href,
  nextTurn,
  block,
  atMost: null,
  moreWasi: async (args, env) => moreWasi(args, env),
  liveFiles: null,
  callScopes: null,
  runtimeObject: () => {
    throw new MissingRuntimeError(
      'The module was linked without the runtime, and in browsers none is at hand to graft in: let `heapline instrument --graft` do it.',
    );
  },
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
