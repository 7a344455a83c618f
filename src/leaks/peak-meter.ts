// Peaks of scopes out of a runtime that keeps one peak. Where a scope opens, the runtime's peak is started anew, which
// cuts the run into pieces: a scope's peak is the highest of the pieces it spans. The peak of the pieces before is
// kept here with each context's share in it (csrc/ledger.c explains how the runtime keeps a share), and whoever
// wants totals or contexts asks here: they show the peak of the whole run, be scopes open or not.
//
// Nothing is ever put back into the runtime. It could not be in full: a bud has 24 bits for the number of a peak, and
// a run may have more of them. That buds carry no later number does no harm to a new piece, in which every context's
// share is what it holds: so the runtime takes a number that it does not know (csrc/buds.c).

import type { WasmExports } from '../binary/wasm-types.ts';
import { type HeapSnapshot, type HeapTotals, indicesIn, layout as L, type Ledger } from '../heap/index.ts';

const WORD = 4;

interface Peak {
  objects: number;
  bytes: number;
}

/** The peak of one scope, in absolute blocks and bytes; final when it was closed. */
export interface ScopePeak {
  readonly highest: Peak;
}

/** A peak, and the contexts that had a share in it. */
interface SavedPeak extends Peak {
  readonly shares: Pick<HeapSnapshot, 'node' | 'peakObjects' | 'peakBytes'>;
}

export class PeakMeter {
  readonly #ledger: Ledger;
  readonly #open = new Set<ScopePeak>();
  /** The highest peak of all pieces before the present one; null when the present one's is higher, or the only one. */
  #saved: SavedPeak | null = null;

  readonly #written: () => void;

  constructor(ledger: Ledger, exports: WasmExports) {
    this.#ledger = ledger;
    this.#written = (exports.heapline_peak_written as (() => void) | undefined) ?? (() => {});
  }

  /** Starts a piece: counts the peak of the one before for every open scope and for the run. */
  open(): ScopePeak {
    const totals = this.#ledger.totals();
    this.#count(totals);
    if (this.#savedAbove(totals) === null) {
      const shares = sharesOf(this.#ledger.snapshot());
      this.#saved = { objects: totals.peakObjects, bytes: totals.peakBytes, shares };
    }
    const { memory, runtimeAddress } = this.#ledger;
    const words = new Uint32Array(memory.buffer);
    words[(runtimeAddress + L.RUNTIME_PEAK_OBJECTS) / WORD] = totals.liveObjects;
    words[(runtimeAddress + L.RUNTIME_PEAK_BYTES) / WORD] = totals.liveBytes;
    // No context carries the new number, so the share of each is what it holds now.
    words[(runtimeAddress + L.RUNTIME_PEAK_EPOCH) / WORD]! += 1;
    this.#written();
    const scope = { highest: { objects: totals.liveObjects, bytes: totals.liveBytes } };
    this.#open.add(scope);
    return scope;
  }

  /** The piece goes on: it started when the last scope opened, so all of it belongs to every scope that is open. */
  close(scope: ScopePeak): void {
    try {
      this.#count(this.#ledger.totals());
    } finally {
      this.#open.delete(scope);
    }
  }

  /** Sums of the ledger now, with the peak of the whole run. */
  totals(): HeapTotals {
    const totals = this.#ledger.totals();
    const saved = this.#savedAbove(totals);
    return saved === null ? totals : withPeak(totals, saved);
  }

  /** Every context with its counters, as they are now, with the peak of the whole run. */
  snapshot(): HeapSnapshot {
    const snapshot = this.#ledger.snapshot();
    const saved = this.#savedAbove(snapshot.totals);
    if (saved === null) return snapshot;
    const { peakObjects, peakBytes } = saved.shares;
    const inSaved = indicesIn(saved.shares, snapshot);
    return {
      ...snapshot,
      totals: withPeak(snapshot.totals, saved),
      // Contexts that are newer than the peak had no share in it.
      peakObjects: Float64Array.from(inSaved, (index) => peakObjects[index] ?? 0),
      peakBytes: Float64Array.from(inSaved, (index) => peakBytes[index] ?? 0),
    };
  }

  #count(totals: HeapTotals): void {
    for (const { highest } of this.#open) {
      if (totals.peakBytes <= highest.bytes) continue;
      highest.objects = totals.peakObjects;
      highest.bytes = totals.peakBytes;
    }
  }

  // The saved peak, unless the present piece has surpassed it. Of equal peaks the first counts, as in the runtime.
  #savedAbove(totals: HeapTotals): SavedPeak | null {
    if (this.#saved !== null && totals.peakBytes > this.#saved.bytes) this.#saved = null;
    return this.#saved;
  }
}

function withPeak(totals: HeapTotals, { objects, bytes }: Peak): HeapTotals {
  return { ...totals, peakObjects: objects, peakBytes: bytes };
}

function sharesOf({ node, peakObjects, peakBytes }: HeapSnapshot): SavedPeak['shares'] {
  const had = (_: number, index: number): boolean => peakObjects[index] !== 0;
  return { node: node.filter(had), peakObjects: peakObjects.filter(had), peakBytes: peakBytes.filter(had) };
}
