// heapline/core in Chromium: a bundle for browsers, without any replacement for Node.js modules, loads a module that
// was built beforehand, runs it, and finds the same in its heap as Heapline in Node.js.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { HeapProfile, loadWasm } from '../../src/index.ts';
import type { Findings } from './page.ts';

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Bundles a file for browsers. A module of Node.js in the bundle is an error, because none is marked as external. */
async function bundle(entry: string, minify: boolean): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [file(entry)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    minify,
    write: false,
    logLevel: 'silent',
  });
  expect(result.warnings).toEqual([]);
  return result.outputFiles[0]!.contents;
}

let wasm: Uint8Array;
let findings: Findings;

beforeAll(async () => {
  const compiled = await compile([file('list.c')], { toolchain: 'clang' });
  wasm = compiled.wasm;
  findings = await inChromium(await bundle('page.ts', false), wasm);
});

const folder = mkdtempSync(join(tmpdir(), 'heapline-chromium-'));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

/** Runs the page and returns what it posts. */
async function inChromium(script: Uint8Array, module: Uint8Array): Promise<Findings> {
  const answers: Record<string, readonly [type: string, body: string | Uint8Array]> = {
    '/': ['text/html', '<!doctype html><script type="module" src="/page.js"></script>'],
    '/page.js': ['text/javascript', script],
    '/list.wasm': ['application/wasm', module],
  };
  let posted = (_body: string): void => {};
  const result = new Promise<string>((resolve) => {
    posted = resolve;
  });
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end();
        posted(Buffer.concat(parts).toString());
      });
      return;
    }
    const answer = answers[request.url ?? ''];
    if (answer === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': answer[0] }).end(answer[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = spawn(
    'chromium',
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--user-data-dir=${folder}`,
      '--remote-debugging-port=0',
      `http://127.0.0.1:${port}/`,
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise<never>((_, reject) => {
    browser.on('error', reject);
    browser.on('exit', (code) =>
      reject(new Error(`Chromium ended with ${code} before the page had posted.`)),
    );
  });
  try {
    const found = JSON.parse(await Promise.race([result, ended])) as Findings | { readonly error: string };
    if ('error' in found) throw new Error(`In Chromium: ${found.error}`);
    return found;
  } finally {
    ended.catch(() => {});
    const exit = new Promise((resolve) => browser.once('exit', resolve));
    if (browser.exitCode === null && browser.kill()) await exit;
    server.close();
  }
}

test('the guest runs: it returns, prints, and knows the time', () => {
  expect(findings.built).toBe(10);
  expect(findings.stdout).toBe('built 10\n');
  expect(findings.year).toBe(new Date().getUTCFullYear());
});

test('the leak report has lines of C and the function of the page that led there', () => {
  expect(findings.lost.bytes).toBe(300);
  expect(findings.lost.blocks).toBe(3);
  expect(findings.lost.places[0]).toBe('lose:28');
  expect(findings.report).toContain('lose (');
  expect(findings.callers).toContain('callFromThePage');
});

test('a trap has the stack of C', () => {
  expect(findings.trap[0]).toBe('crash:37');
});

test('a module that the browser has instrumented can be loaded as it is', () => {
  expect(findings.codeGrowth).toBeGreaterThan(1);
  expect(findings.codeGrowth).toBeLessThan(2);
});

test('the profile is the same as in Node.js, before and after encoding', async () => {
  const sandbox = await loadWasm<{
    build(count: number): number;
    lose(count: number): number;
    year(): number;
  }>(wasm, {
    name: 'list.c',
  });
  sandbox.exports.build(10);
  sandbox.exports.lose(3);
  sandbox.exports.year();
  const here = sandbox.heap.profile();
  const there = HeapProfile.decode(Buffer.from(findings.pprof, 'base64'));
  const ofC = (profile: HeapProfile) =>
    profile
      .topRows({ sampleType: 'inuse_space' })
      .filter((row) => ['build', 'make_node', 'lose'].includes(row.function));
  expect(ofC(here)).toHaveLength(3);
  expect(ofC(there)).toEqual(ofC(here));
  expect(findings.inUseBytes).toBe(sandbox.heap.stats().inUseBytes);
  expect(there.total('alloc_objects')).toBe(here.total('alloc_objects'));
  expect(findings.decodedTop).toBe(findings.top);
  expect(findings.top).toBe(there.top());
  sandbox.dispose();
});

test('the bundle of all that heapline/core exports stays small', async () => {
  const { length } = await bundle('../../src/core.ts', true);
  // Some 50 kB of it graft the runtime into modules, which bundlers that split code load on their own.
  expect(length).toBeLessThan(375_000);
});
