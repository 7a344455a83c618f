// The options of a heap's functions, and their checks.

import { InvalidArgumentError } from '../errors.ts';
import type { GrowthOptions } from '../leaks/index.ts';
import { checkOptionNames } from '../options/option-names.ts';
import type { ContextProfileKind } from '../profile/index.ts';
import {
  checkLeakKinds,
  type LeakKind,
  type Suppression,
  type SuppressionRule,
  suppressionsOf,
} from '../report/index.ts';
import { describe } from './arguments.ts';

/** Which question a profile answers. */
export interface ProfileOptions {
  /**
   * - `heap`: blocks in use, and all allocations so far (the default)
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

/** What an assertion about leaks fails on. */
export interface AssertLeaksOptions extends LeaksOptions {
  /** Classes that fail. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Folder below which paths in the message are shown relative to it. Default: the current directory. */
  readonly root?: string;
}

const PROFILE_OPTIONS = ['kind', 'labels'] as const satisfies readonly (keyof ProfileOptions)[];
const LEAKS_OPTIONS = ['suppressions'] as const satisfies readonly (keyof LeaksOptions)[];
const ASSERT_LEAKS_OPTIONS = [
  ...LEAKS_OPTIONS,
  'kinds',
  'root',
] as const satisfies readonly (keyof AssertLeaksOptions)[];
const GROWTH_OPTIONS = ['warmup', 'runs'] as const satisfies readonly (keyof GrowthOptions)[];

export function checkProfileOptions(options: ProfileOptions): void {
  checkOptionNames('heap.profile', options, PROFILE_OPTIONS);
  const { labels } = options;
  if (labels === undefined) return;
  if (typeof labels !== 'object' || labels === null) {
    throw new InvalidArgumentError('labels', `labels must be an object of strings, not ${describe(labels)}.`);
  }
  for (const [name, text] of Object.entries(labels)) {
    if (typeof text === 'string') continue;
    throw new InvalidArgumentError('labels', `The label '${name}' must be a string, not ${describe(text)}.`);
  }
}

/** The values of the options are checked where they are used. */
export function checkGrowthOptions(options: GrowthOptions): void {
  checkOptionNames('heap.growth', options, GROWTH_OPTIONS);
}

export function checkAssertLeaksOptions(options: AssertLeaksOptions): void {
  checkOptionNames('heap.assertNoLeaks', options, ASSERT_LEAKS_OPTIONS);
  if (options.kinds !== undefined) checkLeakKinds(options.kinds);
}

/** The suppressions among the options of `caller`. */
export function readSuppressions(caller: string, options: LeaksOptions): Suppression[] {
  checkOptionNames(caller, options, LEAKS_OPTIONS);
  const { suppressions } = options;
  if (suppressions === undefined) return [];
  if (!Array.isArray(suppressions)) {
    throw new InvalidArgumentError(
      'suppressions',
      'suppressions must be an array of patterns and predicates.',
    );
  }
  for (const rule of suppressions as readonly unknown[]) {
    if (typeof rule === 'string' || typeof rule === 'function' || isRead(rule)) continue;
    throw new InvalidArgumentError(
      'suppressions',
      `A suppression is a pattern, a predicate or a suppression read from a file, not ${describe(rule)}.`,
    );
  }
  const rules = suppressions as readonly (SuppressionRule | Suppression)[];
  const inCode = suppressionsOf(rules.filter((rule): rule is SuppressionRule => !isRead(rule)));
  return [...inCode, ...rules.filter(isRead)];
}

/** Whether parseSuppressions() has made this rule. */
function isRead(rule: unknown): rule is Suppression {
  return typeof rule === 'object' && rule !== null && 'matches' in rule && typeof rule.matches === 'function';
}
