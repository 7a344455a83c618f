// Allocations that find no memory: the sandbox reports where, how often and how large, in all or since a mark. The report
// stays available after the program has ruined its heap.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { CorruptLedgerError, loadC, OutOfMemoryError, type Sandbox, TrapError } from '../../src/index.ts';
import { formatText } from '../../src/report/index.ts';

type Functions = {
  ask(size: number): number;
  ask_often(times: number): void;
  twice(): void;
  ruin(): void;
  ruin_and_trap(): void;
};

const source = new URL('programs/failures.c', import.meta.url).pathname;
let lib: Sandbox<Functions>;
beforeEach(async () => {
  lib = await loadC<Functions>(source, { toolchain: 'clang', maxMemory: 4 * 2 ** 20, hostFrames: 'off' });
});
afterEach(() => lib.dispose());

const seen = () =>
  lib.heap
    .failures()
    .map(({ count, smallest, largest, frames }) => [
      count,
      smallest,
      largest,
      frames[0]!.function,
      frames[0]!.line,
    ]);

test('there are no failed allocations at first', () => {
  expect([lib.heap.failures(), lib.heap.stats().failedAllocations]).toEqual([[], 0]);
});

test('failed allocations are grouped by stack, with their number and sizes', () => {
  expect(lib.exports.ask(2 ** 31 - 1)).toBe(0);
  lib.exports.ask_often(3);
  lib.exports.ask(0x8000000);
  expect(seen()).toEqual([
    [2, 0x8000000, 2 ** 31 - 1, 'ask', 4],
    [3, 5_000_000, 5_000_002, 'ask_often', 7],
  ]);
  expect(lib.heap.stats().failedAllocations).toBe(5);
});

test('failed allocations of the host are reported, too', () => {
  expect(() => lib.heap.malloc(2 ** 30)).toThrow(OutOfMemoryError);
  expect(lib.heap.failures().map(({ count, largest }) => [count, largest])).toEqual([[1, 2 ** 30]]);
});

test('failed allocations appear in reports, and those since a mark in reports since the mark', () => {
  lib.exports.ask(2 ** 30);
  const mark = lib.heap.mark();
  lib.exports.ask_often(2);
  const all = lib.heap.leaks();
  expect(all.isClean()).toBe(true);
  expect(all.failedAllocations.map(({ count }) => count)).toEqual([1, 2]);
  expect(formatText(all)).toContain('no leaks, no heap faults, 3 failed allocations');
  expect(lib.heap.leaksSince(mark).failedAllocations.map(({ count }) => count)).toEqual([2]);
  expect(lib.heap.leaksSince(lib.heap.mark()).failedAllocations).toEqual([]);
  const { leaks } = lib.heap.scope(() => lib.exports.ask(2 ** 29));
  expect(leaks.failedAllocations.map(({ largest }) => largest)).toEqual([2 ** 29]);
});

test('failed allocations and heap faults keep their lines when the heap is ruined later', () => {
  lib.exports.ask(2 ** 30);
  lib.exports.twice();
  const before = [lib.heap.failures(), lib.heap.faults()];
  lib.exports.ruin();
  expect(() => lib.heap.leaks()).toThrow(CorruptLedgerError);
  expect(() => lib.heap.stats()).toThrow(CorruptLedgerError);
  expect([lib.heap.failures(), lib.heap.faults()]).toEqual(before);
});

test('work that ruins the heap and traps is reported by its trap, in a scope as well', async () => {
  expect(() => lib.heap.scope(() => lib.exports.ruin_and_trap())).toThrow(TrapError);
  expect(() => lib.heap.growth(() => lib.exports.ruin_and_trap())).toThrow(TrapError);
  using other = await loadC<Functions>(source, { toolchain: 'clang', hostFrames: 'off' });
  const later = other.heap.scope(async () => {
    await null;
    other.exports.ruin_and_trap();
  });
  await expect(later).rejects.toThrow(TrapError);
});
