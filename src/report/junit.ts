// JUnit XML, the form that CI servers read (the common subset of Jenkins' and GitLab's schemas: testsuites,
// testsuite, testcase, failure). Each checked class without a record is a passed case. Each record and each heap
// fault is a failed case. So a clean run shows what was checked.

import { type Frame, faultStacks, position, relativePath, stackOf, wrapperFrames } from '../frames/index.ts';
import { flag, text } from '../options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../options/option-table.ts';
import { anyLeakKinds, defaultLeakKinds, type LeakKind } from './leak-kinds.ts';
import type { LeakReport } from './leak-report.ts';
import { wrapperNames } from './report-options.ts';
import { inText, ReportStacks } from './stacks.ts';
import { failureHeadline, faultHeadline, growthHeadline, kindTitles, recordHeadline } from './wording.ts';

/** How the XML is written. */
export interface JUnitOptions {
  /** Classes that fail. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Write paths below this folder relative to it. */
  readonly root?: string;
  /**
   * More functions that allocate for others, besides those that are known by name or by what they do, and behind `!`
   * functions that do not: `*` stands for any text.
   */
  readonly wrappers?: readonly string[];
  /** Make failed allocations failures instead of output. Default false. */
  readonly failedAllocations?: boolean;
}

const OPTIONS = {
  kinds: withDefault(anyLeakKinds, defaultLeakKinds),
  root: text,
  wrappers: wrapperNames,
  failedAllocations: withDefault(flag, false),
} satisfies OptionTable<JUnitOptions>;

interface TestCase {
  readonly name: string;
  readonly place: Frame | null;
  readonly failure: { readonly type: string; readonly message: string; readonly details: string } | null;
}

/** The report as a JUnit XML document. */
export function formatJUnit(report: LeakReport, options: JUnitOptions = {}): string {
  const { kinds, root, wrappers, failedAllocations } = readOptions('formatJUnit', options, OPTIONS);
  const stacks = new ReportStacks(root, inText, wrapperFrames(wrappers, report.allocates));
  const cases = uniquelyNamed([
    ...damageCases(report),
    ...errorCases(report, stacks),
    ...(failedAllocations ? failureCases(report, stacks) : []),
    // A heap that could not be searched has no passed cases, because nothing is known about its leaks.
    ...(report.damage === null ? leakCases(report, kinds, stacks) : []),
    ...growthCases(report, stacks),
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
      attributes.push(`file="${xml(relativePath(test.place.file, root))}"`, `line="${test.place.line}"`);
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
    ...(failedAllocations
      ? []
      : report.failedAllocations.map(
          (failed) =>
            `${failureHeadline(failed, stacks)}\n${stacks.lines(stackOf(failed, 'frames'), '    ')}`,
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

function failureCases(report: LeakReport, stacks: ReportStacks): TestCase[] {
  if (report.failedAllocations.length === 0)
    return [{ name: 'no failed allocations', place: null, failure: null }];
  return report.failedAllocations.map((failed) => {
    const stack = stackOf(failed, 'frames');
    const place = stacks.place(stack);
    const details = stacks.lines(stack, '    ');
    return {
      name: `failed allocation${where(place, stacks.root)}`,
      place,
      failure: { type: 'failed-allocation', message: failureHeadline(failed, stacks), details },
    };
  });
}

function errorCases(report: LeakReport, stacks: ReportStacks): TestCase[] {
  if (report.errors.length === 0) return [{ name: 'no heap faults', place: null, failure: null }];
  return report.errors.map((fault) => {
    const place = stacks.place(stackOf(fault, 'frames'));
    const details = faultStacks(fault).map(([title, stack]) => `${title}\n${stacks.lines(stack, '    ')}`);
    return {
      // The name has no address, so that a case keeps its name from run to run.
      name: `${fault.kind}${where(place, stacks.root)}`,
      place,
      failure: { type: fault.kind, message: faultHeadline(fault, stacks), details: details.join('\n') },
    };
  });
}

function leakCases(report: LeakReport, kinds: readonly LeakKind[], stacks: ReportStacks): TestCase[] {
  return kinds.flatMap((kind): TestCase[] => {
    const records = report.of(kinds).filter((record) => record.kind === kind);
    // Indirectly lost blocks are part of the record of the blocks they hang on.
    if (report.totals[kind].blocks === 0) return [{ name: `no ${kind} leaks`, place: null, failure: null }];
    return records.map((record) => {
      const stack = stackOf(record, 'frames');
      const place = stacks.place(stack);
      return {
        name: `${kindTitles[kind]}${where(place, stacks.root)}`,
        place,
        failure: {
          type: `leak-${kind}`,
          message: recordHeadline(record, stacks),
          details: stacks.lines(stack, '    '),
        },
      };
    });
  });
}

function growthCases({ growth }: LeakReport, stacks: ReportStacks): TestCase[] {
  if (growth === null) return [];
  if (growth.contexts.length === 0) return [{ name: 'no growth', place: null, failure: null }];
  return growth.contexts.map((growing) => {
    const stack = stackOf(growing, 'frames');
    const place = stacks.place(stack);
    const details = stacks.lines(stack, '    ');
    return {
      name: `growth${where(place, stacks.root)}`,
      place,
      failure: { type: 'growth', message: growthHeadline(growing, stacks), details },
    };
  });
}

function where(place: Frame | null, root: string | undefined): string {
  return place === null ? '' : ` in ${place.function} (${position(place, root)})`;
}

// Readers identify a case by its class and name, so two contexts that end in one line must have different names.
function uniquelyNamed(cases: readonly TestCase[]): TestCase[] {
  const seen = new Map<string, number>();
  return cases.map((test) => {
    const times = (seen.get(test.name) ?? 0) + 1;
    seen.set(test.name, times);
    return times === 1 ? test : { ...test, name: `${test.name} #${times}` };
  });
}

// XML 1.0, section 2.2: most control characters and lone surrogates cannot be written at all, not even escaped.
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
