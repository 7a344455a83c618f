// The page at /debug/pprof/ in a browser.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Sandbox } from '../../src/index.ts';
import { pageService, run, type Served, type Service } from '../support/served.ts';

/** CI keeps this folder beside the test results. */
const artifacts = fileURLToPath(new URL('../../.cache/artifacts/', import.meta.url));

let directory: string;
let lib: Sandbox<Service>;
let served: Served;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heapline-page-'));
  mkdirSync(artifacts, { recursive: true });
  ({ lib, served } = await pageService());
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  lib.dispose();
  rmSync(directory, { recursive: true, force: true });
});

test.each([
  ['light', []],
  ['dark', ['--blink-settings=preferredColorScheme=0', '--force-dark-mode']],
])('looks right in Chromium, %s', async (theme, flags) => {
  const file = join(artifacts, `index-${theme}.png`);
  rmSync(file, { force: true });
  await run('chromium', [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--hide-scrollbars',
    '--virtual-time-budget=2000',
    `--user-data-dir=${join(directory, theme)}`,
    '--window-size=1100,900',
    `--screenshot=${file}`,
    ...flags,
    `${served.url}/debug/pprof/`,
  ]);
  expect(readFileSync(file).subarray(1, 4).toString()).toBe('PNG');
  expect(statSync(file).size).toBeGreaterThan(20_000);
});
