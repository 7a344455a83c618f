// Walks over the stack tree: depths, bounded lists of locations, and the view without dropped frames.
// Writers that spell out whole stacks bound their depth, because a recursion of depth d that allocates at each level
// has d * d / 2 frames in all its stacks together (16,000 levels would make 300 MB).

import { namesMatching } from './frame-expression.ts';
import type { ProfileModel, StackTree } from './model.ts';

/** Longest stack that is written out in full. */
export const MAX_DEPTH = 512;
/** Of a longer stack this many innermost frames stay, then `[truncated]`, then the outermost ones. */
export const INNERMOST = 384;
const OUTERMOST = MAX_DEPTH - INNERMOST - 1;

/** How many calls are left out of a stack of this depth. */
export function omittedCalls(depth: number): number {
  return depth > MAX_DEPTH ? depth - INNERMOST - OUTERMOST : 0;
}

/** Stands for the cut in what `boundedStack` gives. */
export const CUT = -1;

/** What bounding a stack needs to know of the tree. */
export interface StackShape {
  /** Number of locations in each stack. */
  readonly depth: Int32Array;
  /** For stacks longer than the outermost part that is kept: the stack that is that part. */
  readonly outer: Int32Array;
}

export function shapeOf(stacks: StackTree): StackShape {
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
export function boundedStack(stacks: StackTree, { depth, outer }: StackShape, stack: number): number[] {
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

/** A profile as people are to see it: without the frames that its drop_frames expression names. */
export interface StackView {
  /** What each stack becomes: itself or an outer one. */
  readonly visible: Int32Array;
  /** Index of the first line of each location that is shown; inner ones are dropped. */
  readonly firstLine: Int32Array;
}

/**
 * Applies drop_frames and keep_frames in the way of pprof's `Prune`: the outermost dropped frame goes and all it
 * called, except that nothing goes before the first frame that is not dropped.
 */
export function viewOf(model: ProfileModel): StackView {
  const { stacks, locations } = model;
  const visible = new Int32Array(stacks.count);
  const firstLine = new Int32Array(locations.length);
  const dropped = droppedFunctions(model);
  if (dropped === null) {
    for (let i = 0; i < visible.length; i++) visible[i] = i;
    return { visible, firstLine };
  }
  const NONE = 0;
  const WHOLE = 1;
  const BENEATH = 2;
  const action = new Uint8Array(locations.length);
  for (let i = 0; i < locations.length; i++) {
    const { lines } = locations[i]!;
    for (let line = lines.length - 1; line >= 0; line--) {
      if (dropped[lines[line]!.function] !== true) continue;
      if (line === lines.length - 1) action[i] = WHOLE;
      else {
        action[i] = BENEATH;
        firstLine[i] = line + 1;
      }
      break;
    }
  }
  // 1: a frame that stays was seen on the way from the root; 2: this stack was cut further out.
  const state = new Uint8Array(stacks.count);
  for (let i = 1; i < stacks.count; i++) {
    const parent = stacks.parent[i]!;
    const what = action[stacks.location[i]!]!;
    if (state[parent] === 2) {
      visible[i] = visible[parent]!;
      state[i] = 2;
    } else if (what === NONE || state[parent] === 0) {
      visible[i] = i;
      state[i] = what === NONE ? 1 : 0;
    } else {
      visible[i] = what === WHOLE ? parent : i;
      state[i] = 2;
    }
  }
  return { visible, firstLine };
}

/** Which functions drop_frames names and keep_frames does not; null when there is nothing to go by, as in pprof. */
function droppedFunctions({ functions, dropFrames, keepFrames }: ProfileModel): boolean[] | null {
  if (dropFrames === '') return null;
  const names = functions.map(({ name }) => withoutParameters(name));
  const drop = namesMatching(dropFrames, names);
  const keep = keepFrames === '' ? names.map(() => false) : namesMatching(keepFrames, names);
  if (drop === null || keep === null) return null;
  return functions.map(({ name }, i) => name !== '' && drop[i]! && !keep[i]!);
}

/** A C++ name up to its parameter list. */
function withoutParameters(name: string): string {
  const plain = name.startsWith('.') ? name.slice(1) : name;
  let from = 0;
  for (;;) {
    const open = plain.indexOf('(', from);
    if (open < 0) return plain;
    if (plain.startsWith('(anonymous namespace)', open)) from = open + '(anonymous namespace)'.length;
    else if (plain.endsWith('operator', open) && plain.startsWith('()', open)) from = open + 2;
    else return plain.slice(0, open);
  }
}
