// Where boxes are and how they are painted, against plain recursion over all nodes and over all pixels.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeAt, ROW } from '../../src/page-app/flame-canvas.ts';
import { colorsOf, cssOf, DARK, LIGHT, mixed } from '../../src/page-app/flame-colors.ts';
import { type Layout, layOut, type Range } from '../../src/page-app/flame-layout.ts';
import { type Lines, lineOf, paintLines } from '../../src/page-app/flame-lines.ts';
import { FlameNode, groupingOf } from '../../src/page-app/flame-node.ts';
import { frameTree } from '../../src/page-app/frame-tree.ts';
import { arbitraryProfile } from '../support/arbitrary-profile.ts';

const PIXELS = 200;
/** A graph that fails is shown as it is: to make it smaller takes minutes. */
const SHOWN = { endOnFailure: true };
const rootOf = (profile: { model: Parameters<typeof frameTree>[0] }): FlameNode =>
  FlameNode.root(groupingOf(frameTree(profile.model, 1), false));

const arbitraryGraph = fc
  .tuple(
    arbitraryProfile,
    fc.double({ min: 0, max: 0.9, noNaN: true }),
    fc.double({ min: 0.001, max: 1, noNaN: true }),
  )
  .map(([profile, from, part]) => {
    const root = rootOf(profile);
    const start = root.width * from;
    return { root, range: { from: start, to: start + (root.width - start) * part } };
  })
  .filter(({ root }) => root.width > 0);

/** The nodes that are wide enough and, at least partly, in the picture. */
function visible(root: FlameNode, { from, to }: Range, narrowest: number): FlameNode[] {
  const scale = PIXELS / (to - from);
  const all: FlameNode[] = [];
  const visit = (node: FlameNode): void => {
    all.push(node);
    for (const child of node.children) {
      const isSeen = child.start < to && child.start + child.width > from;
      if (isSeen && child.width >= narrowest / scale) visit(child);
    }
  };
  visit(root);
  return all;
}

describe('the layout', () => {
  test('has the nodes that can be seen, each where it is', () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.constantFrom(1, 2, 10), ({ root, range }, narrowest) => {
        const layout = layOut(root, range, PIXELS, narrowest);
        const nodes = layout.nodes.filter((node) => node !== null);
        const expected = visible(root, range, narrowest);
        const known = new Set(expected);
        expect(nodes.every((node) => known.has(node))).toBe(true);
        expect(nodes.length).toBe(expected.length);
        const scale = PIXELS / (range.to - range.from);
        layout.nodes.forEach((node, i) => {
          expect(layout.depth[i]).toBeLessThan(layout.rows);
          if (node === null) return;
          expect(layout.depth[i]).toBe(node.depth);
          expect(layout.left[i]).toBeCloseTo((node.start - range.from) * scale, 6);
          expect(layout.right[i]! - layout.left[i]!).toBeCloseTo(node.width * scale, 6);
        });
      }),
      SHOWN,
    );
  });
});

/** The box that covers a pixel. A box has one pixel at least, so two may meet in one: the later one is painted over. */
function boxAt(layout: Layout, row: number, x: number): number {
  for (let i = layout.count - 1; i >= 0; i--) {
    if (layout.depth[i] !== row) continue;
    const from = Math.round(layout.left[i]!);
    if (x >= from && x < Math.max(from + 1, Math.round(layout.right[i]!))) return i;
  }
  return -1;
}

describe('the lines of pixels', () => {
  test('have the colours of their boxes', () => {
    const palette = LIGHT;
    fc.assert(
      fc.property(arbitraryGraph, fc.boolean(), fc.boolean(), ({ root, range }, upwards, searches) => {
        const layout = layOut(root, range, PIXELS, 1);
        const { places } = root.grouping.tree;
        const colors = colorsOf(places, palette);
        const found = searches ? Uint8Array.from(places, ({ name }) => +name.includes('a')) : null;
        const rows = layout.rows;
        const lines: Lines = {
          pixels: new Uint32Array(PIXELS * rows),
          width: PIXELS,
          rows,
          top: 0,
          upwards,
          gap: 0,
        };
        paintLines(lines, layout, { palette, colors, compared: false, found });
        const bytes = new Uint8Array(lines.pixels.buffer);
        for (let row = 0; row < rows; row++) {
          for (let x = 0; x < PIXELS; x += 7) {
            const at = 4 * (lineOf(row, lines) * PIXELS + x);
            const color = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
            expect(bytes[at + 3]).toBe(255);
            const box = boxAt(layout, row, x);
            const node = box < 0 ? null : layout.nodes[box]!;
            const own =
              box < 0
                ? palette.background
                : node === null || node.place === null
                  ? palette.rest
                  : colors[node.placeIndex]!;
            if (found === null || node === null || node.depth === 0) expect(color).toBe(own);
            else if (found[node.placeIndex]) expect(color).toBe(palette.found);
            else expect(color).toBe(mixed(palette.background, own, 0.45));
          }
        }
      }),
      { numRuns: 30, ...SHOWN },
    );
  });

  test('that are not shown are not painted', () => {
    const layout: Layout = {
      count: 3,
      nodes: [null, null, null],
      depth: Int32Array.of(0, 1, 2),
      left: Float64Array.of(-50, 2, 30),
      right: Float64Array.of(500, 4, 3000),
      rows: 3,
    };
    const pixels = new Uint32Array(40);
    const paint = { palette: DARK, colors: new Uint32Array(), compared: false, found: null };
    paintLines({ pixels, width: 20, rows: 2, top: 1, upwards: false, gap: 1 }, layout, paint);
    expect(new Set(pixels.slice(20)).size).toBe(1);
    expect([...pixels.slice(0, 20)].filter((pixel) => pixel !== pixels[20])).toHaveLength(1);
  });
});

describe('the node at a point', () => {
  test('is the one whose box is there', () => {
    fc.assert(
      fc.property(arbitraryGraph, fc.boolean(), ({ root, range }, upwards) => {
        const layout = layOut(root, range, PIXELS, 1);
        const size = { width: PIXELS, height: layout.rows * ROW };
        for (let i = 0; i < layout.count; i++) {
          const node = layout.nodes[i]!;
          const middle = (Math.max(0, layout.left[i]!) + Math.min(PIXELS, layout.right[i]!)) / 2;
          if (node === null || node.width === 0) continue;
          const line = lineOf(node.depth, { rows: layout.rows, top: 0, upwards });
          // No expectation of the nodes themselves: to print two of them prints all the graph.
          expect(nodeAt({ root, range, top: 0, upwards }, size, middle, line * ROW + 3) === node).toBe(true);
        }
      }),
      SHOWN,
    );
  });
});

test('colours are those of CSS', () => {
  expect(cssOf(0x0a58ca)).toBe('#0a58ca');
  // hsl(18 78% 77%), hsl(190 35% 27%) as CSS Color 4 computes them.
  expect(cssOf(LIGHT.frame(0, false))).toBe('#f2b297');
  expect(cssOf(DARK.frame(0, true))).toBe('#2d555d');
  expect(cssOf(LIGHT.change(-1))).toBe('#78aae6');
  expect(cssOf(mixed(0x000000, 0xffffff, 0.5))).toBe('#808080');
});
