// Two operations on profiles that only a server needs: the allocations since the last scrape, and a profile reduced
// to the size that a receiver accepts.

import { STEP, type Steps } from '../algorithms/steps.ts';
import { OTHER } from '../frames/index.ts';
import {
  difference,
  encodeMessage,
  HeapProfile,
  importLocations,
  importStacks,
  ProfileBuilder,
  type ProfileModel,
} from '../profile/index.ts';

/**
 * What godeltaprof's delta_heap shows: allocations since the previous scrape, and what is in use now. Contexts whose
 * sandbox has been disposed of are left out, so no value is ever negative.
 */
export function* sinceLastScrape(before: HeapProfile | null, now: HeapProfile): Steps<HeapProfile> {
  if (before === null) return now;
  const inUse = now.sampleTypes.map(({ type }) => type.startsWith('inuse_'));
  const base = withValues(before.model, (value, column) => (inUse[column] ? 0 : value));
  const changes = yield* difference(base, now.model);
  return new HeapProfile({
    ...withValues(changes, (value) => Math.max(0, value)),
    durationNanos: positive(now.model.timeNanos - before.model.timeNanos),
  });
}

/** later − before, with the time between the two, as Go's `seconds=` gives it. */
export function* change(before: HeapProfile, later: HeapProfile): Steps<HeapProfile> {
  const model = yield* difference(before.model, later.model);
  return new HeapProfile({
    ...model,
    timeNanos: later.model.timeNanos,
    durationNanos: positive(later.model.timeNanos - before.model.timeNanos),
  });
}

/**
 * The profile with at most `limit` samples. The smallest samples are added up under `[other]`, one sum for each set
 * of string labels, so all totals stay the same. A comment says how many samples were cut.
 */
export function* cut(profile: HeapProfile, limit: number): Steps<HeapProfile> {
  const { model } = profile;
  const { samples, sampleTypes } = model;
  if (samples.count <= limit) return profile;
  const width = sampleTypes.length;
  const shown = Math.max(
    0,
    sampleTypes.findIndex(({ type }) => type === model.defaultSampleType),
  );
  const weight = (sample: number, column: number) => Math.abs(samples.values[sample * width + column]!);
  const order = Array.from({ length: samples.count }, (_, i) => i).sort((a, b) => {
    const byShown = weight(b, shown) - weight(a, shown);
    if (byShown !== 0) return byShown;
    for (let c = width - 1; c >= 0; c--) {
      const difference = weight(b, c) - weight(a, c);
      if (difference !== 0) return difference;
    }
    return a - b;
  });

  const builder = new ProfileBuilder({ ...model });
  const textLabels = samples.labelSets.map((labels) => labels.filter((label) => 'text' in label));
  const sums = new Map<number, number[]>();
  const sets = textLabels.map((labels) => builder.labels(labels));
  // Each set of labels needs one sample for its sum.
  const kept = Math.max(0, limit - new Set(Array.from(samples.labelSet, (set) => sets[set])).size);
  const wanted = reach(model, order.slice(0, kept));
  const locations = yield* importLocations(builder, model, wanted.locations);
  const stacks = yield* importStacks(builder, model.stacks, locations, wanted.stacks);
  for (const [rank, s] of order.entries()) {
    if (rank % STEP === 0) yield;
    const values = Array.from(samples.values.subarray(s * width, (s + 1) * width));
    const labelSet = samples.labelSet[s]!;
    if (rank < kept) {
      builder.sample(stacks[samples.stack[s]!]!, values, builder.labels(samples.labelSets[labelSet]!));
      continue;
    }
    const set = sets[labelSet]!;
    const sum = sums.get(set);
    if (sum === undefined) sums.set(set, values);
    else for (const [c, value] of values.entries()) sum[c]! += value;
  }
  const other = builder.stack(0, builder.pseudoLocation(0, OTHER));
  for (const [set, values] of sums) builder.sample(other, values, set);
  const comment = `cut to ${kept} of ${samples.count} samples; the rest is summed up in ${OTHER}`;
  return new HeapProfile({ ...builder.finish(), comments: [...model.comments, comment] });
}

/** The profile as pprof's message, with at most `maxSamples` samples, and with fewer if `maxBytes` requires it. */
export function* fitted(
  profile: HeapProfile,
  maxSamples: number,
  maxBytes: number,
): Steps<Uint8Array<ArrayBuffer>> {
  let shown = yield* cut(profile, maxSamples);
  for (;;) {
    const message = yield* encodeMessage(shown.model);
    if (message.length <= maxBytes) return message;
    const fewer = yield* cut(profile, Math.floor(shown.sampleCount / 2));
    // One sample of each set of labels always remains, whatever the limit.
    if (fewer.sampleCount >= shown.sampleCount) return message;
    shown = fewer;
  }
}

/** Marks with 1 the stacks of these samples, the stacks of their callers, and the locations in all of them. */
function reach(
  { samples, stacks, locations }: ProfileModel,
  kept: readonly number[],
): { stacks: Uint8Array; locations: Uint8Array } {
  const reached = { stacks: new Uint8Array(stacks.count), locations: new Uint8Array(locations.length) };
  for (const sample of kept) {
    for (let s = samples.stack[sample]!; s > 0 && reached.stacks[s] === 0; s = stacks.parent[s]!) {
      reached.stacks[s] = 1;
      reached.locations[stacks.location[s]!] = 1;
    }
  }
  return reached;
}

function withValues(model: ProfileModel, change: (value: number, column: number) => number): ProfileModel {
  const { samples, sampleTypes } = model;
  const width = sampleTypes.length;
  return {
    ...model,
    samples: { ...samples, values: samples.values.map((value, i) => change(value, i % width)) },
  };
}

function positive(nanoseconds: bigint): bigint {
  return nanoseconds > 0n ? nanoseconds : 0n;
}
