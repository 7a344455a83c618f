// Where scripts name their source maps, and which forms the names have. host-stacks.guest.test.ts tests the
// positions.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { originalPosition } from '../../src/node/source-maps.ts';
import { ownTime } from '../support/own-time.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heapline-maps-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** This map says that the first place of the script comes from line 3, column 5 of source.ts. */
const map = { version: 3, sources: ['source.ts'], names: [], mappings: 'AAEI' };
const own = '//# sourceMappingURL=script.js.map';

/** The place from which the first place of this script came, according to the map. */
function originOf(script: string, mapText: string = JSON.stringify(map), line = 1): string {
  const file = join(directory, 'script.js');
  writeFileSync(file, script);
  writeFileSync(`${file}.map`, mapText);
  const position = originalPosition(file, line, 1);
  return `${position.file.slice(directory.length + 1)}:${position.line}:${position.column}`;
}

test.each([
  ['at the end', `code();\n${own}`],
  ['at the end of a line of code', `code(); ${own}\n\n`],
  ['with line ends of Windows', `code();\r\n${own}\r\n`],
  ['above a debug id', `code();\n${own}\n//# debugId=85314830-023f-4cf1-a267-535f4e37bb17\n`],
  ['above comments', `code();\n${own}\n\n// one\n  // two`],
  ['below a string that looks like it', `code("//# sourceMappingURL=none.map");\n${own}\n`],
  ['below another one', `code();\n//# sourceMappingURL=none.map\n${own}\n`],
])('the map is named %s', (_where, script) => {
  expect(originOf(script)).toBe('source.ts:3:5');
});

test.each([
  ['in a string above code', 'code(`\n//# sourceMappingURL=script.js.map\n`);\n'],
  ['in a string of a script that has none', `code("${own}");\n// that is all\n`],
])('a script names no map %s', (_where, script) => {
  expect(originOf(script)).toBe('script.js:1:1');
});

test('a long script of comments is read quickly', () => {
  const script = `${own}\n${'// //# //\n'.repeat(100_000)}code();\n`;
  expect(ownTime(() => expect(originOf(script)).toBe('script.js:1:1'))).toBeLessThan(2000);
});

test('a map may have sections', () => {
  const sections = [
    { offset: { line: 0, column: 0 }, map: { ...map, sources: ['first.ts'] } },
    { offset: { line: 1, column: 0 }, map },
  ];
  const script = `code();\ncode();\n${own}\n`;
  expect(originOf(script, JSON.stringify({ version: 3, sections }), 2)).toBe('source.ts:3:5');
});

test.each([
  ['is not JSON', 'nonsense'],
  ['has no mappings', '{"version":3}'],
])('a map that %s is ignored', (_what, text) => {
  expect(originOf(`code();\n${own}\n`, text)).toBe('script.js:1:1');
});
