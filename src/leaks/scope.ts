// Scopes: what one piece of work allocated, held at most, and left behind. A scope remembers the serial number of the
// newest block at its start; blocks with a higher number are its own. Scopes may nest and overlap (async work). Each
// scope then sees all allocations while it is open, because a wasm heap does not know for whom it is called.

import type { HeapTotals } from '../heap/index.ts';
import type { LeakReport } from '../report/index.ts';

/** A moment in the life of one heap, for comparison with a later moment. */
export class HeapMark {
  /** @internal Use heap.mark(). */
  constructor(
    /** @internal The heap to which it belongs. */
    readonly owner: object,
    /** Allocations before this moment. */
    readonly allocObjects: number,
    /** Bytes of the allocations made before it. */
    readonly allocBytes: number,
    /** Blocks and bytes in use at this moment. */
    readonly inUseObjects: number,
    /** Bytes in use then. */
    readonly inUseBytes: number,
    /** Heap faults before this moment. */
    readonly faults: number,
    /** Traps before this moment. */
    readonly traps: number,
    /** @internal Mark of the failed allocations. */
    readonly failures: number,
  ) {}
}

/** Blocks, and the bytes that were asked for. */
export interface HeapAmount {
  /** Number of blocks. */
  readonly objects: number;
  /** Sum of their requested sizes. */
  readonly bytes: number;
}

/** What heap.scope() says about the work. */
export interface ScopeResult<T> {
  /** What the function returned. */
  readonly result: T;
  /**
   * Blocks that were allocated in the scope and are in use at its end, by class, and the heap faults of the scope.
   */
  readonly leaks: LeakReport;
  /** All allocations made in the scope, whether freed or not. */
  readonly allocated: HeapAmount;
  /** The most that was in use at one time, without what was in use at the start; 0 when there was never more. */
  readonly peak: HeapAmount;
}

/** What was allocated since a mark. */
export function allocatedSince(mark: HeapMark, totals: HeapTotals): HeapAmount {
  return {
    objects: totals.allocObjects - mark.allocObjects,
    bytes: totals.allocBytes - mark.allocBytes,
  };
}
