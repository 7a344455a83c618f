// SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), which GitHub code scanning and editors read.
// There is one result for each heap fault, for each place that grows, and for each leak, where one leak is what a
// baseline takes for one. A result has its stack as a SARIF stack and as related locations, because GitHub shows only
// the latter. Its partial fingerprint is that of the baseline. Suppressed and known records are marked.

import { faultStacks, rememberedByFrame, type Stack, stackOf, wrapperFrames } from '../frames/index.ts';
import { flag, text } from '../options/option-rules.ts';
import { type OptionTable, readOptions, type SettingsOf, withDefault } from '../options/option-table.ts';
import { platform } from '../platform/index.ts';
import { stackFingerprints } from './baseline.ts';
import { anyLeakKinds, defaultLeakKinds, type LeakKind } from './leak-kinds.ts';
import type { LeakPart, LeakRecord, LeakReport } from './leak-report.ts';
import { partWithOther, sumOf, withOther } from './lost-trees.ts';
import { wrapperNames } from './report-options.ts';
import { locationOf, places, ROOT_ID } from './sarif-locations.ts';
import { rulesFor } from './sarif-rules.ts';
import { inSarif, ReportStacks } from './stacks.ts';
import { failureHeadline, faultHeadline, growthHeadline, recordHeadline } from './wording.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
/** Stands in for the results while the log around them is written. */
const SEPARATOR = 'the results';

/** How the log is written. */
export interface SarifOptions {
  /** Classes that are errors. The others are notes. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Absolute path of the project's folder. Paths below it are written relative to it. */
  readonly root?: string;
  /**
   * More functions that allocate for others, besides those that are known by name or by what they do, and behind `!`
   * functions that do not: `*` stands for any text.
   */
  readonly wrappers?: readonly string[];
  /** Make failed allocations errors instead of notes. Default false. */
  readonly failedAllocations?: boolean;
  /** Version of Heapline, for `tool.driver.version`. */
  readonly toolVersion?: string;
}

const OPTIONS = {
  kinds: withDefault(anyLeakKinds, defaultLeakKinds),
  root: text,
  wrappers: wrapperNames,
  failedAllocations: withDefault(flag, false),
  toolVersion: text,
} satisfies OptionTable<SarifOptions>;

type SarifSettings = SettingsOf<typeof OPTIONS>;

/** The report as a SARIF log, ready for JSON.stringify. */
export function toSarif(report: LeakReport, options: SarifOptions = {}): object {
  const settings = readOptions('toSarif', options, OPTIONS);
  return log(report, settings, [...results(report, settings)]);
}

/** The report as the text of a SARIF file, with one result per line. */
export function formatSarif(report: LeakReport, options: SarifOptions = {}): string {
  const settings = readOptions('formatSarif', options, OPTIONS);
  // Indentation would double the size of thousands of results. All of them as objects at once would take many times
  // the memory.
  const [head, tail] = JSON.stringify(log(report, settings, [SEPARATOR])).split(JSON.stringify(SEPARATOR));
  const texts = [head!];
  for (const result of results(report, settings)) {
    texts.push(texts.length === 1 ? '\n' : ',\n', JSON.stringify(result));
  }
  return [...texts, `\n${tail}\n`].join('');
}

function log(report: LeakReport, options: SarifSettings, results: readonly unknown[]): object {
  const { root, toolVersion, kinds } = options;
  const notes = [
    ...report.unusedSuppressions.map((unused) => `Unused suppression: ${unused}`),
    ...report.notes,
  ];
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'heapline',
            ...(toolVersion === undefined ? {} : { version: toolVersion }),
            rules: rulesFor(kinds, failureLevel(options)),
          },
        },
        columnKind: 'unicodeCodePoints',
        ...(root === undefined
          ? {}
          : {
              originalUriBaseIds: { [ROOT_ID]: { uri: `${platform().fileUrl(root).replace(/\/+$/, '')}/` } },
            }),
        invocations: [
          {
            executionSuccessful: report.damage === null,
            toolExecutionNotifications: [
              ...(report.damage === null ? [] : [{ level: 'error', message: { text: report.damage } }]),
              ...notes.map((text) => ({ level: 'note', message: { text } })),
            ],
          },
        ],
        results,
      },
    ],
  };
}

function* results(report: LeakReport, options: SarifSettings): Generator<object, void> {
  const { root, wrappers, kinds } = options;
  const ruleIds = rulesFor(kinds, failureLevel(options)).map(({ id }) => id);
  const stacks = new ReportStacks(root, inSarif, wrapperFrames(wrappers, report.allocates));
  const fingerprint = stackFingerprints(root);
  const location = rememberedByFrame((frame) => locationOf(frame, root));
  const rule = (id: string) => ({ ruleId: id, ruleIndex: ruleIds.indexOf(id) });
  const leakResult = ({ record, occurrences, print }: Occurrence, extra: object): object => ({
    ...rule(`leak-${record.kind}`),
    level: kinds.includes(record.kind) ? 'error' : 'note',
    message: { text: recordHeadline(record, stacks) },
    ...places([['allocated', stackOf(record, 'frames')]], stacks, location),
    partialFingerprints: { 'heaplineStack/v1': print },
    ...(occurrences > 1 ? { occurrenceCount: occurrences } : {}),
    properties: {
      kind: record.kind,
      blocks: record.blocks,
      bytes: record.bytes,
      indirectBlocks: record.indirect.blocks,
      indirectBytes: record.indirect.bytes,
    },
    ...extra,
  });
  const distinct = (records: readonly LeakRecord[]) => distinctLeaks(records, fingerprint);
  const state = (value: string) => (report.known === null ? {} : { baselineState: value });

  const faults = [
    ...report.errors.map((fault) => ({ fault, extra: state('new') })),
    ...report.knownErrors.map((fault) => ({ fault, extra: state('unchanged') })),
  ];
  for (const { fault, extra } of faults) {
    yield {
      ...rule(fault.kind),
      level: 'error',
      message: { text: faultHeadline(fault, stacks) },
      ...places(faultStacks(fault), stacks, location),
      partialFingerprints: { 'heaplineStack/v1': fingerprint(stackOf(fault, 'frames')) },
      properties: { kind: fault.kind, address: fault.address },
      ...extra,
    };
  }
  for (const failed of report.failedAllocations) {
    yield {
      ...rule('failed-allocation'),
      level: failureLevel(options),
      message: { text: failureHeadline(failed, stacks) },
      ...places([['here', stackOf(failed, 'frames')]], stacks, location),
      partialFingerprints: { 'heaplineStack/v1': fingerprint(stackOf(failed, 'frames')) },
      properties: { count: failed.count, smallest: failed.smallest, largest: failed.largest },
    };
  }
  for (const growing of report.growth?.contexts ?? []) {
    yield {
      ...rule('growth'),
      level: 'error',
      message: { text: growthHeadline(growing, stacks) },
      ...places([['allocated', stackOf(growing, 'frames')]], stacks, location),
      partialFingerprints: { 'heaplineStack/v1': fingerprint(stackOf(growing, 'frames')) },
      properties: { blocksPerCall: growing.objectsPerRun, bytesPerCall: growing.bytesPerRun },
    };
  }
  for (const leak of distinct(report.records)) yield leakResult(leak, state('new'));
  for (const leak of distinct(report.known ?? [])) yield leakResult(leak, state('unchanged'));
  for (const { record, suppression } of report.suppressed) {
    const [leak] = distinct([record]);
    yield leakResult(leak!, { suppressions: [{ kind: 'external', justification: suppression }] });
  }
}

/** Records that a baseline takes for one leak: their sums, and the deepest of their stacks. */
interface Occurrence {
  readonly record: LeakRecord;
  readonly occurrences: number;
  readonly print: string;
}

// Readers take results with the same fingerprint for one result. Without this, a recursion would make thousands of
// marks on one line.
function distinctLeaks(records: readonly LeakRecord[], fingerprint: (stack: Stack) => string): Occurrence[] {
  const leaks = new Map<string, { records: LeakRecord[]; print: string }>();
  for (const record of records) {
    const print = fingerprint(stackOf(record, 'frames'));
    const key = `${record.kind} ${print}`;
    const same = leaks.get(key);
    if (same === undefined) leaks.set(key, { records: [record], print });
    else same.records.push(record);
  }
  return [...leaks.values()].map(({ records, print }) => {
    const [record] = records;
    if (records.length === 1) return { record: record!, occurrences: 1, print };
    const stacks = records.map((each) => stackOf(each, 'frames'));
    const stack = stacks.reduce((deepest, each) => (each.depth > deepest.depth ? each : deepest));
    const whole = withOther(record!, { ...sumOf(records), parts: records.flatMap(partsOf), stack });
    return { record: whole, occurrences: records.length, print };
  });
}

/** The parts of a record of several. How they hang together is lost; the log only has their sum. */
function partsOf({ parts }: LeakRecord): LeakPart[] {
  return parts.map((part) => partWithOther(part, { under: -1 }));
}

function failureLevel({ failedAllocations }: SarifOptions): 'error' | 'note' {
  return failedAllocations ? 'error' : 'note';
}
