// From a scan to a report: asks the runtime to class the blocks in use, keeps what it says together with the first
// bytes of the blocks (a capture, which stays valid when the guest goes on), and turns captures into reports when
// somebody wants to read one. Capturing costs what the scan costs; stacks are symbolised in the report only.

import type { WasmExports } from '../binary/wasm-types.ts';
import { type Stack, withStacks } from '../frames/index.ts';
import type { ContextStacks, Ledger } from '../heap/index.ts';
import {
  type FailedAllocation,
  type HeapFaultRecord,
  type LeakKind,
  type LeakRecord,
  LeakReport,
  leakKinds,
} from '../report/index.ts';
import { HeldPointers } from './held-pointers.ts';
import { libcBlocks } from './libc-blocks.ts';
import { RootFinder, type RootLayout } from './roots.ts';
import { type ScannedGroup, scanHeap } from './scan.ts';

/** Bytes kept of the first block of each record. */
const SAMPLE_BYTES = 32;

const TRAPPED =
  'A call into the program has trapped: what only the functions that it cut off pointed to is reported as lost.';

/** What a leak finder needs of the sandbox around it. */
export interface LeakFinderHost {
  readonly ledger: Ledger;
  readonly exports: WasmExports;
  readonly program: string;
  /** Whether functions of the guest are active. */
  active(): boolean;
  /** Addresses of blocks that are libc's own. */
  readonly kept: ReadonlySet<number>;
  /** The stacks of contexts in a tree that was found whole, until the guest runs again. */
  contextStacks(): ContextStacks;
}

interface CapturedGroup extends ScannedGroup {
  readonly sample: Uint8Array;
}

/** What was found in the heap at one moment. */
export interface LeakCapture {
  readonly groups: readonly CapturedGroup[];
  readonly notes: readonly string[];
  /** Of the pointers held when it was made. */
  readonly heldVersion: number;
}

export class LeakFinder {
  readonly held = new HeldPointers();
  /** How many calls into the guest have trapped. */
  traps = 0;
  readonly #host: LeakFinderHost;
  readonly roots: RootFinder;

  /** To be made before any code of the guest has run. */
  constructor(layout: RootLayout, host: LeakFinderHost) {
    this.#host = host;
    this.roots = new RootFinder(layout, host.exports);
  }

  /**
   * Classes the blocks in use now.
   * @param after serial number of the last block to leave out, as a count of all allocations; 0 for none
   * @param active overrides what the host says: at the end of `main` the gate is still open, but no C frame is left
   */
  capture(after = 0, active = this.#host.active()): LeakCapture {
    const { ledger, exports, kept } = this.#host;
    const roots = this.roots.find(this.held.addresses(), active);
    const groups = scanHeap(exports, ledger, roots, after, kept);
    const bytes = new Uint8Array(ledger.memory.buffer);
    return {
      groups: groups.map((group) => ({
        ...group,
        sample: bytes.slice(group.address, group.address + Math.min(group.size, SAMPLE_BYTES)),
      })),
      notes: this.traps > 0 ? [...roots.notes, TRAPPED] : roots.notes,
      heldVersion: this.held.version,
    };
  }

  /** The capture with its stacks read. */
  report(
    capture: LeakCapture,
    errors: readonly HeapFaultRecord[],
    failedAllocations: readonly FailedAllocation[],
  ): LeakReport {
    if (capture.groups.length > 0) this.#host.ledger.checkTree();
    const stacks = this.#host.contextStacks();
    const isLibcBlock = libcBlocks();
    // A compiler that unrolls a loop makes two call sites of one line: contexts of the same stack are one record.
    const records = new Map<LeakKind, Map<Stack, Found>>(leakKinds.map((kind) => [kind, new Map()]));
    for (const { kind, node, blocks, bytes, address, age, sample } of capture.groups) {
      const stack = stacks.of(node);
      if (isLibcBlock(kind, stack)) continue;
      const found = { kind, blocks, bytes, age, sample: { address, bytes: sample } };
      const same = records.get(kind)!.get(stack);
      records.get(kind)!.set(stack, same === undefined ? found : joined(same, found));
    }
    return new LeakReport({
      records: [...records.values()].flatMap((ofKind) =>
        [...ofKind].map(([stack, { age: _, ...record }]) => withStacks(record, { frames: stack })),
      ),
      errors,
      failedAllocations,
      notes: capture.notes,
      program: this.#host.program,
    });
  }
}

/** What becomes a record, with the age of its oldest block. */
type Found = Omit<LeakRecord, 'frames'> & { readonly age: number };

/** One record of two; the sample is of the block that was allocated first. */
function joined(a: Found, b: Found): Found {
  const first = a.age >= b.age ? a : b;
  return { ...first, blocks: a.blocks + b.blocks, bytes: a.bytes + b.bytes };
}
