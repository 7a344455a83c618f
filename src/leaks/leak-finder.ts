// Makes reports of scans. The runtime classes the blocks in use. The classes and the first bytes of the blocks are
// a capture, which stays valid while the guest goes on. A capture becomes a report when somebody wants to read it.
// Making a capture costs as much as the scan; stacks are symbolised only for the report.

import type { WasmExports } from '../binary/wasm-types.ts';
import type { SampledGroup, SampledSum } from '../contents/index.ts';
import type { Frame, HeapFault } from '../frames/index.ts';
import type { ContextStacks, Ledger } from '../heap/index.ts';
import { type BlockContents, type BlockSample, type FailedAllocation, LeakReport } from '../report/index.ts';
import type { BlockSum } from './block-sum.ts';
import { HeldPointers } from './held-pointers.ts';
import { LeakRecords } from './leak-records.ts';
import { libcBlocks } from './libc-blocks.ts';
import type { LostPart } from './lost-heap.ts';
import { RootFinder, type RootLayout } from './roots.ts';
import { type ScannedGroup, scanHeap } from './scan.ts';

/** Bytes kept of the first block of each record. */
const SAMPLE_BYTES = 32;

const TRAPPED =
  'A call into the program has trapped or was stopped: blocks to which only the interrupted functions pointed are reported as lost.';

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
  /** Whether a frame is a call by which a function allocates for its caller, by what the function does. */
  allocates(frame: Frame): boolean;
  /** What every report says about this guest, as it is now. */
  readonly notes: readonly string[];
  /** What the sampled blocks contain that are still as they were captured, where it is known. */
  contents(groups: readonly SampledGroup[]): ReadonlyMap<SampledSum, BlockContents>;
}

interface CapturedSum extends BlockSum {
  readonly sample: BlockSample;
}

interface CapturedGroup extends ScannedGroup, CapturedSum {
  readonly parts: readonly (LostPart & CapturedSum)[];
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
    const memory = new Uint8Array(ledger.memory.buffer);
    const withSample = <T extends BlockSum>(sum: T) => ({ ...sum, sample: sampleOf(memory, sum) });
    return {
      groups: groups.map((group) => ({ ...withSample(group), parts: group.parts.map(withSample) })),
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
    const records = new LeakRecords(libcBlocks());
    const contents = this.#host.contents(capture.groups);
    const withStack = <T extends CapturedSum>(sum: T) => ({
      ...sum,
      sample: withContents(sum.sample, contents.get(sum)),
      stack: stacks.of(sum.node),
    });
    for (const group of capture.groups) {
      records.add(group.kind, withStack(group), group.parts.map(withStack));
    }
    return new LeakReport({
      records: records.finish(),
      errors,
      failedAllocations,
      notes: capture.notes,
      program: this.#host.program,
      stacks: stacks.tree,
      allocates: (frame) => this.#host.allocates(frame),
    });
  }
}

function withContents(sample: BlockSample, contents: BlockContents | undefined): BlockSample {
  return contents === undefined ? sample : { ...sample, contents };
}

function sampleOf(memory: Uint8Array, { address, size }: BlockSum): BlockSample {
  return { address, bytes: memory.slice(address, address + Math.min(size, SAMPLE_BYTES)) };
}
