// Makes reports of scans. The runtime classes the blocks in use. The classes and the first bytes of the blocks are
// a capture, which stays valid while the guest goes on. A capture becomes a report when somebody wants to read it.
// Making a capture costs as much as the scan; stacks are symbolised only for the report.

import type { WasmExports } from '../binary/wasm-types.ts';
import { type HeapFault, type Stack, withStacks } from '../frames/index.ts';
import type { ContextStacks, Ledger } from '../heap/index.ts';
import {
  type FailedAllocation,
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
  'A call into the program has trapped: blocks to which only the interrupted functions pointed are reported as lost.';

/** What a leak finder needs from the sandbox around it. */
export interface LeakFinderHost {
  readonly ledger: Ledger;
  readonly exports: WasmExports;
  readonly program: string;
  /** Whether functions of the guest are active. */
  active(): boolean;
  /** Addresses of libc's own blocks. */
  readonly kept: ReadonlySet<number>;
  /** The stacks of contexts, valid until the guest runs again. The context tree has been checked before. */
  contextStacks(): ContextStacks;
  /** What every report says about this guest. */
  readonly notes: readonly string[];
}

interface CapturedGroup extends ScannedGroup {
  readonly sample: Uint8Array;
}

/** The classes of all blocks at one moment. */
export interface LeakCapture {
  readonly groups: readonly CapturedGroup[];
  readonly notes: readonly string[];
  /** The version of the held pointers when the capture was made. */
  readonly heldVersion: number;
}

export class LeakFinder {
  readonly held = new HeldPointers();
  /** How many calls into the guest have trapped. */
  traps = 0;
  readonly #host: LeakFinderHost;
  readonly roots: RootFinder;

  /** Make it before any code of the guest has run. */
  constructor(layout: RootLayout, host: LeakFinderHost) {
    this.#host = host;
    this.roots = new RootFinder(layout, host.exports);
  }

  /**
   * Classes the blocks in use now.
   * @param after how many of the first allocations to leave out; 0 for none
   * @param active overrides the host: at the end of `main` the gate is still open, but no C frame is left
   */
  capture(after = 0, active = this.#host.active()): LeakCapture {
    const { ledger, exports, kept, notes } = this.#host;
    const roots = this.roots.find(this.held.addresses(), active);
    const groups = scanHeap(exports, ledger, roots, after, kept);
    const bytes = new Uint8Array(ledger.memory.buffer);
    return {
      groups: groups.map((group) => ({
        ...group,
        sample: bytes.slice(group.address, group.address + Math.min(group.size, SAMPLE_BYTES)),
      })),
      notes: [...roots.notes, ...notes, ...(this.traps > 0 ? [TRAPPED] : [])],
      heldVersion: this.held.version,
    };
  }

  /** The capture as a report, with its stacks symbolised. */
  report(
    capture: LeakCapture,
    errors: readonly HeapFault[],
    failedAllocations: readonly FailedAllocation[],
  ): LeakReport {
    if (capture.groups.length > 0) this.#host.ledger.checkTree();
    const stacks = this.#host.contextStacks();
    const isLibcBlock = libcBlocks();
    // A compiler that unrolls a loop makes two call sites of one line, so contexts of the same stack are one record.
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
      stacks: stacks.tree,
    });
  }
}

/** A record in the making, with the age of its oldest block. */
type Found = Omit<LeakRecord, 'frames'> & { readonly age: number };

/** Makes one record of two. The sample is that of the block that was allocated first. */
function joined(a: Found, b: Found): Found {
  const first = a.age >= b.age ? a : b;
  return { ...first, blocks: a.blocks + b.blocks, bytes: a.bytes + b.bytes };
}
