// The edits that passes make to function bodies: bytes that go in before an instruction, and instructions
// that are replaced. Edits name places of the original module, so passes do not see each other's edits. All
// inserted bytes lie in one buffer, in the order in which the passes wrote them; an edit is four numbers
// beside it. A pass over a large module makes tens of thousands of edits, so there is no object for each.

import { withRoom } from '../algorithms/growable-array.ts';
import { InstructionWriter } from '../binary/index.ts';
import { InvalidArgumentError } from '../errors.ts';

/** A hint about the branch at `at`, an offset in the buffer of inserted bytes. */
export interface InsertedHint {
  readonly edit: number;
  readonly at: number;
  readonly likely: boolean;
}

/** All edits to the code of one module. */
export class CodeEdits {
  /** Receives the bytes of the edit that was begun last. */
  readonly code: InstructionWriter = new InstructionWriter(4096);
  readonly hints: InsertedHint[] = [];
  #count = 0;
  #position = new Uint32Array(1024);
  #removed = new Uint32Array(1024);
  #from = new Uint32Array(1024);
  /** Where edits begin that are not in order with the one before. */
  readonly #breaks: number[] = [];

  get count(): number {
    return this.#count;
  }

  /**
   * Begins an edit at the file offset `position` of an instruction: the bytes written to `code` from now on
   * go in before it. With `removed`, they take the place of that many bytes. At the same position insertions
   * come before a replacement, and otherwise in the order in which they were begun: the pass that runs last
   * stands nearest to the instruction.
   */
  begin(position: number, removed = 0): void {
    const index = this.#count;
    if (index === this.#position.length) {
      this.#position = withRoom(this.#position, index + 1);
      this.#removed = withRoom(this.#removed, index + 1);
      this.#from = withRoom(this.#from, index + 1);
    }
    if (index > 0) {
      const previous = this.#position[index - 1]!;
      // An edit right behind a replacement at the same place may have to go before it.
      if (position < previous || (position === previous && this.#removed[index - 1]! > 0))
        this.#breaks.push(index);
    }
    this.#position[index] = position;
    this.#removed[index] = removed;
    this.#from[index] = this.code.length;
    this.#count = index + 1;
  }

  /** Inserts whole instructions before the one at `position`. */
  insert(position: number, instructions: Uint8Array): void {
    this.begin(position);
    this.code.copy(instructions);
  }

  /** Puts whole instructions in the place of those between two file offsets. */
  replace(start: number, end: number, instructions: Uint8Array): void {
    this.begin(start, end - start);
    this.code.copy(instructions);
  }

  /** Says how likely the branch (`if` or `br_if`) is taken that is written to `code` next. */
  hint(likely: boolean): void {
    this.hints.push({ edit: this.#count - 1, at: this.code.length, likely });
  }

  /** The edits in order of position. */
  take(): OrderedEdits {
    const count = this.#count;
    const from = this.#from;
    const length = new Uint32Array(count);
    for (let edit = 0; edit < count; edit += 1) {
      length[edit] = (edit + 1 < count ? from[edit + 1]! : this.code.length) - from[edit]!;
    }
    const plain: OrderedEdits = {
      count,
      position: this.#position,
      removed: this.#removed,
      from,
      length,
      inserted: this.code.take(),
      placeOf: (edit) => edit,
    };
    const ordered = this.#breaks.length === 0 ? plain : sort(plain, this.#breaks);
    checkOverlaps(ordered);
    return ordered;
  }
}

/** Edits in order of position: where they apply, what they leave out, and the range of their bytes in `inserted`. */
export interface OrderedEdits {
  readonly count: number;
  readonly position: Uint32Array;
  readonly removed: Uint32Array;
  readonly from: Uint32Array;
  readonly length: Uint32Array;
  readonly inserted: Uint8Array;
  /** Index here of the edit that was begun as number `edit`. */
  placeOf(edit: number): number;
}

/** @param breaks where edits begin that are not in order with the one before */
function sort(edits: OrderedEdits, breaks: readonly number[]): OrderedEdits {
  const { count, position, removed, from, length, inserted } = edits;
  const replaces = (edit: number): number => (removed[edit] === 0 ? 0 : 1);
  const compare = (a: number, b: number): number =>
    position[a]! - position[b]! || replaces(a) - replaces(b) || a - b;
  // Usually each of two passes makes its edits in order.
  const order =
    breaks.length === 1
      ? merge(count, breaks[0]!, compare)
      : Uint32Array.from({ length: count }, (_, edit) => edit).sort(compare);
  const places = new Uint32Array(count);
  for (let place = 0; place < count; place += 1) places[order[place]!] = place;
  const pick = (values: Uint32Array): Uint32Array => {
    const picked = new Uint32Array(count);
    for (let place = 0; place < count; place += 1) picked[place] = values[order[place]!]!;
    return picked;
  };
  return {
    count,
    position: pick(position),
    removed: pick(removed),
    from: pick(from),
    length: pick(length),
    inserted,
    placeOf: (edit) => places[edit]!,
  };
}

/** Merges the numbers below `count`, which are sorted up to `middle` and from there on. */
function merge(count: number, middle: number, compare: (a: number, b: number) => number): Uint32Array {
  const merged = new Uint32Array(count);
  let left = 0;
  let right = middle;
  for (let to = 0; to < count; to += 1) {
    const takesLeft = right === count || (left < middle && compare(left, right) <= 0);
    merged[to] = takesLeft ? left++ : right++;
  }
  return merged;
}

/** Two passes may not replace the same bytes, and none may insert in the middle of what another one replaces. */
function checkOverlaps({ count, position, removed }: OrderedEdits): void {
  let end = 0;
  for (let edit = 0; edit < count; edit += 1) {
    const at = position[edit]!;
    if (at < end) {
      throw new InvalidArgumentError('position', `two edits meet at code offset 0x${at.toString(16)}`);
    }
    end = at + removed[edit]!;
  }
}
