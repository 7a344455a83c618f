// Where the frames of a flame graph are: those that are wide enough to be seen, in columns of numbers. It is made once
// for each picture, in which it has as many frames as fit into the pixels, whatever the size of the profile.

import { withRoom } from '../algorithms/growable-array.ts';
import type { FlameNode } from './flame-node.ts';

/** The part of a graph that is shown, in the unit of the nodes' widths. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Boxes by columns, those of a parent before those of its children. */
export interface Layout {
  readonly count: number;
  /** The node of each box; null for one that stands for all narrower children of a parent. */
  readonly nodes: readonly (FlameNode | null)[];
  readonly depth: Int32Array;
  /** Pixels from the left edge, which may lie outside of the picture. */
  readonly left: Float64Array;
  readonly right: Float64Array;
  /** Number of rows. */
  readonly rows: number;
}

/**
 * Lays out the part of the graph on so many pixels.
 * @param narrowest pixels of the narrowest node that has a box of its own
 */
export function layOut(root: FlameNode, { from, to }: Range, pixels: number, narrowest: number): Layout {
  const boxes = new Boxes();
  const scale = pixels / (to - from || 1);
  // Nodes that are narrower than this have no box of their own.
  const least = narrowest / scale;
  boxes.add(root, 0, (root.start - from) * scale, (root.start + root.width - from) * scale);
  for (let i = 0; i < boxes.count; i++) {
    const parent = boxes.nodes[i]!;
    if (parent === null) continue;
    const { children } = parent;
    const depth = parent.depth + 1;
    for (let k = parent.start < from ? firstAfter(children, from) : 0; k < children.length; k++) {
      const child = children[k]!;
      if (child.start >= to || child.width === 0) break;
      const left = (child.start - from) * scale;
      if (child.width < least) {
        const last = children[children.length - 1]!;
        boxes.add(null, depth, left, (last.start + last.width - from) * scale);
        break;
      }
      boxes.add(child, depth, left, (child.start + child.width - from) * scale);
    }
  }
  return boxes;
}

/** Index of the first node that ends after a place. Nodes are next to each other. */
function firstAfter(nodes: readonly FlameNode[], place: number): number {
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { start, width } = nodes[middle]!;
    if (start + width > place) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Room for boxes at first. */
const USUAL = 8192;

class Boxes implements Layout {
  count = 0;
  rows = 0;
  readonly nodes: (FlameNode | null)[] = [];
  depth = new Int32Array(USUAL);
  left = new Float64Array(USUAL);
  right = new Float64Array(USUAL);

  add(node: FlameNode | null, depth: number, left: number, right: number): void {
    const at = this.count++;
    if (at >= this.depth.length) {
      this.depth = withRoom(this.depth, at + 1);
      this.left = withRoom(this.left, at + 1);
      this.right = withRoom(this.right, at + 1);
    }
    this.nodes.push(node);
    this.depth[at] = depth;
    this.left[at] = left;
    this.right[at] = right;
    if (depth >= this.rows) this.rows = depth + 1;
  }
}
