// What of a profile is shown: labels, and focus, ignore and hide with pprof's meaning (its internal/driver and
// profile/filter.go): a sample stays if some frame matches `focus` and none matches `ignore`, and frames that match
// `hide` are left out of the stacks. An expression matches a function's name, its file, or the file of the code.

import type { ProfileLocation, ProfileModel } from '../profile/index.ts';
import type { PageState } from './page-state.ts';

/** Longer expressions are not tried. */
const LONGEST = 1000;

export type Filters = Pick<PageState, 'focus' | 'ignore' | 'hide' | 'labels'>;

/** Why an expression cannot be used; null when it can. */
export function expressionError(expression: string): string | null {
  if (expression.length > LONGEST) return `longer than ${LONGEST} characters`;
  try {
    new RegExp(expression);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function compiled(expression: string): RegExp | null {
  return expression === '' || expressionError(expression) !== null ? null : new RegExp(expression);
}

/** The part of the profile that these filters show. */
export function filtered(model: ProfileModel, filters: Filters): ProfileModel {
  const visible = withoutHidden(model, compiled(filters.hide));
  const kept = keptSamples(visible, filters);
  return kept === null ? visible : withSamples(visible, kept);
}

/** The labels of a profile with their values. Numbers are left out: there are too many of them. */
export function labelValues(model: ProfileModel, without: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, Set<string>>();
  for (const set of model.samples.labelSets) {
    for (const label of set) {
      if (!('text' in label) || label.key === without) continue;
      const known = values.get(label.key) ?? new Set();
      values.set(label.key, known.add(label.text));
    }
  }
  return new Map([...values].map(([key, texts]) => [key, [...texts].sort()]));
}

function lineMatches(model: ProfileModel, expression: RegExp): (line: { function: number }) => boolean {
  const matches = model.functions.map(({ name, file }) => expression.test(name) || expression.test(file));
  return ({ function: index }) => matches[index] ?? false;
}

/** Which locations have a line, or the file of their code, that matches. */
function matchingLocations(model: ProfileModel, expression: RegExp): Uint8Array {
  const matches = lineMatches(model, expression);
  const ofMapping = model.mappings.map(({ file }) => expression.test(file));
  return Uint8Array.from(
    model.locations,
    ({ lines, mapping }) => +(lines.some(matches) || (ofMapping[mapping] ?? false)),
  );
}

/** Which stacks have a matching location. */
function matchingStacks(model: ProfileModel, expression: RegExp): Uint8Array {
  const { count, parent, location } = model.stacks;
  const locations = matchingLocations(model, expression);
  const stacks = new Uint8Array(count);
  for (let i = 1; i < count; i++) stacks[i] = stacks[parent[i]!]! | locations[location[i]!]!;
  return stacks;
}

/** Indices of the samples that stay; null when all do. */
function keptSamples(model: ProfileModel, { focus, ignore, labels }: Filters): number[] | null {
  const wanted = compiled(focus);
  const unwanted = compiled(ignore);
  if (wanted === null && unwanted === null && labels.length === 0) return null;
  const focused = wanted && matchingStacks(model, wanted);
  const ignored = unwanted && matchingStacks(model, unwanted);
  const { count, stack, labelSet, labelSets } = model.samples;
  const asked = labelsByKey(labels);
  const labelled = labelSets.map((set) =>
    [...asked].every(([key, texts]) =>
      set.some((label) => label.key === key && 'text' in label && texts.has(label.text)),
    ),
  );
  const kept: number[] = [];
  for (let s = 0; s < count; s++) {
    const at = stack[s]!;
    if ((focused === null || focused[at]) && !ignored?.[at] && labelled[labelSet[s]!]) kept.push(s);
  }
  return kept;
}

/** Values of the same label are alternatives. */
function labelsByKey(labels: readonly string[]): Map<string, Set<string>> {
  const asked = new Map<string, Set<string>>();
  for (const text of labels) {
    const colon = text.indexOf(':');
    const key = text.slice(0, colon);
    asked.set(key, (asked.get(key) ?? new Set()).add(text.slice(colon + 1)));
  }
  return asked;
}

function withSamples(model: ProfileModel, kept: readonly number[]): ProfileModel {
  const { stack, values, labelSet, labelSets } = model.samples;
  const width = model.sampleTypes.length;
  const chosen = new Float64Array(kept.length * width);
  kept.forEach((sample, i) => {
    chosen.set(values.subarray(sample * width, (sample + 1) * width), i * width);
  });
  return {
    ...model,
    samples: {
      count: kept.length,
      stack: Int32Array.from(kept, (sample) => stack[sample]!),
      values: chosen,
      labelSet: Int32Array.from(kept, (sample) => labelSet[sample]!),
      labelSets,
    },
  };
}

function withoutHidden(model: ProfileModel, expression: RegExp | null): ProfileModel {
  if (expression === null) return model;
  const matches = lineMatches(model, expression);
  const locations = model.locations.map((location): ProfileLocation => {
    const lines = location.lines.filter((line) => !matches(line));
    return lines.length === location.lines.length ? location : { ...location, lines };
  });
  const gone = locations.map(({ lines }, i) => lines.length === 0 && model.locations[i]!.lines.length > 0);
  const { count, parent, location } = model.stacks;
  const now = new Int32Array(count);
  const parents = [0];
  const places = [0];
  for (let i = 1; i < count; i++) {
    const above = now[parent[i]!]!;
    if (gone[location[i]!]) {
      now[i] = above;
      continue;
    }
    now[i] = parents.length;
    parents.push(above);
    places.push(location[i]!);
  }
  return {
    ...model,
    locations,
    stacks: { count: parents.length, parent: Int32Array.from(parents), location: Int32Array.from(places) },
    samples: { ...model.samples, stack: model.samples.stack.map((stack) => now[stack]!) },
  };
}
