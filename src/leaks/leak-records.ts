// Makes records of what a scan has found. A compiler that unrolls a loop makes two call sites of one line, so contexts
// with the same stack are one record, and one part of it. Blocks that belong to libc are left out.

import { type Stack, withStacks } from '../frames/index.ts';
import { type BlockSample, type LeakKind, type LeakPart, type LeakRecord, sumOf } from '../report/index.ts';
import type { LibcBlockTest } from './libc-blocks.ts';

/** A sum of blocks with their stack and the first bytes of the oldest one. */
interface Found {
  readonly blocks: number;
  readonly bytes: number;
  /** Age of the oldest block. */
  readonly age: number;
  readonly sample: BlockSample;
  readonly stack: Stack;
}

interface FoundPart extends Found {
  /** Index of the part that it hangs on, or -1. */
  readonly under: number;
}

interface OpenRecord {
  sum: Found;
  readonly parts: FoundPart[];
  /** Index of a part by the part that it hangs on and its stack. */
  readonly index: Map<number, Map<Stack, number>>;
}

/** Collects what was found. */
export class LeakRecords {
  readonly #records = new Map<LeakKind, Map<Stack, OpenRecord>>();
  readonly #isLibcBlock: LibcBlockTest;

  constructor(isLibcBlock: LibcBlockTest) {
    this.#isLibcBlock = isLibcBlock;
  }

  /** Adds blocks of one class, and what hangs on them. */
  add(kind: LeakKind, found: Found, parts: readonly FoundPart[] = []): void {
    if (this.#isLibcBlock(kind, found.stack)) {
      // What the program has hung on a block of libc's is a find of its own.
      for (const part of parts) this.add('indirect', part);
      return;
    }
    const record = this.#record(kind, found);
    // Where each part of `parts` stands in the record.
    const places: number[] = [];
    for (const part of parts) {
      const under = part.under < 0 ? -1 : places[part.under]!;
      places.push(this.#isLibcBlock('indirect', part.stack) ? under : addPart(record, { ...part, under }));
    }
  }

  /** The records, in no particular order. */
  finish(): LeakRecord[] {
    return [...this.#records].flatMap(([kind, ofKind]) =>
      [...ofKind.values()].map(({ sum, parts }): LeakRecord => {
        const { blocks, bytes, sample, stack } = sum;
        const record = { kind, blocks, bytes, sample, indirect: sumOf(parts), parts: parts.map(finished) };
        return withStacks(record, { frames: stack });
      }),
    );
  }

  #record(kind: LeakKind, found: Found): OpenRecord {
    let ofKind = this.#records.get(kind);
    if (ofKind === undefined) {
      ofKind = new Map();
      this.#records.set(kind, ofKind);
    }
    let record = ofKind.get(found.stack);
    if (record === undefined) {
      record = { sum: found, parts: [], index: new Map() };
      ofKind.set(found.stack, record);
    } else record.sum = joined(record.sum, found);
    return record;
  }
}

/** @returns the index of the part */
function addPart({ parts, index }: OpenRecord, part: FoundPart): number {
  let below = index.get(part.under);
  if (below === undefined) {
    below = new Map();
    index.set(part.under, below);
  }
  const known = below.get(part.stack);
  if (known === undefined) {
    below.set(part.stack, parts.length);
    return parts.push(part) - 1;
  }
  parts[known] = { ...joined(parts[known]!, part), under: part.under };
  return known;
}

function finished({ blocks, bytes, sample, under, stack }: FoundPart): LeakPart {
  return withStacks({ blocks, bytes, sample, under }, { frames: stack });
}

/** Makes one sum of two. The sample is that of the block that was allocated first. */
function joined(a: Found, b: Found): Found {
  const first = a.age >= b.age ? a : b;
  return { ...first, blocks: a.blocks + b.blocks, bytes: a.bytes + b.bytes };
}
