// Finds the columns of values that callers ask for by name.

import { InvalidArgumentError } from '../errors.ts';
import type { ProfileModel } from './model.ts';

/** Index of a sample type by name. */
export function sampleTypeIndex(model: ProfileModel, name: string | undefined): number {
  const wanted = name ?? model.defaultSampleType;
  const index = model.sampleTypes.findIndex(({ type }) => type === wanted);
  if (index < 0) {
    throw new InvalidArgumentError(
      'sampleType',
      `This profile has no sample type '${wanted}': it has ${model.sampleTypes.map(({ type }) => type).join(', ')}.`,
    );
  }
  return index;
}

/** Index of the objects that belong to a column of bytes (`inuse_objects` to `inuse_space`), or -1. */
export function objectsIndex(model: ProfileModel, index: number): number {
  const { type, unit } = model.sampleTypes[index]!;
  if (unit === 'count') return -1;
  const sibling = type.replace(/_(?:space|bytes|size)$/, '');
  const wanted = new Set([`${sibling}_objects`, `${sibling}_count`, sibling === 'space' ? 'objects' : '']);
  const found = model.sampleTypes.findIndex((candidate) => wanted.has(candidate.type));
  if (found >= 0) return found;
  return model.sampleTypes.length === 2 && model.sampleTypes[1 - index]!.unit === 'count' ? 1 - index : -1;
}
