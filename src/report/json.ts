// The report for machines: JSON of version 2, which the types below document. Within a version, fields may be added
// but never changed or removed. Apart from paths and addresses, nothing in it depends on the time or the machine.
// Version 1 had a record for each class and calling context, whatever the blocks hung on. It is written on request.

import {
  type FaultyVariable,
  type Frame,
  type Gap,
  gapFrame,
  type HeapFault,
  type HeapFaultKind,
  isGap,
  type MismatchedWays,
  relativePath,
  rememberedByFrame,
  type Stack,
  stackOf,
  withoutMemory,
  wrapperFrames,
} from '../frames/index.ts';
import { rule, text } from '../options/option-rules.ts';
import { type OptionTable, readOptions, type SettingsOf, withDefault } from '../options/option-table.ts';
import type { LeakKind } from './leak-kinds.ts';
import type {
  BlockContents,
  BlockSample,
  LeakCount,
  LeakGrowth,
  LeakRecord,
  LeakReport,
  LeakTotals,
} from './leak-report.ts';
import { type Branch, branchesOf, recordsByContext } from './lost-trees.ts';
import { compareRecords } from './record-order.ts';
import { wrapperNames } from './report-options.ts';
import { inJson, ReportStacks } from './stacks.ts';
import { bytesAsHex, bytesAsText } from './text.ts';

/** Version of the JSON form. */
export const LEAK_JSON_VERSION = 2;

/** A frame of a stack. `file` is '' and `line` and `column` are 0 where they are not known. */
export interface LeakJsonFrame {
  /** Name of the function; `wasm-function[i]` at worst. */
  readonly function: string;
  /** Path of the source file, or '' when it is unknown. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** True when the frame was inlined into the next outer one. */
  readonly inlined: boolean;
  /** Which side of the boundary the code runs on. */
  readonly language: 'c' | 'js';
  /**
   * Only where frames of a deep stack are left out: how many of them. `function` says the same in words, in
   * brackets.
   */
  readonly omitted?: number;
}

/** Blocks that hang on lost blocks. They were allocated in one place, whatever called it. */
export interface LeakJsonBranch {
  /** Number of blocks. */
  readonly blocks: number;
  /** Sum of their requested sizes. */
  readonly bytes: number;
  /** Where they were allocated; null when nothing is known of it. */
  readonly place: LeakJsonFrame | null;
  /** The type that all of them have, as C writes it; not there when it is not known. */
  readonly type?: string;
  /** What hangs on these blocks. */
  readonly tree: readonly LeakJsonBranch[];
}

/** Blocks of one class that were allocated in one calling context, and what was lost with them. */
export interface LeakJsonRecord {
  /** How the blocks can still be reached. */
  readonly kind: LeakKind;
  /** Number of blocks, without those that hang on them. */
  readonly blocks: number;
  /** Sum of their requested sizes. */
  readonly bytes: number;
  /** Innermost frame first. */
  readonly stack: readonly LeakJsonFrame[];
  /**
   * The frame that reports name: the innermost one in the user's sources that is no wrapper of malloc. Null when
   * nothing is known of it. Not in version 1.
   */
  readonly place?: LeakJsonFrame | null;
  /** First bytes of the first block; null when it was not looked at. */
  readonly sample: LeakJsonSample | null;
  /** Sum of the blocks that hang on these blocks. Not in version 1. */
  readonly indirect?: LeakCount;
  /** What hangs on these blocks, the largest first. Not in version 1. */
  readonly tree?: readonly LeakJsonBranch[];
}

/** The first bytes of a block. */
export interface LeakJsonSample {
  /** Address of the block in linear memory. */
  readonly address: number;
  /** The bytes in hexadecimal, with blanks between them. */
  readonly hex: string;
  /** The bytes as text, with dots for what is not ASCII. */
  readonly text: string;
  /** The type and the fields of the block; not there when they are not known. Not in version 1. */
  readonly contents?: BlockContents;
}

/** A record that a suppression removed. */
export interface LeakJsonSuppressed extends LeakJsonRecord {
  /** The suppression as its file spells it. */
  readonly suppression: string;
}

/** What was read or written where it must not be. */
export interface LeakJsonAccess {
  /** Whether the bytes were read or written. */
  readonly kind: 'read' | 'write';
  /** Bytes that were read or written. */
  readonly size: number;
  /** Where the first byte is that must not be touched, in words. */
  readonly position: string;
  /** The variable that was missed, when it was one on the stack or a global one. */
  readonly variable?: FaultyVariable;
}

/** One heap fault. */
export interface LeakJsonError {
  /** Which misuse it is. */
  readonly kind: HeapFaultKind;
  /** The pointer that was passed; of a wrong access, the first byte that was read or written. */
  readonly address: number;
  /** What a wrong access did; not there for a bad free or realloc. */
  readonly access?: LeakJsonAccess;
  /** Of a block that is freed in another way than the one in which it was allocated, the two ways. */
  readonly mismatch?: MismatchedWays;
  /** Where it happened, innermost frame first. */
  readonly stack: readonly LeakJsonFrame[];
  /** Where the block was allocated; null when the pointer belongs to no block. */
  readonly allocated: readonly LeakJsonFrame[] | null;
  /** Where the block was freed first; null when it was not, or when that is unknown. */
  readonly freed: readonly LeakJsonFrame[] | null;
}

/** Allocations of one stack that found no memory. */
export interface LeakJsonFailure {
  /** How many allocations failed. */
  readonly count: number;
  /** The smallest and the largest size that was asked for, in bytes. */
  readonly smallest: number;
  /** The most bytes that one of them asked for. */
  readonly largest: number;
  /** Where they were asked for, innermost frame first. */
  readonly stack: readonly LeakJsonFrame[];
  /** What happened then, in the report of a sweep. */
  readonly consequence?: string;
}

/** Blocks that each repeated call adds in one calling context, on average. */
export interface LeakJsonGrowingPlace {
  /** Number of blocks. */
  readonly blocksPerCall: number;
  /** Sum of their requested sizes. */
  readonly bytesPerCall: number;
  /** Where they are allocated, innermost frame first. */
  readonly stack: readonly LeakJsonFrame[];
  /** The frame that reports name; null when nothing is known of it. */
  readonly place: LeakJsonFrame | null;
}

/** What repeated calls leave behind. */
export interface LeakJsonGrowth {
  /** Calls that were measured. */
  readonly calls: number;
  /** Blocks that each call adds in all places together, on average. */
  readonly blocksPerCall: number;
  /** Bytes that each call adds in all places together, on average. */
  readonly bytesPerCall: number;
  /** The places that grow, the fastest first; empty when the heap is steady. */
  readonly places: readonly LeakJsonGrowingPlace[];
}

/** The whole report. */
export interface LeakJson {
  /** Version of this shape. */
  readonly version: 1 | 2;
  /** Name of the module that was scanned; '' when it has none. */
  readonly program: string;
  /** Sorted by bytes with those of `indirect`, the largest first. */
  readonly records: readonly LeakJsonRecord[];
  /** Misuses of the heap, in the order in which they happened. */
  readonly errors: readonly LeakJsonError[];
  /** Allocations that found no memory. */
  readonly failedAllocations: readonly LeakJsonFailure[];
  /** Why the heap could not be searched: the program has ruined it. Null when the heap was searched. */
  readonly damage: string | null;
  /** Sums per class and over all classes. */
  readonly totals: LeakTotals;
  /** Records that suppressions removed. */
  readonly suppressed: readonly LeakJsonSuppressed[];
  /** Suppressions that matched nothing, as `file:line: leak:pattern`. */
  readonly unusedSuppressions: readonly string[];
  /** Records that the baseline knows; null when there is no baseline. */
  readonly known: readonly LeakJsonRecord[] | null;
  /** Heap faults that the baseline knows; null when there is no baseline. Not in version 1. */
  readonly knownErrors?: readonly LeakJsonError[] | null;
  /** What repeated calls leave behind; null when no calls were repeated. Not in version 1. */
  readonly growth?: LeakJsonGrowth | null;
  /** What the scan could not see. */
  readonly notes: readonly string[];
}

/** How the JSON is written. */
export interface JsonOptions {
  /** Write paths below this folder relative to it. */
  readonly root?: string;
  /**
   * More functions that allocate for others, besides those that are known by name or by what they do, and behind `!`
   * functions that do not: `*` stands for any text.
   */
  readonly wrappers?: readonly string[];
  /**
   * Version of the form. Version 1 has a record for each class and calling context and does not say what hangs on
   * what. Default 2.
   */
  readonly version?: 1 | 2;
}

const OPTIONS = {
  root: text,
  wrappers: wrapperNames,
  version: withDefault(
    rule<1 | 2>((value) => value === 1 || value === LEAK_JSON_VERSION, '1 or 2'),
    LEAK_JSON_VERSION,
  ),
} satisfies OptionTable<JsonOptions>;

/** The report as a value for JSON.stringify. */
export function toJson(report: LeakReport, options: JsonOptions = {}): LeakJson {
  return jsonOf(report, readOptions('toJson', options, OPTIONS));
}

function jsonOf(report: LeakReport, { root, wrappers, version }: SettingsOf<typeof OPTIONS>): LeakJson {
  const isTree = version === LEAK_JSON_VERSION;
  const records = (of: readonly LeakRecord[]) => (isTree ? of : recordsByContext(of).sort(compareRecords));
  const stacks = new ReportStacks(root, inJson, wrapperFrames(wrappers, report.allocates));
  const frame = rememberedByFrame((of) => frameJson(of, root));
  const stack = (of: Stack): LeakJsonFrame[] =>
    stacks.shown(of).map((item) => (isGap(item) ? gapJson(item) : frame(item)));
  const stackOrNull = (of: Stack | null): LeakJsonFrame[] | null => of && stack(of);
  const branch = ({ blocks, bytes, place, type, branches }: Branch): LeakJsonBranch => ({
    blocks,
    bytes,
    place: place && frame(place),
    ...(type === null ? {} : { type }),
    tree: branches.map(branch),
  });
  const structureOf = (from: LeakRecord) => {
    const place = stacks.place(stackOf(from, 'frames'));
    return {
      place: place && frame(place),
      indirect: from.indirect,
      tree: branchesOf(from, stacks.place).map(branch),
    };
  };
  const record = (from: LeakRecord): LeakJsonRecord => ({
    kind: from.kind,
    blocks: from.blocks,
    bytes: from.bytes,
    stack: stack(stackOf(from, 'frames')),
    sample: from.sample && jsonSample(from.sample, isTree),
    ...(isTree ? structureOf(from) : {}),
  });
  const error = (fault: HeapFault): LeakJsonError => ({
    kind: fault.kind,
    address: fault.address,
    ...(fault.access === undefined ? {} : { access: withoutMemory(fault.access) }),
    ...(fault.mismatch === undefined ? {} : { mismatch: fault.mismatch }),
    stack: stack(stackOf(fault, 'frames')),
    allocated: stackOrNull(stackOf(fault, 'allocatedAt')),
    freed: stackOrNull(stackOf(fault, 'freedAt')),
  });
  const growth = ({ runs, objectsPerRun, bytesPerRun, contexts }: LeakGrowth): LeakJsonGrowth => ({
    calls: runs,
    blocksPerCall: objectsPerRun,
    bytesPerCall: bytesPerRun,
    places: contexts.map((each) => {
      const allocated = stackOf(each, 'frames');
      const place = stacks.place(allocated);
      return {
        blocksPerCall: each.objectsPerRun,
        bytesPerCall: each.bytesPerRun,
        stack: stack(allocated),
        place: place && frame(place),
      };
    }),
  });
  const failedAllocations = report.failedAllocations.map((failed) => ({
    count: failed.count,
    smallest: failed.smallest,
    largest: failed.largest,
    stack: stack(stackOf(failed, 'frames')),
    ...(failed.consequence === undefined ? {} : { consequence: failed.consequence }),
  }));
  return {
    version,
    program: report.program,
    records: records(report.records).map(record),
    errors: report.errors.map(error),
    failedAllocations,
    damage: report.damage,
    totals: report.totals,
    suppressed: report.suppressed.flatMap((leak) =>
      records([leak.record]).map((of) => ({ ...record(of), suppression: leak.suppression })),
    ),
    unusedSuppressions: report.unusedSuppressions,
    known: report.known === null ? null : records(report.known).map(record),
    ...(isTree
      ? {
          knownErrors: report.known === null ? null : report.knownErrors.map(error),
          growth: report.growth && growth(report.growth),
        }
      : {}),
    notes: report.notes,
  };
}

/** The report as indented JSON text that ends with a newline. */
export function formatJson(report: LeakReport, options: JsonOptions = {}): string {
  return `${JSON.stringify(jsonOf(report, readOptions('formatJson', options, OPTIONS)), null, 2)}\n`;
}

function frameJson(frame: Frame, root: string | undefined): LeakJsonFrame {
  return {
    function: frame.function,
    file: relativePath(frame.file, root),
    line: frame.line,
    column: frame.column,
    inlined: frame.inlined,
    language: frame.language,
  };
}

function gapJson(gap: Gap): LeakJsonFrame {
  const { omitted, ...frame } = gapFrame(gap);
  return { ...frameJson(frame, undefined), omitted };
}

function jsonSample({ address, bytes, contents }: BlockSample, withContents: boolean): LeakJsonSample {
  return {
    address,
    hex: bytesAsHex(bytes),
    text: bytesAsText(bytes),
    ...(withContents && contents !== undefined ? { contents } : {}),
  };
}
