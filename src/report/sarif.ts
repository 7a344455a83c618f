// SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), which GitHub code scanning and editors read: one
// result per record and heap error, its stack as a SARIF stack and as related locations (GitHub shows the latter),
// the baseline's fingerprint as partial fingerprint, suppressed and known records marked as such.

import { pathToFileURL } from 'node:url';
import type { Frame } from '../errors.ts';
import { checkOptionNames } from '../option-names.ts';
import { stackFingerprint } from './baseline.ts';
import {
  defaultLeakKinds,
  type FailedAllocation,
  type HeapFaultRecord,
  type LeakKind,
  type LeakRecord,
  type LeakReport,
  leakKinds,
} from './leak-report.ts';
import {
  failureHeadline,
  faultHeadline,
  faultStacks,
  faultTitles,
  frameText,
  isBelow,
  kindMeanings,
  kindTitles,
  recordHeadline,
  relativePath,
  sourceFrame,
} from './wording.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
/** Name of the folder that relative paths refer to, in `originalUriBaseIds`. */
const ROOT_ID = 'SRCROOT';

/** How the log is written. */
export interface SarifOptions {
  /** Classes that are errors; the others are notes. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Absolute path of the project's folder: paths below it are given relative to it. */
  readonly root?: string;
  /** Allocations that failed are errors, and not only notes. */
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
  const kinds = options.kinds ?? defaultLeakKinds;
  const { root } = options;
  const failureLevel = options.failedAllocations ? 'error' : 'note';
  const rules = rulesFor(kinds, failureLevel);
  const ruleIndex = (id: string) => rules.findIndex((rule) => rule.id === id);

  const leakResult = (record: LeakRecord, extra: object): object => ({
    ruleId: `leak-${record.kind}`,
    ruleIndex: ruleIndex(`leak-${record.kind}`),
    level: kinds.includes(record.kind) ? 'error' : 'note',
    message: { text: recordHeadline(record, root) },
    ...places(record.frames, [['allocated', record.frames]], root),
    partialFingerprints: { 'heaplineStack/v1': stackFingerprint(record.frames, root) },
    properties: { kind: record.kind, blocks: record.blocks, bytes: record.bytes },
    ...extra,
  });
  const faultResult = (fault: HeapFaultRecord): object => ({
    ruleId: fault.kind,
    ruleIndex: ruleIndex(fault.kind),
    level: 'error',
    message: { text: faultHeadline(fault, root) },
    ...places(fault.frames, faultStacks(fault), root),
    partialFingerprints: { 'heaplineStack/v1': stackFingerprint(fault.frames, root) },
    properties: { kind: fault.kind, address: fault.address },
  });
  const failureResult = (failed: FailedAllocation): object => ({
    ruleId: 'failed-allocation',
    ruleIndex: ruleIndex('failed-allocation'),
    level: failureLevel,
    message: { text: failureHeadline(failed, root) },
    ...places(failed.frames, [['here', failed.frames]], root),
    partialFingerprints: { 'heaplineStack/v1': stackFingerprint(failed.frames, root) },
    properties: { count: failed.count, smallest: failed.smallest, largest: failed.largest },
  });
  const state = (value: string) => (report.known === null ? {} : { baselineState: value });

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
            ...(options.toolVersion === undefined ? {} : { version: options.toolVersion }),
            rules,
          },
        },
        columnKind: 'unicodeCodePoints',
        ...(root === undefined
          ? {}
          : {
              originalUriBaseIds: { [ROOT_ID]: { uri: `${pathToFileURL(root).href.replace(/\/+$/, '')}/` } },
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
        results: [
          ...report.errors.map(faultResult),
          ...report.failedAllocations.map(failureResult),
          ...report.records.map((record) => leakResult(record, state('new'))),
          ...(report.known ?? []).map((record) => leakResult(record, state('unchanged'))),
          ...report.suppressed.map(({ record, suppression }) =>
            leakResult(record, { suppressions: [{ kind: 'external', justification: suppression }] }),
          ),
        ],
      },
    ],
  };
}

/** The report as the text of a SARIF file. */
export function formatSarif(report: LeakReport, options: SarifOptions = {}): string {
  checkOptionNames('formatSarif', options, OPTIONS);
  return `${JSON.stringify(toSarif(report, options), null, 2)}\n`;
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
  const faults = Object.entries(faultTitles).map(
    ([kind, title]): Rule => ({
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

function places(
  frames: readonly Frame[],
  stacks: readonly (readonly [string, readonly Frame[]])[],
  root: string | undefined,
): object {
  const place = sourceFrame(frames, root);
  const related = stacks.flatMap(([title, stack]) =>
    stack
      .filter((frame) => frame.file !== '' && frame.line > 0)
      .map((frame) => ({
        ...location(frame, root),
        message: { text: `${title}: ${frameText(frame, root)}` },
      })),
  );
  return {
    locations: place === null ? [] : [location(place, root)],
    stacks: stacks.map(([title, stack]) => ({
      message: { text: sentence(title) },
      frames: stack.map((frame) => ({ location: location(frame, root) })),
    })),
    relatedLocations: related.map((entry, id) => ({ id, ...entry })),
  };
}

function location(frame: Frame, root: string | undefined): object {
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

// SARIF wants URI references: a relative one against the root, an absolute one for what lies outside.
function artifact(file: string, root: string | undefined): object {
  const path = relativePath(file, root);
  if (path.startsWith('/')) return { uri: pathToFileURL(path).href };
  // A folder's name may look like a scheme.
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
