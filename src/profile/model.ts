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
  readonly type: string;
  readonly unit: string;
}

/** A range of addresses, and the file from which its code comes. Addresses past 2^53 are bigints. */
export interface ProfileMapping {
  readonly start: number | bigint;
  readonly limit: number | bigint;
  readonly fileOffset: number | bigint;
  readonly file: string;
  readonly buildId: string;
  readonly hasFunctions: boolean;
  readonly hasFilenames: boolean;
  readonly hasLineNumbers: boolean;
  readonly hasInlineFrames: boolean;
}

export interface ProfileFunction {
  readonly name: string;
  /** Linkage name; '' when it is the same as `name` (see encode.ts for why). */
  readonly systemName: string;
  readonly file: string;
  /** From 1; 0 when unknown. */
  readonly startLine: number;
}

/** One source line of a location. */
export interface ProfileLine {
  /** Index into the functions; -1 when unknown. */
  readonly function: number;
  readonly line: number;
  readonly column: number;
}

/** A place in the code. It has several lines, innermost first, when calls were inlined there. */
export interface ProfileLocation {
  /** Index into the mappings; -1 for none. */
  readonly mapping: number;
  readonly address: number | bigint;
  readonly lines: readonly ProfileLine[];
  readonly folded: boolean;
}

/** A label of a sample: a string, or a number with an optional unit. */
export type SampleLabel =
  | { readonly key: string; readonly text: string }
  | { readonly key: string; readonly number: number; readonly unit: string };

/** The samples as columns. Row i of `values` starts at i * sampleTypes.length. */
export interface Samples {
  readonly count: number;
  readonly stack: Int32Array;
  readonly values: Float64Array;
  /** Index into `labelSets`. */
  readonly labelSet: Int32Array;
  readonly labelSets: readonly (readonly SampleLabel[])[];
}

export interface ProfileModel {
  readonly kind: ProfileKind;
  readonly sampleTypes: readonly SampleType[];
  /** Name of the sample type shown first. */
  readonly defaultSampleType: string;
  readonly mappings: readonly ProfileMapping[];
  readonly functions: readonly ProfileFunction[];
  readonly locations: readonly ProfileLocation[];
  readonly stacks: StackColumns;
  readonly samples: Samples;
  /** Regular expressions (RE2), anchored at both ends by readers; '' for none. */
  readonly dropFrames: string;
  readonly keepFrames: string;
  /** Nanoseconds since 1970; 0 when unknown. */
  readonly timeNanos: bigint;
  /** Nanoseconds covered; 0 for a profile of one moment. */
  readonly durationNanos: bigint;
  readonly periodType: SampleType | null;
  readonly period: number;
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
