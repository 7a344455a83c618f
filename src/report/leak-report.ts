// The model of a leak report: what a scan of linear memory found, grouped by calling context, plus the misuses of
// the heap that were recorded on the way. Immutable; suppressions and baselines make a new report. The classes are
// those of Valgrind's memcheck manual, section 4.2.8 "Memory leak detection". The writers live beside this file.

import { type Frame, type HeapFaultKind, InvalidArgumentError } from '../errors.ts';
import { type Stack, stackOf } from '../frames/index.ts';
import { formatText } from './text.ts';

/** The classes of live blocks, the gravest first. */
export const leakKinds = ['definite', 'indirect', 'possible', 'reachable'] as const;

/**
 * How a live block can still be reached:
 * `definite`: by no pointer at all; `indirect`: only from blocks that are lost themselves; `possible`: only
 * through a pointer into its middle; `reachable`: from a root, by a pointer to its start.
 */
export type LeakKind = (typeof leakKinds)[number];

/** The classes that are leaks beyond doubt; checks fail on these unless told otherwise. */
export const defaultLeakKinds: readonly LeakKind[] = ['definite', 'indirect'];

/** The first bytes of one block, copied when the report was made. */
export interface BlockSample {
  /** Address of the block in linear memory. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** All blocks of one class that were allocated in one calling context. */
export interface LeakRecord {
  readonly kind: LeakKind;
  readonly blocks: number;
  /** Sum of the requested sizes. */
  readonly bytes: number;
  /** Where the blocks were allocated, innermost frame first. */
  readonly frames: readonly Frame[];
  /** Of the block that was allocated first; null when it was not looked at. */
  readonly sample: BlockSample | null;
}

/** One misuse of the heap. */
export interface HeapFaultRecord {
  readonly kind: HeapFaultKind;
  /** The pointer that was passed. */
  readonly address: number;
  /** Where it happened, innermost frame first. */
  readonly frames: readonly Frame[];
  /** Where the block was allocated; null when the pointer belongs to no block. */
  readonly allocatedAt: readonly Frame[] | null;
  /** Where the block was freed first; null when it was not, or is not known. */
  readonly freedAt: readonly Frame[] | null;
}

/** Allocations that found no memory (malloc and its siblings returned NULL), of one stack. */
export interface FailedAllocation {
  /** How many. */
  readonly count: number;
  /** Bytes that were asked for: the least and the most. */
  readonly smallest: number;
  readonly largest: number;
  /** Where they were asked for, innermost frame first. */
  readonly frames: readonly Frame[];
}

/** Blocks and bytes summed over records. */
export interface LeakCount {
  readonly blocks: number;
  readonly bytes: number;
}

/** The records of one class and their sum. */
export interface LeakClass extends LeakCount {
  readonly records: readonly LeakRecord[];
}

/** Sums per class and over all classes; suppressed and known records do not count. */
export type LeakTotals = { readonly [kind in LeakKind | 'total']: LeakCount };

/** A record that a suppression took out of the report. */
export interface SuppressedLeak {
  readonly record: LeakRecord;
  /** The suppression, spelled as in its file. */
  readonly suppression: string;
}

/** What a report is made of; all but the records may be left out. */
export interface LeakReportParts {
  readonly records: readonly LeakRecord[];
  readonly errors?: readonly HeapFaultRecord[];
  readonly failedAllocations?: readonly FailedAllocation[];
  readonly damage?: string;
  readonly notes?: readonly string[];
  readonly program?: string;
  readonly suppressed?: readonly SuppressedLeak[];
  readonly unusedSuppressions?: readonly string[];
  readonly known?: readonly LeakRecord[];
}

/** What a scan found. Records are sorted by bytes, the largest first. */
export class LeakReport {
  readonly records: readonly LeakRecord[];
  /** Misuses of the heap, in the order in which they happened. */
  readonly errors: readonly HeapFaultRecord[];
  /** Allocations that found no memory, in the order in which they failed first. */
  readonly failedAllocations: readonly FailedAllocation[];
  /**
   * Why there are no records: the program has written over what Heapline keeps about its heap, so that it could not be
   * searched. Null when it could. `heap.leaks()` throws a CorruptLedgerError instead; `heapline check` reports.
   */
  readonly damage: string | null;
  /** What the scan could not see, in sentences. */
  readonly notes: readonly string[];
  /** Name of the module that was scanned; '' when it has none. */
  readonly program: string;
  /** Records that suppressions took out. */
  readonly suppressed: readonly SuppressedLeak[];
  /** Suppressions that matched nothing, as `file:line: leak:pattern`. */
  readonly unusedSuppressions: readonly string[];
  /** Records that the baseline knew; null when there was no baseline. */
  readonly known: readonly LeakRecord[] | null;
  readonly totals: LeakTotals;

  constructor(parts: LeakReportParts) {
    this.records = [...parts.records].sort(compareRecords);
    this.errors = [...(parts.errors ?? [])];
    this.failedAllocations = [...(parts.failedAllocations ?? [])];
    this.damage = parts.damage ?? null;
    this.notes = [...(parts.notes ?? [])];
    this.program = parts.program ?? '';
    this.suppressed = [...(parts.suppressed ?? [])];
    this.unusedSuppressions = [...(parts.unusedSuppressions ?? [])];
    this.known = parts.known === undefined ? null : [...parts.known].sort(compareRecords);
    this.totals = {
      definite: count(this.records, ['definite']),
      indirect: count(this.records, ['indirect']),
      possible: count(this.records, ['possible']),
      reachable: count(this.records, ['reachable']),
      total: count(this.records, leakKinds),
    };
  }

  /** Blocks that nothing points to. */
  get definite(): LeakClass {
    return this.#class('definite');
  }

  /** Blocks that only lost blocks point to. */
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

  /** The records of these classes, the largest first. */
  of(kinds: readonly LeakKind[]): readonly LeakRecord[] {
    checkNames(kinds);
    return this.records.filter((record) => kinds.includes(record.kind));
  }

  /** True when there is neither a leak of these classes nor a misuse of the heap, and it could be searched. */
  isClean(kinds: readonly LeakKind[] = defaultLeakKinds): boolean {
    return this.damage === null && this.errors.length === 0 && this.of(kinds).length === 0;
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
      ...parts,
    });
  }

  /** The report as text, as `formatText()` writes it: for messages and logs. */
  toString(): string {
    return formatText(this).trimEnd();
  }

  #class(kind: LeakKind): LeakClass {
    return { ...this.totals[kind], records: this.of([kind]) };
  }
}

/** Raises InvalidArgumentError unless these are leak classes, at least one. */
export function checkLeakKinds(kinds: readonly LeakKind[]): void {
  checkNames(kinds);
  if (kinds.length === 0) throw notKinds();
}

// A class that does not exist would make every check succeed.
function checkNames(kinds: unknown): void {
  if (!Array.isArray(kinds)) throw notKinds();
  for (const kind of kinds as readonly unknown[]) {
    if (!(leakKinds as readonly unknown[]).includes(kind)) {
      throw new InvalidArgumentError(
        'kinds',
        `unknown leak class "${String(kind)}": use ${leakKinds.join(', ')}`,
      );
    }
  }
}

function notKinds(): InvalidArgumentError {
  return new InvalidArgumentError(
    'kinds',
    `kinds must be an array of leak classes: ${leakKinds.join(', ')}.`,
  );
}

/**
 * Reads class names such as a command line or a configuration gives them: `definite,possible`, or `all`.
 * Raises InvalidArgumentError that names the unknown one.
 */
export function parseLeakKinds(text: string, argument = 'kinds'): readonly LeakKind[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.includes('all')) return leakKinds;
  for (const name of names) {
    if (!(leakKinds as readonly string[]).includes(name)) {
      throw new InvalidArgumentError(
        argument,
        `unknown leak class "${name}": use ${leakKinds.join(', ')} or all`,
      );
    }
  }
  if (names.length === 0) {
    throw new InvalidArgumentError(argument, `no leak class given: use ${leakKinds.join(', ')} or all`);
  }
  return leakKinds.filter((kind) => names.includes(kind));
}

function count(records: readonly LeakRecord[], kinds: readonly LeakKind[]): LeakCount {
  let blocks = 0;
  let bytes = 0;
  for (const record of records) {
    if (!kinds.includes(record.kind)) continue;
    blocks += record.blocks;
    bytes += record.bytes;
  }
  return { blocks, bytes };
}

// The order must not depend on the order of the scan, so that two reports of the same run are equal texts.
function compareRecords(a: LeakRecord, b: LeakRecord): number {
  if (a.bytes !== b.bytes) return b.bytes - a.bytes;
  if (a.kind !== b.kind) return leakKinds.indexOf(a.kind) - leakKinds.indexOf(b.kind);
  if (a.blocks !== b.blocks) return b.blocks - a.blocks;
  return compareStacks(stackOf(a, 'frames'), stackOf(b, 'frames'));
}

/** Frames that decide about the order before the depth does: the stacks of a recursion have thousands in common. */
const COMPARED_FIRST = 64;

function compareStacks(a: Stack, b: Stack): number {
  let x = a;
  let y = b;
  for (let i = 0; x.depth > 0 && y.depth > 0 && x !== y; i++, x = x.caller, y = y.caller) {
    if (i === COMPARED_FIRST && a.depth !== b.depth) return a.depth - b.depth;
    const order = compareFrames(x.frame, y.frame);
    if (order !== 0) return order;
  }
  return a.depth - b.depth;
}

function compareFrames(x: Frame, y: Frame): number {
  if (x === y) return 0;
  if (x.file !== y.file) return x.file < y.file ? -1 : 1;
  if (x.line !== y.line) return x.line - y.line;
  if (x.column !== y.column) return x.column - y.column;
  if (x.function !== y.function) return x.function < y.function ? -1 : 1;
  return 0;
}
