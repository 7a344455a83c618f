// The error of an assertion about leaks: its message is the report.

import { HeaplineError } from '../errors.ts';
import { defaultLeakKinds, type LeakKind, type LeakReport } from './leak-report.ts';
import { formatText } from './text.ts';

/** A check found leaks or misuses of the heap. The message is the report as text. */
export class LeakError extends HeaplineError {
  readonly code = 'HEAPLINE_LEAK';

  /** The report that the message shows. It is not enumerable, so that printing the error shows it once. */
  declare readonly report: LeakReport;

  constructor(
    report: LeakReport,
    options: ErrorOptions & {
      /** The classes that the check fails on. */
      readonly kinds?: readonly LeakKind[];
      /** Show paths below this folder relative to it. */
      readonly root?: string;
    } = {},
  ) {
    const { kinds = defaultLeakKinds, root, ...rest } = options;
    const text = formatText(report, { kinds, ...(root === undefined ? {} : { root }) });
    super(`the heap is not clean\n\n${text.trimEnd()}`, rest);
    Object.defineProperty(this, 'report', { value: report });
  }
}
