// The model of a leak report: what a scan of linear memory found, grouped by calling context, and the heap faults
// that were recorded before. A report is immutable; suppressions and baselines make a new one. Its stacks are nodes
// of one stack tree, from which every writer reads. The classes are those of Valgrind's memcheck manual, section
// 4.2.8 "Memory leak detection". The writers are beside this file.

import { type Frame, faultStackNames, type HeapFault, StackTree, withStacksIn } from '../frames/index.ts';
import { INSPECT } from './inspect.ts';
import { defaultLeakKinds, type LeakKind, leakKindsIn } from './leak-kinds.ts';
import { recordsByContext, sumOf, withOther } from './lost-trees.ts';
import { compareRecords } from './record-order.ts';
import { formatText } from './text.ts';

/** A field of a block, or an element of it. */
export interface ShownField {
  /** Its name; `[0]` for the first element of an array. */
  readonly name: string;
  /** Its type as C writes it. */
  readonly type: string;
  /** Its value as C would write it, shortened: `7`, `NULL`, `"a text"`, `{ x = 1, y = 2 }`, `0x00010a30 (24 bytes)`. */
  readonly value: string;
}

/** What a block contains, where the debug information tells. */
export interface BlockContents {
  /** The type as C writes it: `struct node`, `struct node *[8]`, `char[4]`. */
  readonly type: string;
  /** Bytes before it: allocators put something of their own at the start of their blocks. */
  readonly offset: number;
  /** False when the block goes on behind the type: an array, or a header with something behind it. */
  readonly whole: boolean;
  /** Bytes of the type. */
  readonly size: number;
  /** The first fields of a struct, or elements of an array. */
  readonly fields: readonly ShownField[];
  /** How many fields or elements are left out. */
  readonly left: number;
  /** The text of an array of characters, in quotes; null for other types. */
  readonly text: string | null;
}

/** The first bytes of one block, copied when the report was made. */
export interface BlockSample {
  /** Address of the block in linear memory. */
  readonly address: number;
  /** The bytes themselves. */
  readonly bytes: Uint8Array;
  /**
   * What the block contains. Not there when it is not known, or when the code that finds it out was not loaded
   * (`loadViews()` in `heapline/core` and `heapline/browser`).
   */
  readonly contents?: BlockContents;
}

/** Blocks of one calling context that hang on lost blocks: the program lost them because it lost those. */
export interface LeakPart {
  /** Number of blocks. */
  readonly blocks: number;
  /** Sum of their requested sizes. */
  readonly bytes: number;
  /** Where they were allocated, innermost frame first. */
  readonly frames: readonly Frame[];
  /** The first bytes of the block that was allocated first; null when they were not read. */
  readonly sample: BlockSample | null;
  /** Index of the part that points to them; -1 when the blocks of the record do. */
  readonly under: number;
}

/**
 * Blocks of one class that were allocated in one calling context, and what was lost with them. A lost tree is one
 * record: its blocks are the roots, which the program should have freed, and its parts are all the rest. Where lost
 * blocks point to each other in a cycle, the oldest block is the root.
 */
export interface LeakRecord {
  /** How the blocks can still be reached. */
  readonly kind: LeakKind;
  /** Number of blocks, without those that hang on them. */
  readonly blocks: number;
  /** Sum of their requested sizes. */
  readonly bytes: number;
  /** Where the blocks were allocated, innermost frame first. */
  readonly frames: readonly Frame[];
  /** The first bytes of the block that was allocated first; null when they were not read. */
  readonly sample: BlockSample | null;
  /** The sum of the parts. */
  readonly indirect: LeakCount;
  /** What hangs on the blocks, by calling context. A part comes after the one that it hangs on. */
  readonly parts: readonly LeakPart[];
}

/** Allocations of one stack that found no memory: malloc or one of its siblings returned NULL. */
export interface FailedAllocation {
  /** How many. */
  readonly count: number;
  /** The smallest and the largest size that was asked for, in bytes. */
  readonly smallest: number;
  /** The most bytes that one of them asked for. */
  readonly largest: number;
  /** Where they were asked for, innermost frame first. */
  readonly frames: readonly Frame[];
  /** What happened then, when a sweep has found that it is handled badly. */
  readonly consequence?: string;
}

/** Blocks and bytes summed over records. */
export interface LeakCount {
  /** Number of blocks. */
  readonly blocks: number;
  /** Sum of their requested sizes. */
  readonly bytes: number;
}

/** The blocks of one class, their records and their sum. */
export interface LeakClass extends LeakCount {
  /** The records of this class, the largest first. */
  readonly records: readonly LeakRecord[];
}

/** Sums for each class and for all classes. Suppressed and known records do not count. */
export type LeakTotals = { readonly [kind in LeakKind | 'total']: LeakCount };

/** A record that a suppression removed from the report. */
export interface SuppressedLeak {
  /** The record. */
  readonly record: LeakRecord;
  /** The suppression, spelled as in its file. */
  readonly suppression: string;
}

/** A calling context that holds more after each call. */
export interface GrowingPlace {
  /** Blocks that each call adds, on average. */
  readonly objectsPerRun: number;
  /** Bytes that each call adds, on average. */
  readonly bytesPerRun: number;
  /** Where the blocks are allocated, innermost frame first. */
  readonly frames: readonly Frame[];
}

/** What repeated calls leave behind, as `heap.growth()` measures it. */
export interface LeakGrowth {
  /** Calls that were measured. */
  readonly runs: number;
  /** Blocks that each call adds in all growing contexts together. */
  readonly objectsPerRun: number;
  /** Bytes that each call adds in all growing contexts together. */
  readonly bytesPerRun: number;
  /** The growing contexts, the fastest first; empty when the heap is steady. */
  readonly contexts: readonly GrowingPlace[];
}

/** What a report is made of. Everything but the records may be left out. */
export interface LeakReportParts {
  /** What the scan found. */
  readonly records: readonly LeakRecord[];
  /** Misuses of the heap. */
  readonly errors?: readonly HeapFault[];
  /** Allocations that found no memory. */
  readonly failedAllocations?: readonly FailedAllocation[];
  /** Why the heap could not be searched. */
  readonly damage?: string;
  /** What the scan could not see, in sentences. */
  readonly notes?: readonly string[];
  /** Name of the module that was scanned. */
  readonly program?: string;
  /** Records that suppressions took out. */
  readonly suppressed?: readonly SuppressedLeak[];
  /** Suppressions that matched nothing, as `file:line: leak:pattern`. */
  readonly unusedSuppressions?: readonly string[];
  /** Records that a baseline knew. */
  readonly known?: readonly LeakRecord[];
  /** Heap faults that a baseline knew. */
  readonly knownErrors?: readonly HeapFault[];
  /** What repeated calls leave behind, where calls were repeated. */
  readonly growth?: LeakGrowth;
  /** @internal The tree of the stacks, where there is one already. */
  readonly stacks?: StackTree;
  /** @internal Whether a frame is a call by which a function allocates for its caller, by what the function does. */
  readonly allocates?: (frame: Frame) => boolean;
}

/** What has one stack. */
interface Allocated {
  readonly frames: readonly Frame[];
}

const nothing = (): boolean => false;

/** What a scan found. Records are sorted by bytes with those of their parts, the largest first. */
export class LeakReport {
  /** What was found: a record for each class and calling context. What was lost with other blocks is part of their record. */
  readonly records: readonly LeakRecord[];
  /** Heap faults, in the order in which they happened. */
  readonly errors: readonly HeapFault[];
  /** Allocations that found no memory, in the order in which they failed first. */
  readonly failedAllocations: readonly FailedAllocation[];
  /**
   * Why there are no records: the program has overwritten what Heapline keeps about its heap, so the heap could not
   * be searched. Null when it was searched. `heap.leaks()` throws a CorruptLedgerError instead; `heapline check`
   * reports.
   */
  readonly damage: string | null;
  /** What the scan could not see, in sentences. */
  readonly notes: readonly string[];
  /** Name of the module that was scanned; '' when it has none. */
  readonly program: string;
  /** Records that suppressions removed. */
  readonly suppressed: readonly SuppressedLeak[];
  /** Suppressions that matched nothing, as `file:line: leak:pattern`. */
  readonly unusedSuppressions: readonly string[];
  /** Records that the baseline knows; null when there is no baseline. */
  readonly known: readonly LeakRecord[] | null;
  /** Heap faults that the baseline knows. */
  readonly knownErrors: readonly HeapFault[];
  /** What repeated calls leave behind; null when no calls were repeated. */
  readonly growth: LeakGrowth | null;
  /** Sums per class and over all classes. */
  readonly totals: LeakTotals;

  /** @internal The tree in which all stacks of the report are, each outer part once. */
  readonly stacks: StackTree;

  /** @internal Whether a frame is a call by which a function allocates for its caller, by what the function does. */
  readonly allocates: (frame: Frame) => boolean;

  constructor(parts: LeakReportParts) {
    this.allocates = parts.allocates ?? nothing;
    this.stacks = parts.stacks ?? new StackTree();
    const own = <T extends Allocated>(holder: T): T => withStacksIn(this.stacks, holder, ['frames']);
    const ownRecord = (record: LeakRecord): LeakRecord => {
      const parts = record.parts.map(own);
      const changed = parts.some((part, index) => part !== record.parts[index]);
      return own(changed ? withOther(record, { parts }) : record);
    };
    this.records = parts.records.map(ownRecord).sort(compareRecords);
    const ownFault = (fault: HeapFault): HeapFault => withStacksIn(this.stacks, fault, faultStackNames);
    this.errors = (parts.errors ?? []).map(ownFault);
    this.knownErrors = (parts.knownErrors ?? []).map(ownFault);
    this.failedAllocations = (parts.failedAllocations ?? []).map(own);
    const { growth = null } = parts;
    this.growth = growth && { ...growth, contexts: growth.contexts.map(own) };
    this.damage = parts.damage ?? null;
    this.notes = [...(parts.notes ?? [])];
    this.program = parts.program ?? '';
    this.suppressed = (parts.suppressed ?? []).map((leak) => {
      const record = ownRecord(leak.record);
      return record === leak.record ? leak : { ...leak, record };
    });
    this.unusedSuppressions = [...(parts.unusedSuppressions ?? [])];
    this.known = parts.known === undefined ? null : parts.known.map(ownRecord).sort(compareRecords);
    const ofKind = (kind: LeakKind) => sumOf(this.records.filter((record) => record.kind === kind));
    const hanging = sumOf(this.records.map(({ indirect }) => indirect));
    this.totals = {
      definite: ofKind('definite'),
      indirect: sumOf([ofKind('indirect'), hanging]),
      possible: ofKind('possible'),
      reachable: ofKind('reachable'),
      total: sumOf([...this.records, hanging]),
    };
  }

  /** Blocks that nothing points to. */
  get definite(): LeakClass {
    return this.#class('definite');
  }

  /** Blocks that only lost blocks point to. Its records have them by calling context, each as a record of its own. */
  get indirect(): LeakClass {
    return this.#class('indirect');
  }

  /** Blocks that only interior pointers lead to. */
  get possible(): LeakClass {
    return this.#class('possible');
  }

  /** Blocks that the program can still reach. */
  get reachable(): LeakClass {
    return this.#class('reachable');
  }

  /** All classes together. */
  get total(): LeakCount {
    return this.totals.total;
  }

  /**
   * The records of these classes, the largest first. Indirectly lost blocks are parts of the records of definite
   * leaks. Without the class of those, each calling context of indirectly lost blocks is a record of its own.
   */
  of(kinds: readonly LeakKind[]): readonly LeakRecord[] {
    leakKindsIn(kinds);
    const apart = kinds.includes('indirect') && !kinds.includes('definite');
    return (apart ? this.byContext : this.records).filter((record) => kinds.includes(record.kind));
  }

  /** @internal All blocks by class and calling context, whatever they hang on: as profiles show them. */
  get byContext(): readonly LeakRecord[] {
    return recordsByContext(this.records).sort(compareRecords);
  }

  /**
   * True when there is neither a leak of these classes nor a heap fault, nothing grows with each call, and the heap could be
   * searched.
   */
  isClean(kinds: readonly LeakKind[] = defaultLeakKinds): boolean {
    if (this.damage !== null || this.errors.length > 0 || this.of(kinds).length > 0) return false;
    return this.growth === null || this.growth.contexts.length === 0;
  }

  /** The same report with some of its parts replaced. */
  with(parts: Partial<LeakReportParts>): LeakReport {
    return new LeakReport({
      records: this.records,
      errors: this.errors,
      failedAllocations: this.failedAllocations,
      ...(this.damage === null ? {} : { damage: this.damage }),
      notes: this.notes,
      program: this.program,
      suppressed: this.suppressed,
      unusedSuppressions: this.unusedSuppressions,
      ...(this.known === null ? {} : { known: this.known }),
      knownErrors: this.knownErrors,
      ...(this.growth === null ? {} : { growth: this.growth }),
      stacks: this.stacks,
      allocates: this.allocates,
      ...parts,
    });
  }

  /** The report as text for messages and logs, as `formatText()` writes it. */
  toString(): string {
    return formatText(this).trimEnd();
  }

  /** @internal Makes console.log() print the report instead of its fields. */
  [INSPECT](): string {
    return this.toString();
  }

  #class(kind: LeakKind): LeakClass {
    return { ...this.totals[kind], records: this.of([kind]) };
  }
}
