// heapline/core in Chromium: a bundle for browsers, without any replacement for Node.js modules, loads a module that
// was built beforehand, runs it, and finds the same in its heap as Heapline in Node.js.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type OutputFile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { embedObjects } from '../../scripts/embed-objects.ts';
import { compile } from '../../src/compile/index.ts';
import { HeapProfile, loadWasm } from '../../src/index.ts';
import { visit } from '../support/chromium.ts';
import type { Findings } from './page.ts';

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heapline-core-'));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

/** Bundles a file for browsers. A module of Node.js in the bundle is an error, because none is marked as external. */
async function bundle(entry: string, options: { readonly minify: boolean }): Promise<OutputFile[]> {
  const result = await build({
    entryPoints: [file(entry)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    splitting: true,
    plugins: [embedObjects],
    outdir: folder,
    write: false,
    logLevel: 'silent',
    ...options,
  });
  expect(result.warnings).toEqual([]);
  return result.outputFiles;
}

/** The files that are loaded with one of them, without those that `import()` loads later. */
function loadedWith(files: readonly OutputFile[], name: string): readonly OutputFile[] {
  const loaded = new Set([name]);
  for (const each of loaded) {
    const text = files.find(({ path }) => basename(path) === each)!.text;
    for (const [, imported] of text.matchAll(/(?:\bfrom|\bimport)"\.\/([^"]+)"/g)) loaded.add(imported!);
  }
  return files.filter(({ path }) => loaded.has(basename(path)));
}

let wasm: Uint8Array;
let findings: Findings;

beforeAll(async () => {
  const compiled = await compile([file('list.c')], { toolchain: 'clang' });
  wasm = compiled.wasm;
  for (const { path, contents } of await bundle('page.ts', { minify: false })) writeFileSync(path, contents);
  writeFileSync(join(folder, 'list.wasm'), wasm);
  writeFileSync(join(folder, 'index.html'), '<!doctype html><script type="module" src="./page.js"></script>');
  const page = await visit<Findings>(folder);
  ({ findings } = page);
  await page.dispose();
});

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

test('limits of time are refused with the advice, and signals end what is waited for', () => {
  const refused =
    /^PlatformError: timeout needs an engine .* run the guest in a worker, and terminate the worker/;
  expect(findings.limits).toEqual([
    ...Array.from({ length: 3 }, () => expect.stringMatching(refused)),
    expect.stringMatching(/^TimeoutError: /),
    expect.stringMatching(/^AbortError: /),
  ]);
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
  const files = await bundle('../../src/core.ts', { minify: true });
  // What grafts the runtime into modules, checks accesses, records timelines or reads types is loaded when it is needed.
  const always = loadedWith(files, 'core.js');
  const later = files.filter((each) => !always.includes(each)).map(({ path }) => basename(path));
  for (const part of ['access', 'c-types', 'contents', 'graft', 'timeline', 'packed-objects']) {
    expect(
      later.some((name) => name.startsWith(`${part}-`)),
      part,
    ).toBe(true);
  }
  expect(always.reduce((sum, { contents }) => sum + contents.length, 0)).toBeLessThan(369_000);
});
