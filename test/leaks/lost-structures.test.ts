// Which lost blocks belong together, on random graphs. Valgrind judges such graphs in lost-graphs.witness.test.ts.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LostHeap } from '../../src/leaks/lost-heap.ts';
import { LostStructures } from '../../src/leaks/lost-structures.ts';

/** A heap of blocks: each with its place in the order of allocation, and the indices of the blocks it points to. */
interface Graph {
  readonly serials: readonly number[];
  readonly pointers: readonly (readonly number[])[];
}

const BASE = 0x1000;

/** The graph in linear memory. Block `i` has a word for each pointer, and one word that points nowhere. */
function laidOut({ serials, pointers }: Graph, into: (block: number) => number = () => 0) {
  const sizes = pointers.map((targets) => 4 * (targets.length + 1));
  const addresses: number[] = [];
  let end = BASE;
  for (const size of sizes) {
    addresses.push(end);
    end += Math.max(16, (size + 15) & ~15);
  }
  const words = new Uint32Array(end / 4);
  pointers.forEach((targets, block) => {
    targets.forEach((target, i) => {
      words[addresses[block]! / 4 + i] = addresses[target]! + into(target);
    });
    words[addresses[block]! / 4 + targets.length] = 0xfffffff0;
  });
  return { addresses, sizes, ages: serials.map((serial) => 1000 - serial), words };
}

const graphs: fc.Arbitrary<Graph> = fc.integer({ min: 0, max: 24 }).chain((count) =>
  fc.record({
    serials: fc.shuffledSubarray(
      Array.from({ length: count }, (_, i) => i),
      { minLength: count },
    ),
    pointers: fc.array(fc.array(fc.nat({ max: Math.max(0, count - 1) }), { maxLength: 3 }), {
      minLength: count,
      maxLength: count,
    }),
  }),
);

/** Graphs without cycles. The order of allocation says nothing about who points to whom. */
const acyclic = graphs.map(({ serials, pointers }) => ({
  serials,
  pointers: pointers.map((targets, block) => targets.filter((target) => target > block)),
}));

describe('structures', () => {
  const structuresOf = (graph: Graph, into?: (block: number) => number) => {
    const { addresses, sizes, ages, words } = laidOut(graph, into);
    return new LostStructures(addresses, sizes, ages, words);
  };

  test('without cycles the roots are the blocks that nothing points to, the oldest first', () => {
    fc.assert(
      fc.property(acyclic, (graph) => {
        const pointedTo = new Set(graph.pointers.flat());
        const roots = graph.serials.map((_, block) => block).filter((block) => !pointedTo.has(block));
        roots.sort((a, b) => graph.serials[a]! - graph.serials[b]!);
        expect(structuresOf(graph).roots).toEqual(roots);
      }),
      { numRuns: 500 },
    );
  });

  test('the root of a cycle is its oldest block, whatever hangs on it', () => {
    fc.assert(
      fc.property(acyclic, (graph) => {
        fc.pre(graph.serials.length > 0);
        // Each block points to the next one, too.
        const pointers = graph.pointers.map((targets, i) => [...targets, (i + 1) % graph.pointers.length]);
        expect(structuresOf({ ...graph, pointers }).roots).toEqual([graph.serials.indexOf(0)]);
      }),
    );
  });

  test('a tree is one structure when something younger points to its root', () => {
    // 0 and 1 know each other; 2 was allocated last and points to the older one.
    expect(structuresOf({ serials: [0, 1, 2], pointers: [[1], [0], [0]] }).roots).toEqual([2]);
  });

  test('each block belongs to one root, which leads to it through blocks of its own', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const structures = structuresOf(graph);
        const owner = new Map(structures.roots.map((root) => [root, root]));
        for (const root of structures.roots) {
          structures.walk(root, (block, holder) => {
            expect(owner.get(block)).toBeUndefined();
            expect(owner.get(holder)).toBe(root);
            expect(graph.pointers[holder]).toContain(block);
            expect(structures.rootOf(block)).toBe(root);
            owner.set(block, root);
          });
        }
        expect(owner.size).toBe(graph.serials.length);
      }),
      { numRuns: 500 },
    );
  });

  test('a pointer into a block leads to it, and one past its end does not', () => {
    const graph = { serials: [0, 1], pointers: [[1], []] };
    expect(structuresOf(graph, () => 3).roots).toEqual([0]);
    expect(structuresOf(graph, () => 4).roots).toEqual([0, 1]);
  });

  test('a pointer to an empty block leads to it', () => {
    const words = new Uint32Array(BASE / 4 + 8);
    words[BASE / 4] = BASE + 16;
    expect(new LostStructures([BASE, BASE + 16], [4, 0], [2, 1], words).roots).toEqual([0]);
  });

  test('an age of more than 2^31 allocations is an old one', () => {
    const words = new Uint32Array(BASE / 4 + 8);
    words[BASE / 4] = BASE + 16;
    words[BASE / 4 + 4] = BASE;
    expect(new LostStructures([BASE, BASE + 16], [4, 4], [3, 2 ** 32 - 1], words).roots).toEqual([1]);
  });
});

describe('groups', () => {
  /** The groups of a graph whose block `i` was allocated in the context `nodes[i]`. */
  function groupsOf(graph: Graph, nodes: readonly number[], definite: readonly number[] | null = null) {
    const { addresses, sizes, ages, words } = laidOut(graph);
    const heap = new LostHeap();
    addresses.forEach((address, i) => {
      heap.add(address, sizes[i]!, ages[i]!, nodes[i]!, definite?.includes(i) ?? true);
    });
    return heap.groups(words, definite === null);
  }
  const chain = (length: number): Graph => ({
    serials: Array.from({ length }, (_, i) => i),
    pointers: Array.from({ length }, (_, i) => (i + 1 < length ? [i + 1] : [])),
  });

  test('no block is lost or counted twice', () => {
    fc.assert(
      fc.property(graphs, fc.array(fc.nat({ max: 4 }), { minLength: 24, maxLength: 24 }), (graph, nodes) => {
        const { sizes } = laidOut(graph);
        const groups = groupsOf(graph, nodes);
        const sums = groups.flatMap((group) => [group, ...group.parts]);
        expect(sums.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(sizes.length);
        expect(sums.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(sizes.reduce((a, b) => a + b, 0));
        for (const { parts } of groups) {
          parts.forEach(({ under }, index) => {
            expect(under).toBeLessThan(index);
          });
        }
      }),
    );
  });

  test('a list is a root and one part, however long it is', () => {
    const [group, ...others] = groupsOf(chain(1000), new Array(1000).fill(7));
    expect(others).toEqual([]);
    expect(group).toMatchObject({ kind: 'definite', blocks: 1, node: 7 });
    expect(group!.parts).toMatchObject([{ blocks: 999, node: 7, under: -1 }]);
  });

  test('two lists with one place of allocation are one group', () => {
    const graph = { serials: [0, 1, 2, 3], pointers: [[1], [], [3], []] };
    const [group, ...others] = groupsOf(graph, [1, 2, 1, 2]);
    expect(others).toEqual([]);
    expect(group).toMatchObject({ blocks: 2, parts: [{ blocks: 2, node: 2 }] });
  });

  test('a tree of contexts stays a tree, and a context that comes again counts at its first place', () => {
    // A document (1) holds nodes (2), and a node holds a text (3) and the next node.
    const graph = { serials: [0, 1, 2, 3, 4], pointers: [[1], [2, 3], [4], [], []] };
    const [group] = groupsOf(graph, [1, 2, 2, 3, 3]);
    expect(group!.parts).toMatchObject([
      { node: 2, blocks: 2, under: -1 },
      { node: 3, blocks: 2, under: 0 },
    ]);
  });

  test('a chain of thousands of contexts is as deep as it may be, and whole', () => {
    const nodes = Array.from({ length: 5000 }, (_, i) => i);
    const [group] = groupsOf(chain(5000), nodes);
    const depths: number[] = [];
    for (const { under } of group!.parts) depths.push(under < 0 ? 1 : depths[under]! + 1);
    expect(Math.max(...depths)).toBe(64);
    expect(group!.parts).toHaveLength(4999);
  });

  test('a structure hangs on blocks that were not added when none of its blocks is definitely lost', () => {
    expect(groupsOf(chain(3), [1, 1, 1], [])).toMatchObject([{ kind: 'indirect', blocks: 1 }]);
    // The scan names another block of the cycle than the oldest.
    const cycle = { serials: [1, 0], pointers: [[1], [0]] };
    expect(groupsOf(cycle, [1, 2], [0])).toMatchObject([{ kind: 'definite', node: 2 }]);
  });
});
