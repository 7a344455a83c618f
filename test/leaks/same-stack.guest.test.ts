// Two call sites that a compiler made from one line have the same stack. Readers take them for one place, so every
// report shows them as one.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadC, type Sandbox } from '../../src/index.ts';
import { encodeLeakProfile, formatText, toJson } from '../../src/report/index.ts';
import { formatGitHub, formatJUnit, formatSarif } from '../../src/report/writers.ts';

type Functions = { fill(): void; lose(): void; loose_ends(): void; swap(): void };

const source = new URL('lifecycle/unrolled.c', import.meta.url).pathname;
let lib: Sandbox<Functions>;
beforeEach(async () => {
  lib = await loadC<Functions>(source, { toolchain: 'clang', flags: ['-O2'], hostFrames: 'off' });
});
afterEach(() => lib.dispose());

/** Contexts that hold blocks. */
const holders = (): number => lib.heap.snapshot().liveObjects.filter((objects) => objects > 0).length;

test('a loop that was unrolled gives one record, in every format', () => {
  lib.exports.lose();
  expect(holders()).toBe(2);
  const report = lib.heap.leaks();
  expect(report.records.map(({ blocks, bytes }) => [blocks, bytes])).toEqual([[2, 65]]);
  expect(report.records[0]!.sample!.bytes).toHaveLength(32);
  expect(formatText(report)).toContain('definite leak: 65 bytes in 2 blocks');
  expect(toJson(report).records).toHaveLength(1);
  expect(JSON.parse(formatSarif(report)).runs[0].results).toHaveLength(1);
  expect(formatJUnit(report)).toContain('failures="1"');
  expect(formatGitHub(report).trim().split('\n')).toHaveLength(1);
  expect(encodeLeakProfile(report).length).toBeGreaterThan(0);
});

test('the sample is of the block that was allocated first', () => {
  for (let round = 0; round < 3; round++) lib.exports.lose();
  const blocks = [...lib.heap.blocks()].sort((a, b) => a.serial - b.serial);
  expect(lib.heap.leaks().records[0]!.sample!.address).toBe(blocks[0]!.address);
  // Without the first block, the oldest block is the first one of the other call site.
  lib.heap.free(blocks[0]!.address);
  expect(lib.heap.leaks().records[0]!.sample!.address).toBe(blocks[1]!.address);
});

test('blocks of one stack and of different classes stay apart, and so do different stacks', () => {
  lib.exports.fill();
  lib.exports.lose();
  lib.exports.fill();
  lib.exports.loose_ends();
  const shown = lib.heap.leaks().records.map(({ kind, blocks, bytes }) => `${kind} ${blocks} ${bytes}`);
  expect(shown).toEqual(['definite 2 65', 'definite 2 65', 'reachable 2 65', 'possible 2 32']);
});

test('growth shows them as one context, too', () => {
  const { contexts, bytesPerRun } = lib.heap.growth(() => lib.exports.lose(), { warmup: 1, runs: 4 });
  expect(contexts.map(({ objectsPerRun, bytesPerRun }) => [objectsPerRun, bytesPerRun])).toEqual([[2, 65]]);
  expect(bytesPerRun).toBe(65);
});

test('memory that moves between two call sites of one stack does not grow', () => {
  lib.exports.swap();
  for (const runs of [2, 3, 4, 5]) {
    expect(lib.heap.growth(() => lib.exports.swap(), { warmup: 0, runs }).contexts).toEqual([]);
  }
});
