// The rules of a leak scan, written as plainly as they can be: the model that the runtime's scan is compared with.
// Rules of Valgrind's memcheck (manual, section 4.2.8, and memcheck/mc_leakcheck.c): aligned words only; a block
// ends at its requested size; a pointer into the middle counts as one to the start where a heuristic knows the
// layout (length64: a 64-bit length before the data; newarray: C++'s count before the elements); what hangs on a
// possibly lost block is possibly lost; of a cycle the block with the lowest address leads.

import type { HeapBlock } from '../../src/heap/index.ts';
import type { Roots } from '../../src/leaks/index.ts';
import type { LeakKind } from '../../src/report/index.ts';

/** Class of each block, by address. */
export function modelScan(
  words: Uint32Array,
  live: readonly HeapBlock[],
  roots: Pick<Roots, 'ranges' | 'words'>,
): Map<number, LeakKind> {
  const blocks = [...live].sort((a, b) => a.address - b.address);
  const kinds: ('unreached' | LeakKind)[] = blocks.map(() => 'unreached');

  // The block that an address points into; of an empty block only its start.
  const blockAt = (address: number): number => {
    let low = 0;
    let high = blocks.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const block = blocks[middle]!;
      if (address < block.address) high = middle - 1;
      else if (address >= block.address + Math.max(block.size, 1)) low = middle + 1;
      else return middle;
    }
    return -1;
  };
  const isStart = (block: HeapBlock, address: number): boolean => {
    const offset = address - block.address;
    if (offset === 0) return true;
    const first = words[block.address / 4]!;
    if (offset === 8 && words[block.address / 4 + 1] === 0 && first === block.size - 8) return true;
    const content = block.size - 4;
    return offset === 4 && first > 0 && content % first === 0;
  };
  const pointersIn = function* (start: number, end: number): Generator<number> {
    for (let at = (start + 3) & ~3; at + 4 <= end; at += 4) yield words[at / 4]!;
  };

  const queue: number[] = [];
  const mark = (value: number, definite: boolean): void => {
    const index = blockAt(value);
    if (index < 0) return;
    const kind = definite && isStart(blocks[index]!, value) ? 'reachable' : 'possible';
    const before = kinds[index]!;
    if (before === 'reachable' || before === kind) return;
    kinds[index] = kind;
    queue.push(index);
  };
  for (const { start, end } of roots.ranges) for (const value of pointersIn(start, end)) mark(value, true);
  for (const value of roots.words) mark(value, true);
  while (queue.length > 0) {
    const index = queue.pop()!;
    const block = blocks[index]!;
    const definite = kinds[index] === 'reachable';
    for (const value of pointersIn(block.address, block.address + block.size)) mark(value, definite);
  }

  for (let leader = 0; leader < blocks.length; leader++) {
    if (kinds[leader] !== 'unreached') continue;
    kinds[leader] = 'definite';
    const members = [leader];
    while (members.length > 0) {
      const block = blocks[members.pop()!]!;
      for (const value of pointersIn(block.address, block.address + block.size)) {
        const index = blockAt(value);
        if (index < 0 || index === leader) continue;
        // A leader of before that this one leads to is not one any more.
        if (kinds[index] !== 'unreached' && kinds[index] !== 'definite') continue;
        kinds[index] = 'indirect';
        members.push(index);
      }
    }
  }
  return new Map(blocks.map((block, index) => [block.address, kinds[index] as LeakKind]));
}
