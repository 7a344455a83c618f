// heapline/browser in Chromium, in bundles of esbuild and of Vite: an embind module that was linked with the runtime, and
// sqlite-wasm from npm, which was not.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { HeapProfile } from '../../src/index.ts';
import { BuiltPackages } from '../attach/built-packages.ts';
import { fetchPackages } from '../corpora/fetch.mjs';
import { type Visit, visit } from '../support/chromium.ts';
import { type BundleSizes, createProject, measure, withEsbuild, withVite } from './bundled-page.ts';
import pinned from './packages.json' with { type: 'json' };
import type { Findings } from './page/main.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-bundles-'));
const packages = new BuiltPackages();
let list: Uint8Array;

beforeAll(async () => {
  const npm = await fetchPackages('browser', pinned);
  const flags = [
    '--bind',
    '-O1',
    '-sMODULARIZE',
    '-sEXPORT_ES6',
    '-sENVIRONMENT=web',
    '-sALLOW_MEMORY_GROWTH',
  ];
  createProject(folder, npm, await packages.build({ source: 'shapes.cpp', ending: '.mjs', flags }));
  const compiled = await compile([join(import.meta.dirname, '../core/list.c')], { toolchain: 'clang' });
  list = compiled.wasm;
});
afterAll(() => {
  packages.remove();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

describe.each([
  ['esbuild', withEsbuild],
  ['Vite', withVite],
] as const)('a page that %s has bundled', (_, bundle) => {
  let page: Visit<Findings>;
  let findings: Findings;
  beforeAll(async () => {
    const pages = await bundle(folder);
    writeFileSync(join(pages, 'list.wasm'), list);
    page = await visit(pages);
    ({ findings } = page);
  });
  afterAll(() => page?.dispose());

  test('attaches to an embind module', () => {
    const { name, points, leaked, left } = findings.shapes;
    expect({ name, points, leaked, left }).toEqual({
      name: 'a name that is longer than a short string',
      points: 3,
      leaked: 1,
      left: 0,
    });
  });

  test('shows the line of C++ and the functions that led there, and nothing of Heapline', () => {
    const { stack, callers, lost } = findings.shapes;
    expect(stack[0]).toBe('Shape:8');
    expect(lost).toContain('definite leak: 8,028 bytes (20 direct, 8,008 indirect in 1 block)');
    expect(callers.some((caller) => caller.startsWith('new Shape'))).toBe(true);
    expect(callers.filter((caller) => /anonymous\)|stand-in/.test(caller))).toEqual([]);
  });

  test('attaches to sqlite-wasm, into which the runtime is grafted', () => {
    const { sqlite } = findings;
    expect(sqlite.rows).toEqual([[50, 25_000]]);
    expect(sqlite.name).toMatch(/^sqlite3.*\.wasm$/);
    expect(sqlite.comments.join('\n')).toMatch(/malloc is function \d+, exported as malloc/);
    expect(sqlite.leaked).toBe(1);
    expect(sqlite.callers).toContain('sqlite3_malloc');
    expect(page.requests.join()).toMatch(/packed-objects/);
  });

  test('writes profiles that others read', async () => {
    const profile = HeapProfile.decode(Buffer.from(findings.pprof, 'base64'));
    expect(profile.total('inuse_space')).toBe(findings.sqlite.inUse);
    const downloaded = HeapProfile.decode(await page.download('shapes.pb.gz'));
    expect(downloaded.topRows({ sampleType: 'inuse_space' })[0]).toMatchObject({ flat: 8008 });
  });

  test('runs modules of WASI', () => {
    expect(findings.wasi).toEqual({ built: 10, stdout: 'built 10\n', place: 'lose:28' });
  });

  test('refuses what cannot be attached to with the class and the advice, and leaves the engine as it was', () => {
    expect(findings.refused).toEqual([
      expect.stringMatching(/^AttachError: .*no module.*attach first/),
      expect.stringMatching(/^AttachError: .*the network is down/),
      expect.stringMatching(/^MissingRuntimeError: /),
    ]);
    expect(findings.engineIsBack).toBe(true);
  });
});

describe('what a page loads', () => {
  const used = 'attach, loadWasm, downloadProfile, HeapProfile, LeakError';
  let sizes: BundleSizes;
  beforeAll(async () => {
    sizes = await measure(folder, `import { ${used} } from 'heapline/browser'; console.log(${used});`);
  });

  test('is little before it attaches', () => {
    expect(sizes.firstLoad).toBeLessThan(250_000);
  });

  test('is little when it attaches to a module with the runtime', () => {
    expect(sizes.with(['attach', 'instrument', 'symbols', 'shapes', 'install-presentation'])).toBeLessThan(
      351_000,
    );
  });

  test('is more when the runtime is grafted in, which is not loaded earlier', () => {
    expect(
      sizes.with([
        'attach',
        'instrument',
        'symbols',
        'shapes',
        'install-presentation',
        'graft',
        'packed-objects',
      ]),
    ).toBeLessThan(475_000);
  });

  test('is everything when a bundler does not split it', () => {
    expect(sizes.whole).toBeLessThan(609_000);
  });
});
