// The page at /debug/pprof/: its contents, its safety, and its appearance in a browser.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadC, type Sandbox } from '../../src/index.ts';
import { loadService, run, type Served, type Service, serve } from '../support/served.ts';

/** CI keeps this folder beside the test results. */
const artifacts = fileURLToPath(new URL('../../.cache/artifacts/', import.meta.url));

let directory: string;
let lib: Sandbox<Service>;
let served: Served;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heapline-page-'));
  mkdirSync(artifacts, { recursive: true });
  lib = await loadService();
  lib.exports.keep(300_000);
  lib.exports.contexts(6);
  lib.exports.churn(1000);
  served = await serve({ sandboxes: [lib], host: true });
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  lib.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const page = async (): Promise<string> => (await served.ask('/debug/pprof/')).text;

describe('the index page', () => {
  test('lists every profile that is served, with its number of samples and what it is', async () => {
    const html = await page();
    for (const name of [
      'allocs',
      'cmdline',
      'delta_heap',
      'heap',
      'leaks',
      'lifetime',
      'peak',
      'profile',
      'temporary',
    ]) {
      expect(html).toMatch(
        new RegExp(`<td class="n">(\\d+|–)</td><td><a href="${name}\\?debug=1">${name}</a></td>.*<td>[A-Z]`),
      );
    }
    const answer = await served.ask('/debug/pprof/peak?debug=1');
    const records = answer.text.match(/^\d+: \d+ \[\d+: \d+\] @/gm)!.length;
    expect(html).toContain(`<td class="n">${records}</td><td><a href="peak?debug=1">`);
  });

  test('has a link for everything that it names, and each of them works', async () => {
    const links = [...(await page()).matchAll(/href="([^"]+)"/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(10);
    for (const link of links) {
      if (link.startsWith('profile')) continue; // takes 30 seconds
      expect([link, (await served.ask(`/debug/pprof/${link}`)).status]).toEqual([link, 200]);
    }
  });

  test('shows the sandboxes, the heap of JavaScript and the totals', async () => {
    const html = await page();
    expect(html).toContain(`<td>${lib.instance}</td><td>clang `);
    expect(html).toContain('<td>JavaScript (V8)</td>');
    expect(html).toMatch(/<tfoot><tr><th>Total<\/th>/);
  });

  test('works without scripts and loads nothing', async () => {
    const { text, headers } = await served.ask('/debug/pprof/');
    expect(text).not.toMatch(/<script|<link|<img|<iframe|\bon\w+=|javascript:|@import|url\(/i);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });

  test('escapes what it shows', async () => {
    const named = await loadC(fileURLToPath(new URL('programs/service.c', import.meta.url)), {
      toolchain: 'clang',
      flags: ['-O1'],
    });
    Object.defineProperty(named, 'instance', { value: `<script>alert("1")</script>&'` });
    await using hostile = await serve({ sandboxes: [named] });
    const { text } = await hostile.ask('/debug/pprof/', { headers: { Host: '"><script>alert(2)</script>' } });
    expect(text).not.toContain('<script>');
    expect(text).toContain('&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;&amp;&#39;');
    named.dispose();
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
});
