// Runs the runtime's scan (csrc/scan.c) and sums its results by context and class. The scan leaves each block's
// class in the block's metadata. Reading the classes is one pass over typed arrays, which takes about ten
// nanoseconds a block. Lost blocks then become structures with roots (lost-heap.ts).

import type { WasmExports } from '../binary/wasm-types.ts';
import { MissingRuntimeError, StateError } from '../errors.ts';
import type { Ledger } from '../heap/index.ts';
import type { LeakKind } from '../report/index.ts';
import { runtimeFunctions } from '../runtime/index.ts';
import * as L from '../runtime/layout.ts';
import { type BlockSum, countBlock, noBlocks } from './block-sum.ts';
import { LostHeap, type LostPart } from './lost-heap.ts';
import type { Roots } from './roots.ts';

/** The blocks of one class that were allocated in one context; of lost blocks, only the roots. */
export interface ScannedGroup extends BlockSum {
  readonly kind: LeakKind;
  /** What was lost with the blocks. A part comes after the one that it hangs on. */
  readonly parts: readonly LostPart[];
}

const KINDS: Readonly<Record<number, LeakKind>> = {
  [L.BLOCK_CLASS_DEFINITE]: 'definite',
  [L.BLOCK_CLASS_INDIRECT]: 'indirect',
  [L.BLOCK_CLASS_POSSIBLE]: 'possible',
  [L.BLOCK_CLASS_REACHABLE]: 'reachable',
};

/**
 * Classes all blocks in use. Returns those that were allocated after the first `after` allocations, in groups
 * without a particular order. Blocks that libc has `kept` are left out.
 */
export function scanHeap(
  exports: WasmExports,
  ledger: Ledger,
  roots: Roots,
  after: number,
  kept: ReadonlySet<number>,
): ScannedGroup[] {
  const {
    heapline_scan_start: start,
    heapline_scan_range: range,
    heapline_scan_word: word,
    heapline_scan_finish: finish,
  } = runtimeFunctions(exports);
  if (!ledger.canCheck || !start || !range || !word || !finish) {
    throw new MissingRuntimeError(
      'The module was linked with a Heapline runtime that cannot look for leaks, or without exporting ' +
        'heapline_scan_start, _range, _word and _finish, heapline_check and heapline_check_context. ' +
        'Build the module again.',
    );
  }
  // The scan follows the runtime's own tables, and it might never end when they are damaged.
  ledger.checkHeap();
  const memoryEnd = ledger.memory.buffer.byteLength;
  ledger.inRuntime(() => {
    start();
    if (ledger.missed.unscanned) return;
    for (const root of roots.ranges) range(Math.min(root.start, memoryEnd), Math.min(root.end, memoryEnd));
    for (const value of roots.words) word(value);
    finish();
  });
  if (ledger.missed.unscanned) throw noMemoryToScan();
  return readClasses(ledger, after, kept);
}

function noMemoryToScan(): StateError {
  return new StateError(
    "There is no memory for a leak scan: the module's own allocator has none left. Give the module more memory.",
  );
}

const KIND_COUNT = Object.keys(KINDS).length;

function readClasses(ledger: Ledger, after: number, kept: ReadonlySet<number>): ScannedGroup[] {
  const groups = new Map<number, ScannedGroup>();
  // Two owners may belong to one context: a bud that has become a node, and the node's account.
  const ofOwner = new Map<number, ScannedGroup>();
  const lost = new LostHeap();
  // Serial numbers wrap at 2^32, so only the distance from the newest block counts.
  const { allocObjects } = ledger.uncheckedTotals();
  const newest = allocObjects >>> 0;
  const oldestAge = allocObjects - after;
  const ignored = ledger.ignored();
  let last: ScannedGroup | undefined;
  let lastKey = -1;
  eachBlock(ledger, (words, at, address) => {
    const word = words[at + L.BLOCK_OWNER / 4]!;
    const serial = words[at + L.BLOCK_SERIAL / 4]!;
    const age = (newest - serial) >>> 0;
    if (age >= oldestAge) return;
    if (kept.size > 0 && kept.has(address)) return;
    if (ignored.size > 0 && ignored.get(address) === serial) return;
    const size = words[at + L.BLOCK_REQUESTED / 4]!;
    const kind = (word & L.BLOCK_CLASS_MASK) >>> L.BLOCK_CLASS_SHIFT;
    if (kind === L.BLOCK_CLASS_DEFINITE || kind === L.BLOCK_CLASS_INDIRECT) {
      lost.add(address, size, age, ledger.contextOf(word), kind === L.BLOCK_CLASS_DEFINITE);
      return;
    }
    const key = word & (L.BLOCK_OWNER_MASK | L.BLOCK_BUD | L.BLOCK_CLASS_MASK);
    if (key !== lastKey) {
      lastKey = key;
      last = ofOwner.get(key);
      if (last === undefined) {
        const node = ledger.contextOf(word);
        const group = node * KIND_COUNT + kind;
        last = groups.get(group) ?? { ...noBlocks(node), kind: KINDS[kind]!, parts: [] };
        groups.set(group, last);
        ofOwner.set(key, last);
      }
    }
    countBlock(last!, address, size, age);
  });
  return [...groups.values(), ...lost.groups(ledger.words, after === 0 && kept.size === 0)];
}

/** Visits a block in use. @param at index of the first word of its metadata */
type BlockVisitor = (words: Uint32Array, at: number, address: number) => void;

/**
 * Visits all blocks in use in the order of their addresses. What allocators of the program's own have handed out are
 * blocks, too, and then the blocks that these allocators divide are none.
 */
function eachBlock(ledger: Ledger, visit: BlockVisitor): void {
  const cells = ledger.cells();
  if (cells.length === 0) {
    eachHeapBlock(ledger, visit);
    return;
  }
  const divided = new Set(cells.map(({ inside }) => inside));
  const found = cells.map(({ address, metadata }) => ({ address, at: metadata / 4 }));
  eachHeapBlock(ledger, (_, at, address) => {
    if (!divided.has(address)) found.push({ address, at });
  });
  found.sort((a, b) => a.address - b.address);
  for (const { address, at } of found) visit(ledger.words, at, address);
}

function eachHeapBlock(ledger: Ledger, visit: BlockVisitor): void {
  ledger.eachSpan((words, base, capacity, blocks, metadata) => {
    let at = metadata / 4;
    for (let block = 0; block < blocks; block++, at += L.BLOCK_SIZE / 4) {
      if ((words[at + L.BLOCK_OWNER / 4]! & L.BLOCK_FREED) === 0) visit(words, at, base + block * capacity);
    }
  });
}
