// Scopes: what one piece of work allocated, held at most, and left behind. A scope remembers the serial number of
// the newest block at its start; what carries a higher one is its own. Scopes may nest and overlap (async work), and
// then each sees all that is allocated while it is open: a wasm heap does not know on whose behalf it is called.

import type { HeapTotals } from '../heap/index.ts';
import type { LeakReport } from '../report/index.ts';

/** A moment in the life of one heap, to compare with later. */
export class HeapMark {
  /** @internal Use heap.mark(). */
  constructor(
    /** @internal The heap that it belongs to. */
    readonly owner: object,
    /** Allocations made before it. */
    readonly allocObjects: number,
    readonly allocBytes: number,
    /** Blocks in use then. */
    readonly inUseObjects: number,
    readonly inUseBytes: number,
    /** Heap errors seen before it. */
    readonly faults: number,
    /** Traps seen before it. */
    readonly traps: number,
    /** @internal For the allocations that failed since. */
    readonly failures: number,
  ) {}
}

/** Blocks and the bytes asked for. */
export interface HeapAmount {
  readonly objects: number;
  readonly bytes: number;
}

/** What heap.scope() tells of the work done in it. */
export interface ScopeResult<T> {
  /** What the function returned. */
  readonly result: T;
  /** Blocks allocated in the scope and still in use at its end, by class; and its heap errors. */
  readonly leaks: LeakReport;
  /** All allocations made in the scope, whether freed or not. */
  readonly allocated: HeapAmount;
  /** The most that was in use at one time, beyond what was in use at the start; 0 when it never was more. */
  readonly peak: HeapAmount;
}

/** What was allocated since a mark. */
export function allocatedSince(mark: HeapMark, totals: HeapTotals): HeapAmount {
  return {
    objects: totals.allocObjects - mark.allocObjects,
    bytes: totals.allocBytes - mark.allocBytes,
  };
}
