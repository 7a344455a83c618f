// Modules of Node.js that few callers need, each loaded by the first of them: loading one takes milliseconds.

import { createRequire } from 'node:module';

interface Modules {
  readonly 'node:assert': typeof import('node:assert');
  readonly 'node:crypto': typeof import('node:crypto');
  readonly 'node:perf_hooks': typeof import('node:perf_hooks');
  readonly 'node:tty': typeof import('node:tty');
  readonly 'node:v8': typeof import('node:v8');
  readonly 'node:worker_threads': typeof import('node:worker_threads');
  readonly 'node:zlib': typeof import('node:zlib');
}

/** A module of Node.js. It is found from any path, and a bundle may not know its own. */
export function builtin<Name extends keyof Modules>(name: Name): Modules[Name] {
  return createRequire(process.execPath)(name) as Modules[Name];
}
