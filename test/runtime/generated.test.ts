// What is made from the C headers and from the link's code is what they say now.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generatedFiles } from '../../scripts/generate-interface.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const files = await generatedFiles();

test.each(files.map(({ path }) => path))(
  '%s is what `npx tsx scripts/generate-interface.ts` writes',
  (path) => {
    expect(read(path)).toBe(files.find((file) => file.path === path)!.text);
  },
);

test('the layout keeps the comments of the C header, with names that TypeScript has', () => {
  const layout = read('src/runtime/layout.ts');
  expect(layout).toContain(
    '/** In buds only, with SITE_HOST_FLAG clear: tells a bud from a node. */\nexport const SITE_BUD = 0x40000000;',
  );
  expect(layout).not.toMatch(/HL_(?:RUNTIME|NODE|BUD|BLOCK)_\w+/);
  const inC = read('csrc/layout.h').match(/^#define HL_\w+ (?:0x[0-9a-f]+|\d+)$/gm)!;
  expect(layout.match(/^export const /gm)).toHaveLength(inC.length);
});

test('a line that looks like a declaration of the interface is one, or the generator says so', () => {
  const declared = read('csrc/interface.h').match(/^HL_\w+(?:\(\w+\))? .*;$/gm)!;
  expect(declared.length).toBeGreaterThan(30);
  const interfaces = read('src/runtime/interface.ts');
  for (const name of ['heapline_scan_range(start: number, end: number): void;', 'trace(address: number'])
    expect(interfaces).toContain(name);
});
