// Takes the pictures in README.md: the page of examples/leaky.c in Chromium, with its flame graph and with its source.
// Needs a current dist/ and Chromium. Fonts and the browser differ between machines, so the files do, too; a test
// compares the figures that README.md gives for them.
//
//   npx tsx scripts/photograph-page.ts

import { mkdirSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HeapProfile, loadC } from '../src/index.ts';
import { showPage, startBrowser } from '../test/page/shown-page.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WIDTH = 960;
const FOLDER = new URL('../docs/images/', import.meta.url);

/** The pictures: where each is in the page, and the element with which it ends. */
const PICTURES = [
  { name: 'flame-graph', fragment: '#icicle=1', last: '.graph', height: 800 },
  { name: 'source', fragment: '#view=source&line=62', last: 'section.view', height: 560 },
] as const;

/** What the pictures are of: the heap of examples/leaky.c after it has run, compiled as the demo does. */
export async function profileOfLeaky(): Promise<HeapProfile> {
  const source = fileURLToPath(new URL('../examples/leaky.c', import.meta.url));
  const lib = await loadC(source, { toolchain: 'embedded', hostFrames: 'off' });
  lib.run();
  const { model } = lib.heap.profile();
  lib.dispose();
  // The pictures show no folder of this machine.
  const functions = model.functions.map((each) => ({
    ...each,
    file: each.file.startsWith(ROOT) ? relative(ROOT, each.file) : each.file,
  }));
  return new HeapProfile({ ...model, functions });
}

async function photograph(): Promise<void> {
  const html = await (await profileOfLeaky()).html({ title: 'heap.pb.gz', root: ROOT });
  mkdirSync(FOLDER, { recursive: true });
  const browser = await startBrowser();
  try {
    for (const { name, fragment, last, height } of PICTURES) {
      const { go, page, close } = await showPage(browser, html, { width: WIDTH, height, sharpness: 1.25 });
      await go(fragment);
      const end = (await page.locator(last).first().boundingBox())!;
      const clip = { x: 0, y: 0, width: WIDTH, height: Math.min(height, end.y + end.height + 8) };
      writeFileSync(new URL(`${name}.png`, FOLDER), await page.screenshot({ clip }));
      await close();
    }
  } finally {
    await browser.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await photograph();
