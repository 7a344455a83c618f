// Programs with worker threads as users write them, on the built package: each side uses either module system,
// nothing is warned about, nothing stays open, and a thousand workers leave nothing behind. Needs a current dist/
// (./build.sh).

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FULL } from '../support/full.ts';

/** Number of workers of the test that looks for leaks. A thousand of them take minutes. */
const SHORT_LIVED = FULL ? 1000 : 60;

const files: Record<string, string> = {
  'kept.c': `#include <stdlib.h>
static void *kept[10];
void keep(void) { for (int i = 0; i < 10; i++) kept[i] = malloc(1000); }
`,
  'asking.mjs': `import { HeapProfile } from 'heapline';
import { pprofFetch } from 'heapline/pprof';
export const handler = pprofFetch();
export async function shown(handle = handler) {
  const answer = await handle(new Request('http://localhost/debug/pprof/heap'));
  const profile = HeapProfile.decode(new Uint8Array(await answer.arrayBuffer()));
  const sums = {};
  for (const { labels, values } of profile.samples()) sums[labels.thread] = (sums[labels.thread] ?? 0) + values[3];
  return { sums, leftOut: answer.headers.get('heapline-threads-left-out') };
}
`,
  'worker.cjs': `const { loadC } = require('heapline');
const { parentPort } = require('node:worker_threads');
loadC('kept.c', { toolchain: 'clang' }).then((lib) => {
  lib.exports.keep();
  parentPort.on('message', () => lib.dispose());
  parentPort.postMessage('ready');
});
`,
  'worker.mjs': `import { parentPort } from 'node:worker_threads';
import { loadC } from 'heapline';
const lib = await loadC('kept.c', { toolchain: 'clang' });
lib.exports.keep();
parentPort.once('message', () => {});
parentPort.postMessage('ready');
`,
  'both.mjs': `import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { shown } from './asking.mjs';
const workers = [];
for (const file of ['worker.cjs', 'worker.mjs']) {
  const worker = new Worker(file.startsWith('/') ? file : new URL(file, import.meta.url));
  await once(worker, 'message');
  workers.push(worker);
}
console.log(JSON.stringify(await shown()));
for (const worker of workers) await worker.terminate();
`,
  'both.cjs': `const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { HeapProfile } = require('heapline');
const { pprofFetch } = require('heapline/pprof');
(async () => {
  const handler = pprofFetch();
  const worker = new Worker('./worker.mjs');
  await once(worker, 'message');
  const answer = await handler(new Request('http://localhost/debug/pprof/heap'));
  console.log(HeapProfile.decode(new Uint8Array(await answer.arrayBuffer())).total());
  await worker.terminate();
})();
`,
  // Nothing in this program is closed, terminated or disposed of.
  'quiet.mjs': `import { Worker } from 'node:worker_threads';
import { loadC } from 'heapline';
import { pprofFetch } from 'heapline/pprof';
import { shown } from './asking.mjs';
const lib = await loadC('kept.c', { toolchain: 'clang' });
lib.exports.keep();
// Standard output and error are pipes here. Node.js may still be closing a file that it has just imported.
const resources = () => process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'CloseReq');
const before = resources();
const handlers = Array.from({ length: 20 }, () => pprofFetch());
for (const handler of handlers) await shown(handler);
for (let i = 0; i < 12; i++) {
  const worker = new Worker(new URL('importing.mjs', import.meta.url));
  await new Promise((resolve) => worker.once('exit', resolve));
}
console.log(JSON.stringify({ ...(await shown()), before, after: resources() }));
`,
  'importing.mjs': `import 'heapline';\n`,
  'alone.mjs': `import { shown } from './asking.mjs';
import { loadC } from 'heapline';
const lib = await loadC('kept.c', { toolchain: 'clang' });
lib.exports.keep();
console.log(JSON.stringify(await shown()));
`,
  'context.cjs': `const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const vm = require('node:vm');
const path = require.resolve('heapline');
const load = (globals) => {
  const module = { exports: {} };
  const context = vm.createContext({ process, URL, TextEncoder, TextDecoder, WebAssembly, console, ...globals });
  const wrapped = '(function (module, exports, require, __filename) {' + readFileSync(path, 'utf8') + '\\n})';
  vm.runInContext(wrapped, context)(module, module.exports, createRequire(path), path);
  if (typeof module.exports.loadC !== 'function') throw new Error('it was not loaded');
  return new WeakRef(context);
};
(async () => {
  const contexts = Array.from({ length: 12 }, () => load({}));
  const listeners = process.listenerCount('worker');
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    gc();
  }
  console.log(JSON.stringify({ listeners, left: contexts.filter((each) => each.deref() !== undefined).length }));
})();
`,
  'short-lived.mjs': `import { Worker } from 'node:worker_threads';
import { VERSION } from './version.mjs';
import { shown } from './asking.mjs';
const [count, lanes] = process.argv.slice(2).map(Number);
let started = 0;
let seen = 0;
const live = async () => {
  const number = started++;
  const worker = new Worker(new URL('worker.mjs', import.meta.url));
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  if (number % 10 === 0 && Object.keys((await shown()).sums).length > 0) seen++;
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  if (number % 3 === 0) worker.terminate();
  else worker.postMessage('end');
  await ended;
};
const round = async (until) => {
  await Promise.all(Array.from({ length: lanes }, async () => { while (started < until) await live(); }));
  const { sums, leftOut } = await shown();
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    gc();
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { sums, leftOut, heapUsed, rss };
};
const before = await round(count / 3);
const after = await round(count);
const { hub } = globalThis[Symbol.for('heapline.threads ' + VERSION)];
console.log(JSON.stringify({ before, after, seen, members: hub.members.size, resources: process.getActiveResourcesInfo() }));
`,
  'version.mjs': `import manifest from 'heapline/package.json' with { type: 'json' };
export const VERSION = manifest.version;
`,
};

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'heapline-threads-'));
  mkdirSync(join(directory, 'node_modules'));
  symlinkSync(
    fileURLToPath(new URL('../..', import.meta.url)),
    join(directory, 'node_modules/heapline'),
    'dir',
  );
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a program that has to end by itself and must write nothing to standard error. */
async function run(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, NODE_OPTIONS: '', HEAPLINE_CACHE: join(directory, 'cache') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data;
  });
  child.stderr.on('data', (data: Buffer) => {
    errors += data;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([code, errors]).toEqual([0, '']);
  return output;
}

describe('a program with worker threads', () => {
  test('shows the heaps of workers that are ES modules and of those that are CommonJS', async () => {
    const { sums, leftOut } = JSON.parse(await run('both.mjs'));
    expect([Object.values(sums), leftOut]).toEqual([[10_000, 10_000], null]);
    expect(Object.keys(sums).map((label) => label.replace(/.*\(/, '('))).toEqual(['(1)', '(2)']);
  });

  test('can ask from CommonJS', async () => {
    expect(await run('both.cjs')).toBe('10000\n');
  });

  test('ends by itself, with nothing closed and no warning, however many handlers and workers it had', async () => {
    const { sums, leftOut, before, after } = JSON.parse(await run('--trace-warnings', 'quiet.mjs'));
    expect([sums, leftOut]).toEqual([{ main: 10_000 }, null]);
    expect(after).toEqual(before);
  });

  test('works without the permission to start threads', async () => {
    const permission = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const args = [
      permission,
      '--no-warnings',
      '--allow-fs-read=*',
      '--allow-fs-write=*',
      '--allow-child-process',
    ];
    expect(JSON.parse(await run(...args, 'alone.mjs'))).toEqual({ sums: { main: 10_000 }, leftOut: null });
  });

  test('keeps no context of a test runner that loads the package anew for every file', async () => {
    expect(JSON.parse(await run('--expose-gc', 'context.cjs'))).toEqual({ listeners: 0, left: 0 });
  });

  test(`keeps nothing of ${SHORT_LIVED} workers that come and go`, async () => {
    const lanes = 2;
    const output = await run('--expose-gc', 'short-lived.mjs', String(SHORT_LIVED), String(lanes));
    const { before, after, seen, members, resources } = JSON.parse(output);
    expect(seen).toBe(SHORT_LIVED / 10);
    // Standard output and error are pipes here.
    expect([members, resources.filter((name: string) => name !== 'PipeWrap')]).toEqual([0, []]);
    for (const { sums, leftOut } of [before, after]) expect([sums, leftOut]).toEqual([{}, null]);
    // Node.js itself keeps some hundred bytes for each worker.
    const each = (after.heapUsed - before.heapUsed) / ((SHORT_LIVED * 2) / 3);
    expect(each).toBeLessThan(8 * 1024);
    expect(after.rss - before.rss).toBeLessThan(64 * 2 ** 20);
  }, 3_600_000);
});
