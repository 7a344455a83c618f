// The error that an assertion about leaks throws. Its message is the report.

import { HeaplineError } from '../errors.ts';
import { defaultLeakKinds, type LeakKind } from './leak-kinds.ts';
import type { LeakReport } from './leak-report.ts';
import { formatText } from './text.ts';

/** A check found leaks or heap faults. The message is the report as text. */
export class LeakError extends HeaplineError {
  readonly code = 'HEAPLINE_LEAK';

  /** The report in the message. The property is not enumerable, so printing the error shows the report only once. */
  declare readonly report: LeakReport;

  constructor(
    report: LeakReport,
    options: ErrorOptions & {
      /** The classes on which the check fails. */
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
