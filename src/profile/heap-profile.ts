// The profile as users see it: a model, and everything that can be done with it.

import { atOnce } from '../algorithms/steps.ts';
import { InvalidArgumentError } from '../errors.ts';
import { type Frame, JAVASCRIPT, type StackView, UNKNOWN } from '../frames/index.ts';
import { numberAbove0 } from '../options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../options/option-table.ts';
import { difference, sum } from './combine.ts';
import { viewOf } from './drop-frames.ts';
import { encodeProfile } from './encode.ts';
import { type FilterOptions, filtered, filterNames } from './filter.ts';
import { type FoldedOptions, foldedText } from './folded.ts';
import { withInlineLocations } from './inline-locations.ts';
import { tablesOrNull, writtenForms } from './installed-presentation.ts';
import { type ProfileJson, profileJson } from './json.ts';
import type { ProfileKind, ProfileModel, SampleType } from './model.ts';
import { type HtmlOptions, pageWriter } from './page-writer.ts';
import {
  ENCODE_OPTIONS,
  FILTER_OPTIONS,
  FOLDED_OPTIONS,
  SPEEDSCOPE_OPTIONS,
  TOP_OPTIONS,
} from './profile-options.ts';
import { DEFAULT_MAX_BYTES, profileReader } from './reader.ts';
import { sampleTypeIndex } from './sample-types.ts';
import type { ShownPart } from './shown-part.ts';
import type { SpeedscopeOptions } from './speedscope.ts';
import { topText } from './top.ts';
import { type TopOptions, type TopRow, topRows } from './top-rows.ts';

/**
 * This gzip level takes little more time than level 1, and its result is nearly as small as that of level 9
 * (bench/).
 */
/** Rows of the table in `String(profile)`. */
const ROWS_IN_MESSAGES = 20;

/** How HeapProfile.encode() writes a profile. */
export interface EncodeOptions {
  /** gzip level from 1 (fastest) to 9 (smallest), 4 by default. Level 0 writes the message without gzip. */
  level?: number;
  /**
   * How inlined functions are written. `'lines'`, the default, makes them lines of one location, as profile.proto
   * intends and `go tool pprof`, Pyroscope and Parca read. `'locations'` gives each inlined function a location of
   * its own, for readers that keep one line of each location (speedscope, react-pprof). Compare only profiles that
   * were written the same way.
   */
  inlines?: 'lines' | 'locations';
}

/** What HeapProfile.decode() accepts. */
export interface DecodeOptions {
  /**
   * Reject profiles that are larger than this when decompressed; 256 MiB by default. A profile whose entries would
   * take many times as much memory is rejected, too.
   */
  maxBytes?: number;
}

const DECODE_OPTIONS = {
  maxBytes: withDefault(numberAbove0(Number.POSITIVE_INFINITY, 'bytes'), DEFAULT_MAX_BYTES),
} satisfies OptionTable<DecodeOptions>;

/** One sample, spelled out. */
export interface ProfileSample {
  /** Innermost first, inlined frames included. */
  readonly frames: readonly Frame[];
  /** In the order of `sampleTypes`. */
  readonly values: readonly number[];
  /** Labels of the sample by name. */
  readonly labels: Readonly<Record<string, string | number>>;
}

/** A heap profile: taken from a sandbox, read from a file, or computed from others. Immutable. */
export class HeapProfile {
  /** The tables of the profile, for other writers. */
  readonly model: ProfileModel;
  #view: StackView | null = null;
  /** Of a profile that filter() has made: the expressions, and the profile before, to which shares refer. */
  #filtered: { readonly names: readonly string[]; readonly whole: ProfileModel } | null = null;

  /** Makes a profile of these tables. HeapProfile.decode() and heap.profile() do so for you. */
  constructor(model: ProfileModel) {
    this.model = model;
  }

  /** Reads a profile in pprof's format, gzipped or not, from any tool. Throws an InvalidProfileError. */
  static decode(bytes: Uint8Array, options: DecodeOptions = {}): HeapProfile {
    if (!(bytes instanceof Uint8Array)) {
      throw new InvalidArgumentError(
        'bytes',
        'HeapProfile.decode() takes the bytes of a profile, a Uint8Array.',
      );
    }
    const { maxBytes } = readOptions('HeapProfile.decode', options, DECODE_OPTIONS);
    return new HeapProfile(profileReader()(bytes, maxBytes));
  }

  /** Adds up profiles of the same sample types, for instance of several sandboxes. */
  static merge(profiles: readonly HeapProfile[]): HeapProfile {
    if (!Array.isArray(profiles) || !profiles.every(isProfile)) {
      throw new InvalidArgumentError('profiles', 'HeapProfile.merge() takes an array of HeapProfiles.');
    }
    return new HeapProfile(atOnce(sum(profiles.map(({ model }) => model))));
  }

  /** What the profile counts. */
  get kind(): ProfileKind {
    return this.model.kind;
  }

  /** The names and units of a sample's values. */
  get sampleTypes(): readonly SampleType[] {
    return this.model.sampleTypes;
  }

  /** Name of the sample type that tables show by default. */
  get defaultSampleType(): string {
    return this.model.defaultSampleType;
  }

  /** When the profile was taken; null when unknown. */
  get time(): Date | null {
    return this.model.timeNanos === 0n ? null : new Date(Number(this.model.timeNanos / 1_000_000n));
  }

  /** Seconds covered; 0 for a profile of one moment. */
  get duration(): number {
    return Number(this.model.durationNanos) / 1e9;
  }

  /** Remarks of whoever wrote the profile, such as the toolchain of the module. */
  get comments(): readonly string[] {
    return this.model.comments;
  }

  /**
   * Names of the functions that allocate for others, as the profile lists them, such as `xmalloc`. Tables leave them out,
   * the profile's stacks have them.
   */
  get wrappers(): readonly string[] {
    return tablesOrNull()?.hiddenFunctions(this.model, []) ?? [];
  }

  /** Number of samples, which are the contexts that have values. */
  get sampleCount(): number {
    return this.model.samples.count;
  }

  /** Sum of one sample type over all samples. */
  total(sampleType?: string): number {
    const index = sampleTypeIndex(this.model, sampleType);
    const { samples, sampleTypes } = this.model;
    let total = 0;
    for (let s = 0; s < samples.count; s++) total += samples.values[s * sampleTypes.length + index]!;
    return total;
  }

  /** All samples with their stacks, in no particular order. */
  *samples(): Generator<ProfileSample, void> {
    const { samples, stacks, locations, functions, mappings, sampleTypes } = this.model;
    const framesOf = locations.map(({ lines, mapping }) => {
      const language: Frame['language'] = mappings[mapping]?.file === JAVASCRIPT ? 'js' : 'c';
      return lines.map(({ function: fn, line, column }, i): Frame => {
        const { name, systemName, file, startLine } = functions[fn] ?? UNKNOWN_FUNCTION;
        const inlined = i < lines.length - 1;
        return {
          function: name,
          linkageName: systemName || name,
          file,
          line,
          column,
          startLine,
          inlined,
          language,
        };
      });
    });
    const width = sampleTypes.length;
    for (let s = 0; s < samples.count; s++) {
      const frames: Frame[] = [];
      for (let at = samples.stack[s]!; at !== 0; at = stacks.parent[at]!)
        frames.push(...framesOf[stacks.location[at]!]!);
      const labels: Record<string, string | number> = {};
      for (const label of samples.labelSets[samples.labelSet[s]!]!) {
        labels[label.key] = 'text' in label ? label.text : label.number;
      }
      yield { frames, values: Array.from(samples.values.subarray(s * width, (s + 1) * width)), labels };
    }
  }

  /** The profile as pprof's gzipped protocol buffer, for a `.pb.gz` file. */
  encode(options: EncodeOptions = {}): Uint8Array {
    const { level, inlines } = readOptions('profile.encode', options, ENCODE_OPTIONS);
    return encodeProfile(inlines === 'locations' ? withInlineLocations(this.model) : this.model, level);
  }

  /** A table like that of `go tool pprof -top`, without the functions that allocate for others. */
  top(options: TopOptions = {}): string {
    const settings = readOptions('profile.top', options, TOP_OPTIONS);
    const { model, view, note } = this.#shownPart(settings.wrappers);
    const { names, whole } = this.#filtered ?? { names: [], whole: this.model };
    return topText(model, view, settings, { names, whole, note });
  }

  /** The rows of the table that `top()` writes. */
  topRows(options: TopOptions = {}): TopRow[] {
    const settings = readOptions('profile.topRows', options, TOP_OPTIONS);
    const { model, view } = this.#shownPart(settings.wrappers);
    return topRows(model, view, settings).slice(0, settings.limit);
  }

  /** Folded stacks for flame graph tools: `main;parse;read 4096`. */
  folded(options: FoldedOptions = {}): string {
    const settings = readOptions('profile.folded', options, FOLDED_OPTIONS);
    return foldedText(this.model, this.#stackView(), settings);
  }

  /**
   * Text of a file for speedscope (https://www.speedscope.app), with every function, inlined ones too, and a
   * profile for each sample type.
   */
  speedscope(options: SpeedscopeOptions = {}): string {
    const settings = readOptions('profile.speedscope', options, SPEEDSCOPE_OPTIONS);
    return writtenForms().speedscopeText(this.model, this.#stackView(), settings);
  }

  /**
   * The profile as a page to look at: one HTML file with a flame graph, tables, and the sources that the profile names.
   * It loads nothing from elsewhere.
   */
  async html(options: HtmlOptions = {}): Promise<string> {
    return pageWriter()(this, options);
  }

  /** The text form of Go's `/debug/pprof/heap?debug=1`, which pprof also reads. */
  text(): string {
    return atOnce(writtenForms().legacyText(this.model));
  }

  /** The first rows of the table, for messages and logs. */
  toString(): string {
    return this.top({ limit: ROWS_IN_MESSAGES }).trimEnd();
  }

  /** The profile as plain data of a versioned shape. `JSON.stringify(profile)` uses it. */
  toJSON(): ProfileJson {
    return profileJson(this.model);
  }

  /**
   * A profile with some of the samples and frames, as pprof's options -focus, -ignore and -hide leave them. Tables show
   * shares of the whole profile.
   */
  filter(options: FilterOptions): HeapProfile {
    const filters = readOptions('profile.filter', options, FILTER_OPTIONS);
    const names = filterNames(filters);
    if (names.length === 0) return this;
    const result = new HeapProfile(filtered(this.model, this.#stackView(), filters));
    result.#filtered = {
      names: [...(this.#filtered?.names ?? []), ...names],
      whole: this.#filtered?.whole ?? this.model,
    };
    return result;
  }

  /** The change from this profile to a later one: later − this. Stacks without a change are left out. */
  diff(later: HeapProfile): HeapProfile {
    if (!isProfile(later)) {
      throw new InvalidArgumentError('later', 'profile.diff() takes a later HeapProfile.');
    }
    return new HeapProfile(atOnce(difference(this.model, later.model)));
  }

  #shownPart(wrappers: readonly string[]): ShownPart {
    const view = this.#stackView();
    return tablesOrNull()?.shownPart(this.model, view, wrappers) ?? { model: this.model, view, note: '' };
  }

  #stackView(): StackView {
    this.#view ??= viewOf(this.model);
    return this.#view;
  }
}

/** This does not use instanceof, because the ESM and CommonJS builds each have a class of their own. */
function isProfile(value: unknown): value is HeapProfile {
  return typeof (value as HeapProfile | null | undefined)?.model === 'object';
}

const UNKNOWN_FUNCTION = { name: UNKNOWN, systemName: '', file: '', startLine: 0 };
