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

/** Frame 0 is the root. A parent has a lower index than its children. */
export interface FrameTree {
  readonly count: number;
  readonly parent: Int32Array;
  /** Index into `places`. */
  readonly place: Int32Array;
  readonly firstChild: Int32Array;
  readonly nextSibling: Int32Array;
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
  const { places, ofLocation, functions } = placeTable(model, view);
  const { count, parent, place, ofStack } = framesOf(model, view, ofLocation);
  const { now, before } = ownValues(model, column, count, ofStack);
  const width = new Float64Array(count);
  for (let i = 0; i < count; i++) width[i] = Math.max(Math.abs(now[i]!), before === null ? 0 : before[i]!);
  sumUp(parent, width);
  const firstChild = new Int32Array(count);
  const nextSibling = new Int32Array(count);
  for (let i = count - 1; i > 0; i--) {
    nextSibling[i] = firstChild[parent[i]!]!;
    firstChild[parent[i]!] = i;
  }
  return {
    count,
    parent,
    place,
    firstChild,
    nextSibling,
    places,
    functions,
    now: sumsOf(parent, now),
    before: before && sumsOf(parent, before),
    width,
  };
}

/** For each location its visible places, outermost first. */
function placeTable(model: ProfileModel, view: StackView) {
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
  const ofLocation = model.locations.map(({ lines, mapping }, i) => {
    const shown = lines.slice(view.firstLine[i]!);
    if (shown.length === 0) {
      const object = model.mappings[mapping]?.file ?? '';
      return [
        placeOf(object === '' ? '<unknown>' : `[${object.slice(object.lastIndexOf('/') + 1)}]`, '', 0, false),
      ];
    }
    const last = shown.length - 1;
    return shown
      .map(({ function: index, line }, k) => {
        const { name, file } = model.functions[index] ?? { name: '<unknown>', file: '' };
        return placeOf(name || '<unknown>', file, line, k < last);
      })
      .reverse();
  });
  return { places, ofLocation, functions: numbers.size };
}

function framesOf(model: ProfileModel, view: StackView, ofLocation: readonly (readonly number[])[]) {
  const { stacks } = model;
  let most = 1;
  for (let i = 1; i < stacks.count; i++) most += ofLocation[stacks.location[i]!]!.length;
  const parent = new Int32Array(most);
  const place = new Int32Array(most);
  const ofStack = new Int32Array(stacks.count);
  let count = 1;
  for (let i = 1; i < stacks.count; i++) {
    if (view.visible[i] !== i) {
      ofStack[i] = ofStack[view.visible[i]!]!;
      continue;
    }
    let at = ofStack[stacks.parent[i]!]!;
    for (const each of ofLocation[stacks.location[i]!]!) {
      parent[count] = at;
      place[count] = each;
      at = count++;
    }
    ofStack[i] = at;
  }
  return { count, parent: parent.subarray(0, count), place: place.subarray(0, count), ofStack };
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
  for (let s = 0; s < samples.count; s++) {
    const value = samples.values[s * width + column]!;
    const at = ofStack[samples.stack[s]!]!;
    const side = sides[samples.labelSet[s]!];
    if (side === 'base' || (side === null && value < 0)) {
      compared = true;
      past[at]! += Math.abs(value);
    } else {
      compared ||= side === 'new';
      now[at]! += value;
    }
  }
  return { now, before: compared ? past : null };
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
function eachFrame(tree: FrameTree, enter: (at: number) => void, leave: (at: number) => void): void {
  const { firstChild, nextSibling, parent } = tree;
  let at = 0;
  for (;;) {
    if (firstChild[at] !== 0) {
      at = firstChild[at]!;
      enter(at);
      continue;
    }
    while (at !== 0 && nextSibling[at] === 0) {
      leave(at);
      at = parent[at]!;
    }
    if (at === 0) return;
    leave(at);
    at = nextSibling[at]!;
    enter(at);
  }
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
  const inside = new Uint8Array(tree.count);
  let total = 0;
  for (let i = 1; i < tree.count; i++) {
    const above = inside[tree.parent[i]!]!;
    const hit = found[tree.place[i]!]!;
    inside[i] = above | hit;
    if (above === 0 && hit === 1) total += tree.now.total[i]!;
  }
  return { found, total };
}
