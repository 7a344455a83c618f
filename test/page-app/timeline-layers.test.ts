// The areas of the timeline: shares are right at the moments, and never more than the heap in between.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { upperEdges } from '../../src/page-app/timeline-layers.ts';

test('shares of the moments change evenly, on the heap as large as it is at each point', () => {
  const layers = [
    { name: 'a', shares: [1, 0.5] },
    { name: 'b', shares: [0, 0.5] },
  ];
  const points = [
    { clock: 0, size: 100 },
    { clock: 50, size: 1000 },
    // Nearly everything was freed.
    { clock: 51, size: 10 },
    { clock: 100, size: 200 },
    { clock: 120, size: 50 },
  ];
  const [a, b] = upperEdges(layers, [0, 100], points);
  expect(a).toEqual([100, 750, expect.closeTo(7.45), 100, 25]);
  expect(b!.map(Math.round)).toEqual([100, 1000, 10, 200, 50]);
  // What comes before the first moment has its shares.
  expect(upperEdges(layers, [100, 100], points)[0]).toEqual([100, 1000, 10, 100, 25]);
  expect(upperEdges([], [], points)).toEqual([]);
});

test('layers lie on one another, and end at the size of the heap at most', () => {
  const share = fc.integer({ min: 0, max: 1000 });
  const column = fc.record({ clock: fc.nat(100), parts: fc.tuple(share, share, share) });
  const sized = fc.record({ clock: fc.nat(120), size: fc.nat(1e9) });
  fc.assert(
    fc.property(fc.array(column, { minLength: 1 }), fc.array(sized), (moments, points) => {
      moments.sort((one, other) => one.clock - other.clock);
      points.sort((one, other) => one.clock - other.clock);
      const layers = [0, 1, 2].map((i) => ({
        name: String(i),
        shares: moments.map(({ parts }) => parts[i]! / Math.max(1, parts[0] + parts[1] + parts[2])),
      }));
      const clocks = moments.map(({ clock }) => clock);
      const edges = upperEdges(layers, clocks, points);
      points.forEach(({ size }, at) => {
        const heights = edges.map((edge) => edge[at]!);
        expect(heights).toEqual([...heights].sort((one, other) => one - other));
        expect(heights[2]).toBeLessThanOrEqual(size * (1 + 1e-9));
      });
    }),
  );
});
