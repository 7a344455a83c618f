// A stack tree as columns of numbers, the form in which profiles keep it: the tree of a million contexts takes 8
// bytes a node, and most operations are one pass over the columns. Writers that spell out whole stacks
// bound their depth, because a recursion of depth d that allocates at each level has d * d / 2 frames in all its
// stacks together (16,000 levels would make 300 MB).

/**
 * Stack n is location[n] called from stack parent[n]; stack 0 is empty. A parent has a lower index than its
 * children.
 */
export interface StackColumns {
  /** Number of stacks, the empty one included. */
  readonly count: number;
  /** The stack that called each stack. */
  readonly parent: Int32Array;
  /** Index of a place in the code, which may have several frames when calls were inlined there. */
  readonly location: Int32Array;
}

/** Longest stack that is written out in full. */
export const MAX_DEPTH = 512;
/** A longer stack keeps this many innermost frames, then has `[truncated]`, then the outermost frames. */
const INNERMOST = 384;
const OUTERMOST = MAX_DEPTH - INNERMOST - 1;

/** How many calls are left out of a stack of this depth. */
export function omittedCalls(depth: number): number {
  return depth > MAX_DEPTH ? depth - INNERMOST - OUTERMOST : 0;
}

/** Stands for the cut in the result of `boundedStack`. */
export const CUT = -1;

/** What bounding a stack needs to know of the tree. */
export interface StackShape {
  /** Number of locations in each stack. */
  readonly depth: Int32Array;
  /** For stacks longer than the outermost part that is kept: the stack that is this part. */
  readonly outer: Int32Array;
}

/** Measures all stacks of a tree. */
export function shapeOf(stacks: StackColumns): StackShape {
  const depth = new Int32Array(stacks.count);
  const outer = new Int32Array(stacks.count);
  for (let i = 1; i < stacks.count; i++) {
    const parent = stacks.parent[i]!;
    depth[i] = depth[parent]! + 1;
    outer[i] = depth[i]! <= OUTERMOST ? i : outer[parent]!;
  }
  return { depth, outer };
}

/** Locations of a stack, innermost first, with `CUT` where the middle of a long one is left out. */
export function boundedStack(stacks: StackColumns, { depth, outer }: StackShape, stack: number): number[] {
  const locations: number[] = [];
  const long = depth[stack]! > MAX_DEPTH;
  for (let at = stack; at !== 0; at = stacks.parent[at]!) {
    if (long && locations.length === INNERMOST) {
      locations.push(CUT);
      at = outer[stack]!;
    }
    locations.push(stacks.location[at]!);
  }
  return locations;
}
