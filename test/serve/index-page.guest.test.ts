// The page at /debug/pprof/: its contents and its safety.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadC, type Sandbox } from '../../src/index.ts';
import { pageService, type Served, type Service, serve } from '../support/served.ts';

let lib: Sandbox<Service>;
let served: Served;
beforeAll(async () => {
  ({ lib, served } = await pageService());
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  lib.dispose();
});

const page = async (): Promise<string> => (await served.ask('/debug/pprof/')).text;

describe('the index page', () => {
  test('lists every profile with its number of samples and its description', async () => {
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

  test('has a link for everything that it names, and all links work', async () => {
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
});
