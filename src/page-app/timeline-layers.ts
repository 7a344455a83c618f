// The areas of the timeline: how much of the heap each function holds at each point. Which functions hold it is known only
// at the moments, and how large it is at all points. Between two moments the shares of functions change evenly, so the
// areas together are never higher than the heap.

/** What a function holds of the heap at each moment, from 0 to 1. */
export interface Layer {
  readonly name: string;
  readonly shares: readonly number[];
}

/** A point of the timeline: a place on the clock, and the size of the heap there. */
export interface SizedPoint {
  readonly clock: number;
  readonly size: number;
}

/**
 * How high the layers are at each point, one on the other: for each layer its upper edge.
 * @param clocks places of the moments, in order
 */
export function upperEdges(
  layers: readonly Layer[],
  clocks: readonly number[],
  points: readonly SizedPoint[],
): number[][] {
  const edges: number[][] = [];
  let below = points.map(() => 0);
  for (const { shares } of layers) {
    let next = 0;
    const edge = points.map(({ clock, size }, i) => {
      while (next < clocks.length && clocks[next]! <= clock) next++;
      return below[i]! + size * shareAt(shares, clocks, next, clock);
    });
    edges.push(edge);
    below = edge;
  }
  return edges;
}

/** @param next the first moment behind the clock */
function shareAt(shares: readonly number[], clocks: readonly number[], next: number, clock: number): number {
  if (next === 0) return shares[0] ?? 0;
  if (next >= clocks.length) return shares.at(-1)!;
  const [from, to] = [clocks[next - 1]!, clocks[next]!];
  const passed = (clock - from) / (to - from);
  return shares[next - 1]! * (1 - passed) + shares[next]! * passed;
}
