// The stacks of a profile as a tree of frames with sums, in columns of numbers. It is made in a few passes over the
// columns, however many samples there are; what is drawn is grouped by function later, and only where it is visible
// (flame-node.ts).

import type { StackView } from '../frames/index.ts';
import { type ProfileModel, viewOf } from '../profile/index.ts';
import { SIDE } from './loaded-page.ts';

/** A place in the source that a frame shows. */
export interface FramePlace {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** Whether the frame was inlined into its caller. */
  readonly inlined: boolean;
  /** Number of the function: equal names in equal files have the same. */
  readonly function: number;
}

/** Sums of frames: what they hold themselves, and together with all that they called. */
export interface Sums {
  readonly self: Float64Array;
  readonly total: Float64Array;
}

/**
 * Frame 0 is the root. Each frame is followed by everything below it: its first child is the next frame, and the next
 * sibling of a frame is where the frames below it end.
 */
export interface FrameTree {
  readonly count: number;
  readonly parent: Int32Array;
  /** Where the frames below each frame end: the index after the last of them. */
  readonly end: Int32Array;
  /** Index into `places`. */
  readonly place: Int32Array;
  readonly places: readonly FramePlace[];
  /** Number of functions. */
  readonly functions: number;
  /** What is shown; in a comparison, the new profile. */
  readonly now: Sums;
  /** In a comparison, the earlier profile; of a difference, what has shrunk. Null otherwise. */
  readonly before: Sums | null;
  /** How wide each frame is: no sum of children is wider than their parent. */
  readonly width: Float64Array;
}

/** Makes the tree of one sample type. */
export function frameTree(model: ProfileModel, column: number): FrameTree {
  const view = viewOf(model);
  const table = placeTable(model, view);
  const { count, parent, end, place, ofStack } = framesOf(model, view, table);
  const { now, before, hasNegative } = ownValues(model, column, count, ofStack);
  const sums = sumsOf(parent, now);
  return {
    count,
    parent,
    end,
    place,
    places: table.places,
    functions: table.functions,
    now: sums,
    before: before && sumsOf(parent, before),
    width: before === null && !hasNegative ? sums.total : widths(parent, now, before),
  };
}

function widths(parent: Int32Array, now: Float64Array, before: Float64Array | null): Float64Array {
  const width = now.map((value, i) => Math.max(Math.abs(value), before === null ? 0 : before[i]!));
  sumUp(parent, width);
  return width;
}

/** The places of a profile, and those of each location, outermost first. */
interface PlaceTable {
  readonly places: readonly FramePlace[];
  readonly functions: number;
  /** The visible places of location i are those in `ofLocations` from `start[i]` to `start[i + 1]`. */
  readonly start: Int32Array;
  readonly ofLocations: readonly number[];
}

function placeTable(model: ProfileModel, view: StackView): PlaceTable {
  const places: FramePlace[] = [];
  const known = new Map<string, number>();
  const numbers = new Map<string, number>();
  const placeOf = (name: string, file: string, line: number, inlined: boolean): number => {
    const key = `${name}\0${file}\0${line}\0${inlined}`;
    let index = known.get(key);
    if (index === undefined) {
      const owner = `${name}\0${file}`;
      const number = numbers.get(owner) ?? numbers.size;
      numbers.set(owner, number);
      index = places.push({ name, file, line, inlined, function: number }) - 1;
      known.set(key, index);
    }
    return index;
  };
  const start = new Int32Array(model.locations.length + 1);
  const ofLocations: number[] = [];
  model.locations.forEach(({ lines, mapping }, i) => {
    for (let k = lines.length - 1; k >= view.firstLine[i]!; k--) {
      const { function: index, line } = lines[k]!;
      const { name, file } = model.functions[index] ?? { name: '<unknown>', file: '' };
      ofLocations.push(placeOf(name || '<unknown>', file, line, k < lines.length - 1));
    }
    if (lines.length <= view.firstLine[i]!) {
      const object = model.mappings[mapping]?.file ?? '';
      const name = object === '' ? '<unknown>' : `[${object.slice(object.lastIndexOf('/') + 1)}]`;
      ofLocations.push(placeOf(name, '', 0, false));
    }
    start[i + 1] = ofLocations.length;
  });
  return { places, functions: numbers.size, start, ofLocations };
}

/** The frames of all stacks. Stacks that nobody is to see are where their callers are. */
function framesOf({ stacks }: ProfileModel, { visible }: StackView, { start, ofLocations }: PlaceTable) {
  // First how many frames a stack has with all below it, and then where they go.
  const size = new Int32Array(stacks.count);
  for (let i = stacks.count - 1; i > 0; i--) {
    const location = stacks.location[i]!;
    if (visible[i] === i) size[i]! += start[location + 1]! - start[location]!;
    size[stacks.parent[i]!]! += size[i]!;
  }
  const count = size[0]! + 1;
  const parent = new Int32Array(count);
  const place = new Int32Array(count);
  const end = new Int32Array(count);
  end[0] = count;
  const ofStack = new Int32Array(stacks.count);
  const free = new Int32Array(stacks.count);
  free[0] = 1;
  for (let i = 1; i < stacks.count; i++) {
    const caller = stacks.parent[i]!;
    const first = free[caller]!;
    const last = first + size[i]!;
    free[caller] = last;
    let at = ofStack[caller]!;
    let next = first;
    if (visible[i] === i) {
      const location = stacks.location[i]!;
      for (let k = start[location]!; k < start[location + 1]!; k++) {
        parent[next] = at;
        place[next] = ofLocations[k]!;
        end[next] = last;
        at = next++;
      }
    } else at = ofStack[visible[i]!]!;
    free[i] = next;
    ofStack[i] = at;
  }
  return { count, parent, end, place, ofStack };
}

/** Values of the frames themselves. */
function ownValues(model: ProfileModel, column: number, count: number, ofStack: Int32Array) {
  const { samples } = model;
  const width = model.sampleTypes.length;
  const sides = samples.labelSets.map((set) => {
    const side = set.find(({ key }) => key === SIDE);
    return side !== undefined && 'text' in side ? side.text : null;
  });
  const now = new Float64Array(count);
  const past = new Float64Array(count);
  let compared = false;
  let hasNegative = false;
  for (let s = 0; s < samples.count; s++) {
    const value = samples.values[s * width + column]!;
    const at = ofStack[samples.stack[s]!]!;
    const side = sides[samples.labelSet[s]!];
    if (side === 'base' || (side === null && value < 0)) {
      compared = true;
      past[at]! += Math.abs(value);
    } else {
      compared ||= side === 'new';
      hasNegative ||= value < 0;
      now[at]! += value;
    }
  }
  return { now, before: compared ? past : null, hasNegative };
}

function sumUp(parent: Int32Array, values: Float64Array): void {
  for (let i = values.length - 1; i > 0; i--) values[parent[i]!]! += values[i]!;
}

function sumsOf(parent: Int32Array, self: Float64Array): Sums {
  const total = self.slice();
  sumUp(parent, total);
  return { self, total };
}

/** What a function, or a line of a file, holds: a recursion counts once. */
export interface KeySums {
  readonly flat: Float64Array;
  readonly cum: Float64Array;
}

/** Sums by keys of places: `keyOf` says which key each place has, and -1 stands for none. */
export function sumsByKey(tree: FrameTree, sums: Sums, keyOf: Int32Array, keys: number): KeySums {
  const flat = new Float64Array(keys);
  const cum = new Float64Array(keys);
  const active = new Int32Array(keys);
  eachFrame(
    tree,
    (at) => {
      const key = keyOf[tree.place[at]!]!;
      if (key < 0) return;
      flat[key]! += sums.self[at]!;
      if (active[key]!++ === 0) cum[key]! += sums.total[at]!;
    },
    (at) => {
      const key = keyOf[tree.place[at]!]!;
      if (key >= 0) active[key]!--;
    },
  );
  return { flat, cum };
}

/** Visits all frames depth first. */
function eachFrame(
  { count, parent }: FrameTree,
  enter: (at: number) => void,
  leave: (at: number) => void,
): void {
  let open = 0;
  for (let at = 1; at < count; at++) {
    for (; open !== parent[at]!; open = parent[open]!) leave(open);
    enter(at);
    open = at;
  }
  for (; open !== 0; open = parent[open]!) leave(open);
}

/** Which places a search finds, and what the frames in them hold together. */
export function search(
  tree: FrameTree,
  text: string,
): { readonly found: Uint8Array; readonly total: number } {
  const wanted = text.toLowerCase();
  const found = Uint8Array.from(
    tree.places,
    ({ name, file }) => +(name.toLowerCase().includes(wanted) || file.toLowerCase().includes(wanted)),
  );
  const { count, place, end } = tree;
  const { total: sums } = tree.now;
  let total = 0;
  for (let at = 1; at < count; ) {
    if (found[place[at]!] === 1) {
      total += sums[at]!;
      at = end[at]!;
    } else at++;
  }
  return { found, total };
}
