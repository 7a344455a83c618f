// heapline tree: each row holds what the samples hold whose stacks begin with its path.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { treeRows, treeText } from '../../src/profile/call-tree.ts';
import { HeapProfile } from '../../src/profile/index.ts';
import { arbitraryProfile } from '../support/arbitrary-profile.ts';
import { sampleProfile } from '../support/sample-heap.ts';

/** The sums by path of function names, outermost first, straight from the samples. */
function sumsOf(profile: HeapProfile): ReadonlyMap<string, { total: number; self: number }> {
  const index = profile.sampleTypes.findIndex(({ type }) => type === profile.defaultSampleType);
  const sums = new Map<string, { total: number; self: number }>();
  for (const { frames, values } of profile.samples()) {
    const names = frames.map((frame) => frame.function).reverse();
    const value = values[index]!;
    names.forEach((_, depth) => {
      const path = JSON.stringify(names.slice(0, depth + 1));
      const sum = sums.get(path) ?? { total: 0, self: 0 };
      sum.total += value;
      if (depth === names.length - 1) sum.self += value;
      sums.set(path, sum);
    });
  }
  return sums;
}

function pathsOf(profile: HeapProfile, options: Parameters<typeof treeRows>[1]) {
  const path: string[] = [];
  return treeRows(profile.model, options).map((row) => {
    path.length = row.depth;
    path.push(row.function);
    return { path: JSON.stringify(path), total: row.total, self: row.self };
  });
}

function compare(profile: HeapProfile): void {
  const expected = [...sumsOf(profile)]
    .filter(([, { total }]) => total !== 0)
    .map(([path, sum]) => ({ path, ...sum }));
  const shown = pathsOf(profile, { minShare: 0, depth: 1_000_000 });
  const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1);
  // Rows below one whose sum is zero are left out with it.
  const paths = new Set(shown.map(({ path }) => path));
  expect(shown.sort(byPath)).toEqual(expected.filter(({ path }) => paths.has(path)).sort(byPath));
  expect(
    expected.filter(({ path }) => JSON.parse(path).length === 1).every(({ path }) => paths.has(path)),
  ).toBe(true);
}

test('rows are the sums of the samples below them', () => {
  compare(sampleProfile());
  fc.assert(
    fc.property(arbitraryProfile, ({ model }) => compare(new HeapProfile({ ...model, dropFrames: '' }))),
    { numRuns: 60 },
  );
});

test('the text has shares, indented names, and says what is left out', () => {
  const profile = sampleProfile();
  const all = treeText(profile.model, { minShare: 0 });
  expect(all.split('\n').slice(0, 3)).toEqual([
    `Type: ${profile.defaultSampleType}`,
    expect.stringMatching(/^Total: [\d.]+\w*B$/),
    '     total total%       self',
  ]);
  expect(all).not.toContain('left out');
  const outer = treeText(profile.model, { depth: 1 });
  expect(outer).toMatch(/ main {2}\(\d+ smaller or deeper left out\)\n/);
  expect(treeText(profile.model, { granularity: 'lines', minShare: 0 })).toMatch(/ {4}\S+ \S+:\d+\n/);
});

test('a recursion of 50,000 levels is a tree, too', () => {
  const deep = 50_000;
  const { model } = sampleProfile();
  const parent = new Int32Array(deep + 1).map((_, i) => Math.max(0, i - 1));
  const location = new Int32Array(deep + 1);
  const stack = new Int32Array(model.samples.count).fill(deep);
  const recursive = {
    ...model,
    stacks: { count: deep + 1, parent, location },
    samples: { ...model.samples, stack },
  };
  expect(treeRows(recursive, { minShare: 0, depth: 1_000_000 }).length).toBeGreaterThanOrEqual(deep);
  expect(treeRows(recursive)).toHaveLength(64);
});

test('wrong options are errors that name the option', () => {
  const { model } = sampleProfile();
  expect(() => treeRows(model, { minShare: 101 })).toThrow(/minShare/);
  expect(() => treeRows(model, { depth: 0 })).toThrow(/depth/);
});
