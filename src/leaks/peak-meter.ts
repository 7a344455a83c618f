// Peaks of scopes out of a runtime that keeps one peak, that of the whole run. While a scope is open the runtime's
// peak is started anew at each scope's start and end, and the pieces are put together here: a scope's peak is the
// highest of the pieces it spans. When the last scope closes, the peak of the whole run is put back where it was
// the higher one, each context's share included (csrc/ledger.c explains how a share is kept).

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

/** The runtime's peak and every context's share in it. */
interface SavedPeak extends Peak {
  readonly contexts: HeapSnapshot;
}

export class PeakMeter {
  readonly #ledger: Ledger;
  readonly #open = new Set<ScopePeak>();
  /** The highest peak so far of the run, while scopes are open and the runtime's own has been reset. */
  #saved: SavedPeak | null = null;

  readonly #written: () => void;

  constructor(ledger: Ledger, exports: WebAssembly.Exports) {
    this.#ledger = ledger;
    this.#written = (exports.heapline_peak_written as (() => void) | undefined) ?? (() => {});
  }

  open(): ScopePeak {
    const totals = this.#boundary();
    const scope = { highest: { objects: totals.liveObjects, bytes: totals.liveBytes } };
    this.#open.add(scope);
    return scope;
  }

  close(scope: ScopePeak): void {
    this.#boundary();
    this.#open.delete(scope);
    if (this.#open.size > 0 || this.#saved === null) return;
    this.#restore(this.#saved);
    this.#saved = null;
  }

  // Ends a piece: counts its peak for every open scope and for the run, and starts the next.
  #boundary(): HeapTotals {
    const totals = this.#ledger.totals();
    for (const { highest } of this.#open) {
      if (totals.peakBytes <= highest.bytes) continue;
      highest.objects = totals.peakObjects;
      highest.bytes = totals.peakBytes;
    }
    if (this.#saved === null || totals.peakBytes > this.#saved.bytes) {
      const contexts = this.#ledger.snapshot();
      this.#saved = { objects: totals.peakObjects, bytes: totals.peakBytes, contexts };
    }
    const { memory, runtimeAddress } = this.#ledger;
    const words = new Uint32Array(memory.buffer);
    words[(runtimeAddress + L.RUNTIME_PEAK_OBJECTS) / WORD] = totals.liveObjects;
    words[(runtimeAddress + L.RUNTIME_PEAK_BYTES) / WORD] = totals.liveBytes;
    // No context carries the new number, so the share of each is what it holds now.
    words[(runtimeAddress + L.RUNTIME_PEAK_EPOCH) / WORD]! += 1;
    this.#written();
    return totals;
  }

  #restore(saved: SavedPeak): void {
    const { memory, runtimeAddress } = this.#ledger;
    const words = new Uint32Array(memory.buffer);
    words[(runtimeAddress + L.RUNTIME_PEAK_OBJECTS) / WORD] = saved.objects;
    words[(runtimeAddress + L.RUNTIME_PEAK_BYTES) / WORD] = saved.bytes;
    const epoch = words[(runtimeAddress + L.RUNTIME_PEAK_EPOCH) / WORD]! + 1;
    words[(runtimeAddress + L.RUNTIME_PEAK_EPOCH) / WORD] = epoch;
    const now = this.#ledger.snapshot();
    const inSaved = indicesIn(saved.contexts, now);
    for (let i = 0; i < now.count; i++) {
      const node = now.node[i]!;
      if (node === 0) continue;
      const at = (node + L.NODE_LINK) / WORD;
      const link = words[at]!;
      // Contexts that are newer than the peak had no share in it.
      const objects = saved.contexts.peakObjects[inSaved[i]!] ?? 0;
      if ((link & L.NODE_LINK_ACCOUNT) !== 0) {
        const account = (link - L.NODE_LINK_ACCOUNT) / WORD;
        words[account + L.ACCOUNT_PEAK_OBJECTS / WORD] = objects;
        words[account + L.ACCOUNT_PEAK_BYTES / WORD] = saved.contexts.peakBytes[inSaved[i]!] ?? 0;
        words[account + L.ACCOUNT_PEAK_EPOCH / WORD] = epoch;
      } else if ((link & L.BUD_ALLOCATED) !== 0) {
        const flags = link & (2 ** L.BUD_EPOCH_SHIFT - 1) & ~L.BUD_PEAK;
        words[at] = flags | (objects > 0 ? L.BUD_PEAK : 0) | (epoch << L.BUD_EPOCH_SHIFT);
      }
    }
    this.#written();
  }
}
