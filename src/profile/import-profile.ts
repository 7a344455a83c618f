// Adds the tables of another profile to one in the making: for merges, differences, and profiles of several heaps.

import { STEP, type Steps } from '../algorithms/steps.ts';
import type { StackColumns } from '../frames/index.ts';
import { MODULE_SPACING, type ProfileBuilder } from './builder.ts';
import type { ProfileMapping, ProfileModel } from './model.ts';

/**
 * Adds the locations of another profile. Mappings of the same code become one. A module moves when another module
 * has its addresses. Returns the new index of each location.
 * @param wanted marks the locations to add; the others get the index 0. Default: all
 */
export function* importLocations(
  builder: ProfileBuilder,
  model: ProfileModel,
  wanted?: Uint8Array,
): Steps<Int32Array> {
  const mappings = model.mappings.map((mapping) => importMapping(builder, mapping));
  const result = new Int32Array(model.locations.length);
  for (let i = 0; i < result.length; i++) {
    if (i % STEP === 0) yield;
    if (wanted?.[i] === 0) continue;
    const location = model.locations[i]!;
    const mapping = location.mapping < 0 ? -1 : mappings[location.mapping]!;
    let address = location.address;
    if (mapping >= 0) {
      const shift =
        BigInt(builder.mappings[mapping]!.start) - BigInt(model.mappings[location.mapping]!.start);
      if (shift !== 0n) {
        const moved = BigInt.asUintN(64, BigInt(address) + shift);
        address = moved <= Number.MAX_SAFE_INTEGER ? Number(moved) : moved;
      }
    }
    const lines = location.lines.map((line) => {
      const from = model.functions[line.function];
      const index =
        from === undefined ? -1 : builder.function(from.name, from.systemName, from.file, from.startLine);
      return { function: index, line: line.line, column: line.column };
    });
    result[i] = builder.location(mapping, address, lines, location.folded);
  }
  return result;
}

/**
 * Adds the stacks of another profile, or only the wanted ones, with the locations that `importLocations` returned.
 */
export function* importStacks(
  builder: ProfileBuilder,
  stacks: StackColumns,
  locations: Int32Array,
  wanted?: Uint8Array,
): Steps<Int32Array> {
  const result = new Int32Array(stacks.count);
  for (let i = 1; i < stacks.count; i++) {
    if (i % STEP === 0) yield;
    if (wanted?.[i] === 0) continue;
    result[i] = builder.stack(result[stacks.parent[i]!]!, locations[stacks.location[i]!]!);
  }
  return result;
}

/** Adds the samples of another profile of the same sample types, unchanged. */
export function* importSamples(builder: ProfileBuilder, model: ProfileModel): Steps<void> {
  const { samples, sampleTypes } = model;
  const locations = yield* importLocations(builder, model);
  const stacks = yield* importStacks(builder, model.stacks, locations);
  const labelSets = samples.labelSets.map((labels) => builder.labels(labels));
  const columns = builder.sampleTypes.map(({ type, unit }) =>
    sampleTypes.findIndex((theirs) => theirs.type === type && theirs.unit === unit),
  );
  for (let s = 0; s < samples.count; s++) {
    if (s % STEP === 0) yield;
    const at = s * sampleTypes.length;
    builder.sampleOf(
      stacks[samples.stack[s]!]!,
      samples.values,
      at,
      columns,
      labelSets[samples.labelSet[s]!]!,
    );
  }
}

function importMapping(builder: ProfileBuilder, mapping: ProfileMapping): number {
  const size = BigInt(mapping.limit) - BigInt(mapping.start);
  const same = builder.mappings.findIndex(
    (known) =>
      known.file === mapping.file &&
      known.buildId === mapping.buildId &&
      known.fileOffset === mapping.fileOffset &&
      BigInt(known.limit) - BigInt(known.start) === size,
  );
  if (same >= 0) return same;
  const taken = builder.mappings.some((known) => known.start < mapping.limit && mapping.start < known.limit);
  if (!taken || size <= 0n || size > BigInt(MODULE_SPACING)) return builder.mapping(mapping);
  let start = MODULE_SPACING;
  while (builder.mappings.some((known) => known.start < start + Number(size) && start < known.limit)) {
    start += MODULE_SPACING;
  }
  return builder.mapping({ ...mapping, start, limit: start + Number(size) });
}
