// The table of the options of call trees. It is a file of its own, so that pages do not load it.

import { oneOf, rule, text, wholeNumber } from '../options/option-rules.ts';
import { type OptionTable, withDefault, withHelp } from '../options/option-table.ts';
import type { TreeOptions } from './call-tree.ts';
import type { ProfileModel } from './model.ts';
import { TOP_OPTIONS } from './profile-options.ts';

/** The table of TreeOptions. */
export const TREE_OPTIONS = {
  sampleType: TOP_OPTIONS.sampleType,
  granularity: withHelp(withDefault(oneOf('functions', 'lines'), 'functions'), 'one row for each'),
  depth: withHelp(withDefault(wholeNumber(1), 64), 'the most levels'),
  minShare: withHelp(
    withDefault(
      rule<number>(
        (value) => typeof value === 'number' && value >= 0 && value <= 100,
        'a number from 0 to 100',
      ),
      1,
    ),
    'leave out what holds less than this many percent',
  ),
  trimPath: text,
  wrappers: TOP_OPTIONS.wrappers,
  whole: rule<ProfileModel>(
    (value) => typeof value === 'object' && value !== null,
    'the tables of a profile',
  ),
} satisfies OptionTable<TreeOptions>;
