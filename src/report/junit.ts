// JUnit XML, the form that CI servers read (the common subset of Jenkins' and GitLab's schemas: testsuites,
// testsuite, testcase, failure). Each checked class without a record is a passed case, each record and each heap
// error a failed one, so a clean run shows what was looked for.

import type { Frame } from '../errors.ts';
import { checkOptionNames } from '../option-names.ts';
import { defaultLeakKinds, type LeakKind, type LeakReport } from './leak-report.ts';
import {
  failureHeadline,
  faultHeadline,
  faultStacks,
  kindTitles,
  position,
  recordHeadline,
  relativePath,
  sourceFrame,
  stackText,
} from './wording.ts';

/** How the XML is written. */
export interface JUnitOptions {
  /** Classes that fail. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Give paths below this folder relative to it. */
  readonly root?: string;
  /** Allocations that failed are failures, and not only told of. */
  readonly failedAllocations?: boolean;
}

const OPTIONS = ['kinds', 'root', 'failedAllocations'] as const satisfies readonly (keyof JUnitOptions)[];

interface TestCase {
  readonly name: string;
  readonly place: Frame | null;
  readonly failure: { readonly type: string; readonly message: string; readonly details: string } | null;
}

/** The report as a JUnit XML document. */
export function formatJUnit(report: LeakReport, options: JUnitOptions = {}): string {
  checkOptionNames('formatJUnit', options, OPTIONS);
  const kinds = options.kinds ?? defaultLeakKinds;
  const cases = uniquelyNamed([
    ...damageCases(report),
    ...errorCases(report, options.root),
    ...(options.failedAllocations ? failureCases(report, options.root) : []),
    // Of a heap that could not be searched nothing is known to be well.
    ...(report.damage === null ? leakCases(report, kinds, options.root) : []),
  ]);
  const failures = cases.filter((test) => test.failure !== null).length;
  const suite = report.program === '' ? 'heapline' : `heapline ${report.program}`;
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="0"`;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="heapline" ${counts}>`,
    `  <testsuite name="${xml(suite)}" ${counts}>`,
  ];
  for (const test of cases) {
    const attributes = [`classname="${xml(suite)}"`, `name="${xml(test.name)}"`, 'time="0"'];
    if (test.place !== null) {
      attributes.push(
        `file="${xml(relativePath(test.place.file, options.root))}"`,
        `line="${test.place.line}"`,
      );
    }
    if (test.failure === null) {
      lines.push(`    <testcase ${attributes.join(' ')}/>`);
      continue;
    }
    const { type, message, details } = test.failure;
    lines.push(`    <testcase ${attributes.join(' ')}>`);
    lines.push(`      <failure type="${xml(type)}" message="${xml(message)}">${xml(details)}</failure>`);
    lines.push('    </testcase>');
  }
  const output = [
    ...report.unusedSuppressions.map((unused) => `unused suppression: ${unused}`),
    ...report.notes,
    ...(options.failedAllocations
      ? []
      : report.failedAllocations.map(
          (failed) =>
            `${failureHeadline(failed, options.root)}\n${stackText(failed.frames, options.root, '    ')}`,
        )),
  ];
  if (output.length > 0) lines.push(`    <system-out>${xml(output.join('\n'))}</system-out>`);
  lines.push('  </testsuite>', '</testsuites>');
  return `${lines.join('\n')}\n`;
}

function damageCases({ damage }: LeakReport): TestCase[] {
  if (damage === null) return [];
  const failure = { type: 'ruined-heap', message: 'the heap could not be searched', details: damage };
  return [{ name: 'the heap can be searched', place: null, failure }];
}

function failureCases(report: LeakReport, root: string | undefined): TestCase[] {
  if (report.failedAllocations.length === 0)
    return [{ name: 'no failed allocations', place: null, failure: null }];
  return report.failedAllocations.map((failed) => {
    const place = sourceFrame(failed.frames, root);
    const details = stackText(failed.frames, root, '    ');
    return {
      name: `failed allocation${where(place, root)}`,
      place,
      failure: { type: 'failed-allocation', message: failureHeadline(failed, root), details },
    };
  });
}

function errorCases(report: LeakReport, root: string | undefined): TestCase[] {
  if (report.errors.length === 0) return [{ name: 'no heap errors', place: null, failure: null }];
  return report.errors.map((fault) => {
    const place = sourceFrame(fault.frames, root);
    const details = faultStacks(fault).map(
      ([title, frames]) => `${title}\n${stackText(frames, root, '    ')}`,
    );
    return {
      // The address is left out of the name: a case keeps its name from run to run.
      name: `${fault.kind}${where(place, root)}`,
      place,
      failure: { type: fault.kind, message: faultHeadline(fault, root), details: details.join('\n') },
    };
  });
}

function leakCases(report: LeakReport, kinds: readonly LeakKind[], root: string | undefined): TestCase[] {
  return kinds.flatMap((kind): TestCase[] => {
    const records = report.of([kind]);
    if (records.length === 0) return [{ name: `no ${kind} leaks`, place: null, failure: null }];
    return records.map((record) => {
      const place = sourceFrame(record.frames, root);
      return {
        name: `${kindTitles[kind]}${where(place, root)}`,
        place,
        failure: {
          type: `leak-${kind}`,
          message: recordHeadline(record, root),
          details: stackText(record.frames, root, '    '),
        },
      };
    });
  });
}

function where(place: Frame | null, root: string | undefined): string {
  return place === null ? '' : ` in ${place.function} (${position(place, root)})`;
}

// Readers take class and name as the identity of a case: two contexts that end in one line must differ.
function uniquelyNamed(cases: readonly TestCase[]): TestCase[] {
  const seen = new Map<string, number>();
  return cases.map((test) => {
    const times = (seen.get(test.name) ?? 0) + 1;
    seen.set(test.name, times);
    return times === 1 ? test : { ...test, name: `${test.name} #${times}` };
  });
}

// XML 1.0, section 2.2: most control characters and lone surrogates have no spelling at all, not even escaped.
function xml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/gu, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll('\r', '&#13;')
      .replaceAll('\n', '&#10;')
      .replaceAll('\t', '&#9;')
  );
}
