// Measures the peaks of scopes with a runtime that keeps one peak. When a scope opens, the runtime starts its peak
// anew, which cuts the run into pieces. A scope's peak is the highest peak of its pieces. The peak of earlier
// pieces is kept here with each context's share in it (csrc/ledger.c explains how the runtime keeps a share).
// Totals and contexts are therefore read through this file, and they show the peak of the whole run whether or not
// scopes are open.
//
// Nothing is ever written back into the runtime. Some of it could not be: a bud has 24 bits for the number of a
// peak, and a run may have more peaks. Buds may keep an older number. A new piece ignores it, because the share of
// each context is then what the context holds, so the runtime takes a number that no context has (csrc/buds.c).

import type { WasmExports } from '../binary/wasm-types.ts';
import { StateError } from '../errors.ts';
import { type HeapSnapshot, type HeapTotals, indicesIn, type Ledger } from '../heap/index.ts';
import { runtimeFunctions } from '../runtime/index.ts';
import * as L from '../runtime/layout.ts';

const WORD = 4;

interface Peak {
  objects: number;
  bytes: number;
}

/** The peak of one scope in absolute blocks and bytes. It is final when the scope is closed. */
export interface ScopePeak {
  readonly highest: Peak;
}

/** A peak with each context's share in it. */
interface SavedPeak extends Peak {
  readonly shares: Pick<HeapSnapshot, 'node' | 'peakObjects' | 'peakBytes'>;
}

export class PeakMeter {
  readonly #ledger: Ledger;
  readonly #open = new Set<ScopePeak>();
  /**
   * The highest peak of earlier pieces; null when the present piece has a higher one, or when it is the only piece.
   */
  #saved: SavedPeak | null = null;

  readonly #written: () => void;

  constructor(ledger: Ledger, exports: WasmExports) {
    this.#ledger = ledger;
    this.#written = runtimeFunctions(exports).heapline_peak_written ?? (() => {});
  }

  /** Throws while a scope is open. */
  save(): () => void {
    if (this.#open.size > 0) throw new StateError('A snapshot cannot be taken inside of heap.scope().');
    const saved = this.#saved;
    return () => {
      this.#open.clear();
      this.#saved = saved;
    };
  }

  /** Starts a piece. The peak of the previous piece counts for every open scope and for the run. */
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

  /** The piece goes on. It started when the last scope opened, so all of it belongs to every open scope. */
  close(scope: ScopePeak): void {
    try {
      this.#count(this.#ledger.totals());
    } finally {
      this.#open.delete(scope);
    }
  }

  /** The present sums of the ledger with the peak of the whole run. */
  totals(): HeapTotals {
    const totals = this.#ledger.totals();
    const saved = this.#savedAbove(totals);
    return saved === null ? totals : withPeak(totals, saved);
  }

  /** Every context with its present counters and its share in the peak of the whole run. */
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

  // The saved peak, unless the present piece has exceeded it. The first of equal peaks counts, as in the runtime.
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
