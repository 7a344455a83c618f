// The report as a pprof profile: sample types leaked_objects and leaked_space, string label `leak` with the class,
// so that `go tool pprof -tagfocus=leak=definite` and flame graphs work on leaks. pprof hides nodes below 0.5 %:
// show leaks with -nodefraction=0 -edgefraction=0.

import type { Frame } from '../errors.ts';
import { foldStacks, type Stack, stackOf } from '../frames/index.ts';
import { checkOptionNames } from '../options/option-names.ts';
import {
  DEFAULT_SAMPLE_TYPE,
  type EncodeOptions,
  HeapProfile,
  ProfileBuilder,
  SAMPLE_TYPES,
} from '../profile/index.ts';
import { type LeakKind, type LeakReport, leakKinds } from './leak-report.ts';

/** What goes into the profile. */
export interface LeakProfileOptions {
  /** Classes to include. Default: all; the label tells them apart. */
  readonly kinds?: readonly LeakKind[];
  /** When the report was taken, in milliseconds since 1970; left out by default, so that equal reports are equal. */
  readonly takenAt?: number;
  /** How inlined functions are written, as in `HeapProfile.encode()`. Default `'lines'`. */
  readonly inlines?: EncodeOptions['inlines'];
}

const OPTIONS = ['kinds', 'takenAt', 'inlines'] as const satisfies readonly (keyof LeakProfileOptions)[];

/** The report as a gzipped pprof profile. */
export function encodeLeakProfile(report: LeakReport, options: LeakProfileOptions = {}): Uint8Array {
  checkOptionNames('encodeLeakProfile', options, OPTIONS);
  const builder = new ProfileBuilder({
    kind: 'leaks',
    sampleTypes: SAMPLE_TYPES.leaks,
    defaultSampleType: DEFAULT_SAMPLE_TYPE.leaks,
    timeNanos: BigInt(Math.round((options.takenAt ?? 0) * 1e6)),
    periodType: { type: 'space', unit: 'bytes' },
    period: 1,
    comments: [...(report.damage === null ? [] : [report.damage]), ...report.notes],
  });
  const stackIn = stacksOf(builder, report.program || 'wasm');
  for (const record of report.of(options.kinds ?? leakKinds)) {
    const labels = builder.labels([{ key: 'leak', text: record.kind }]);
    builder.sample(stackIn(stackOf(record, 'frames')), [record.blocks, record.bytes], labels);
  }
  return new HeapProfile(builder.finish()).encode(
    options.inlines === undefined ? {} : { inlines: options.inlines },
  );
}

/** A stack of the report as one of the profile. */
interface Located {
  /** The stack that called the innermost location. */
  readonly caller: number;
  /** Innermost first: a location is one place in the code, with the frames that were inlined there. */
  readonly frames: readonly Frame[];
}

function stacksOf(builder: ProfileBuilder, program: string): (stack: Stack) => number {
  // A report has no addresses: every location has the same one, and its frames tell it from others.
  const mapping = builder.moduleMapping(program, 0);
  const address = builder.moduleStart(mapping);
  const indexOf = ({ caller, frames }: Located): number => {
    const [frame] = frames;
    if (frame === undefined) return caller;
    const location =
      frame.language === 'js' ? builder.hostLocation(frame) : builder.frameLocation(mapping, address, frames);
    return builder.stack(caller, location);
  };
  const located = foldStacks<Located>({ caller: 0, frames: [] }, (outer, frame) =>
    frame.inlined
      ? { caller: outer.caller, frames: [frame, ...outer.frames] }
      : { caller: indexOf(outer), frames: [frame] },
  );
  return (stack) => indexOf(located(stack));
}
