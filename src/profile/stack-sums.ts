// Sums the values of samples over stacks and over the nodes (functions, lines or files) in them. Values go up the
// stack tree once, so the cost does not depend on the depth of the stacks.

import type { StackColumns, StackView } from '../frames/index.ts';
import type { ProfileModel } from './model.ts';

/** A function, line or file, and its sums. */
export interface Node {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  /** How the node is printed. */
  readonly name: string;
  /** What it holds itself, by column. */
  readonly flat: Float64Array;
  /** What it holds together with everything that it called, by column. */
  readonly cum: Float64Array;
  /** For each calling node, whether all calls from it were inlined. */
  readonly callers: Map<number, boolean>;
}

/** Marks of stacks that have values of the shown type, or only objects (blocks of size 0). */
const SHOWN = 1;
const COUNTED = 2;

/** Sums of each visible stack, `width` values a stack. */
interface StackSums {
  readonly width: number;
  /** What the samples of the stack hold. */
  readonly own: Float64Array;
  /** What they hold together with those of all stacks below it. */
  readonly below: Float64Array;
  /** Marks of stacks that have values themselves or below them. */
  readonly used: Uint8Array;
}

/** Sums these columns of the samples over the visible stacks. */
export function sumStacks(model: ProfileModel, view: StackView, columns: readonly number[]): StackSums {
  const { stacks, samples, sampleTypes } = model;
  const width = columns.length;
  const own = new Float64Array(stacks.count * width);
  const used = new Uint8Array(stacks.count);
  for (let s = 0; s < samples.count; s++) {
    const row = s * sampleTypes.length;
    const stack = view.visible[samples.stack[s]!]!;
    for (let c = 0; c < width; c++) {
      const value = samples.values[row + columns[c]!]!;
      own[stack * width + c]! += value;
      if (value !== 0) used[stack]! |= c === 0 ? SHOWN : COUNTED;
    }
  }
  const below = own.slice();
  for (let i = stacks.count - 1; i > 0; i--) {
    if (used[i] === 0) continue;
    const parent = stacks.parent[i]!;
    used[parent]! |= used[i]!;
    for (let c = 0; c < width; c++) below[parent * width + c]! += below[i * width + c]!;
  }
  return { width, own, below, used };
}

/**
 * Adds the sums of stacks to the nodes in them. Stacks are visited depth first from the root, so that a recursive
 * function's cum counts only at its outermost frame.
 */
export function sumNodes(
  stacks: StackColumns,
  nodesOfLocation: readonly (readonly number[])[],
  nodes: readonly Node[],
  sums: StackSums,
): void {
  const visitor = new NodeVisitor(stacks, nodesOfLocation, nodes, sums);
  const firstChild = new Int32Array(stacks.count);
  const nextSibling = new Int32Array(stacks.count);
  for (let i = stacks.count - 1; i > 0; i--) {
    if (sums.used[i] === 0) continue;
    const parent = stacks.parent[i]!;
    nextSibling[i] = firstChild[parent]!;
    firstChild[parent] = i;
  }
  let at = 0;
  for (;;) {
    if (firstChild[at] !== 0) {
      at = firstChild[at]!;
      visitor.enter(at);
      continue;
    }
    while (at !== 0 && nextSibling[at] === 0) {
      visitor.leave(at);
      at = stacks.parent[at]!;
    }
    if (at === 0) return;
    visitor.leave(at);
    at = nextSibling[at]!;
    visitor.enter(at);
  }
}

/** Knows the nodes on the way from the root to the present stack. */
class NodeVisitor {
  readonly #active: Int32Array;
  #caller = -1;
  readonly #callers: number[] = [];
  /**
   * Calls on the way from the root. As in pprof, only the outermost of equal calls in a recursion says whether it was
   * inlined, and samples without a value of the shown type say nothing.
   */
  readonly #calls = new Set<number>();
  readonly #callsOnTheWay: number[] = [];
  readonly #callsBefore: number[] = [];

  constructor(
    private readonly stacks: StackColumns,
    private readonly nodesOfLocation: readonly (readonly number[])[],
    private readonly nodes: readonly Node[],
    private readonly sums: StackSums,
  ) {
    this.#active = new Int32Array(nodes.length);
  }

  enter(stack: number): void {
    const { nodes } = this;
    const { width, own, below, used } = this.sums;
    this.#callers.push(this.#caller);
    this.#callsBefore.push(this.#callsOnTheWay.length);
    const frames = this.nodesOfLocation[this.stacks.location[stack]!]!;
    for (let k = frames.length - 1; k >= 0; k--) {
      const id = frames[k]!;
      const node = nodes[id]!;
      if (this.#active[id]!++ === 0)
        for (let c = 0; c < width; c++) node.cum[c]! += below[stack * width + c]!;
      if ((used[stack]! & SHOWN) !== 0) this.#call(id, node, k !== frames.length - 1);
      this.#caller = id;
    }
    if (this.#caller < 0) return;
    const { flat } = nodes[this.#caller]!;
    for (let c = 0; c < width; c++) flat[c]! += own[stack * width + c]!;
  }

  leave(stack: number): void {
    for (const id of this.nodesOfLocation[this.stacks.location[stack]!]!) this.#active[id]!--;
    this.#caller = this.#callers.pop()!;
    const before = this.#callsBefore.pop()!;
    while (this.#callsOnTheWay.length > before) this.#calls.delete(this.#callsOnTheWay.pop()!);
  }

  #call(id: number, node: Node, inlined: boolean): void {
    const caller = this.#caller;
    if (caller < 0 || caller === id) return;
    const call = caller * this.nodes.length + id;
    if (this.#calls.has(call)) return;
    this.#calls.add(call);
    this.#callsOnTheWay.push(call);
    node.callers.set(caller, (node.callers.get(caller) ?? true) && inlined);
  }
}
