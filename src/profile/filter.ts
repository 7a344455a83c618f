// Leaves samples and frames out of a profile, by expressions, with the meaning of pprof's options -focus, -ignore and
// -hide: profile.FilterSamplesByName of github.com/google/pprof. An expression is looked for in the names of functions,
// in paths of sources, and in the path of the module.

import type { StackView } from '../frames/index.ts';
import type { SettingsOf } from '../options/option-table.ts';
import { type TextMatcher, textMatcher } from '../platform/index.ts';
import type { ProfileLine, ProfileModel, Samples } from './model.ts';
import type { FILTER_OPTIONS } from './profile-options.ts';

/** What a profile leaves out. Expressions follow RE2's syntax, and match anywhere in a name. */
export interface FilterOptions {
  /** Keep the samples that have a matching frame. */
  focus?: string;
  /** Leave out the samples that have a matching frame, also those that `focus` would keep. */
  ignore?: string;
  /** Leave matching frames out of all stacks. Samples without any other frame go with them. */
  hide?: string;
}

const NOTHING = 0;
const FOCUSED = 1;
const IGNORED = 2;

/** The expressions as pprof's tables list them. */
export function filterNames(filters: SettingsOf<typeof FILTER_OPTIONS>): string[] {
  const { focus, ignore, hide } = filters;
  const given = Object.entries({ focus, ignore, hide }).filter(
    ([, text]) => text !== undefined && text !== '',
  );
  return given.map(([name, text]) => `${name}=${text}`);
}

/**
 * The model without what the expressions leave out. Frames that the view drops are gone, too.
 * @param view the model as people are to see it
 * @param hidden names of more functions whose frames are left out
 */
export function filtered(
  model: ProfileModel,
  view: StackView,
  filters: SettingsOf<typeof FILTER_OPTIONS>,
  hidden: readonly string[] = [],
): ProfileModel {
  const focus = textMatcher('focus', filters.focus);
  const ignore = textMatcher('ignore', filters.ignore);
  const hide = either(textMatcher('hide', filters.hide), hidden);
  const matchers = matchersOf(model);
  const lines = model.locations.map((location, i) => location.lines.slice(view.firstLine[i]!));
  const marks = model.locations.map(({ mapping }, i) => {
    if (ignore !== null && matchers.location(ignore, lines[i]!, mapping)) return IGNORED;
    return focus === null || matchers.location(focus, lines[i]!, mapping) ? FOCUSED : NOTHING;
  });
  const shown = model.locations.map(({ mapping }, i) => {
    if (hide === null || !matchers.location(hide, lines[i]!, mapping)) return lines[i]!;
    return matchers.file(hide, mapping) ? [] : lines[i]!.filter((line) => !matchers.line(hide, line));
  });
  // A location without lines is hidden when it had some, or when its module matches.
  const isHidden = shown.map(
    (left, i) =>
      left.length === 0 && hide !== null && matchers.location(hide, lines[i]!, model.locations[i]!.mapping),
  );
  const { stacks, samples } = model;
  const state = new Uint8Array(stacks.count);
  const place = new Int32Array(stacks.count);
  const parent = new Int32Array(stacks.count);
  const location = new Int32Array(stacks.count);
  let count = 1;
  for (let i = 1; i < stacks.count; i++) {
    const caller = stacks.parent[i]!;
    const at = stacks.location[i]!;
    state[i] = state[caller]! | marks[at]!;
    if (isHidden[at]) {
      place[i] = place[caller]!;
      continue;
    }
    parent[count] = place[caller]!;
    location[count] = at;
    place[i] = count++;
  }
  const kept: number[] = [];
  for (let s = 0; s < samples.count; s++) {
    const stack = view.visible[samples.stack[s]!]!;
    if (state[stack] === FOCUSED && place[stack] !== 0) kept.push(s);
  }
  return {
    ...model,
    locations: model.locations.map((each, i) => ({ ...each, lines: shown[i]! })),
    stacks: { count, parent: parent.subarray(0, count), location: location.subarray(0, count) },
    samples: samplesOf(samples, kept, model.sampleTypes.length, (stack) => place[view.visible[stack]!]!),
    dropFrames: '',
    keepFrames: '',
  };
}

/** What matches an expression, or is one of these names. */
function either(matches: TextMatcher | null, names: readonly string[]): TextMatcher | null {
  if (names.length === 0) return matches;
  const known = new Set(names);
  return (text) => known.has(text) || matches?.(text) === true;
}

/** Some of the samples, in their order. @param placeOf the new index of a stack */
export function samplesOf(
  { stack, values, labelSet, labelSets }: Samples,
  kept: readonly number[],
  width: number,
  placeOf: (stack: number) => number,
): Samples {
  const result = {
    count: kept.length,
    stack: new Int32Array(kept.length),
    values: new Float64Array(kept.length * width),
    labelSet: new Int32Array(kept.length),
    labelSets,
  };
  kept.forEach((s, i) => {
    result.stack[i] = placeOf(stack[s]!);
    result.labelSet[i] = labelSet[s]!;
    result.values.set(values.subarray(s * width, (s + 1) * width), i * width);
  });
  return result;
}

/** Asks expressions about lines and locations. Each function is asked once for each expression. */
function matchersOf({ functions, mappings }: ProfileModel) {
  const known = new Map<TextMatcher, Map<number, boolean>>();
  const line = (matches: TextMatcher, { function: index }: ProfileLine): boolean => {
    const fn = functions[index];
    if (fn === undefined) return false;
    let ofFunction = known.get(matches);
    if (ofFunction === undefined) {
      ofFunction = new Map();
      known.set(matches, ofFunction);
    }
    const answer = ofFunction.get(index) ?? (matches(fn.name) || matches(fn.file));
    ofFunction.set(index, answer);
    return answer;
  };
  const file = (matches: TextMatcher, mapping: number): boolean => {
    const found = mappings[mapping];
    return found !== undefined && matches(found.file);
  };
  const location = (matches: TextMatcher, lines: readonly ProfileLine[], mapping: number): boolean =>
    lines.some((each) => line(matches, each)) || file(matches, mapping);
  return { line, file, location };
}
