// The tables of the options of profiles. They are a file of their own, so that commands can show them without loading
// what reads and writes profiles.

import { flag, oneOf, rule, text, textList, wholeNumber } from '../options/option-rules.ts';
import { type OptionTable, withDefault, withHelp } from '../options/option-table.ts';
import type { FilterOptions } from './filter.ts';
import type { FoldedOptions } from './folded.ts';
import type { EncodeOptions } from './heap-profile.ts';
import type { SpeedscopeOptions } from './speedscope.ts';
import type { TopOptions } from './top-rows.ts';

export const DEFAULT_LEVEL = 4;

/** The option that says what a profile of a sandbox shows. */
export const profileKinds = withHelp(
  withDefault(oneOf('heap', 'allocs', 'peak', 'temporary', 'lifetime'), 'heap'),
  'what to report',
);

/** How inlined functions are written. */
export const inlineForms = withHelp(
  oneOf('lines', 'locations'),
  'inlined functions in the profile: lines of one location, or locations of their own for simpler readers',
);

/** The table of EncodeOptions. */
export const ENCODE_OPTIONS = {
  level: withDefault(wholeNumber(0, 9), DEFAULT_LEVEL),
  inlines: withDefault(inlineForms, 'lines'),
} satisfies OptionTable<EncodeOptions>;

/** The option that says which functions allocate for others, so that tables leave them out. */
const wrapperPatternsRule = withHelp(
  withDefault(textList(), []),
  "more functions that allocate for others, such as pool_*, to leave out, or !make_* to show; '!*' shows all",
);

const sampleTypeRule = withHelp(text, 'values to show, such as inuse_objects');

/** The table of TopOptions. */
export const TOP_OPTIONS = {
  sampleType: sampleTypeRule,
  granularity: withHelp(withDefault(oneOf('functions', 'lines', 'files'), 'lines'), 'one row for each'),
  sort: withDefault(oneOf('flat', 'cum'), 'flat'),
  limit: withHelp(
    rule<number>(
      (value) => value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && (value as number) >= 0),
      'a whole number, at least 0',
    ),
    'rows to print',
  ),
  objects: withDefault(flag, true),
  trimPath: text,
  wrappers: wrapperPatternsRule,
} satisfies OptionTable<TopOptions>;

/** The table of FilterOptions. */
export const FILTER_OPTIONS = {
  focus: withHelp(text, 'keep only stacks with a matching function, file or module'),
  ignore: withHelp(text, 'leave out stacks with a matching function, file or module'),
  hide: withHelp(text, 'leave matching frames out of stacks'),
} satisfies OptionTable<FilterOptions>;

/** The table of FoldedOptions. */
export const FOLDED_OPTIONS = {
  sampleType: sampleTypeRule,
  lines: withHelp(withDefault(flag, false), 'write file and line of each frame, too'),
} satisfies OptionTable<FoldedOptions>;

/** The table of SpeedscopeOptions. */
export const SPEEDSCOPE_OPTIONS = {
  sampleType: sampleTypeRule,
  lines: withHelp(withDefault(flag, false), 'tell the lines of a function apart'),
} satisfies OptionTable<SpeedscopeOptions>;
