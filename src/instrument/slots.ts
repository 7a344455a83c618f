// The pass that makes functions keep slots: before every call that can lead to an allocation, the function
// writes where it is (slot-code.ts says how).

import { unitDone } from '../algorithms/watched-work.ts';
import { Opcode, skipLeb, type WasmModule } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import type { CallGraph } from './call-graph.ts';
import { type CallSites, SiteFlag } from './scan.ts';
import { type SlotAddresses, SlotCode, type SlotSequences } from './slot-code.ts';

const I32 = 0x7f;

/** What the pass did. */
export interface SlotCounts {
  readonly recordedCalls: number;
  readonly instrumentedFunctions: number;
}

class SlotPass {
  readonly #slots: SlotCode;
  readonly #module: WasmModule;

  constructor(
    readonly rewriter: Rewriter,
    readonly sites: CallSites,
    readonly graph: CallGraph,
    addresses: SlotAddresses,
    readonly codeStart: number,
  ) {
    this.#module = rewriter.module;
    this.#slots = new SlotCode(addresses);
  }

  run(): SlotCounts {
    let recordedCalls = 0;
    let instrumentedFunctions = 0;
    for (let body = 0; body < this.#module.bodies.length; body += 1) {
      unitDone();
      if (this.graph.instrumented[this.#module.importedFunctions + body] === 0) continue;
      const recorded = this.#function(body);
      if (recorded > 0) instrumentedFunctions += 1;
      recordedCalls += recorded;
    }
    return { recordedCalls, instrumentedFunctions };
  }

  /** Gives one function its slots; returns the number of calls that it records. */
  #function(body: number): number {
    const { rewriter, sites, graph } = this;
    const end = sites.first[body + 1]!;
    let sequences: SlotSequences | null = null;
    let recorded = 0;
    // True while `top` is known to hold `fp`: after the recorded call of a sink in the same straight line.
    let topIsSet = false;
    for (let site = sites.first[body]!; site < end; site += 1) {
      const flags = sites.flags[site]!;
      if ((flags & SiteFlag.Join) !== 0) topIsSet = false;
      if (graph.recorded[site] === 0) continue;
      recorded += 1;
      if (sequences === null) {
        sequences = this.#slots.for(rewriter.addLocal(body, I32));
        rewriter.code.insert(sites.entry[body]!, sequences.entry);
      }
      const direct = (flags & (SiteFlag.Indirect | SiteFlag.Reference)) === 0;
      const sink = direct && graph.sinks[sites.target[site]!] === 1;
      const position = sites.position[site]!;
      const tail = (flags & SiteFlag.Tail) !== 0;
      // A tail call: the callee takes over this frame's place.
      if (tail && !sink) rewriter.code.insert(position, sequences.yield);
      else {
        this.#slot(position, sequences, topIsSet);
        if (tail) this.#keepFrame(position);
      }
      topIsSet = sink && graph.sinksKeepTop;
    }
    return recorded;
  }

  /** Writes the slot before the call at `position`, and sets `top` unless it is set. */
  #slot(position: number, sequences: SlotSequences, topIsSet: boolean): void {
    const edits = this.rewriter.code;
    edits.begin(position);
    edits.code.copy(sequences.slotHead);
    edits.code.signed(position - this.codeStart);
    edits.code.copy(sequences.slotTail);
    if (!topIsSet) edits.code.copy(sequences.top);
  }

  /** Makes the tail call of a sink a call and a return, so that this frame is in the context. */
  #keepFrame(position: number): void {
    const { bytes } = this.#module;
    const end = skipLeb(bytes, position + 1);
    const edits = this.rewriter.code;
    edits.begin(position, end - position);
    edits.code.byte(Opcode.Call);
    edits.code.copy(bytes.subarray(position + 1, end));
    edits.code.byte(Opcode.Return);
  }
}

/**
 * Adds the slots of all functions that the call graph names. Sites are offsets from `codeStart`, a file offset. Throws an UnsupportedModuleError for a function
 * that would exceed what engines allow.
 */
export function addSlots(
  rewriter: Rewriter,
  sites: CallSites,
  graph: CallGraph,
  addresses: SlotAddresses,
  codeStart: number,
): SlotCounts {
  return new SlotPass(rewriter, sites, graph, addresses, codeStart).run();
}
