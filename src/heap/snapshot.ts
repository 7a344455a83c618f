// A snapshot of the calling-context tree: one typed array per counter, one index per context, parents before
// their children. Copying the counters into columns costs microseconds per thousand contexts, and what
// is built on it (profiles, diffs, scopes) never has to look at the guest again.

import { CorruptLedgerError } from '../errors.ts';
import * as L from './layout.ts';
import type { HeapTotals } from './ledger.ts';

const WORD = 4;
const TWO_32 = 2 ** 32;

/** All contexts and their counters at one moment. Index 0 is the root, which stands for "no caller known". */
export interface HeapSnapshot {
  /** Number of contexts. */
  readonly count: number;
  /** Index of the parent; -1 for the root. Parents come before their children. */
  readonly parent: Int32Array;
  /** Call site: see HL_SITE_* in csrc/layout.h. */
  readonly site: Uint32Array;
  /** Address of the context's node, which is its identity for as long as the guest lives. */
  readonly node: Uint32Array;
  readonly allocObjects: Float64Array;
  readonly allocBytes: Float64Array;
  readonly liveObjects: Float64Array;
  readonly liveBytes: Float64Array;
  /** What the context held when the whole heap was at its peak. */
  readonly peakObjects: Float64Array;
  readonly peakBytes: Float64Array;
  /** Blocks that were freed before the next allocation was made. */
  readonly temporaryObjects: Float64Array;
  readonly temporaryBytes: Float64Array;
  /** Summed age of all blocks, those in use included, in objects times bytes of the allocation clock. */
  readonly lifetime: Float64Array;
  readonly totals: HeapTotals;
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
}

/** Reads the context tree out of the words of a memory. */
export function readNodes(words: Uint32Array, runtimeAddress: number, totals: HeapTotals): HeapSnapshot {
  const runtime = runtimeAddress / WORD;
  const rootAddress = words[runtime + L.RUNTIME_ROOT_NODE / WORD]!;
  const peakEpoch = words[runtime + L.RUNTIME_PEAK_EPOCH / WORD]!;
  const clock = totals.allocBytes;

  // First pass: the chunks, and how many nodes they hold.
  const chunks: { address: number; end: number; first: number }[] = [];
  const limit = words.length * WORD;
  let count = 1; // the root, wherever it lives
  for (let chunk = words[runtime + L.RUNTIME_FIRST_CHUNK / WORD]!; chunk !== 0; ) {
    if (chunk % WORD !== 0 || chunk + L.CHUNK_ENTRIES > limit || chunks.length > limit / L.CHUNK_ENTRIES) {
      throw damagedChunk(chunk);
    }
    const used = words[(chunk + L.CHUNK_USED) / WORD]!;
    const address = chunk + L.CHUNK_ENTRIES;
    const end = address + used * L.NODE_SIZE;
    if (end > limit) throw damagedChunk(chunk);
    const holdsRoot = rootAddress >= address && rootAddress < end;
    if (holdsRoot && rootAddress !== address) throw damagedChunk(chunk);
    chunks.push({ address, end, first: holdsRoot ? 0 : count });
    count += holdsRoot ? used - 1 : used;
    chunk = words[(chunk + L.CHUNK_NEXT) / WORD]!;
  }
  if (rootAddress % WORD !== 0 || rootAddress === 0 || rootAddress + L.NODE_SIZE > limit) {
    throw damagedChunk(rootAddress);
  }
  const byAddress = [...chunks].sort((a, b) => a.address - b.address);

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

  let cached = byAddress[0];
  const indexOf = (address: number): number => {
    if (address === rootAddress) return 0;
    if (cached === undefined || address < cached.address || address >= cached.end) {
      let low = 0;
      let high = byAddress.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >>> 1;
        if (byAddress[middle]!.address <= address) low = middle;
        else high = middle - 1;
      }
      cached = byAddress[low];
      if (cached === undefined || address < cached.address || address >= cached.end) {
        throw damagedChunk(address);
      }
    }
    return cached.first + (address - cached.address) / L.NODE_SIZE;
  };

  const readNode = (index: number, address: number): void => {
    const at = address / WORD;
    if (index === 0) {
      snapshot.parent[0] = -1;
    } else {
      const parent = indexOf(words[at + L.NODE_PARENT / WORD]!);
      if (!Number.isInteger(parent) || parent >= index) throw damagedChunk(address);
      snapshot.parent[index] = parent;
    }
    snapshot.site[index] = words[at + L.NODE_SITE / WORD]!;
    snapshot.node[index] = address;
    const link = words[at + L.NODE_LINK / WORD]!;
    if (link & L.NODE_LINK_ACCOUNT) readAccount(index, link - L.NODE_LINK_ACCOUNT);
  };

  // A context that never allocated has no account, and zeros in every column.
  const readAccount = (index: number, address: number): void => {
    if (address % WORD !== 0 || address + L.ACCOUNT_SIZE > limit) throw damagedChunk(address);
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
    snapshot.temporaryObjects[index] = words[at + L.ACCOUNT_TEMPORARY_OBJECTS / WORD]!;
    snapshot.temporaryBytes[index] =
      words[at + L.ACCOUNT_TEMPORARY_BYTES / WORD]! +
      words[at + L.ACCOUNT_TEMPORARY_BYTES / WORD + 1]! * TWO_32;
    snapshot.lifetime[index] = age(
      words[at + L.ACCOUNT_LIFETIME / WORD]!,
      words[at + L.ACCOUNT_LIFETIME / WORD + 1]!,
      liveObjects,
      clock,
    );
  };

  readNode(0, rootAddress);
  for (const chunk of chunks) {
    let index = chunk.first;
    for (let address = chunk.address; address < chunk.end; address += L.NODE_SIZE, index++) {
      if (address !== rootAddress) readNode(index, address);
    }
  }
  return snapshot;
}

// The stored sum wraps at 2^64, and so does what is to be added; the true sum is the result modulo 2^64, which
// is far below it. Plain doubles do while both parts stay exact, BigInt does the rest.
function age(low: number, high: number, liveObjects: number, clock: number): number {
  const stored = low + (high | 0) * TWO_32;
  const added = liveObjects * clock;
  if (Math.abs(stored) <= Number.MAX_SAFE_INTEGER && added <= Number.MAX_SAFE_INTEGER) return stored + added;
  const sum = (BigInt(high) << 32n) + BigInt(low) + BigInt(liveObjects) * BigInt(clock);
  return Number(BigInt.asUintN(64, sum));
}

function damagedChunk(address: number): CorruptLedgerError {
  return new CorruptLedgerError(
    `The context tree in the guest's memory is damaged at 0x${address.toString(16)}. ` +
      'The program has most likely written outside its own blocks.',
  );
}
