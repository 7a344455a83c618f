// From a scan to a report: asks the runtime to class the blocks in use, keeps what it says together with the first
// bytes of the blocks (a capture, which stays valid when the guest goes on), and turns captures into reports when
// somebody wants to read one. Capturing costs what the scan costs; stacks are symbolised in the report only.

import type { Frame } from '../errors.ts';
import type { Ledger } from '../heap/index.ts';
import { type FailedAllocation, type HeapFaultRecord, type LeakRecord, LeakReport } from '../report/index.ts';
import type { WasmExports } from '../wasm-types.ts';
import { HeldPointers } from './held-pointers.ts';
import { isLibcBlock } from './libc-blocks.ts';
import { RootFinder, type RootLayout } from './roots.ts';
import { StackKeys } from './same-stack.ts';
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
  /** Frames of a context, innermost first, in a tree that was found whole. */
  contextFrames(node: number): readonly Frame[];
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
    const keys = new StackKeys();
    const records = new Map<string, { record: LeakRecord; age: number }>();
    for (const { kind, node, blocks, bytes, address, age, sample } of capture.groups) {
      const frames = this.#host.contextFrames(node);
      if (isLibcBlock(kind, frames)) continue;
      const key = `${kind} ${keys.keyOf(frames)}`;
      const record = { kind, blocks, bytes, frames, sample: { address, bytes: sample } };
      const same = records.get(key);
      records.set(key, same === undefined ? { record, age } : joined(same, { record, age }));
    }
    return new LeakReport({
      records: [...records.values()].map(({ record }) => record),
      errors,
      failedAllocations,
      notes: capture.notes,
      program: this.#host.program,
    });
  }
}

/** One record of two; the sample is of the block that was allocated first. */
function joined(
  a: { record: LeakRecord; age: number },
  b: { record: LeakRecord; age: number },
): { record: LeakRecord; age: number } {
  const first = a.age >= b.age ? a : b;
  const blocks = a.record.blocks + b.record.blocks;
  const bytes = a.record.bytes + b.record.bytes;
  return { record: { ...first.record, blocks, bytes }, age: first.age };
}
