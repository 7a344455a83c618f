// The nodes of a flame graph: frames of the same function below the same node are one node. The children of a node are
// grouped when somebody looks at them, so a profile of a million samples opens as fast as one of a thousand.

import type { FramePlace, FrameTree } from './frame-tree.ts';

/** How nodes are grouped. */
export interface Grouping {
  readonly tree: FrameTree;
  /** The number of each place's group: that of its function or of its line. */
  readonly keyOf: Int32Array;
}

/** Groups by function, or by line. */
export function groupingOf(tree: FrameTree, lines: boolean): Grouping {
  const keyOf = Int32Array.from(tree.places, (place, i) => (lines ? i : place.function));
  return { tree, keyOf };
}

export class FlameNode {
  #children: readonly FlameNode[] | null = null;
  readonly width: number;
  readonly now: number;
  readonly before: number;
  /** Index of the place that the node shows; -1 for the root. Of several, the first. */
  readonly placeIndex: number;

  private constructor(
    readonly grouping: Grouping,
    readonly parent: FlameNode | null,
    readonly depth: number,
    /** Frames whose callees (or callers) are this node's children. */
    private readonly frames: readonly number[],
    /** For callers: the frames whose sums count. Otherwise the same as `frames`. */
    private readonly origins: readonly number[],
    private readonly up: boolean,
    /** Where the node begins, in the unit of `width`. */
    public start: number,
  ) {
    const { width, now, before, place } = grouping.tree;
    const first = frames[0] ?? 0;
    this.placeIndex = first === 0 ? -1 : place[first]!;
    let [sum, present, past] = [0, 0, 0];
    for (const at of origins) {
      sum += width[at]!;
      present += now.total[at]!;
      past += before === null ? 0 : before.total[at]!;
    }
    this.width = sum;
    this.now = present;
    this.before = past;
  }

  /** The whole tree. */
  static root(grouping: Grouping): FlameNode {
    return new FlameNode(grouping, null, 0, [0], [0], false, 0);
  }

  /** All that a function calls, or (`up`) all that calls it. The outermost frames of a recursion count. */
  static of(grouping: Grouping, key: number, up: boolean): FlameNode {
    const { count, place, end } = grouping.tree;
    const frames: number[] = [];
    for (let at = 1; at < count; ) {
      if (grouping.keyOf[place[at]!] === key) {
        frames.push(at);
        at = end[at]!;
      } else at++;
    }
    return new FlameNode(grouping, null, 0, frames, frames, up, 0);
  }

  /** The place that the node shows; null for the root. */
  get place(): FramePlace | null {
    return this.grouping.tree.places[this.placeIndex] ?? null;
  }

  get key(): number {
    return this.grouping.keyOf[this.placeIndex] ?? -1;
  }

  /** What the node holds itself, recursive calls included. */
  get self(): number {
    return this.children.reduce((rest, child) => rest - child.now, this.now);
  }

  /** Children, the widest first. A direct recursion is one node. */
  get children(): readonly FlameNode[] {
    this.#children ??= this.up ? this.#callers() : this.#callees();
    return this.#children;
  }

  #callees(): FlameNode[] {
    const { tree, keyOf } = this.grouping;
    const own = this.key;
    const groups = new Map<number, number[]>();
    const pending = [...this.frames];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (let child = at + 1; child < tree.end[at]!; child = tree.end[child]!) {
        if (tree.width[child] === 0) continue;
        const key = keyOf[tree.place[child]!]!;
        if (key === own) pending.push(child);
        else push(groups, key, child);
      }
    }
    return this.#placed([...groups.values()].map((frames) => this.#child(frames, frames)));
  }

  #callers(): FlameNode[] {
    const { tree, keyOf } = this.grouping;
    const own = this.key;
    const groups = new Map<number, { frames: number[]; origins: number[] }>();
    this.frames.forEach((frame, i) => {
      let at = tree.parent[frame]!;
      while (at !== 0 && keyOf[tree.place[at]!] === own) at = tree.parent[at]!;
      if (at === 0 || tree.width[this.origins[i]!] === 0) return;
      const key = keyOf[tree.place[at]!]!;
      const group = groups.get(key) ?? { frames: [], origins: [] };
      group.frames.push(at);
      group.origins.push(this.origins[i]!);
      groups.set(key, group);
    });
    return this.#placed([...groups.values()].map(({ frames, origins }) => this.#child(frames, origins)));
  }

  #child(frames: readonly number[], origins: readonly number[]): FlameNode {
    return new FlameNode(this.grouping, this, this.depth + 1, frames, origins, this.up, 0);
  }

  #placed(children: FlameNode[]): FlameNode[] {
    children.sort((a, b) => b.width - a.width || a.key - b.key);
    let start = this.start;
    for (const child of children) {
      child.start = start;
      start += child.width;
    }
    return children;
  }
}

function push(groups: Map<number, number[]>, key: number, frame: number): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [frame]);
  else group.push(frame);
}

/** The functions on the way from the root to a node, outermost first. */
export function pathOf(node: FlameNode): FlameNode[] {
  const path: FlameNode[] = [];
  for (let at: FlameNode | null = node; at !== null; at = at.parent) path.push(at);
  return path.reverse();
}
