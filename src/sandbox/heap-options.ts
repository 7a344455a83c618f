// The options of a heap's functions, and their tables.

import { InvalidArgumentError } from '../errors.ts';
import { isObject, rejectOption, text, textByName } from '../options/option-rules.ts';
import { type OptionRule, type OptionTable, withDefault } from '../options/option-table.ts';
import { type ContextProfileKind, profileKinds } from '../profile/index.ts';
import {
  failingLeakKinds,
  type LeakKind,
  type Suppression,
  type SuppressionRule,
  suppressionsOf,
} from '../report/index.ts';
import { describe } from './arguments.ts';
import { leakMoment } from './sandbox-options.ts';

/** Which question a profile answers. */
export interface ProfileOptions {
  /**
   * What to profile. Default `'heap'`.
   *
   * - `heap`: blocks in use, and all allocations so far
   * - `allocs`: the same data, all allocations first
   * - `peak`: what was in use when the heap was at its largest
   * - `temporary`: blocks that were freed before the next allocation
   * - `lifetime`: how long blocks lived, in bytes allocated meanwhile
   */
  readonly kind?: ContextProfileKind;
  /** String labels put on every sample. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a leak report leaves out. */
export interface LeaksOptions {
  /**
   * Known leaks that are not to be reported: patterns in LeakSanitizer's format (`leak:parse_*`, or just the pattern),
   * predicates, or what parseSuppressions() has read from a file.
   */
  readonly suppressions?: readonly (SuppressionRule | Suppression)[];
}

/** What is asked of `heap.leaks()`. */
export interface AllLeaksOptions extends LeaksOptions {
  /**
   * When to look at the heap of a program that has ended. Default `'main'`.
   *
   * - `main`: as it was when main returned or called exit
   * - `exit`: after static destructors and atexit functions have run, and libc has torn itself down
   */
  readonly when?: 'main' | 'exit';
}

/** What an assertion about leaks fails on. */
export interface AssertLeaksOptions extends LeaksOptions {
  /** Classes that fail. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Folder below which paths in the message are shown relative to it. Default: the current directory. */
  readonly root?: string;
}

/** Suppressions of any form, which become one form. */
const suppressions: OptionRule<readonly (SuppressionRule | Suppression)[], readonly Suppression[]> = {
  read: (value, option) => {
    if (!Array.isArray(value)) rejectOption(option, 'an array of patterns and predicates', value);
    for (const given of value as readonly unknown[]) {
      if (typeof given === 'string' || typeof given === 'function' || isRead(given)) continue;
      throw new InvalidArgumentError(
        option,
        `A suppression is a pattern, a predicate or a suppression read from a file, not ${describe(given)}.`,
      );
    }
    const all = value as readonly (SuppressionRule | Suppression)[];
    const inCode = suppressionsOf(all.filter((given): given is SuppressionRule => !isRead(given)));
    return [...inCode, ...all.filter(isRead)];
  },
};

/** Whether parseSuppressions() has made this suppression. */
function isRead(given: unknown): given is Suppression {
  return isObject(given) && 'matches' in given && typeof given.matches === 'function';
}

export const PROFILE_OPTIONS = {
  kind: profileKinds,
  labels: withDefault(textByName, {}),
} satisfies OptionTable<ProfileOptions>;

export const LEAKS_OPTIONS = {
  suppressions: withDefault(suppressions, []),
} satisfies OptionTable<LeaksOptions>;

export const ALL_LEAKS_OPTIONS = {
  ...LEAKS_OPTIONS,
  when: leakMoment,
} satisfies OptionTable<AllLeaksOptions>;

/** The callers pass the suppressions on to heap.leaks(), which has the default. */
export const ASSERT_LEAKS_OPTIONS = {
  suppressions,
  kinds: failingLeakKinds,
  root: text,
} satisfies OptionTable<AssertLeaksOptions>;
