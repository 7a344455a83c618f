// Pages in Chromium, by playwright-core: opens them as files, and keeps screenshots for people to look at.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Where CI keeps screenshots. */
const SCREENSHOTS = fileURLToPath(new URL('../../.cache/screenshots/', import.meta.url));

/** Starts Debian's Chromium. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

/** A page that is open. */
export interface ShownPage {
  readonly page: Page;
  /** What the browser complained about, and errors of the page. */
  readonly complaints: readonly string[];
  /** Addresses that the page asked for, other than its own file. */
  readonly requests: readonly string[];
  /** Goes to a state of the page, and waits until the view is there. */
  go(fragment: string): Promise<void>;
  screenshot(name: string): Promise<void>;
  /** What axe-core finds. */
  violations(): Promise<string[]>;
  close(): Promise<void>;
}

interface Surroundings {
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
  /** Pixels of the screen for each pixel of the page, in both directions. */
  readonly sharpness?: number;
}

/** Opens a page as a file, as people do who received one. */
export async function showPage(
  browser: Browser,
  html: string,
  { dark = false, width = 1100, height = 800, sharpness = 1 }: Surroundings = {},
): Promise<ShownPage> {
  const folder = mkdtempSync(join(tmpdir(), 'heapline-page-'));
  const file = join(folder, 'page.html');
  writeFileSync(file, html);
  const address = pathToFileURL(file).href;
  const context = await browser.newContext({
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    viewport: { width, height },
    deviceScaleFactor: sharpness,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:'))
      requests.push(request.url());
  });
  return {
    page,
    complaints,
    requests,
    async go(fragment) {
      await page.goto('about:blank');
      await page.goto(`${address}${fragment}`);
      await page.locator('section.view').waitFor();
    },
    async screenshot(name) {
      mkdirSync(SCREENSHOTS, { recursive: true });
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
    },
    async violations() {
      await page.evaluate(AXE);
      return page.evaluate(async () => {
        const { axe } = window as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        const { violations } = await axe.run();
        return violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 100)).join(' ')}`,
        );
      });
    },
    async close() {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
