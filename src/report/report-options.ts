// The names of the formats of reports, and the options of the text. They are a file of their own, so that commands can
// show them without loading the writers.

import { flag, oneOf, text, textList, wholeNumber } from '../options/option-rules.ts';
import { type OptionTable, withDefault, withHelp } from '../options/option-table.ts';
import { anyLeakKinds, leakKinds } from './leak-kinds.ts';
import type { TextOptions } from './text.ts';

/** The names of the formats. */
export const REPORT_FORMATS = [
  'text',
  'json',
  'json-v1',
  'junit',
  'sarif',
  'github',
  'suppressions',
] as const;

/** How a report is written. */
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** True for the name of a format. */
export function isReportFormat(name: string): name is ReportFormat {
  return (REPORT_FORMATS as readonly string[]).includes(name);
}

/** The option that names more functions that allocate for others. */
export const wrapperNames = withHelp(
  withDefault(textList(), []),
  'functions that allocate for others, such as my_alloc or pool_*, or !make_* for some that do not: reports name their callers',
);

/** Most records that are shown unless others are asked for. */
export const SHORT_RECORDS = 10;

/** The table of TextOptions. */
export const TEXT_OPTIONS = {
  all: withHelp(withDefault(flag, false), 'print every record, and not only the ten largest'),
  most: withDefault(wholeNumber(1), SHORT_RECORDS),
  kinds: withDefault(anyLeakKinds, leakKinds),
  tree: withHelp(withDefault(flag, false), 'print what was lost with the blocks of each record, by place'),
  color: withDefault(flag, false),
  root: text,
  wrappers: wrapperNames,
  focus: withHelp(text, 'print only records with a matching function or file in their stacks'),
  ignore: withHelp(text, 'leave out records with a matching function or file in their stacks'),
  hide: withHelp(text, 'leave matching frames out of stacks'),
  frames: withHelp(
    withDefault(oneOf('project', 'all'), 'project'),
    'frames of stacks: those of the project, with others folded into one line, or all',
  ),
} satisfies OptionTable<TextOptions>;
