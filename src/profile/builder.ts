// Fills a ProfileModel sample by sample and keeps every table free of duplicates. Used for all profiles that do
// not come straight from a context tree: decoded files, differences, merges, leak reports, V8's own heap.

import { STEP, type Steps } from '../algorithms/steps.ts';
import { type Frame, InvalidProfileError } from '../errors.ts';
import { GrowingInts, GrowingRows, PairTable } from './columns.ts';
import type {
  ProfileFunction,
  ProfileKind,
  ProfileLine,
  ProfileLocation,
  ProfileMapping,
  ProfileModel,
  SampleLabel,
  SampleType,
  StackTree,
} from './model.ts';

/** Where the code of module n lies: its low 32 bits are then the offset from the code section payload. */
const MODULE_SPACING = 2 ** 32;
/** Where JavaScript locations lie: above every module, below 2^47. */
const HOST_START = 0x7f00_0000_0000;

/** More than a program has, and about as many as fit into memory. */
export const MAX_STACKS = 2 ** 24 - 1;

/** Key of the label that is an average over the sample: it never tells samples apart. */
export const SIZE_LABEL = 'bytes';

/** What a profile says about itself besides its samples. */
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

/** Collects samples; `finish()` gives the model. */
export class ProfileBuilder {
  readonly #header: ProfileHeader;
  readonly #mappings: ProfileMapping[] = [];
  readonly #functions: ProfileFunction[] = [];
  readonly #functionIndex = new Map<string, number>();
  readonly #locations: ProfileLocation[] = [];
  readonly #locationIndex = new Map<string, number>();
  readonly #hostLocations = new Map<Frame, number>();
  /** Parent and location of each stack. */
  readonly #stacks = new PairTable();
  /** So many of the stacks are known to the table's index. */
  #indexed = 1;
  readonly #sampleStack = new GrowingInts();
  readonly #sampleLabelSet = new GrowingInts();
  readonly #values: GrowingRows;
  readonly #labelSets: (readonly SampleLabel[])[] = [[]];
  readonly #labelSetIndex = new Map<string, number>([['', 0]]);
  readonly #sizedSets = new PairTable();
  readonly #sizedSetIndex: number[] = [];
  #hostMapping = -1;

  constructor(header: ProfileHeader) {
    this.#header = header;
    this.#values = new GrowingRows(header.sampleTypes.length);
    // The empty stack.
    this.#stacks.number(0, -1);
  }

  /** Adds a mapping as it is. */
  mapping(mapping: ProfileMapping): number {
    return this.#mappings.push(mapping) - 1;
  }

  /** Adds the mapping of a WebAssembly module; its code goes to an address range of its own. */
  moduleMapping(file: string, codeSize: number, buildId = ''): number {
    const start = (this.#mappings.length + 1) * MODULE_SPACING;
    // One byte more than the code: the address past it stands for frames that were not recorded.
    return this.mapping(symbolised(file, start, start + codeSize + 1, buildId));
  }

  /** First address of a module's code, in a mapping made by `moduleMapping`. */
  moduleStart(mapping: number): number {
    return Number(this.#mappings[mapping]!.start);
  }

  /** The mapping of JavaScript code. */
  hostMapping(): number {
    if (this.#hostMapping < 0) {
      this.#hostMapping = this.mapping(
        symbolised('[javascript]', HOST_START, HOST_START + MODULE_SPACING, ''),
      );
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

  /** A location of symbolised frames, innermost first; all but the last were inlined into the next one. */
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

  /** A JavaScript frame. Its address is a hash of what it says, so that it is the same in every process. */
  hostLocation(frame: Frame): number {
    let location = this.#hostLocations.get(frame);
    if (location === undefined) {
      const hash = fnv1a(`${frame.function}\0${frame.file}\0${frame.line}\0${frame.column}`);
      location = this.frameLocation(this.hostMapping(), HOST_START + hash, [frame]);
      this.#hostLocations.set(frame, location);
    }
    return location;
  }

  /** A location that stands for frames which are not known, such as `[truncated]`. */
  pseudoLocation(mapping: number, name: string): number {
    const owner = this.#mappings[mapping];
    const address = owner === undefined ? 0 : pseudoAddress(owner);
    return this.location(mapping, address, [
      { function: this.function(name, '', '', 0), line: 0, column: 0 },
    ]);
  }

  /** The stack in which `location` was called from `parent` (0 is the empty stack). */
  stack(parent: number, location: number): number {
    if (this.#indexed < this.#stacks.count) this.#stacks.index(this.#indexed);
    const index = this.#stacks.number(parent, location);
    this.#indexed = this.#stacks.count;
    if (index >= MAX_STACKS) throw tooManyStacks();
    return index;
  }

  /** The same for a stack that is known to be new, as those of the first context tree are. */
  newStack(parent: number, location: number): number {
    return this.#stacks.append(parent, location);
  }

  /** The stack of a list of locations, innermost first. */
  stackOf(locations: readonly number[]): number {
    let stack = 0;
    for (let i = locations.length - 1; i >= 0; i--) stack = this.stack(stack, locations[i]!);
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
   * Those labels with the average size of the sample's blocks in bytes. There may be as many as there are samples, so
   * they are found by two numbers, and by `labels` not at all.
   */
  sizedLabels(labelSet: number, size: number): number {
    // A size of more than 32 bits is no one block's: only files by others have such.
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

  /** Adds a sample with the values that these columns have at `index`. */
  sampleAt(stack: number, columns: readonly Float64Array[], index: number, labelSet: number): void {
    const row = this.#row(stack, labelSet);
    for (let i = 0; i < columns.length; i++) this.#values.add(row, i, columns[i]![index]!);
  }

  #row(stack: number, labelSet: number): number {
    this.#sampleStack.push(stack);
    this.#sampleLabelSet.push(labelSet);
    return this.#values.push();
  }

  /**
   * Adds the locations of another profile. Mappings that hold the same code become one; a module whose addresses
   * are taken by another one moves. Gives the new index of each location.
   * @param wanted which locations are; the others stay out, and have the index 0. Default: all
   */
  *importLocations(model: ProfileModel, wanted?: Uint8Array): Steps<Int32Array> {
    const mappings = model.mappings.map((mapping) => this.#importMapping(mapping));
    const result = new Int32Array(model.locations.length);
    for (let i = 0; i < result.length; i++) {
      if (i % STEP === 0) yield;
      if (wanted?.[i] === 0) continue;
      const location = model.locations[i]!;
      const mapping = location.mapping < 0 ? -1 : mappings[location.mapping]!;
      let address = location.address;
      if (mapping >= 0) {
        const shift =
          BigInt(this.#mappings[mapping]!.start) - BigInt(model.mappings[location.mapping]!.start);
        if (shift !== 0n) {
          const moved = BigInt.asUintN(64, BigInt(address) + shift);
          address = moved <= Number.MAX_SAFE_INTEGER ? Number(moved) : moved;
        }
      }
      const lines = location.lines.map((line) => {
        const from = model.functions[line.function];
        const index =
          from === undefined ? -1 : this.function(from.name, from.systemName, from.file, from.startLine);
        return { function: index, line: line.line, column: line.column };
      });
      result[i] = this.location(mapping, address, lines, location.folded);
    }
    return result;
  }

  /** Adds the stacks of another profile, or those that are wanted, with the locations that `importLocations` gave. */
  *importStacks(stacks: StackTree, locations: Int32Array, wanted?: Uint8Array): Steps<Int32Array> {
    const result = new Int32Array(stacks.count);
    for (let i = 1; i < stacks.count; i++) {
      if (i % STEP === 0) yield;
      if (wanted?.[i] === 0) continue;
      result[i] = this.stack(result[stacks.parent[i]!]!, locations[stacks.location[i]!]!);
    }
    return result;
  }

  /** Adds the samples of another profile of the same sample types, each as it is. */
  *importSamples(model: ProfileModel): Steps<void> {
    const { samples, sampleTypes } = model;
    const locations = yield* this.importLocations(model);
    const stacks = yield* this.importStacks(model.stacks, locations);
    const labelSets = samples.labelSets.map((labels) => this.labels(labels));
    const columns = this.#header.sampleTypes.map(({ type, unit }) =>
      sampleTypes.findIndex((theirs) => theirs.type === type && theirs.unit === unit),
    );
    for (let s = 0; s < samples.count; s++) {
      if (s % STEP === 0) yield;
      const at = s * sampleTypes.length;
      const row = this.#row(stacks[samples.stack[s]!]!, labelSets[samples.labelSet[s]!]!);
      for (const [i, column] of columns.entries())
        if (column >= 0) this.#values.add(row, i, samples.values[at + column]!);
    }
  }

  #importMapping(mapping: ProfileMapping): number {
    const size = BigInt(mapping.limit) - BigInt(mapping.start);
    const same = this.#mappings.findIndex(
      (known) =>
        known.file === mapping.file &&
        known.buildId === mapping.buildId &&
        known.fileOffset === mapping.fileOffset &&
        BigInt(known.limit) - BigInt(known.start) === size,
    );
    if (same >= 0) return same;
    const taken = this.#mappings.some((known) => known.start < mapping.limit && mapping.start < known.limit);
    if (!taken || size <= 0n || size > BigInt(MODULE_SPACING)) return this.mapping(mapping);
    let start = MODULE_SPACING;
    while (this.#mappings.some((known) => known.start < start + Number(size) && start < known.limit)) {
      start += MODULE_SPACING;
    }
    return this.mapping({ ...mapping, start, limit: start + Number(size) });
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
        parent: this.#stacks.firsts(),
        location: this.#stacks.seconds(),
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
