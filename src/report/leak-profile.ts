// The report in pprof's format, through the builder that servers use, too.

import { atOnce } from '../algorithms/steps.ts';
import { textByName, timestamp } from '../options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../options/option-table.ts';
import { type EncodeOptions, inlineForms, LeakProfileBuilder } from '../profile/index.ts';
import { anyLeakKinds, type LeakKind } from './leak-kinds.ts';
import type { LeakReport } from './leak-report.ts';

/** What goes into the profile. */
export interface LeakProfileOptions {
  /**
   * Classes to include, which the label `leak` tells apart. Default: those of lost blocks (definite, indirect and
   * possible), as `/debug/pprof/leaks` has them.
   */
  readonly kinds?: readonly LeakKind[];
  /** When the report was taken, in milliseconds since 1970. Default 0, which leaves it out, so that equal reports are equal. */
  readonly takenAt?: number;
  /** How inlined functions are written, as in `HeapProfile.encode()`. Default `'lines'`. */
  readonly inlines?: EncodeOptions['inlines'];
  /** String labels put on every sample, as in `heap.profile()`. */
  readonly labels?: Readonly<Record<string, string>>;
}

const OPTIONS = {
  kinds: anyLeakKinds,
  takenAt: withDefault(timestamp, 0),
  inlines: inlineForms,
  labels: withDefault(textByName, {}),
} satisfies OptionTable<LeakProfileOptions>;

/** The report as a gzipped pprof profile. */
export function encodeLeakProfile(report: LeakReport, options: LeakProfileOptions = {}): Uint8Array {
  const { kinds, takenAt, inlines, labels } = readOptions('encodeLeakProfile', options, OPTIONS);
  const builder = new LeakProfileBuilder();
  atOnce(builder.add(report, { labels, ...(kinds === undefined ? {} : { kinds }) }));
  return builder.finish(takenAt).encode(inlines === undefined ? {} : { inlines });
}
