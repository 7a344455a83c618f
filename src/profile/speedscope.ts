// The file format of speedscope (https://www.speedscope.app, "Importing from custom sources"), version 0.0.1, whose
// schema is part of its npm package. speedscope's pprof importer keeps one line of each location, but this format
// has every frame. Frames are functions, as in other flame graphs, or lines of functions when asked for.
//
// Each sample type becomes a profile in the file. The default sample type is opened first. speedscope has no negative
// weights, so the part of a difference that has shrunk becomes a profile of its own.

import {
  boundedStack,
  CUT,
  fileName,
  JAVASCRIPT,
  type StackView,
  shapeOf,
  TRUNCATED,
  UNKNOWN,
} from '../frames/index.ts';
import type { SettingsOf } from '../options/option-table.ts';
import type { ProfileLine, ProfileModel, SampleType } from './model.ts';
import type { SPEEDSCOPE_OPTIONS } from './profile-options.ts';
import { sampleTypeIndex } from './sample-types.ts';
import { VERSION } from './version.ts';

interface SpeedscopeFrame {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  readonly col?: number;
}

interface SampledProfile {
  readonly type: 'sampled';
  readonly name: string;
  readonly unit: 'bytes' | 'none';
  readonly startValue: 0;
  readonly endValue: number;
  /** Frames of each sample, outermost first, as indices. */
  readonly samples: readonly (readonly number[])[];
  readonly weights: readonly number[];
}

/** The content of a speedscope file. */
export interface SpeedscopeOptions {
  /** Write only these values, such as `inuse_objects`. Default: all values. */
  sampleType?: string;
  /** Tell the lines of a function apart: a frame `function file:line` for each (default false). */
  lines?: boolean;
}

/** Text of a speedscope file. */
export function speedscopeText(
  model: ProfileModel,
  view: StackView,
  options: SettingsOf<typeof SPEEDSCOPE_OPTIONS>,
): string {
  const shown = sampleTypeIndex(model, options.sampleType);
  const frames = new FrameTable(model, view, options.lines);
  const profiles: SampledProfile[] = [];
  let active = 0;
  model.sampleTypes.forEach((sampleType, column) => {
    if (options.sampleType !== undefined && column !== shown) return;
    if (column === shown) active = profiles.length;
    profiles.push(...sampledProfiles(model, view, frames, sampleType, column));
  });
  return JSON.stringify({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: `heapline@${VERSION}`,
    name: nameOf(model),
    activeProfileIndex: active,
    shared: { frames: frames.frames },
    profiles,
  });
}

/** The module's file name, which speedscope shows as the title. */
function nameOf({ mappings }: ProfileModel): string {
  const file = mappings.find(({ file }) => file !== '' && file !== JAVASCRIPT)?.file ?? 'heap profile';
  return fileName(file);
}

function sampledProfiles(
  model: ProfileModel,
  view: StackView,
  frames: FrameTable,
  { type, unit }: SampleType,
  column: number,
): SampledProfile[] {
  const values = new Map<number, number>();
  const width = model.sampleTypes.length;
  for (let s = 0; s < model.samples.count; s++) {
    const value = model.samples.values[s * width + column]!;
    const stack = view.visible[model.samples.stack[s]!]!;
    if (value !== 0) values.set(stack, (values.get(stack) ?? 0) + value);
  }
  const of = (name: string, sign: 1 | -1): SampledProfile => {
    const chosen = [...values].filter(([, value]) => value * sign > 0);
    const weights = chosen.map(([, value]) => value * sign);
    return {
      type: 'sampled',
      name,
      unit: unit === 'bytes' ? 'bytes' : 'none',
      startValue: 0,
      endValue: weights.reduce((sum, weight) => sum + weight, 0),
      samples: chosen.map(([stack]) => frames.ofStack(stack)),
      weights,
    };
  };
  const profiles = [of(type, 1)];
  const shrunk = of(`${type} (shrunk)`, -1);
  if (shrunk.weights.length > 0) profiles.push(shrunk);
  return profiles;
}

/** The frames of a profile without duplicates, and its stacks as lists of them. */
class FrameTable {
  readonly frames: SpeedscopeFrame[] = [];
  readonly #indices = new Map<string, number>();
  /** Frames of each location, outermost first. */
  readonly #ofLocation: readonly (readonly number[])[];
  readonly #shape;
  #cut = -1;

  constructor(
    private readonly model: ProfileModel,
    view: StackView,
    private readonly lines: boolean,
  ) {
    this.#shape = shapeOf(model.stacks);
    this.#ofLocation = model.locations.map((location, n) => {
      const shown = location.lines.slice(view.firstLine[n]!).reverse();
      if (shown.length === 0) {
        const object = model.mappings[location.mapping]?.file ?? '';
        return [this.#add({ name: object === '' ? UNKNOWN : `[${fileName(object)}]` })];
      }
      return shown.map((line) => this.#add(this.#frameOf(line)));
    });
  }

  ofStack(stack: number): number[] {
    const indices: number[] = [];
    for (const at of boundedStack(this.model.stacks, this.#shape, stack).reverse()) {
      if (at === CUT) indices.push(this.#truncated());
      else indices.push(...this.#ofLocation[at]!);
    }
    return indices;
  }

  #frameOf({ function: fn, line, column }: ProfileLine): SpeedscopeFrame {
    const { name, file, startLine } = this.model.functions[fn] ?? { name: '', file: '', startLine: 0 };
    const plain = name || UNKNOWN;
    if (file === '') return { name: plain };
    if (!this.lines) return startLine > 0 ? { name: plain, file, line: startLine } : { name: plain, file };
    if (line <= 0) return { name: plain, file };
    const place = `${plain} ${fileName(file)}:${line}`;
    return column > 0 ? { name: place, file, line, col: column } : { name: place, file, line };
  }

  #truncated(): number {
    if (this.#cut < 0) this.#cut = this.#add({ name: TRUNCATED });
    return this.#cut;
  }

  #add(frame: SpeedscopeFrame): number {
    const key = `${frame.name}\0${frame.file ?? ''}\0${frame.line ?? 0}\0${frame.col ?? 0}`;
    let index = this.#indices.get(key);
    if (index === undefined) {
      index = this.frames.push(frame) - 1;
      this.#indices.set(key, index);
    }
    return index;
  }
}
