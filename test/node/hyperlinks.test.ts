// Links in reports: which terminals get them, and what becomes a link.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { linked, showsLinks } from '../../src/node/hyperlinks.ts';
import { ownTime } from '../support/own-time.ts';

const root = new URL('../../', import.meta.url).pathname;
const here = 'test/node/hyperlinks.test.ts';
const url = pathToFileURL(`${root}${here}`).href;
const link = (text: string, line: number): string => `\x1b]8;;${url}#${line}\x1b\\${text}\x1b]8;;\x1b\\`;

test('terminals that show links get them, unless colours are off, or it is CI, or no terminal', () => {
  for (const [name, value] of [
    ['TERM_PROGRAM', 'vscode'],
    ['TERM', 'xterm-kitty'],
    ['VTE_VERSION', '6800'],
    ['WT_SESSION', 'a'],
    ['KONSOLE_VERSION', '220400'],
  ] as const) {
    expect(showsLinks(true, { [name]: value }), name).toBe(true);
    expect(showsLinks(false, { [name]: value }), name).toBe(false);
    expect(showsLinks(true, { [name]: value, NO_COLOR: '1' }), name).toBe(false);
    expect(showsLinks(true, { [name]: value, CI: 'true' }), name).toBe(false);
  }
  expect(showsLinks(true, { TERM: 'xterm-256color' })).toBe(false);
  expect(showsLinks(true, { TERM: 'dumb', WT_SESSION: 'a' })).toBe(false);
  expect(showsLinks(true, { VTE_VERSION: '4800' })).toBe(false);
});

test('FORCE_HYPERLINK decides', () => {
  expect(showsLinks(false, { FORCE_HYPERLINK: '1' })).toBe(true);
  expect(showsLinks(true, { FORCE_HYPERLINK: '0', TERM: 'xterm-kitty' })).toBe(false);
  expect(showsLinks(true, { FORCE_HYPERLINK: '', TERM: 'xterm-kitty' })).toBe(true);
});

test('places of files that exist become links', () => {
  expect(linked(`  at parse (${here}:12:3)\n  at main (gone.c:4:1)`, root)).toBe(
    `  at parse (${link(`${here}:12:3`, 12)})\n  at main (gone.c:4:1)`,
  );
  expect(linked(`  at parse (${root}${here}:7) [inlined]`, '/')).toBe(
    `  at parse (${link(`${root}${here}:7`, 7)}) [inlined]`,
  );
  // Names of strangers are no paths.
  for (const text of ['at (a:1', 'a (\u001b]8;;x:1)', '', 'Foo<a, b>::c (nowhere:9)', `at x (${here})`]) {
    expect(linked(text, root)).toBe(text);
  }
});

test('places at the end of rows of tables become links, with blanks in names and paths as well', () => {
  const row = '   128B 50.00% 50.00%       128B 50.00%          2  ';
  const place = link(`${here}:12`, 12);
  for (const ending of ['', ' (inline)', ' (partial-inline)', '  (3 smaller or deeper left out)']) {
    expect(linked(`${row}parse ${here}:12${ending}\n`, root)).toBe(`${row}parse ${place}${ending}\n`);
  }
  expect(linked(`${row}a<int, b (*)(c)>::d ${here}:12`, root)).toBe(`${row}a<int, b (*)(c)>::d ${place}`);
  // The name is unknown.
  expect(linked(`${row}${here}:12`, root)).toBe(`${row}${place}`);
  const folder = mkdtempSync(join(tmpdir(), 'heapline links '));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a b.c');
  writeFileSync(path, '');
  const spaced = (text: string): string => `\x1b]8;;${pathToFileURL(path).href}#3\x1b\\${text}\x1b]8;;\x1b\\`;
  expect(linked(`${row}main ${path}:3`, '/')).toBe(`${row}main ${spaced(`${path}:3`)}`);
  expect(linked(`${row}main a b.c:3`, folder)).toBe(`${row}main ${spaced('a b.c:3')}`);
  // What is linked stays as it is.
  const once = linked(`${row}parse ${here}:12`, root);
  expect(linked(once, root)).toBe(once);
  for (const text of [
    `${row}parse gone.c:12`,
    `${row}main test:x`,
    `${row}parse`,
    `Time: ${here}:12:00`,
    ':7',
  ]) {
    expect(linked(text, root)).toBe(text);
  }
});

test('long lines take time in proportion to their length', () => {
  const took = ownTime(() => {
    linked(`at ${'x '.repeat(200_000)}(`, root);
    linked(`${'('.repeat(200_000)}:1`, root);
    for (let i = 0; i < 1000; i++) linked(`${'a '.repeat(900)}:1`, root);
  });
  expect(took).toBeLessThan(5000);
});
