// The report as a pprof profile: sample types leaked_objects and leaked_space, string label `leak` with the class,
// so that `go tool pprof -tagfocus=leak=definite` and flame graphs work on leaks. pprof hides nodes below 0.5 %:
// show leaks with -nodefraction=0 -edgefraction=0. Format: google/pprof, proto/profile.proto, through pprof-format.

import { gzipSync } from 'node:zlib';
import {
  Label,
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import type { Frame } from '../errors.ts';
import { checkOptionNames } from '../option-names.ts';
import type { EncodeOptions } from '../profile/index.ts';
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
  const strings = new StringTable();
  const text = (value: string) => strings.dedup(value);
  const type = (name: string, unit: string) => new ValueType({ type: text(name), unit: text(unit) });

  const mappings: Mapping[] = [];
  const mappingOf = memoize((name: string) => {
    // All has_* flags are set: pprof must not look for symbols in a local file of this name.
    mappings.push(
      new Mapping({
        id: mappings.length + 1,
        filename: text(name),
        hasFunctions: true,
        hasFilenames: true,
        hasLineNumbers: true,
        hasInlineFrames: true,
      }),
    );
    return mappings.length;
  });
  const functions: PprofFunction[] = [];
  const functionOf = memoize((_key: string, frame: Frame) => {
    // pprof simplifies names that it takes for mangled ones, which is when system_name equals name.
    const systemName = frame.linkageName !== frame.function ? frame.linkageName : `${frame.function}()`;
    functions.push(
      new PprofFunction({
        id: functions.length + 1,
        name: text(frame.function),
        systemName: text(systemName),
        filename: text(frame.file),
        startLine: frame.startLine,
      }),
    );
    return functions.length;
  });
  const locations: Location[] = [];
  const locationOf = memoize((_key: string, frames: readonly Frame[]) => {
    const language = frames[frames.length - 1]!.language;
    locations.push(
      new Location({
        id: locations.length + 1,
        mappingId: mappingOf(language === 'js' ? 'js' : report.program || 'wasm'),
        line: frames.map(
          (frame) =>
            new Line({
              functionId: functionOf(
                `${frame.language}\0${frame.linkageName}\0${frame.function}\0${frame.file}`,
                frame,
              ),
              line: frame.line,
              column: frame.column,
            }),
        ),
      }),
    );
    return locations.length;
  });

  const placesOf = options.inlines === 'locations' ? separateFrames : physicalFrames;
  const sampleType = [type('leaked_objects', 'count'), type('leaked_space', 'bytes')];
  const sample = report.of(options.kinds ?? leakKinds).map(
    (record) =>
      new Sample({
        locationId: placesOf(record.frames).map((frames) => locationOf(JSON.stringify(frames), frames)),
        value: [record.blocks, record.bytes],
        label: [new Label({ key: text('leak'), str: text(record.kind) })],
      }),
  );
  mappingOf(report.program || 'wasm');
  const profile = new Profile({
    sampleType,
    sample,
    mapping: mappings,
    location: locations,
    function: functions,
    periodType: type('space', 'bytes'),
    period: 1,
    timeNanos: BigInt(Math.round((options.takenAt ?? 0) * 1e6)),
    defaultSampleType: text('leaked_space'),
    comment: [...(report.damage === null ? [] : [report.damage]), ...report.notes].map(text),
    stringTable: strings,
  });
  return gzipSync(profile.encode());
}

// A location is one place in the code: the inlined frames up to the function that holds them.
function physicalFrames(frames: readonly Frame[]): Frame[][] {
  const groups: Frame[][] = [];
  let group: Frame[] = [];
  for (const frame of frames) {
    group.push(frame);
    if (frame.inlined) continue;
    groups.push(group);
    group = [];
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function separateFrames(frames: readonly Frame[]): Frame[][] {
  return frames.map((frame) => [frame]);
}

function memoize<Rest extends unknown[]>(make: (key: string, ...rest: Rest) => number) {
  const known = new Map<string, number>();
  return (key: string, ...rest: Rest): number => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(key, ...rest);
    known.set(key, made);
    return made;
  };
}
