// SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), which GitHub code scanning and editors read.
// There is one result for each heap fault and for each leak, where one leak is what a baseline takes for one. A
// result has its stack as a SARIF stack and as related locations, because GitHub shows only the latter. Its partial
// fingerprint is that of the baseline. Suppressed and known records are marked.

import {
  type Frame,
  faultStacks,
  faultWords,
  gapText,
  isBelow,
  isGap,
  relativePath,
  rememberedByFrame,
  type Stack,
  stackOf,
  withStacks,
} from '../frames/index.ts';
import { checkOptionNames } from '../options/option-names.ts';
import { platform } from '../platform/index.ts';
import { stackFingerprints } from './baseline.ts';
import { defaultLeakKinds, type LeakKind, leakKinds } from './leak-kinds.ts';
import type { LeakRecord, LeakReport } from './leak-report.ts';
import { inSarif, ReportStacks } from './stacks.ts';
import { failureHeadline, faultHeadline, kindMeanings, kindTitles, recordHeadline } from './wording.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
/** Name in `originalUriBaseIds` of the folder to which paths are relative. */
const ROOT_ID = 'SRCROOT';

/** Stands in for the results while the log around them is written. */
const SEPARATOR = 'the results';

/** How the log is written. */
export interface SarifOptions {
  /** Classes that are errors. The others are notes. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Absolute path of the project's folder. Paths below it are written relative to it. */
  readonly root?: string;
  /** Make failed allocations errors instead of notes. */
  readonly failedAllocations?: boolean;
  /** Version of Heapline, for `tool.driver.version`. */
  readonly toolVersion?: string;
}

const OPTIONS = [
  'kinds',
  'root',
  'failedAllocations',
  'toolVersion',
] as const satisfies readonly (keyof SarifOptions)[];

interface Rule {
  readonly id: string;
  readonly name: string;
  readonly shortDescription: { readonly text: string };
  readonly fullDescription: { readonly text: string };
  readonly defaultConfiguration: { readonly level: 'error' | 'note' };
}

/** The report as a SARIF log, ready for JSON.stringify. */
export function toSarif(report: LeakReport, options: SarifOptions = {}): object {
  checkOptionNames('toSarif', options, OPTIONS);
  return log(report, options, [...results(report, options)]);
}

/** The report as the text of a SARIF file, with one result per line. */
export function formatSarif(report: LeakReport, options: SarifOptions = {}): string {
  checkOptionNames('formatSarif', options, OPTIONS);
  // Indentation would double the size of thousands of results. All of them as objects at once would take many times
  // the memory.
  const [head, tail] = JSON.stringify(log(report, options, [SEPARATOR])).split(JSON.stringify(SEPARATOR));
  const texts = [head!];
  for (const result of results(report, options)) {
    texts.push(texts.length === 1 ? '\n' : ',\n', JSON.stringify(result));
  }
  return [...texts, `\n${tail}\n`].join('');
}

function log(report: LeakReport, options: SarifOptions, results: readonly unknown[]): object {
  const { root, toolVersion, kinds = defaultLeakKinds } = options;
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

function* results(report: LeakReport, options: SarifOptions): Generator<object, void> {
  const { root, kinds = defaultLeakKinds } = options;
  const ruleIds = rulesFor(kinds, failureLevel(options)).map(({ id }) => id);
  const stacks = new ReportStacks(root, inSarif);
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
    properties: { kind: record.kind, blocks: record.blocks, bytes: record.bytes },
    ...extra,
  });
  const distinct = (records: readonly LeakRecord[]) => distinctLeaks(records, fingerprint);
  const state = (value: string) => (report.known === null ? {} : { baselineState: value });

  for (const fault of report.errors) {
    yield {
      ...rule(fault.kind),
      level: 'error',
      message: { text: faultHeadline(fault, stacks) },
      ...places(faultStacks(fault), stacks, location),
      partialFingerprints: { 'heaplineStack/v1': fingerprint(stackOf(fault, 'frames')) },
      properties: { kind: fault.kind, address: fault.address },
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
  for (const leak of distinct(report.records)) yield leakResult(leak, state('new'));
  for (const leak of distinct(report.known ?? [])) yield leakResult(leak, state('unchanged'));
  for (const { record, suppression } of report.suppressed) {
    const [leak] = distinct([record]);
    yield leakResult(leak!, { suppressions: [{ kind: 'external', justification: suppression }] });
  }
}

/** What a baseline takes for one leak: the sums of its records, and the deepest of their stacks. */
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
    const blocks = records.reduce((sum, each) => sum + each.blocks, 0);
    const bytes = records.reduce((sum, each) => sum + each.bytes, 0);
    const { kind, sample } = record!;
    const stacks = records.map((each) => stackOf(each, 'frames'));
    const frames = stacks.reduce((deepest, stack) => (stack.depth > deepest.depth ? stack : deepest));
    const whole = withStacks({ kind, sample, blocks, bytes }, { frames });
    return { record: whole, occurrences: records.length, print };
  });
}

function failureLevel({ failedAllocations }: SarifOptions): 'error' | 'note' {
  return failedAllocations ? 'error' : 'note';
}

function rulesFor(kinds: readonly LeakKind[], failureLevel: 'error' | 'note'): Rule[] {
  const leaks = leakKinds.map(
    (kind): Rule => ({
      id: `leak-${kind}`,
      name: pascalCase(`leak-${kind}`),
      shortDescription: { text: sentence(kindTitles[kind]) },
      fullDescription: { text: kindMeanings[kind] },
      defaultConfiguration: { level: kinds.includes(kind) ? 'error' : 'note' },
    }),
  );
  const faults = Object.entries(faultWords).map(
    ([kind, { title }]): Rule => ({
      id: kind,
      name: pascalCase(kind),
      shortDescription: { text: sentence(title) },
      fullDescription: { text: 'The allocator was given a pointer that it must not be given.' },
      defaultConfiguration: { level: 'error' },
    }),
  );
  const failure: Rule = {
    id: 'failed-allocation',
    name: pascalCase('failed-allocation'),
    shortDescription: { text: sentence('failed allocation') },
    fullDescription: {
      text: 'There was no memory for an allocation: malloc or one of its siblings returned NULL.',
    },
    defaultConfiguration: { level: failureLevel },
  };
  return [...leaks, ...faults, failure];
}

/** @param titled the stacks with their titles; the first one is that of the result */
function places(
  titled: readonly (readonly [string, Stack])[],
  stacks: ReportStacks,
  location: (frame: Frame) => object,
): object {
  const place = stacks.place(titled[0]![1]);
  // Readers that do not show stacks get the frames a second time. Of thousands of results, only the first ones do so.
  const again = stacks.plenty;
  const shown = titled.map(([title, stack]) => [title, stacks.shown(stack)] as const);
  const related = (again ? shown : []).flatMap(([title, items]) =>
    items.flatMap((item) =>
      isGap(item) || item.file === '' || item.line === 0
        ? []
        : [{ ...location(item), message: { text: `${title}: ${stacks.text(item)}` } }],
    ),
  );
  return {
    locations: place === null ? [] : [location(place)],
    stacks: shown.map(([title, items]) => ({
      message: { text: sentence(title) },
      frames: items.map((item) => ({
        // A location that has no place is a remark (SARIF 3.28.5).
        location: isGap(item) ? { message: { text: `… ${gapText(item)}` } } : location(item),
      })),
    })),
    relatedLocations: related.map((entry, id) => ({ id, ...entry })),
  };
}

function locationOf(frame: Frame, root: string | undefined): object {
  const logical = { logicalLocations: [{ name: frame.function, kind: 'function' }] };
  if (frame.file === '') return logical;
  const region = {
    ...(frame.line > 0 ? { startLine: frame.line } : {}),
    ...(frame.line > 0 && frame.column > 0 ? { startColumn: frame.column } : {}),
  };
  return {
    physicalLocation: {
      artifactLocation: artifact(frame.file, root),
      ...(frame.line > 0 ? { region } : {}),
    },
    ...logical,
  };
}

// SARIF wants URI references: relative ones for files below the root, absolute ones for files outside of it.
function artifact(file: string, root: string | undefined): object {
  const path = relativePath(file, root);
  if (path.startsWith('/')) return { uri: platform().fileUrl(path) };
  // The name of a folder below the root may look like a scheme.
  if (!isBelow(file, root) && /^[A-Za-z][A-Za-z0-9+.-]+:/.test(path)) return { uri: encodeURI(path) };
  const uri = path.split('/').map(encodeURIComponent).join('/');
  return root === undefined ? { uri } : { uri, uriBaseId: ROOT_ID };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function pascalCase(text: string): string {
  return text
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
