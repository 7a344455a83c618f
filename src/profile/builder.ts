// Fills a ProfileModel sample by sample and keeps every table free of duplicates. All profiles are made with it:
// those of context trees, leak reports, decoded files, differences, merges, and V8's own heap.

import { GrowableInts, GrowableRows } from '../algorithms/growable-array.ts';
import { InvalidProfileError } from '../errors.ts';
import { type Frame, JAVASCRIPT } from '../frames/index.ts';
import type {
  ProfileFunction,
  ProfileKind,
  ProfileLine,
  ProfileLocation,
  ProfileMapping,
  ProfileModel,
  SampleLabel,
  SampleType,
} from './model.ts';
import { PairTable } from './pair-table.ts';
import { StackTable } from './stack-table.ts';

/**
 * The code of module n lies at n times this address, so the low 32 bits are the offset from the code section
 * payload.
 */
export const MODULE_SPACING = 2 ** 32;
/** JavaScript locations lie from here on: above every module, and below 2^47. */
const HOST_START = 0x7f00_0000_0000;

/** Most stacks of a profile: more than a program has, and about as many as fit into memory. */
export const MAX_STACKS = 2 ** 24 - 1;

/** Key of the label with the average block size of a sample. This label never tells samples apart. */
export const SIZE_LABEL = 'bytes';

/** What a profile says about itself apart from its samples. */
export interface ProfileHeader {
  readonly kind: ProfileKind;
  readonly sampleTypes: readonly SampleType[];
  readonly defaultSampleType: string;
  readonly timeNanos?: bigint;
  readonly durationNanos?: bigint;
  readonly periodType?: SampleType | null;
  readonly period?: number;
  readonly dropFrames?: string;
  readonly keepFrames?: string;
  readonly comments?: readonly string[];
}

/** Collects samples. `finish()` returns the model. */
export class ProfileBuilder {
  readonly #header: ProfileHeader;
  readonly #mappings: ProfileMapping[] = [];
  readonly #functions: ProfileFunction[] = [];
  readonly #functionIndex = new Map<string, number>();
  readonly #locations: ProfileLocation[] = [];
  readonly #locationIndex = new Map<string, number>();
  readonly #hostLocations = new Map<Frame, number>();
  readonly #stacks = new StackTable();
  /**
   * The locations of the list that `stackOf` was given last, outermost first, and the stack of each. Neighbours share
   * their outer frames, which are found here without a look into the table.
   */
  readonly #lastLocations: number[] = [];
  readonly #lastStacks: number[] = [];
  readonly #sampleStack = new GrowableInts();
  readonly #sampleLabelSet = new GrowableInts();
  readonly #values: GrowableRows;
  readonly #labelSets: (readonly SampleLabel[])[] = [[]];
  readonly #labelSetIndex = new Map<string, number>([['', 0]]);
  readonly #sizedSets = new PairTable();
  readonly #sizedSetIndex: number[] = [];
  #hostMapping = -1;

  constructor(header: ProfileHeader) {
    this.#header = header;
    this.#values = new GrowableRows(header.sampleTypes.length);
  }

  /** The mappings so far. */
  get mappings(): readonly ProfileMapping[] {
    return this.#mappings;
  }

  /** The sample types of the profile. */
  get sampleTypes(): readonly SampleType[] {
    return this.#header.sampleTypes;
  }

  /** Adds a mapping unchanged. */
  mapping(mapping: ProfileMapping): number {
    return this.#mappings.push(mapping) - 1;
  }

  /** Adds the mapping of a WebAssembly module. Its code gets an address range of its own. */
  moduleMapping(file: string, codeSize: number, buildId = ''): number {
    const start = (this.#mappings.length + 1) * MODULE_SPACING;
    // The range is one byte longer than the code: the address past the code stands for frames that were not recorded.
    return this.mapping(symbolised(file, start, start + codeSize + 1, buildId));
  }

  /** First address of a module's code, in a mapping made by `moduleMapping`. */
  moduleStart(mapping: number): number {
    return Number(this.#mappings[mapping]!.start);
  }

  /** The mapping of JavaScript code. */
  hostMapping(): number {
    if (this.#hostMapping < 0) {
      this.#hostMapping = this.mapping(symbolised(JAVASCRIPT, HOST_START, HOST_START + MODULE_SPACING, ''));
    }
    return this.#hostMapping;
  }

  function(name: string, systemName: string, file: string, startLine: number): number {
    const key = `${name}\0${systemName}\0${file}\0${startLine}`;
    let index = this.#functionIndex.get(key);
    if (index === undefined) {
      index = this.#functions.push({ name, systemName, file, startLine }) - 1;
      this.#functionIndex.set(key, index);
    }
    return index;
  }

  location(mapping: number, address: number | bigint, lines: readonly ProfileLine[], folded = false): number {
    let key = `${mapping} ${address} ${folded}`;
    for (const line of lines) key += ` ${line.function}:${line.line}:${line.column}`;
    let index = this.#locationIndex.get(key);
    if (index === undefined) {
      index = this.#locations.push({ mapping, address, lines, folded }) - 1;
      this.#locationIndex.set(key, index);
    }
    return index;
  }

  /** A location of symbolised frames, innermost first. Each frame but the last was inlined into the next one. */
  frameLocation(mapping: number, address: number | bigint, frames: readonly Frame[]): number {
    return this.location(
      mapping,
      address,
      frames.map((frame) => ({
        function: this.function(
          frame.function,
          frame.linkageName === frame.function ? '' : frame.linkageName,
          frame.file,
          frame.startLine,
        ),
        line: frame.line,
        column: frame.column,
      })),
    );
  }

  /** The location of a JavaScript frame. Its address is a hash of the frame, so it is the same in every process. */
  hostLocation(frame: Frame): number {
    let location = this.#hostLocations.get(frame);
    if (location === undefined) {
      const hash = fnv1a(`${frame.function}\0${frame.file}\0${frame.line}\0${frame.column}`);
      location = this.frameLocation(this.hostMapping(), HOST_START + hash, [frame]);
      this.#hostLocations.set(frame, location);
    }
    return location;
  }

  /** A location that stands for unknown frames, such as `[truncated]`. */
  pseudoLocation(mapping: number, name: string): number {
    const owner = this.#mappings[mapping];
    const address = owner === undefined ? 0 : pseudoAddress(owner);
    return this.location(mapping, address, [
      { function: this.function(name, '', '', 0), line: 0, column: 0 },
    ]);
  }

  /** The stack in which `location` was called from `parent` (0 is the empty stack). */
  stack(parent: number, location: number): number {
    const index = this.#stacks.number(parent, location);
    if (index >= MAX_STACKS) throw tooManyStacks();
    return index;
  }

  /** The same for a stack that is certainly new, such as the stacks of the first context tree. */
  newStack(parent: number, location: number): number {
    return this.#stacks.append(parent, location);
  }

  /** The stack of a list of locations, innermost first. */
  stackOf(locations: readonly number[]): number {
    const last = this.#lastLocations;
    const stacks = this.#lastStacks;
    let rest = locations.length - 1;
    let depth = 0;
    while (rest >= 0 && depth < last.length && last[depth] === locations[rest]) {
      depth++;
      rest--;
    }
    last.length = depth;
    stacks.length = depth;
    let stack = depth === 0 ? 0 : stacks[depth - 1]!;
    for (; rest >= 0; rest--) {
      stack = this.stack(stack, locations[rest]!);
      last.push(locations[rest]!);
      stacks.push(stack);
    }
    return stack;
  }

  labels(labels: readonly SampleLabel[]): number {
    if (labels.length === 0) return 0;
    let key = '';
    for (const label of labels) {
      key +=
        'text' in label ? `s${label.key}\0${label.text}\0` : `n${label.key}\0${label.number} ${label.unit}\0`;
    }
    let index = this.#labelSetIndex.get(key);
    if (index === undefined) {
      index = this.#labelSets.push(labels) - 1;
      this.#labelSetIndex.set(key, index);
    }
    return index;
  }

  /**
   * A set of labels with the average size of the sample's blocks in bytes added. There may be as many such sets as
   * samples, so they are found by two numbers, and `labels` does not find them.
   */
  sizedLabels(labelSet: number, size: number): number {
    // No block has a size of more than 32 bits, but files of other writers may have such labels.
    const pair = size < 2 ** 32 ? this.#sizedSets.number(labelSet, size | 0) : -1;
    let index = this.#sizedSetIndex[pair];
    if (index === undefined) {
      index =
        this.#labelSets.push([...this.#labelSets[labelSet]!, { key: SIZE_LABEL, number: size, unit: '' }]) -
        1;
      if (pair >= 0) this.#sizedSetIndex[pair] = index;
    }
    return index;
  }

  /** Adds a sample; `values` in the order of the sample types, `labelSet` from `labels()`. */
  sample(stack: number, values: readonly number[], labelSet = 0): void {
    const row = this.#row(stack, labelSet);
    for (let i = 0; i < this.#values.width; i++) this.#values.add(row, i, values[i] ?? 0);
  }

  /** Adds a sample whose values are those of the columns at `index`. */
  sampleAt(stack: number, columns: readonly Float64Array[], index: number, labelSet: number): void {
    const row = this.#row(stack, labelSet);
    for (let i = 0; i < columns.length; i++) this.#values.add(row, i, columns[i]![index]!);
  }

  /**
   * Adds a sample with values out of a row of other columns.
   * @param at index in `values` of the row's first value
   * @param columns for each sample type, its column in the row; below 0 for none
   */
  sampleOf(
    stack: number,
    values: Float64Array,
    at: number,
    columns: readonly number[],
    labelSet: number,
  ): void {
    const row = this.#row(stack, labelSet);
    for (let i = 0; i < columns.length; i++) {
      if (columns[i]! >= 0) this.#values.add(row, i, values[at + columns[i]!]!);
    }
  }

  #row(stack: number, labelSet: number): number {
    this.#sampleStack.push(stack);
    this.#sampleLabelSet.push(labelSet);
    return this.#values.push();
  }

  finish(): ProfileModel {
    const header = this.#header;
    return {
      kind: header.kind,
      sampleTypes: header.sampleTypes,
      defaultSampleType: header.defaultSampleType,
      mappings: this.#mappings,
      functions: this.#functions,
      locations: this.#locations,
      stacks: {
        count: this.#stacks.count,
        parent: this.#stacks.parents(),
        location: this.#stacks.locations(),
      },
      samples: {
        count: this.#sampleStack.length,
        stack: this.#sampleStack.toArray(),
        values: this.#values.toArray(),
        labelSet: this.#sampleLabelSet.toArray(),
        labelSets: this.#labelSets,
      },
      dropFrames: header.dropFrames ?? '',
      keepFrames: header.keepFrames ?? '',
      timeNanos: header.timeNanos ?? 0n,
      durationNanos: header.durationNanos ?? 0n,
      periodType: header.periodType ?? null,
      period: header.period ?? 0,
      comments: header.comments ?? [],
    };
  }
}

export function tooManyStacks(): InvalidProfileError {
  return new InvalidProfileError(
    `The profile has more than ${MAX_STACKS} different stacks and stack suffixes, which is more than can be handled.`,
  );
}

/** The address past the code of a mapping. */
export function pseudoAddress(mapping: ProfileMapping): number | bigint {
  return typeof mapping.limit === 'bigint' ? mapping.limit - 1n : Math.max(0, mapping.limit - 1);
}

function symbolised(file: string, start: number, limit: number, buildId: string): ProfileMapping {
  return {
    start,
    limit,
    fileOffset: 0,
    file,
    buildId,
    hasFunctions: true,
    hasFilenames: true,
    hasLineNumbers: true,
    hasInlineFrames: true,
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
