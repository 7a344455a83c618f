// formatHtml() for programs that may never call it: its code is loaded at the first call.

import type { HeapProfile } from '../profile/index.ts';
import type { LeakReport } from '../report/index.ts';
import type { Timeline } from '../timeline/index.ts';

/** What the page of a leak report shows besides it. */
export interface ReportHtmlOptions {
  /** Title of the page. By default the name of the module. */
  readonly title?: string;
  /** A profile of the heap, shown before that of the leaks. */
  readonly profile?: HeapProfile;
  /** How the heap grew and shrank. */
  readonly timeline?: Timeline;
  /** Put the texts of the source files that are named into the page. Default true. */
  readonly sources?: boolean;
  /** Folder at which relative paths of source files begin. Default: the current directory. */
  readonly root?: string;
}

/** The report as a page: one HTML file with the leaks, the heap faults, a flame graph, tables and the sources. */
export async function formatHtml(report: LeakReport, options: ReportHtmlOptions = {}): Promise<string> {
  return (await import('./index.ts')).reportPage(report, options);
}
