// The types of blocks in leak reports against the truth: each allocation in the programs says in a comment what its block
// is, at every level of optimisation. A type that is not known is left out; a wrong one is never said.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatText, type LeakReport, loadC, type ToolchainName, toJson } from '../../src/index.ts';
import { FULL } from '../support/full.ts';

const program = (name: string): string => new URL(`programs/${name}`, import.meta.url).pathname;

/** What the comments allow for the allocation of each line, by line. */
function truthOf(path: string): ReadonlyMap<number, readonly string[]> {
  const truth = new Map<number, readonly string[]>();
  readFileSync(path, 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const comment = /\/\* ((?:is|begins|unknown)\b.*?) \*\//.exec(line)?.[1];
      if (comment !== undefined) truth.set(index + 1, comment.split(' or '));
    });
  return truth;
}

/** What a report says about the block that was allocated on each line; wrappers do not count. */
function saidOf(report: LeakReport, path: string, truth: ReadonlyMap<number, readonly string[]>) {
  const said = new Map<number, string>();
  for (const { frames, sample } of report.records.flatMap((record) => [record, ...record.parts])) {
    const place = frames.find(({ file, line }) => file === path && truth.has(line));
    const contents = sample?.contents;
    const { type, whole, offset } = contents ?? { type: '', whole: true, offset: 0 };
    const words = `${whole ? 'is' : 'begins'} ${type}${offset > 0 ? ` after ${offset}` : ''}`;
    if (place !== undefined) said.set(place.line, contents === undefined ? 'unknown' : words);
  }
  return said;
}

async function reportOf(name: string, level: string, toolchain: ToolchainName): Promise<LeakReport> {
  using lib = await loadC([program(name)], { toolchain, flags: [level] });
  lib.run();
  return lib.heap.leaks();
}

const everywhere: readonly (readonly [string, ToolchainName])[] = [
  ['-O0', 'embedded'],
  ['-O1', 'embedded'],
  ['-O2', 'embedded'],
  ['-Os', 'embedded'],
];
const builds = {
  'types.c': [['-O0', 'clang'], ['-O2', 'clang'], ...(FULL ? [['-O1', 'clang'], ...everywhere] : [])],
  // Debian's C++ library is that of another version of clang.
  'types.cpp': FULL ? everywhere : [['-O0', 'embedded']],
} as Record<string, readonly (readonly [string, ToolchainName])[]>;

for (const [name, ways] of Object.entries(builds)) {
  test.each(ways)(
    `${name} at %s with %s: no type is wrong, and those that must be known are`,
    async (level, toolchain) => {
      const path = program(name);
      const truth = truthOf(path);
      const said = saidOf(await reportOf(name, level, toolchain), path, truth);
      const wrong = [...truth].flatMap(([line, allowed]) => {
        const words = said.get(line) ?? 'nothing';
        return allowed.includes(words) ? [] : [`line ${line}: ${words}, and not ${allowed.join(' or ')}`];
      });
      expect(wrong).toEqual([]);
    },
  );
}

test('fields are shown as C would write them: numbers, enumerators, bit fields, texts, records, pointers', async () => {
  const report = await reportOf('types.c', '-O0', 'clang');
  const text = formatText(report, { all: true, tree: true });
  expect(text).toContain(`\
  struct node {
      next = NULL, name = 0x`);
  expect(text).toMatch(
    /name = 0x[0-9a-f]{8} "a name", key = 7, color = GREEN \(5\), narrow = 5, wide = 70000,\n/,
  );
  expect(text).toContain('path = { 0, -2, 0 }, tag = "t\\"g", at = { x = 0, y = 0.5 }\n  }\n');
  expect(text).toContain('  point { x = -3, y = 0, z = 0 }\n');
  expect(text).toContain('  begins with point { x = 0, y = 0, z = 9 }\n  0x');
  expect(text).toContain('  struct text { length = 5, bytes = "hello" }\n');
  expect(text).toMatch(/ {2}struct node \*\[4\] \{ NULL, NULL, 0x[0-9a-f]{8} \(56 bytes\), NULL \}\n/);
  expect(text).toMatch(/ {2}after 8 bytes: struct node \{\n/);
  expect(text).toContain('└─ 56 bytes in 1 block of struct node: stored');
  expect(text).toContain('begins with struct base { kind = 1, parent = NULL }');
});

test('JSON has the type and the fields of each first block, in version 2 alone', async () => {
  const report = await reportOf('types.c', '-O0', 'clang');
  const corner = toJson(report).records.find(
    ({ sample }) => sample?.contents?.type === 'point' && sample.contents.whole,
  );
  expect(corner?.sample?.contents).toEqual({
    type: 'point',
    offset: 0,
    whole: true,
    size: 12,
    fields: [
      { name: 'x', type: 'int', value: '-3' },
      { name: 'y', type: 'int', value: '0' },
      { name: 'z', type: 'int', value: '0' },
    ],
    left: 0,
    text: null,
  });
  expect(JSON.stringify(toJson(report, { version: 1 }))).not.toContain('"contents":');
});

test('blocks that the program has freed or changed since are not described', async () => {
  using lib = await loadC([program('types.c')], { toolchain: 'clang', flags: ['-O0'] });
  lib.run();
  const before = lib.heap.leaks();
  const described = before.records.filter(({ sample }) => sample?.contents !== undefined);
  expect(described.length).toBeGreaterThan(10);
  for (const { sample } of described) lib.heap.bytes(sample!.address, sample!.bytes.length).fill(0xee);
  // Nothing was allocated or freed, so the leaks are those of the end, and the bytes are those of then.
  const after = lib.heap.leaks();
  expect(after.total).toEqual(before.total);
  const changed = new Set(described.map(({ sample }) => sample!.address));
  for (const { sample } of after.records) {
    if (changed.has(sample!.address)) expect(sample!.contents).toBeUndefined();
  }
});

test('without debug information no type is said', async () => {
  using lib = await loadC([program('types.c')], { toolchain: 'clang', flags: ['-O0', '-g0'] });
  lib.run();
  const { records } = lib.heap.leaks();
  expect(records.length).toBeGreaterThan(10);
  expect(records.every(({ sample }) => sample!.contents === undefined)).toBe(true);
});
