// From addresses in the ledger to stacks that people read: the frames of contexts, of faults and of allocations that
// failed. Frames in C come from the module's symbols, frames in JavaScript from the captured host stacks.

import {
  type FaultyAccess,
  type FaultyBlock,
  type FaultyVariable,
  type Frame,
  faultPosition,
  type HeapFault,
  type HeapFaultKind,
  type MemoryAround,
  type Stack,
  stackOf,
  TRUNCATED_FRAME,
  variablePosition,
  withStacks,
} from '../frames/index.ts';
import { ContextStacks, type Ledger, type RawAccess, type RawVariable } from '../heap/index.ts';
import type { HostStacks } from '../host/index.ts';
import type { FailedAllocation } from '../report/index.ts';
import * as layout from '../runtime/layout.ts';
import type { EventPath, HeapEvents, RecordedHeapFault } from './heap-events.ts';
import type { ModuleSymbols } from './module-symbols.ts';

/** The name of a variable, what clang appends to those of parameters and in inlined functions, and the line. */
const VARIABLE = /^(.*?)(?:\.(?:i|addr)\d*)*(?::(\d+))?$/s;

/** Reads the stacks of one guest's heap. */
export class StackReader {
  readonly #ledger: Ledger;
  readonly #events: HeapEvents;
  readonly #symbols: Pick<ModuleSymbols, 'frames' | 'isStartUp'>;
  readonly #hostStacks: HostStacks;
  /** Where the code of the function begins that is in the table at this index; null when it is not known. */
  readonly #codeOf: (pointer: number) => number | null;

  constructor(
    ledger: Ledger,
    events: HeapEvents,
    symbols: Pick<ModuleSymbols, 'frames' | 'isStartUp'>,
    hostStacks: HostStacks,
    codeOf: (pointer: number) => number | null,
  ) {
    this.#ledger = ledger;
    this.#events = events;
    this.#symbols = symbols;
    this.#hostStacks = hostStacks;
    this.#codeOf = codeOf;
  }

  /** The stacks of contexts whose paths were checked. They are valid until the guest runs again. */
  contexts(): ContextStacks {
    const symbols = this.#symbols;
    const hostStacks = this.#hostStacks;
    return new ContextStacks(this.#ledger, {
      frames(site) {
        if (site === layout.SITE_TRUNCATED) return [TRUNCATED_FRAME];
        if (site < layout.SITE_HOST_FLAG) return symbols.frames(site);
        return hostStacks.frames(site - layout.SITE_HOST_FLAG);
      },
      isStartUp: (site) =>
        site !== layout.SITE_TRUNCATED && site < layout.SITE_HOST_FLAG && symbols.isStartUp(site),
    });
  }

  /** Frames of one context, innermost first. @param node address of a context, not checked yet */
  frames(node: number): readonly Frame[] {
    return this.#stackAt({ node }, this.contexts()).frames();
  }

  /**
   * The faults that are kept, oldest first. Wrong accesses of one kind at one line and column, by the same calls, are one
   * fault: compilers make several instructions of what is one access in the source, where they unroll a loop, for example.
   * @param first how many to leave out
   */
  faults(first = 0): HeapFault[] {
    const stacks = this.contexts();
    const known = new Set<string>();
    return this.#events.faults
      .slice(first)
      .map((fault) => this.fault(fault, stacks))
      .filter((fault) => isNewPlace(fault, known));
  }

  /** A fault with its stacks. */
  fault({ record, path, allocated, freed, memory }: RecordedHeapFault, stacks = this.contexts()): HeapFault {
    const { kind, address, access, mismatch } = record;
    const block = record.block === 0 ? null : { address: record.block, size: record.blockSize };
    return withStacks(
      {
        ...{ kind, address, block },
        ...(access === null ? {} : { access: this.#access(kind, access, block, memory!) }),
        ...(mismatch === null ? {} : { mismatch }),
      },
      {
        frames: this.#stackAt(path, stacks),
        allocatedAt: allocated && this.#stackAt(allocated, stacks),
        freedAt: freed && knownOrNull(this.#stackAt(freed, stacks)),
      },
    );
  }

  /** The allocations that failed since a mark, one entry for each stack. @param mark from HeapEvents; 0 for all */
  failures(mark = 0): FailedAllocation[] {
    const stacks = this.contexts();
    return this.#events.failures((path) => this.#stackAt(path, stacks), mark);
  }

  #access(
    kind: HeapFaultKind,
    { writes, size, bad, variable: raw }: RawAccess,
    block: FaultyBlock | null,
    memory: MemoryAround,
  ): FaultyAccess {
    const variable = raw === null ? null : this.#variable(raw);
    return {
      ...{ kind: writes ? 'write' : 'read', size, badAddress: bad },
      position: variable === null ? faultPosition(kind, bad, block) : variablePosition(kind, bad, variable),
      memory,
      ...(variable === null ? {} : { variable }),
    };
  }

  #variable({ name, address, size, function: pointer }: RawVariable): FaultyVariable {
    const [, text = '', line] = VARIABLE.exec(name) ?? [];
    const site = pointer === 0 ? null : this.#codeOf(pointer);
    return {
      ...{ name: text, address, size },
      line: line === undefined ? null : Number(line),
      function: site === null ? null : (this.#symbols.frames(site).at(-1)?.function ?? null),
    };
  }

  #stackAt(path: EventPath, stacks: ContextStacks): Stack {
    if (!('node' in path)) return stacks.ofSites(path);
    this.#ledger.checkContext(path.node);
    return stacks.of(path.node);
  }
}

/** Whether no fault before was an access of this kind at this place of the source. @param known such places so far */
function isNewPlace(fault: HeapFault, known: Set<string>): boolean {
  const stack = stackOf(fault, 'frames');
  if (fault.access === undefined || stack.depth === 0 || stack.frame.line === 0) return true;
  const before = known.size;
  return known.add(`${stack.id} ${fault.kind} ${fault.access.kind}`).size > before;
}

/**
 * A stack, or null when it has no frames, because its place is not known. This is so for a block that JavaScript freed:
 * an entry that allocates nothing does not capture the JavaScript stack.
 */
const knownOrNull = (stack: Stack): Stack | null => (stack.depth === 0 ? null : stack);
