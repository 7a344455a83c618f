// The events that the runtime reports to the host while a guest runs: heap faults, and allocations that failed. They are
// kept on this side of the boundary, including their call sites, because a program with heap faults may later overwrite
// the runtime's records.

import { savedArray, savedMap } from '../algorithms/saved.ts';
import { CorruptLedgerError } from '../errors.ts';
import { type MemoryAround, type Stack, withStacks } from '../frames/index.ts';
import type { Ledger, RawAccess, RawHeapFault } from '../heap/index.ts';
import type { FailedAllocation } from '../report/index.ts';

/** Faults that are kept; further ones are only counted. */
const FAULTS_KEPT = 10_000;
/** The last faults, which can be found again even if they are not kept. */
const RECENT = 64;
/** Contexts of failed allocations that are kept; failures in further contexts are only counted. */
const FAILING_CONTEXTS_KEPT = 1000;
/** Call sites that are kept, of all paths together. Of later paths only the address of the context is kept. */
const SITES_KEPT = 2 ** 20;

/** A calling context: its call sites, innermost first, or the address of its node in the ledger. */
export type EventPath = readonly number[] | { readonly node: number };

/** A recorded heap fault with the paths of its contexts. Its stacks are read when somebody asks (stack-reader.ts). */
export interface RecordedHeapFault {
  readonly record: RawHeapFault;
  readonly path: EventPath;
  readonly allocated: EventPath | null;
  readonly freed: EventPath | null;
  /** The bytes around a wrong access; null otherwise. */
  readonly memory: MemoryAround | null;
}

/** What the host finds out about a wrong access when it happens. */
export interface AccessWitness {
  /** The sites of the access and of the calls around it, innermost first. */
  pathOf(access: RawAccess, context: readonly number[]): readonly number[];
  /** The bytes around an address. */
  memoryAround(address: number): MemoryAround;
}

/** Allocations that failed in one context. */
interface FailureEvent {
  readonly path: EventPath;
  /** How many marks were made before. */
  readonly marks: number;
  count: number;
  smallest: number;
  largest: number;
}

export class HeapEvents {
  /** The first faults, oldest first. */
  readonly faults: RecordedHeapFault[] = [];
  /** How many faults there were. */
  faultCount = 0;
  readonly #recent: RecordedHeapFault[] = [];
  /** One entry for each context and each mark after which an allocation failed there. */
  readonly #failures = new Map<string, FailureEvent>();
  #marks = 0;
  readonly #paths = new Map<number, EventPath>();
  #sites = 0;

  /** Takes the record at this address; returns the fault, or null when an allocation failed. */
  take(address: number, ledger: Ledger, witness: AccessWitness): RecordedHeapFault | null {
    if (ledger.isFailure(address)) {
      ledger.countFailure();
      const { size, context } = ledger.failureAt(address);
      this.#failed(size, context, ledger);
      return null;
    }
    ledger.countFault();
    const record = ledger.faultAt(address);
    const { access } = record;
    const context = this.#path(record.context, ledger);
    const event: RecordedHeapFault = {
      record,
      // The innermost call that the runtime knows of is older than the access.
      path: access === null ? context : witness.pathOf(access, 'node' in context ? [] : context),
      memory: access === null ? null : witness.memoryAround(access.bad),
      allocated: record.allocContext === 0 ? null : this.#path(record.allocContext, ledger),
      freed: record.freeContext === 0 ? null : this.#path(record.freeContext, ledger),
    };
    if (this.faults.length < FAULTS_KEPT) this.faults.push(event);
    this.#recent[this.faultCount++ % RECENT] = event;
    return event;
  }

  save(): () => void {
    const parts = [
      savedArray(this.faults),
      savedArray(this.#recent),
      savedMap(this.#failures, (failure) => ({ ...failure })),
      savedMap(this.#paths),
    ];
    const [faultCount, marks, sites] = [this.faultCount, this.#marks, this.#sites];
    return () => {
      for (const restore of parts) restore();
      this.faultCount = faultCount;
      this.#marks = marks;
      this.#sites = sites;
    };
  }

  /** The first fault after `count` faults had been seen; undefined when there was none. */
  firstSince(count: number): RecordedHeapFault | undefined {
    return this.faultCount > count
      ? this.#recent[Math.max(count, this.faultCount - RECENT) % RECENT]
      : undefined;
  }

  /** The context of the first allocation that failed; null when none has. */
  firstFailure(): EventPath | null {
    for (const { path } of this.#failures.values()) return path;
    return null;
  }

  /** Makes a mark for failures(), which separates later failures from earlier ones. */
  mark(): number {
    return ++this.#marks;
  }

  /** The allocations that failed since a mark, one entry for each stack, in the order in which they failed first. */
  failures(stackAt: (path: EventPath) => Stack, since = 0): FailedAllocation[] {
    const merged = new Map<Stack, Omit<FailedAllocation, 'frames'>>();
    for (const { path, marks, count, smallest, largest } of this.#failures.values()) {
      if (marks < since) continue;
      const stack = stackAt(path);
      const same = merged.get(stack) ?? { count: 0, smallest, largest };
      merged.set(stack, {
        count: same.count + count,
        smallest: Math.min(same.smallest, smallest),
        largest: Math.max(same.largest, largest),
      });
    }
    return [...merged].map(([stack, failed]) => withStacks(failed, { frames: stack }));
  }

  #failed(size: number, context: number, ledger: Ledger): void {
    const key = `${context} ${this.#marks}`;
    const known = this.#failures.get(key);
    if (known !== undefined) {
      known.count++;
      known.smallest = Math.min(known.smallest, size);
      known.largest = Math.max(known.largest, size);
    } else if (this.#failures.size < FAILING_CONTEXTS_KEPT) {
      const path = this.#path(context, ledger);
      this.#failures.set(key, { path, marks: this.#marks, count: 1, smallest: size, largest: size });
    }
  }

  #path(node: number, ledger: Ledger): EventPath {
    const known = this.#paths.get(node);
    if (known !== undefined) return known;
    let path: EventPath = { node };
    try {
      if (this.#sites < SITES_KEPT) {
        ledger.checkContext(node);
        path = ledger.sites(node);
        this.#sites += path.length + 1;
        this.#paths.set(node, path);
      }
    } catch (error) {
      // The program has overwritten the tree before: whoever asks for the frames gets the error.
      if (!(error instanceof CorruptLedgerError)) throw error;
    }
    return path;
  }
}
