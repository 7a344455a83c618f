// A profile as plain JSON, for scripts. The shape is versioned: within a version, fields may be added but never
// changed.

import { UNKNOWN } from '../frames/index.ts';
import type { ProfileKind, ProfileModel, SampleType } from './model.ts';

/** What `HeapProfile.toJSON()` returns, version 1. */
export interface ProfileJson {
  /** Version of this shape. */
  readonly version: 1;
  /** What the profile counts. */
  readonly kind: ProfileKind;
  /** Name and unit of each value of a sample. */
  readonly sampleTypes: readonly SampleType[];
  /** Name of the sample type that tables show unless told otherwise. */
  readonly defaultSampleType: string;
  /** When the profile was taken, in ISO 8601; null when unknown. */
  readonly time: string | null;
  /** Seconds covered; 0 for a profile of one moment. */
  readonly duration: number;
  /** Remarks of whoever wrote the profile. */
  readonly comments: readonly string[];
  /** Sums over all samples, by sample type. */
  readonly totals: Readonly<Record<string, number>>;
  /** Every frame that occurs. */
  readonly frames: readonly ProfileJsonFrame[];
  /**
   * For each stack, the index of its innermost frame and the index of the calling stack. Stack 0 is empty: [-1,
   * -1].
   */
  readonly stacks: readonly (readonly [frame: number, caller: number])[];
  /** The samples, in no particular order. */
  readonly samples: readonly ProfileJsonSample[];
}

/** A frame of the stacks in ProfileJson. */
export interface ProfileJsonFrame {
  /** Name of the function; `[unknown]` at worst. */
  readonly function: string;
  /** Path of the source file; '' when it is unknown. */
  readonly file: string;
  /** From 1; 0 when it is unknown. */
  readonly line: number;
  /** From 1; 0 when it is unknown. */
  readonly column: number;
  /** The file that has the code. */
  readonly module: string;
  /** Whether the frame was inlined into the next frame of a stack. */
  readonly inlined: boolean;
}

/** A sample in ProfileJson. */
export interface ProfileJsonSample {
  /** Number of its stack. */
  readonly stack: number;
  /** One value for each sample type. */
  readonly values: readonly number[];
  /** Labels of the sample by name. */
  readonly labels: Readonly<Record<string, string | number>>;
}

export function profileJson(model: ProfileModel): ProfileJson {
  const width = model.sampleTypes.length;
  const frames: ProfileJson['frames'][number][] = [];
  const frameIndex = new Map<string, number>();
  const framesOf = model.locations.map(({ lines, mapping }) => {
    const module = model.mappings[mapping]?.file ?? '';
    const shown = lines.length === 0 ? [{ function: -1, line: 0, column: 0 }] : lines;
    return shown.map(({ function: fn, line, column }, i) => {
      const { name, file } = model.functions[fn] ?? { name: UNKNOWN, file: '' };
      const frame = { function: name, file, line, column, module, inlined: i < shown.length - 1 };
      const key = `${fn} ${line} ${column} ${mapping} ${frame.inlined}`;
      let index = frameIndex.get(key);
      if (index === undefined) {
        index = frames.push(frame) - 1;
        frameIndex.set(key, index);
      }
      return index;
    });
  });

  // Inlined frames become stacks of their own, so that each stack is one frame and its caller.
  const stacks: (readonly [number, number])[] = [[-1, -1]];
  const stackOf = new Int32Array(model.stacks.count);
  for (let i = 1; i < model.stacks.count; i++) {
    let stack = stackOf[model.stacks.parent[i]!]!;
    const own = framesOf[model.stacks.location[i]!]!;
    for (let k = own.length - 1; k >= 0; k--) stack = stacks.push([own[k]!, stack]) - 1;
    stackOf[i] = stack;
  }

  const totals: Record<string, number> = {};
  for (const { type } of model.sampleTypes) totals[type] = 0;
  const samples: ProfileJson['samples'][number][] = [];
  for (let s = 0; s < model.samples.count; s++) {
    const values = Array.from(model.samples.values.subarray(s * width, (s + 1) * width));
    for (const [i, { type }] of model.sampleTypes.entries()) totals[type]! += values[i]!;
    const labels: Record<string, string | number> = {};
    for (const label of model.samples.labelSets[model.samples.labelSet[s]!]!) {
      labels[label.key] = 'text' in label ? label.text : label.number;
    }
    samples.push({ stack: stackOf[model.samples.stack[s]!]!, values, labels });
  }

  const time = new Date(Number(model.timeNanos / 1_000_000n));
  return {
    version: 1,
    kind: model.kind,
    sampleTypes: model.sampleTypes,
    defaultSampleType: model.defaultSampleType,
    time: model.timeNanos === 0n || Number.isNaN(time.getTime()) ? null : time.toISOString(),
    duration: Number(model.durationNanos) / 1e9,
    comments: model.comments,
    totals,
    frames,
    stacks,
    samples,
  };
}
