// A snapshot of the calling-context tree: one typed array per counter, one index per context, parents before their
// children. Copying the counters into columns costs microseconds per thousand contexts. Profiles, diffs and scopes
// are built on the copy, so they never have to look at the guest again.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { CorruptLedgerError } from '../errors.ts';
import * as L from '../runtime/layout.ts';
import type { HeapTotals } from './ledger.ts';

const WORD = 4;
const TWO_32 = 2 ** 32;

/** All contexts and their counters at one moment. Index 0 is the root, which stands for "no caller known". */
export interface HeapSnapshot {
  /** Number of contexts. */
  readonly count: number;
  /** Index of the parent; -1 for the root. Parents come before their children. */
  readonly parent: Int32Array;
  /** Call site (SITE_* in src/runtime/layout.ts). */
  readonly site: Uint32Array;
  /**
   * Address of the context's node or bud, which identifies it for as long as the guest lives. 0 when it has none yet,
   * because it only leads to a bud.
   */
  readonly node: Uint32Array;
  /** Blocks that each context has allocated so far. */
  readonly allocObjects: Float64Array;
  /** Bytes that each context has allocated so far. */
  readonly allocBytes: Float64Array;
  /** Blocks of each context that are in use. */
  readonly liveObjects: Float64Array;
  /** Bytes of each context that are in use. */
  readonly liveBytes: Float64Array;
  /** Blocks and bytes that the context held when the whole heap was at its peak. */
  readonly peakObjects: Float64Array;
  /** Bytes that the context held when the whole heap was at its peak. */
  readonly peakBytes: Float64Array;
  /** Blocks that were freed before the next allocation was made. */
  readonly temporaryObjects: Float64Array;
  /** Bytes of the blocks that were freed before the next allocation was made. */
  readonly temporaryBytes: Float64Array;
  /** Summed age of all blocks, those in use included, in objects times bytes of the allocation clock. */
  readonly lifetime: Float64Array;
  /** Sums over all contexts. */
  readonly totals: HeapTotals;
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
}

/** A chunk of nodes or of buds in linear memory. */
interface Chunk {
  readonly address: number;
  /** Address of its first entry, and the address after its last. */
  readonly start: number;
  readonly end: number;
  /** Bytes of an entry. */
  readonly size: number;
  /** Index of each entry's context. */
  readonly index: Int32Array;
}

/** No chunk is longer. */
const CHUNK_BYTES = 2 ** 14;

/** The words of a bud that have its call sites, outermost first. */
const BUD_SITE_WORDS = [L.NODE_SITE / WORD, L.BUD_SECOND / WORD, L.BUD_THIRD / WORD] as const;
const BUD_SITE_MASK = 2 ** L.BUD_SITE_BITS - 1;
/** Number of bits in the high word of an account's temporary bytes that count bytes. */
const TEMPORARY_HIGH_BITS = L.TEMPORARY_BYTES_BITS - 32;

/** Reads the context tree out of the words of a memory. `isSite` says whether there is such a call site. */
export function readContexts(
  words: Uint32Array,
  runtimeAddress: number,
  totals: HeapTotals,
  isSite: (site: number) => boolean,
): HeapSnapshot {
  const runtime = runtimeAddress / WORD;
  const root = words[runtime + L.RUNTIME_ROOT_NODE / WORD]!;
  const peakEpoch = words[runtime + L.RUNTIME_PEAK_EPOCH / WORD]!;
  const clock = totals.allocBytes;
  const limit = words.length * WORD;

  // First pass: the chunks, and the index of every entry's context. A bud stands for several contexts; its own is the
  // last.
  const chunks = [
    ...readChunks(words, words[runtime + L.RUNTIME_FIRST_CHUNK / WORD]!, L.NODE_SIZE),
    ...readChunks(words, words[runtime + L.RUNTIME_FIRST_BUD_CHUNK / WORD]!, L.BUD_SIZE),
  ];
  if (chunks[0]?.start !== root || budLength(words, root) !== 0) throw damaged(root);
  let count = 0;
  for (const { start, size, index } of chunks) {
    for (let i = 0; i < index.length; i++) {
      count += budLength(words, start + i * size) || 1;
      index[i] = count - 1;
    }
  }
  // The columns take more memory than the contexts, so their number is not believed unless two sources agree on it.
  if (count !== totals.contexts) throw damaged(root);
  const byAddress = [...chunks].sort((a, b) => a.address - b.address);
  const addresses = byAddress.map(({ address }) => address);

  const snapshot = {
    count,
    parent: new Int32Array(count),
    site: new Uint32Array(count),
    node: new Uint32Array(count),
    allocObjects: new Float64Array(count),
    allocBytes: new Float64Array(count),
    liveObjects: new Float64Array(count),
    liveBytes: new Float64Array(count),
    peakObjects: new Float64Array(count),
    peakBytes: new Float64Array(count),
    temporaryObjects: new Float64Array(count),
    temporaryBytes: new Float64Array(count),
    lifetime: new Float64Array(count),
    totals,
    takenAt: Date.now(),
  };

  let cached = byAddress[0]!;
  const indexOf = (address: number): number => {
    if (address < cached.start || address >= cached.end) {
      cached = byAddress[Math.max(0, lastAtMost(addresses, address))]!;
      if (address < cached.start || address >= cached.end) throw damaged(address);
    }
    const index = cached.index[(address - cached.start) / cached.size];
    if (index === undefined) throw damaged(address);
    return index;
  };

  // A context that never allocated has no account, and zeros in every column.
  const readAccount = (index: number, address: number): void => {
    if (address % WORD !== 0 || address + L.ACCOUNT_SIZE > limit) throw damaged(address);
    const at = address / WORD;
    const allocObjects = words[at + L.ACCOUNT_ALLOC_OBJECTS / WORD]!;
    const allocBytes = words[at + L.ACCOUNT_ALLOC_BYTES / WORD]!;
    const liveObjects = (allocObjects - words[at + L.ACCOUNT_FREED_OBJECTS / WORD]!) >>> 0;
    const liveBytes = (allocBytes - words[at + L.ACCOUNT_FREED_BYTES / WORD]!) >>> 0;
    // The context has not changed since the last peak unless it carries that peak's number.
    const changedSincePeak = words[at + L.ACCOUNT_PEAK_EPOCH / WORD] === peakEpoch;
    snapshot.allocObjects[index] = allocObjects + words[at + L.ACCOUNT_ALLOC_OBJECTS / WORD + 1]! * TWO_32;
    snapshot.allocBytes[index] = allocBytes + words[at + L.ACCOUNT_ALLOC_BYTES / WORD + 1]! * TWO_32;
    snapshot.liveObjects[index] = liveObjects;
    snapshot.liveBytes[index] = liveBytes;
    snapshot.peakObjects[index] = changedSincePeak ? words[at + L.ACCOUNT_PEAK_OBJECTS / WORD]! : liveObjects;
    snapshot.peakBytes[index] = changedSincePeak ? words[at + L.ACCOUNT_PEAK_BYTES / WORD]! : liveBytes;
    const temporaryHigh = words[at + L.ACCOUNT_TEMPORARY_BYTES / WORD + 1]!;
    snapshot.temporaryObjects[index] =
      words[at + L.ACCOUNT_TEMPORARY_OBJECTS / WORD]! + (temporaryHigh >>> TEMPORARY_HIGH_BITS) * TWO_32;
    snapshot.temporaryBytes[index] =
      words[at + L.ACCOUNT_TEMPORARY_BYTES / WORD]! +
      (temporaryHigh & (2 ** TEMPORARY_HIGH_BITS - 1)) * TWO_32;
    snapshot.lifetime[index] = age(
      words[at + L.ACCOUNT_LIFETIME / WORD]!,
      words[at + L.ACCOUNT_LIFETIME / WORD + 1]!,
      liveObjects,
      clock,
    );
  };

  const readBud = (index: number, address: number): void => {
    const at = address / WORD;
    const link = words[at + L.NODE_LINK / WORD]!;
    if ((link & L.BUD_ALLOCATED) === 0) return;
    const bytes = words[at + L.BUD_BYTES / WORD]!;
    const live = (link & L.BUD_FREED) === 0;
    const changedSincePeak = link >>> L.BUD_EPOCH_SHIFT === peakEpoch;
    const atPeak = changedSincePeak ? (link & L.BUD_PEAK) !== 0 : live;
    const temporary = (link & L.BUD_TEMPORARY) !== 0;
    const moved =
      words[at + L.BUD_CLOCK / WORD]! + (words[at + L.BUD_SECOND / WORD]! >>> L.BUD_SITE_BITS) * TWO_32;
    snapshot.allocObjects[index] = 1;
    snapshot.allocBytes[index] = bytes;
    snapshot.liveObjects[index] = Number(live);
    snapshot.liveBytes[index] = live ? bytes : 0;
    snapshot.peakObjects[index] = Number(atPeak);
    snapshot.peakBytes[index] = atPeak ? bytes : 0;
    snapshot.temporaryObjects[index] = Number(temporary);
    snapshot.temporaryBytes[index] = temporary ? bytes : 0;
    snapshot.lifetime[index] = live ? clock - moved : moved;
  };

  // Second pass: the columns.
  let ordered = true;
  for (const chunk of chunks) {
    for (let i = 0, address = chunk.start; i < chunk.index.length; i++, address += chunk.size) {
      const at = address / WORD;
      const index = chunk.index[i]!;
      const length = budLength(words, address);
      const outermost = length === 0 ? index : index - length + 1;
      const parent = address === root ? -1 : indexOf(words[at + L.NODE_PARENT / WORD]!);
      ordered &&= parent < outermost;
      snapshot.node[index] = address;
      snapshot.parent[outermost] = parent;
      if (length === 0) {
        snapshot.site[index] = words[at + L.NODE_SITE / WORD]!;
        const link = words[at + L.NODE_LINK / WORD]!;
        if (link & L.NODE_LINK_ACCOUNT) readAccount(index, link - L.NODE_LINK_ACCOUNT);
      } else {
        for (let depth = 0; depth < length; depth++) {
          if (depth > 0) snapshot.parent[outermost + depth] = outermost + depth - 1;
          snapshot.site[outermost + depth] = words[at + BUD_SITE_WORDS[depth]!]! & BUD_SITE_MASK;
        }
        readBud(index, address);
      }
    }
  }
  for (let index = 1; index < count; index++) {
    if (!isSite(snapshot.site[index]!)) throw damaged(snapshot.node[index]!);
  }
  checkSums(snapshot);
  return ordered ? snapshot : parentsFirst(snapshot);
}

/** Whether a column adds up to its total. Above 2^53 both are inexact. */
function addsUp(column: Float64Array, total: number): boolean {
  let sum = 0;
  for (const value of column) sum += value;
  return sum === total || sum > Number.MAX_SAFE_INTEGER;
}

// The contexts have to add up to the totals. Counters without a total must not be larger than is possible.
function checkSums(snapshot: HeapSnapshot): void {
  const { totals, allocObjects, allocBytes, liveObjects, liveBytes } = snapshot;
  const right =
    addsUp(allocObjects, totals.allocObjects) &&
    addsUp(allocBytes, totals.allocBytes) &&
    addsUp(liveObjects, totals.liveObjects) &&
    addsUp(liveBytes, totals.liveBytes) &&
    addsUp(snapshot.peakObjects, totals.peakObjects) &&
    addsUp(snapshot.peakBytes, totals.peakBytes);
  if (!right) throw damaged(snapshot.node[0]!);
  for (let i = 0; i < snapshot.count; i++) {
    const freedObjects = allocObjects[i]! - liveObjects[i]!;
    const freedBytes = allocBytes[i]! - liveBytes[i]!;
    const possible =
      freedObjects >= 0 &&
      freedBytes >= 0 &&
      snapshot.temporaryObjects[i]! <= freedObjects &&
      snapshot.temporaryBytes[i]! <= freedBytes &&
      snapshot.lifetime[i]! >= 0 &&
      snapshot.lifetime[i]! <= allocObjects[i]! * totals.allocBytes;
    if (!possible) throw damaged(snapshot.node[i]!);
  }
}

function readChunks(words: Uint32Array, first: number, size: number): Chunk[] {
  const chunks: Chunk[] = [];
  const limit = words.length * WORD;
  const most = CHUNK_BYTES / size;
  // Chunks do not overlap, so more bytes of them than there is memory mean that the list has a cycle.
  let taken = 0;
  for (let address = first; address !== 0; ) {
    if (address % WORD !== 0 || address + L.CHUNK_ENTRIES > limit) throw damaged(address);
    const start = address + L.CHUNK_ENTRIES;
    const used = words[(address + L.CHUNK_USED) / WORD]!;
    if (used > words[(address + L.CHUNK_CAPACITY) / WORD]! || used > most) throw damaged(address);
    const end = start + used * size;
    taken += end - address;
    if (end > limit || taken > limit) throw damaged(address);
    chunks.push({ address, start, end, size, index: new Int32Array((end - start) / size) });
    address = words[(address + L.CHUNK_NEXT) / WORD]!;
  }
  return chunks;
}

/** Number of sites of the bud at this address; 0 when a node is there. */
function budLength(words: Uint32Array, address: number): number {
  if (words[(address + L.NODE_SITE) / WORD]! >>> 30 !== L.SITE_BUD >>> 30) return 0;
  const length = words[(address + L.BUD_THIRD) / WORD]! >>> L.BUD_SITE_BITS;
  if (length < 1 || length > L.BUD_SITES) throw damaged(address);
  return length;
}

/** The call sites of the bud at this address, outermost first; null when a node is there. */
export function budSites(words: Uint32Array, address: number): number[] | null {
  const length = budLength(words, address);
  if (length === 0) return null;
  return BUD_SITE_WORDS.slice(0, length).map((word) => words[address / WORD + word]! & BUD_SITE_MASK);
}

// A context that was a bud may have become a caller of others, whose nodes come before it in memory.
function parentsFirst(snapshot: HeapSnapshot): HeapSnapshot {
  const { count, parent } = snapshot;
  const place = new Int32Array(count).fill(-1);
  const order = new Int32Array(count);
  const path: number[] = [];
  let placed = 0;
  for (let index = 0; index < count; index++) {
    for (let at = index; at !== -1 && place[at] === -1; at = parent[at]!) {
      path.push(at);
      if (path.length > count) throw damaged(snapshot.node[index]!);
    }
    for (let at = path.pop(); at !== undefined; at = path.pop()) {
      place[at] = placed;
      order[placed++] = at;
    }
  }
  const columns = Object.entries(snapshot).map(([name, column]) => [
    name,
    ArrayBuffer.isView(column)
      ? (column as Float64Array).map((_, i) => (column as Float64Array)[order[i]!]!)
      : column,
  ]);
  const sorted = Object.fromEntries(columns) as HeapSnapshot;
  for (let i = 1; i < count; i++) sorted.parent[i] = place[sorted.parent[i]!]!;
  return sorted;
}

/**
 * For each context of `after`, its index in `before`, a snapshot that was taken earlier of the same guest. -1 for
 * contexts that were not there yet or have no node.
 */
export function indicesIn(before: Pick<HeapSnapshot, 'node'>, after: Pick<HeapSnapshot, 'node'>): Int32Array {
  const indexOf = new Map<number, number>();
  before.node.forEach((node, index) => {
    indexOf.set(node, index);
  });
  return Int32Array.from(after.node, (node) => (node === 0 ? -1 : (indexOf.get(node) ?? -1)));
}

// The stored sum and the number that is added to it wrap at 2^64. The true sum is far below 2^64, so it is the result
// modulo 2^64. Plain doubles are used while both parts stay exact, and BigInt otherwise.
function age(low: number, high: number, liveObjects: number, clock: number): number {
  const stored = low + (high | 0) * TWO_32;
  const added = liveObjects * clock;
  if (Math.abs(stored) <= Number.MAX_SAFE_INTEGER && added <= Number.MAX_SAFE_INTEGER) return stored + added;
  const sum = (BigInt(high) << 32n) + BigInt(low) + BigInt(liveObjects) * BigInt(clock);
  return Number(BigInt.asUintN(64, sum));
}

function damaged(address: number): CorruptLedgerError {
  return new CorruptLedgerError(
    `The context tree in the guest's memory is damaged at 0x${address.toString(16)}. ` +
      'The program has most likely written outside its own blocks.',
  );
}
