// The rules of a SARIF log: what each result is about, and how grave it is.

import { faultWords } from '../frames/index.ts';
import { type LeakKind, leakKinds } from './leak-kinds.ts';
import { kindMeanings, kindTitles } from './wording.ts';

/** A rule as SARIF has it. */
interface Rule {
  readonly id: string;
  readonly name: string;
  readonly shortDescription: { readonly text: string };
  readonly fullDescription: { readonly text: string };
  readonly defaultConfiguration: { readonly level: 'error' | 'note' };
}

/** All rules: one for each class of leaks, one for each kind of heap fault, one for failed allocations, and one for growth. */
export function rulesFor(kinds: readonly LeakKind[], failureLevel: 'error' | 'note'): Rule[] {
  const leaks = leakKinds.map(
    (kind): Rule => ({
      id: `leak-${kind}`,
      name: pascalCase(`leak-${kind}`),
      shortDescription: { text: sentence(kindTitles[kind]) },
      fullDescription: { text: kindMeanings[kind] },
      defaultConfiguration: { level: kinds.includes(kind) ? 'error' : 'note' },
    }),
  );
  const faults = Object.entries(faultWords).map(
    ([kind, { title, meaning }]): Rule => ({
      id: kind,
      name: pascalCase(kind),
      shortDescription: { text: sentence(title) },
      fullDescription: { text: meaning },
      defaultConfiguration: { level: 'error' },
    }),
  );
  const failure: Rule = {
    id: 'failed-allocation',
    name: pascalCase('failed-allocation'),
    shortDescription: { text: sentence('failed allocation') },
    fullDescription: {
      text: 'There was no memory for an allocation: malloc or one of its siblings returned NULL.',
    },
    defaultConfiguration: { level: failureLevel },
  };
  const growth: Rule = {
    id: 'growth',
    name: 'Growth',
    shortDescription: { text: sentence('growth') },
    fullDescription: { text: 'Each of the repeated calls leaves more blocks behind.' },
    defaultConfiguration: { level: 'error' },
  };
  return [...leaks, ...faults, failure, growth];
}

/** A phrase as a sentence. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function pascalCase(text: string): string {
  return text
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
