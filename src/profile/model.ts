// The one model that every producer fills (a context tree, a leak report, a decoded file, a difference, a merge)
// and every writer reads. It follows profile.proto of github.com/google/pprof, with two changes that make it small
// and fast: stacks are a tree of (parent, location) pairs, so contexts share their outer frames, and all tables are
// addressed by index instead of by id.

import type { StackColumns } from '../frames/index.ts';

/**
 * What a profile counts. `heap` and `allocs` have the same numbers and differ in what they show first. `leaks` comes
 * from a leak report. `other` is a decoded heap profile of a shape that Heapline does not write itself.
 */
export type ProfileKind = 'heap' | 'allocs' | 'peak' | 'temporary' | 'lifetime' | 'leaks' | 'other';

/** Name and unit of one column of values, such as `inuse_space` in `bytes`. */
export interface SampleType {
  /** Name, such as `inuse_space`. */
  readonly type: string;
  /** Unit, such as `bytes`. */
  readonly unit: string;
}

/** A range of addresses, and the file from which its code comes. Addresses past 2^53 are bigints. */
export interface ProfileMapping {
  /** First address. */
  readonly start: number | bigint;
  /** First address past the range. */
  readonly limit: number | bigint;
  /** Offset in the file at which the range begins. */
  readonly fileOffset: number | bigint;
  /** Path of the file; `[javascript]` for the code of the host. */
  readonly file: string;
  /** What identifies the build of the file; '' when it is unknown. */
  readonly buildId: string;
  /** Whether the functions of the range are known. */
  readonly hasFunctions: boolean;
  /** Whether the source files are known. */
  readonly hasFilenames: boolean;
  /** Whether the lines are known. */
  readonly hasLineNumbers: boolean;
  /** Whether inlined functions are known. */
  readonly hasInlineFrames: boolean;
}

/** A function of the source. */
export interface ProfileFunction {
  /** Name as the source spells it. */
  readonly name: string;
  /** Linkage name; '' when it is the same as `name` (see encode.ts for why). */
  readonly systemName: string;
  /** Path of the source file; '' when it is unknown. */
  readonly file: string;
  /** From 1; 0 when unknown. */
  readonly startLine: number;
}

/** One source line of a location. */
export interface ProfileLine {
  /** Index into the functions; -1 when unknown. */
  readonly function: number;
  /** Line in the source, from 1; 0 when it is unknown. */
  readonly line: number;
  /** Column in that line, from 1; 0 when it is unknown. */
  readonly column: number;
}

/** A place in the code. It has several lines, innermost first, when calls were inlined there. */
export interface ProfileLocation {
  /** Index into the mappings; -1 for none. */
  readonly mapping: number;
  /** Address of the instruction. */
  readonly address: number | bigint;
  /** The source lines at this address, innermost first. */
  readonly lines: readonly ProfileLine[];
  /** Whether the code of several functions was folded into one here. */
  readonly folded: boolean;
}

/** A label of a sample: a string, or a number with an optional unit. */
export type SampleLabel =
  | {
      /** Name of the label. */
      readonly key: string;
      /** The text. */
      readonly text: string;
    }
  | {
      /** Name of the label. */
      readonly key: string;
      /** The number. */
      readonly number: number;
      /** Its unit; '' for none. */
      readonly unit: string;
    };

/** The samples as columns. Row i of `values` starts at i * sampleTypes.length. */
export interface Samples {
  /** Number of samples. */
  readonly count: number;
  /** The stack of each sample. */
  readonly stack: Int32Array;
  /** The values of all samples, row by row. */
  readonly values: Float64Array;
  /** Index into `labelSets`. */
  readonly labelSet: Int32Array;
  /** The different sets of labels. */
  readonly labelSets: readonly (readonly SampleLabel[])[];
}

/** The tables that a profile consists of. */
export interface ProfileModel {
  /** What the profile counts. */
  readonly kind: ProfileKind;
  /** Name and unit of each value of a sample. */
  readonly sampleTypes: readonly SampleType[];
  /** Name of the sample type shown first. */
  readonly defaultSampleType: string;
  /** The ranges of code. */
  readonly mappings: readonly ProfileMapping[];
  /** All functions. */
  readonly functions: readonly ProfileFunction[];
  /** All places in the code. */
  readonly locations: readonly ProfileLocation[];
  /** All stacks. */
  readonly stacks: StackColumns;
  /** The samples. */
  readonly samples: Samples;
  /** Regular expressions (RE2), anchored at both ends by readers; '' for none. */
  readonly dropFrames: string;
  /** Exceptions from `dropFrames`, in the same form. */
  readonly keepFrames: string;
  /** Nanoseconds since 1970; 0 when unknown. */
  readonly timeNanos: bigint;
  /** Nanoseconds covered; 0 for a profile of one moment. */
  readonly durationNanos: bigint;
  /** What was counted between two samples; null when it is unknown. */
  readonly periodType: SampleType | null;
  /** How much of that lies between two samples. */
  readonly period: number;
  /** Remarks of whoever wrote the profile. */
  readonly comments: readonly string[];
}

/** Sample types of each kind that Heapline writes. The count comes first, because `pprof -mean` divides by it. */
export const SAMPLE_TYPES: Readonly<Record<Exclude<ProfileKind, 'other'>, readonly SampleType[]>> = {
  heap: fourTypes(),
  allocs: fourTypes(),
  peak: pair('peak_objects', 'peak_space'),
  temporary: pair('temporary_objects', 'temporary_space'),
  lifetime: pair('alloc_objects', 'lifetime'),
  leaks: pair('leaked_objects', 'leaked_space'),
};

export const DEFAULT_SAMPLE_TYPE: Readonly<Record<Exclude<ProfileKind, 'other'>, string>> = {
  heap: 'inuse_space',
  allocs: 'alloc_space',
  peak: 'peak_space',
  temporary: 'temporary_space',
  lifetime: 'lifetime',
  leaks: 'leaked_space',
};

function fourTypes(): SampleType[] {
  return [...pair('alloc_objects', 'alloc_space'), ...pair('inuse_objects', 'inuse_space')];
}

function pair(objects: string, space: string): SampleType[] {
  return [
    { type: objects, unit: 'count' },
    { type: space, unit: 'bytes' },
  ];
}
