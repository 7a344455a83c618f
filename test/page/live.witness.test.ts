// The page of a running program: it follows the heap, shows the change since a mark, and asks no more once it is closed.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadC, type Sandbox } from '../../src/index.ts';
import { servePprof } from '../../src/serve/index.ts';
import { startBrowser } from './shown-page.ts';

let browser: Browser;
let sandbox: Sandbox;

beforeAll(async () => {
  browser = await startBrowser();
  const source = new URL('../timeline/waves.c', import.meta.url).pathname;
  sandbox = await loadC(source, { toolchain: 'clang', flags: ['-O1'], hostFrames: 'off' });
});
afterAll(async () => {
  await browser?.close();
  sandbox?.dispose();
});

test('follows the heap, and shows what changed since a mark', async () => {
  const server = await servePprof({ port: 0, sandboxes: [sandbox] });
  try {
    sandbox.exports.fill!(1000, 1024);
    const page = await browser.newPage();
    const complaints: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(`${server.url}ui`);
    expect(page.url()).toBe(`${server.url}ui/`);
    const total = page.locator('.total');
    await expect.poll(() => total.textContent(), { timeout: 20_000 }).toContain('1000kB');
    await page.getByRole('button', { name: 'Mark' }).click();
    sandbox.exports.append!(512 * 1024);
    await expect.poll(() => total.textContent(), { timeout: 20_000 }).toContain('+512kB');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('link', { name: 'Timeline' }).click();
    await page.locator('figcaption').waitFor();
    expect(await page.locator('figcaption').textContent()).toContain('1.48MB');
    expect(complaints).toEqual([]);
    await page.close();
    const before = asked.length;
    expect(before).toBeGreaterThan(2);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(asked.length).toBe(before);
  } finally {
    await server.close();
  }
});
