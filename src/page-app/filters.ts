// What of a profile is shown: labels, and focus, ignore and hide, which src/profile/filter.ts knows. A page has no engine
// for RE2, so its reader writes JavaScript's expressions.

import { textMatcher } from '../platform/index.ts';
import { filtered as filteredByName, type ProfileModel, samplesOf, viewOf } from '../profile/index.ts';
import { hiddenInAll } from '../profile/tables.ts';
import type { PageState } from './page-state.ts';

/** The option of tables whose profiles have lost their wrappers before, or are to have them. */
export const SHOWN: readonly string[] = ['!*'];

/** Longer expressions are not tried. */
const LONGEST = 1000;

export type Filters = Pick<PageState, 'focus' | 'ignore' | 'hide' | 'labels'>;

/** The functions that the reader has chosen to leave out of profiles which are shown together. */
export function hiddenWrappers(
  models: readonly ProfileModel[],
  wrappers: PageState['wrappers'],
): readonly string[] {
  return wrappers === 'hidden' ? hiddenInAll(models) : [];
}

/** Why an expression cannot be used; null when it can. */
export function expressionError(expression: string): string | null {
  if (expression.length > LONGEST) return `longer than ${LONGEST} characters`;
  try {
    textMatcher('', expression);
    return null;
  } catch (error) {
    return ((error as Error).cause as Error).message;
  }
}

/**
 * The part of the profile that these filters show. Expressions that cannot be used filter nothing.
 * @param hidden names of functions that are left out of stacks
 */
export function filtered(model: ProfileModel, filters: Filters, hidden: readonly string[]): ProfileModel {
  const focus = usable(filters.focus);
  const ignore = usable(filters.ignore);
  const hide = usable(filters.hide);
  const named =
    focus === '' && ignore === '' && hide === '' && hidden.length === 0
      ? model
      : filteredByName(model, viewOf(model), { focus, ignore, hide }, hidden);
  return filters.labels.length === 0 ? named : withLabels(named, filters.labels);
}

function usable(expression: string): string {
  return expressionError(expression) === null ? expression : '';
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

/** The samples that have one of the asked values of each label. */
function withLabels(model: ProfileModel, labels: readonly string[]): ProfileModel {
  const { count, labelSet, labelSets } = model.samples;
  const asked = labelsByKey(labels);
  const isAsked = labelSets.map((set) =>
    [...asked].every(([key, texts]) =>
      set.some((label) => label.key === key && 'text' in label && texts.has(label.text)),
    ),
  );
  const kept = Array.from({ length: count }, (_, sample) => sample).filter((s) => isAsked[labelSet[s]!]);
  return { ...model, samples: samplesOf(model.samples, kept, model.sampleTypes.length, (stack) => stack) };
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
