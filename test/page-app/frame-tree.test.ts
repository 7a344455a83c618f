// The frame tree and the flame graph's nodes against the library's other sums, which count in other ways: tables, folded
// stacks, and searches frame by frame.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FlameNode, groupingOf } from '../../src/page-app/flame-node.ts';
import { type FrameTree, frameTree, search, sumsByKey } from '../../src/page-app/frame-tree.ts';
import { together } from '../../src/page-app/loaded-page.ts';
import type { HeapProfile } from '../../src/profile/index.ts';
import { arbitraryPair, arbitraryProfile } from '../support/arbitrary-profile.ts';

const TYPE = 'alloc_space';
/** What folded stacks call a frame without a name, and a stack without frames. */
const UNKNOWN = '[unknown]';
const treeOf = ({ model }: Pick<HeapProfile, 'model'>): FrameTree =>
  frameTree(
    model,
    model.sampleTypes.findIndex(({ type }) => type === TYPE),
  );

function plus(sums: Map<string, number>, key: string, value: number): void {
  if (value !== 0) sums.set(key, (sums.get(key) ?? 0) + value);
}

/** A path of names in which direct recursions are one frame. */
const collapsed = (names: readonly string[]): string =>
  names.filter((name, i) => name !== names[i - 1]).join(';');

/** A name as folded stacks have it. */
const folded = (name: string): string => (name === '<unknown>' ? UNKNOWN : name);

/** What each path of functions holds itself, by the nodes. */
function selfByPath(root: FlameNode): Map<string, number> {
  const sums = new Map<string, number>();
  const visit = (node: FlameNode, path: readonly string[]): void => {
    plus(sums, collapsed(path) || UNKNOWN, node.self);
    for (const child of node.children) visit(child, [...path, folded(child.place!.name)]);
  };
  visit(root, []);
  return sums;
}

describe('a frame tree', () => {
  test('has each frame before all below it', () => {
    fc.assert(
      fc.property(arbitraryProfile, (profile) => {
        const { count, parent, end } = treeOf(profile);
        expect(end[0]).toBe(count);
        for (let i = 1; i < count; i++) {
          // The frame before it is its parent, or the last of those below a sibling.
          const above = parent[i]!;
          expect(above === i - 1 || end[i - 1] === i).toBe(true);
          expect(above < i && end[i]! > i && end[i]! <= end[above]!).toBe(true);
        }
      }),
    );
  });

  test('has the sums of the table by function', () => {
    fc.assert(
      fc.property(arbitraryProfile, (profile) => {
        const tree = treeOf(profile);
        const names = [...new Set(tree.places.map(({ name }) => name))];
        const keyOf = Int32Array.from(tree.places, ({ name }) => names.indexOf(name));
        const { flat, cum } = sumsByKey(tree, tree.now, keyOf, names.length);
        const sums = names
          .map((name, i) => [name, flat[i]!, cum[i]!] as const)
          .filter(([, , held]) => held !== 0);
        const rows = profile
          .topRows({ sampleType: TYPE, granularity: 'functions' })
          .map((row) => [row.function, row.flat, row.cum] as const);
        expect(new Map(sums.map((row) => [row[0], row]))).toEqual(new Map(rows.map((row) => [row[0], row])));
      }),
    );
  });

  test('of two profiles has the sums of both', () => {
    fc.assert(
      fc.property(arbitraryPair, ([before, now]) => {
        const both = treeOf({ model: together(before.model, now.model) });
        expect(both.now.total[0]).toBeCloseTo(now.total(TYPE), 0);
        expect(both.before?.total[0] ?? 0).toBeCloseTo(before.total(TYPE), 0);
        for (let i = 1; i < both.count; i++) {
          const larger = Math.max(both.now.total[i]!, both.before?.total[i] ?? 0);
          expect(both.width[i]).toBeGreaterThanOrEqual(larger * (1 - 1e-9));
        }
      }),
    );
  });

  test('is searched as frame by frame', () => {
    fc.assert(
      fc.property(arbitraryProfile, fc.constantFrom('a', 'main', 'b.c', 'x', 'none'), (profile, text) => {
        const tree = treeOf(profile);
        const { found, total } = search(tree, text);
        let expected = 0;
        for (let i = 1; i < tree.count; i++) {
          let outer = 0;
          for (let at = i; at !== 0; at = tree.parent[at]!) outer += found[tree.place[at]!]!;
          if (outer > 0) expected += tree.now.self[i]!;
        }
        expect(total).toBeCloseTo(expected, 0);
      }),
    );
  });
});

describe('the nodes', () => {
  test('hold what the folded stacks say', () => {
    fc.assert(
      fc.property(arbitraryProfile, (profile) => {
        const expected = new Map<string, number>();
        for (const line of profile.folded({ sampleType: TYPE }).split('\n')) {
          const at = line.lastIndexOf(' ');
          if (at > 0) plus(expected, collapsed(line.slice(0, at).split(';')), Number(line.slice(at + 1)));
        }
        const sums = selfByPath(FlameNode.root(groupingOf(treeOf(profile), false)));
        expect(sums).toEqual(expected);
      }),
    );
  });

  test('of a function have its sum, also in a recursion', () => {
    fc.assert(
      fc.property(arbitraryProfile, (profile) => {
        const tree = treeOf(profile);
        const grouping = groupingOf(tree, false);
        const { cum } = sumsByKey(tree, tree.now, grouping.keyOf, tree.functions);
        for (let key = 0; key < tree.functions; key++) {
          expect(FlameNode.of(grouping, key, true).now).toBeCloseTo(cum[key]!, 0);
          expect(FlameNode.of(grouping, key, false).now).toBeCloseTo(cum[key]!, 0);
        }
      }),
    );
  });
});
