// What repeated calls leave behind, and what a baseline knows, in every format of a report.

import { describe, expect, test } from 'vitest';
import { LeakReport, toJson } from '../../src/report/index.ts';
import {
  applyBaseline,
  baselineOf,
  formatGitHub,
  formatJUnit,
  formatReport,
  toSarif,
} from '../../src/report/writers.ts';
import { frame, record, sampleReport } from '../support/sample-report.ts';

const root = '/app';
const frames = [
  frame('xmalloc', '/app/lib/xmalloc.c:5:13'),
  frame('handle', '/app/server.c:12:7'),
  frame('main', '/app/main.c:3:3'),
];
const growth = {
  runs: 20,
  objectsPerRun: 1,
  bytesPerRun: 24.5,
  contexts: [{ objectsPerRun: 1, bytesPerRun: 24.5, frames }],
};
const growing = new LeakReport({ records: [], program: 'app.wasm', growth });
const steady = growing.with({ growth: { ...growth, objectsPerRun: 0, bytesPerRun: 0, contexts: [] } });

interface Sarif {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly results: readonly { readonly ruleIndex: number; readonly locations: readonly object[] }[];
    },
  ];
}

const textOf = (report: LeakReport) =>
  formatReport(report, 'text', {
    root,
    workspace: undefined,
    wrappers: [],
    kinds: ['definite'],
    failedAllocations: false,
    all: false,
    tree: false,
    color: false,
  });

describe('growth', () => {
  test('is a reason not to be clean, also in a copy of the report', () => {
    expect([growing.isClean(), steady.isClean()]).toEqual([false, true]);
    expect(growing.with({ notes: ['a note'] }).growth).toEqual(growth);
    expect(new LeakReport({ records: [] }).growth).toBeNull();
  });

  test('is in JSON of version 2, with the place that reports name', () => {
    const place = { function: 'handle', file: 'server.c', line: 12 };
    expect(toJson(growing, { root }).growth).toMatchObject({
      calls: 20,
      blocksPerCall: 1,
      bytesPerCall: 24.5,
      places: [{ blocksPerCall: 1, bytesPerCall: 24.5, place, stack: [{ function: 'xmalloc' }, place, {}] }],
    });
    expect(toJson(steady).growth!.places).toEqual([]);
    expect(toJson(sampleReport()).growth).toBeNull();
    expect(Object.keys(toJson(growing, { version: 1 }))).not.toContain('growth');
  });

  test('is a result of SARIF with a rule of its own, at the caller of xmalloc', () => {
    const { runs } = toSarif(growing, { root }) as Sarif;
    const [{ tool, results }] = runs;
    expect(results).toHaveLength(1);
    const [result] = results;
    expect(tool.driver.rules[result!.ruleIndex]!.id).toBe('growth');
    expect(result).toMatchObject({
      ruleId: 'growth',
      level: 'error',
      message: { text: 'growth: 24.5 bytes in 1 block per call allocated in handle' },
      properties: { blocksPerCall: 1, bytesPerCall: 24.5 },
    });
    expect(result!.locations[0]).toMatchObject({
      physicalLocation: { artifactLocation: { uri: 'server.c' }, region: { startLine: 12 } },
    });
  });

  test('is a failed case of JUnit, and a passed one when the heap is steady', () => {
    expect(formatJUnit(growing, { root })).toContain('failures="1"');
    expect(formatJUnit(growing, { root })).toMatch(
      /name="growth in handle \(server\.c:12:7\)".*\n.*<failure type="growth" message="growth: 24\.5 bytes in 1 block/,
    );
    expect(formatJUnit(steady, { root })).toContain('name="no growth" time="0"/>');
    expect(formatJUnit(sampleReport())).not.toContain('growth');
  });

  test('is an annotation on GitHub', () => {
    expect(formatGitHub(growing, { root })).toMatch(
      /^::error file=server\.c,line=12,col=7,title=Memory%3A growth::growth: 24\.5 bytes in 1 block per call/,
    );
    expect(formatGitHub(steady, { root })).toBe('');
  });

  test('is behind the leaks in the text', () => {
    expect(textOf(growing)).toContain('growth: 24.5 bytes in 1 block per call in handle\n  at xmalloc');
    expect(textOf(steady)).toMatch(/no leaks[\s\S]*no growth in 20 calls\n$/i);
  });

  test('with frames of another tree of stacks is the same', () => {
    const other = new LeakReport({ records: [record(frames)], growth: growing.growth! });
    expect(toJson(other, { root }).growth).toEqual(toJson(growing, { root }).growth);
  });
});

test('heap faults that a baseline knows are in JSON of version 2', () => {
  const report = sampleReport();
  const known = applyBaseline(report, baselineOf(report));
  expect(report.errors.length).toBeGreaterThan(0);
  expect(toJson(known)).toMatchObject({ errors: [], knownErrors: toJson(report).errors });
  expect(toJson(report).knownErrors).toBeNull();
  expect(Object.keys(toJson(known, { version: 1 }))).not.toContain('knownErrors');
});
