// Makes one profile of several: differences and sums. Frames decide which stacks are the same, so profiles of
// different processes and of different builds of a program can be compared. Addresses count only for code without
// symbols.

import { GrowableRows } from '../algorithms/growable-array.ts';
import { STEP, type Steps } from '../algorithms/steps.ts';
import { InvalidArgumentError } from '../errors.ts';
import { ProfileBuilder, SIZE_LABEL } from './builder.ts';
import { importLocations, importStacks } from './import-profile.ts';
import { tablesOrNull } from './installed-presentation.ts';
import type { ProfileModel } from './model.ts';
import { PairTable } from './pair-table.ts';

/** after − before: one sample for each pair of stack and labels whose values changed. */
export function difference(before: ProfileModel, after: ProfileModel): Steps<ProfileModel> {
  const nanoseconds = after.timeNanos - before.timeNanos;
  const known = before.timeNanos !== 0n && after.timeNanos !== 0n && nanoseconds > 0n;
  return combine([after, before], [1, -1], known ? nanoseconds : 0n);
}

/** The sum of profiles. Samples with different labels stay apart. */
export function sum(models: readonly ProfileModel[]): Steps<ProfileModel> {
  if (models.length === 0)
    throw new InvalidArgumentError('profiles', 'There is no profile to merge: pass one or more.');
  const duration = largest(models.map(({ durationNanos }) => durationNanos));
  return combine(
    models,
    models.map(() => 1),
    duration,
  );
}

function* combine(
  models: readonly ProfileModel[],
  signs: readonly number[],
  durationNanos: bigint,
): Steps<ProfileModel> {
  const first = models[0]!;
  const { sampleTypes } = first;
  const builder = new ProfileBuilder({
    kind: first.kind,
    sampleTypes,
    defaultSampleType: first.defaultSampleType,
    timeNanos: largest(models.map(({ timeNanos }) => timeNanos)),
    durationNanos,
    periodType: first.periodType,
    period: first.period,
    dropFrames: first.dropFrames,
    keepFrames: first.keepFrames,
    comments: combinedComments(models),
  });

  /** Stack and labels of each row. */
  const keys = new PairTable();
  const rows = new GrowableRows(sampleTypes.length);
  const representatives = new Map<string, number>();
  for (const [m, model] of models.entries()) {
    const columns = matchingColumns(sampleTypes, model);
    const imported = yield* importLocations(builder, model);
    const locations = imported.map((location, i) => {
      const key = frameKey(model, i);
      const known = representatives.get(key);
      if (known !== undefined) return known;
      representatives.set(key, location);
      return location;
    });
    const stacks = yield* importStacks(builder, model.stacks, locations);
    const labelSets = new Int32Array(model.samples.labelSets.length);
    for (const [i, set] of model.samples.labelSets.entries()) {
      if (i % STEP === 0) yield;
      labelSets[i] = builder.labels(set.filter(({ key }) => key !== SIZE_LABEL));
    }
    const width = model.sampleTypes.length;
    for (let s = 0; s < model.samples.count; s++) {
      if (s % STEP === 0) yield;
      const row = keys.number(stacks[model.samples.stack[s]!]!, labelSets[model.samples.labelSet[s]!]!);
      if (row === rows.count) rows.push();
      for (let i = 0; i < columns.length; i++)
        rows.add(row, i, signs[m]! * model.samples.values[s * width + columns[i]!]!);
    }
  }

  const stackOf = keys.firsts();
  const labelsOf = keys.seconds();
  const values = sampleTypes.map(() => 0);
  for (let row = 0; row < rows.count; row++) {
    if (row % STEP === 0) yield;
    for (let i = 0; i < values.length; i++) values[i] = rows.get(row, i);
    if (values.every((value) => value === 0)) continue;
    const size = averageSize(first, values);
    const labels = labelsOf[row]!;
    builder.sample(stackOf[row]!, values, size > 0 ? builder.sizedLabels(labels, size) : labels);
  }
  return builder.finish();
}

/** The comments of all, with one list of wrappers. */
function combinedComments(models: readonly ProfileModel[]): string[] {
  const tables = tablesOrNull();
  const wrappers = tables && new tables.WrapperCollector();
  const remarks = models.flatMap((model) => wrappers?.addProfile(model) ?? model.comments);
  return [...new Set(remarks), ...(wrappers?.comments() ?? [])];
}

function largest(values: readonly bigint[]): bigint {
  let result = 0n;
  for (const value of values) if (value > result) result = value;
  return result;
}

/** The column of `model` that has each sample type. */
function matchingColumns(sampleTypes: ProfileModel['sampleTypes'], model: ProfileModel): number[] {
  const spelled = (types: ProfileModel['sampleTypes']) => types.map(({ type, unit }) => `${type}/${unit}`);
  const theirs = spelled(model.sampleTypes);
  const columns = spelled(sampleTypes).map((type) => theirs.indexOf(type));
  if (columns.includes(-1) || theirs.length !== columns.length) {
    throw new InvalidArgumentError(
      'profile',
      `These profiles do not count the same: one has ${spelled(sampleTypes).join(', ')}, the other ${theirs.join(', ')}.`,
    );
  }
  return columns;
}

/** A key that is equal for the same location in two profiles. */
function frameKey(model: ProfileModel, index: number): string {
  const { lines, address, mapping } = model.locations[index]!;
  const owner = model.mappings[mapping];
  const module = owner?.file.slice(owner.file.lastIndexOf('/') + 1) ?? '';
  if (lines.length === 0) return `${module}\0${BigInt(address) - BigInt(owner?.start ?? 0)}`;
  let key = module;
  for (const line of lines) {
    const fn = model.functions[line.function];
    key += `\0${fn?.name ?? ''}\0${fn?.systemName ?? ''}\0${fn?.file ?? ''}\0${line.line}\0${line.column}`;
  }
  return key;
}

/**
 * Average block size of a row, if the profile counts objects and bytes. In a difference it is the average of the
 * change.
 */
function averageSize({ sampleTypes }: ProfileModel, values: readonly number[]): number {
  const objects = sampleTypes.findIndex(({ unit }) => unit === 'count');
  const bytes = sampleTypes.findIndex(({ type }, i) => i > objects && /_(?:space|bytes)$/.test(type));
  if (objects < 0 || bytes < 0 || values[objects] === 0) return 0;
  return Math.max(0, Math.floor(values[bytes]! / values[objects]!));
}
