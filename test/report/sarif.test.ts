// SARIF 2.1.0: the rules of the standard that code scanning relies on, checked on the log as a value.

import { expect, test } from 'vitest';
import { faultWords } from '../../src/frames/index.ts';
import { LeakReport, leakKinds } from '../../src/report/index.ts';
import { formatSarif } from '../../src/report/writers.ts';
import { frame, record, sampleReport } from '../support/sample-report.ts';

interface SarifResult {
  ruleId: string;
  ruleIndex: number;
  level: string;
  message: { text: string };
  locations: SarifLocation[];
  stacks: { message: { text: string }; frames: { location: SarifLocation }[] }[];
  relatedLocations: (SarifLocation & { id: number })[];
  partialFingerprints: Record<string, string>;
  baselineState?: string;
  suppressions?: { kind: string; justification: string }[];
}

interface SarifLocation {
  physicalLocation?: {
    artifactLocation: { uri: string; uriBaseId?: string };
    region?: { startLine: number; startColumn?: number };
  };
  logicalLocations: { name: string; kind: string }[];
}

function runOf(report: LeakReport, options = {}) {
  const log = JSON.parse(formatSarif(report, options));
  expect(log.version).toBe('2.1.0');
  expect(log.runs).toHaveLength(1);
  return log.runs[0] as {
    tool: { driver: { name: string; version?: string; rules: { id: string }[] } };
    originalUriBaseIds?: Record<string, { uri: string }>;
    invocations: {
      executionSuccessful: boolean;
      toolExecutionNotifications: { message: { text: string } }[];
    }[];
    results: SarifResult[];
  };
}

test('every result names a rule by id and by index, and every class and fault has a rule', () => {
  const run = runOf(sampleReport());
  const ids = run.tool.driver.rules.map((rule) => rule.id);
  expect(ids).toEqual([
    ...leakKinds.map((kind) => `leak-${kind}`),
    ...Object.keys(faultWords),
    'failed-allocation',
    'growth',
  ]);
  expect(run.results).toHaveLength(5);
  for (const result of run.results) expect(ids[result.ruleIndex]).toBe(result.ruleId);
});

test('checked classes are errors and the others notes', () => {
  const levels = runOf(sampleReport(), { kinds: ['definite'] }).results.map((r) => [r.ruleId, r.level]);
  expect(levels).toEqual([
    ['double-free', 'error'],
    ['leak-definite', 'error'],
    ['leak-indirect', 'note'],
    ['leak-possible', 'note'],
    ['leak-reachable', 'note'],
  ]);
});

test('paths below the root are relative URIs against it, those outside absolute ones, and odd characters escaped', () => {
  const run = runOf(sampleReport(), { root: '/home/app' });
  expect(run.originalUriBaseIds).toEqual({ SRCROOT: { uri: 'file:///home/app/' } });
  const [, definite, indirect] = run.results;
  expect(definite!.locations[0]!.physicalLocation).toEqual({
    artifactLocation: { uri: 'src/list.c', uriBaseId: 'SRCROOT' },
    region: { startLine: 12, startColumn: 17 },
  });
  // A copy function of a libc is nobody's to mend: the result stands at the call of it.
  expect(indirect!.locations[0]!.physicalLocation!.artifactLocation.uri).toBe('src/main.c');
  const { uri } = indirect!.stacks[0]!.frames[0]!.location.physicalLocation!.artifactLocation;
  expect(uri).toBe('file:///usr/include/odd%20%25,:name/copy.c');
  expect(new URL(uri).protocol).toBe('file:');
});

test('a path with a drive of Windows is an absolute URI, and a folder named like a drive is none', () => {
  const uriOf = (file: string, root: string): unknown => {
    const leak = record([frame('f', '', { file, line: 2 })]);
    const [result] = runOf(new LeakReport({ records: [leak] }), { root }).results;
    return result!.locations[0]!.physicalLocation!.artifactLocation.uri;
  };
  expect(uriOf('C:/lib x/a.c', 'C:\\app')).toBe('file:///C:/lib%20x/a.c');
  expect(uriOf('C:\\app\\src\\a.c', 'C:\\app')).toBe('src/a.c');
  expect(uriOf('/app/C:/a.c', '/app')).toBe('C%3A/a.c');
});

test('folders whose names look like the scheme of a URI are not taken for one', () => {
  const leak = record([frame('f', '', { file: '/home/app/sub:d/a.c', line: 2 })]);
  const [result] = runOf(new LeakReport({ records: [leak] }), { root: '/home/app' }).results;
  expect(result!.locations[0]!.physicalLocation!.artifactLocation).toEqual({
    uri: 'sub%3Ad/a.c',
    uriBaseId: 'SRCROOT',
  });
  const script = record([frame('f', '', { file: 'webpack://app/a b.ts', line: 2, language: 'js' })]);
  const [other] = runOf(new LeakReport({ records: [script] }), { root: '/home/app' }).results;
  expect(other!.locations[0]!.physicalLocation!.artifactLocation).toEqual({ uri: 'webpack://app/a%20b.ts' });
});

test('a result has its stack innermost first, and the three stacks of a fault', () => {
  const [fault, definite] = runOf(sampleReport(), { root: '/home/app' }).results;
  expect(definite!.stacks[0]!.frames.map((f) => f.location.logicalLocations[0]!.name)).toEqual([
    'node_new',
    'list_push',
    'main',
    '<anonymous>',
  ]);
  expect(fault!.stacks.map((stack) => stack.message.text)).toEqual(['Here.', 'Freed before.', 'Allocated.']);
  expect(fault!.relatedLocations.map((location) => location.id)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('lines and columns count from 1 and are left out when unknown', () => {
  const [result] = runOf(
    new LeakReport({ records: [record([frame('f', '/a.c:3'), frame('g', '/b.c')])] }),
  ).results;
  expect(result!.locations[0]!.physicalLocation!.region).toEqual({ startLine: 3 });
  expect(result!.stacks[0]!.frames[1]!.location.physicalLocation).not.toHaveProperty('region');
});

test('suppressed, known and new records are marked', () => {
  const report = new LeakReport({
    records: [record([frame('new', 'a.c:1')])],
    known: [record([frame('known', 'a.c:2')])],
    suppressed: [{ record: record([frame('hidden', 'a.c:3')]), suppression: 'leak:hidden' }],
  });
  const [fresh, known, hidden] = runOf(report).results;
  expect(fresh!.baselineState).toBe('new');
  expect(known!.baselineState).toBe('unchanged');
  expect(hidden!.suppressions).toEqual([{ kind: 'external', justification: 'leak:hidden' }]);
});

test('the limits of the scan are in the notifications of the run', () => {
  const [invocation] = runOf(sampleReport()).invocations;
  expect(invocation!.executionSuccessful).toBe(true);
  expect(invocation!.toolExecutionNotifications[0]!.message.text).toContain('C frames are active');
});
