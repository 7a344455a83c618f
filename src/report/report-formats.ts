// The formats of a leak report by name, for commands and options that let their user choose one.

import { VERSION } from '../profile/version.ts';
import { formatSuppressions } from './generated-suppressions.ts';
import { formatGitHub } from './github.ts';
import { growthText } from './growth-text.ts';
import { formatJson } from './json.ts';
import { formatJUnit } from './junit.ts';
import type { LeakKind } from './leak-kinds.ts';
import type { LeakReport } from './leak-report.ts';
import type { ReportFormat } from './report-options.ts';
import { formatSarif } from './sarif.ts';
import { formatText, type TextOptions } from './text.ts';

/** What the writers of all formats need to know. Each of them uses its part. */
export interface ReportOptions {
  /** Paths under this directory are written relative to it. */
  readonly root: string;
  /** The root of the repository on GitHub's runner, where it differs from `root`. */
  readonly workspace: string | undefined;
  /** Functions that allocate for others, besides those that are known by name. */
  readonly wrappers: readonly string[];
  /** The kinds of leaks that are failures. */
  readonly kinds: readonly LeakKind[];
  /** Whether allocations that returned NULL are failures. */
  readonly failedAllocations: boolean;
  /** Write every record, and not only the largest. */
  readonly all: boolean;
  /** Most records that the text has without `all`, where it is not the usual number. */
  readonly most?: number;
  /** Show what hangs on lost blocks, where the format does not do so anyway. */
  readonly tree: boolean;
  /** Write colours where the format has them. */
  readonly color: boolean;
  /** What the text shows of stacks. */
  readonly view?: Pick<TextOptions, 'focus' | 'ignore' | 'hide' | 'frames'>;
}

/** Writes a report in the format of this name. */
export function formatReport(report: LeakReport, format: ReportFormat, options: ReportOptions): string {
  const { root, workspace = root, wrappers, kinds, failedAllocations, all } = options;
  switch (format) {
    case 'text':
      return textOf(report, options);
    case 'json':
      return formatJson(report, { root, wrappers });
    case 'json-v1':
      return formatJson(report, { root, wrappers, version: 1 });
    case 'junit':
      return formatJUnit(report, { root, wrappers, kinds, failedAllocations });
    case 'sarif':
      return formatSarif(report, { root, wrappers, kinds, failedAllocations, toolVersion: VERSION });
    case 'github':
      return formatGitHub(report, { root: workspace, wrappers, kinds, failedAllocations, all });
    case 'suppressions':
      return formatSuppressions(report, { root, kinds });
  }
}

/** The text of a report, and behind it what repeated calls leave behind. */
function textOf(report: LeakReport, options: ReportOptions): string {
  const { root, wrappers, kinds, all, most, tree, color, view } = options;
  const shared = { root, wrappers, all, color, ...(most === undefined ? {} : { most }) };
  const text = formatText(report, { ...shared, kinds, tree, ...view });
  const { growth, allocates } = report;
  return growth === null ? text : `${text}${growthText(growth, shared, allocates)}`;
}
