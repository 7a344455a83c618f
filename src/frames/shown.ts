// Chooses the frames of a stack that are shown. Every writer of reports and messages asks here, so that no output
// is larger than people and tools can take. Repeated calls of a recursion are folded. A stack that is still too
// long keeps both ends. A gap says how many frames it stands for.

import { foldStacks } from './fold-stacks.ts';
import type { Frame } from './frame.ts';
import { outerPart, type Stack } from './stack-tree.ts';

/** Frames that are left out of a stack. */
export interface Gap {
  /** How many frames it stands for. */
  readonly omitted: number;
  /** Number of frames before the gap that the omitted ones repeat; 0 when the omitted frames are shown nowhere. */
  readonly period: number;
}

/** One item of a stack as it is shown. */
export type ShownFrame = Frame | Gap;

export function isGap(item: ShownFrame): item is Gap {
  return 'omitted' in item;
}

/** How many frames are shown. */
export interface ShownLimits {
  /** Most frames of one stack, without gaps. */
  readonly most: number;
  /** Frames of all stacks together. When they are used up, each further stack gets `least`. */
  readonly total: number;
  /** Frames of one stack when `total` is used up. */
  readonly least: number;
}

/** Longest cycle of calls that is recognised. For comparison: a parser of C expressions has 15 levels. */
const LONGEST_CYCLE = 32;
/** Fewest frames that a fold leaves out. Fewer frames would be as short as the words about them. */
const LEAST_FOLD = 3;
/** When a stack is too long, one in this many of its shown frames is taken from the outermost end. */
const OUTERMOST_SHARE = 4;

/** For each period from 1 on: how many of the innermost frames equal the frame that is one period further out. */
type Repeats = Uint32Array;
const NO_REPEATS: Repeats = new Uint32Array(0);

/** Chooses the frames that are shown from the stacks of one report. Ask for the most important stack first. */
export class ShownStacks {
  readonly #most: number;
  readonly #least: number;
  #left: number;
  readonly #repeats = foldStacks<Repeats>(NO_REPEATS, (outer, _frame, stack) => repeatsOf(stack, outer));

  constructor({
    most,
    total = Number.POSITIVE_INFINITY,
    least = most,
  }: Partial<ShownLimits> & { most: number }) {
    this.#most = most;
    this.#least = least;
    this.#left = total;
  }

  /** Whether `total` is not used up yet. */
  get plenty(): boolean {
    return this.#left > 0;
  }

  /** What to show of the next stack, innermost frame first. */
  of(stack: Stack): readonly ShownFrame[] {
    const limit = Math.min(this.#most, Math.max(this.#least, this.#left));
    const outermost = Math.floor(limit / OUTERMOST_SHARE);
    const shown: ShownFrame[] = [];
    let left = limit;
    const take = (from: Stack): Stack => {
      const { period, frames } = this.#cycleAt(from, left);
      let at = from;
      for (const end = at.depth - period; at.depth > end; at = at.caller) shown.push(at.frame);
      left -= period;
      const omitted = frames - period;
      if (omitted > 0) shown.push({ omitted, period });
      return outerPart(at, at.depth - omitted);
    };
    let at = stack;
    while (at.depth > 0 && (left > outermost || at.depth <= left + 1)) at = take(at);
    // A gap of one frame is no shorter than the frame.
    if (at.depth > left + 1) {
      shown.push({ omitted: at.depth - left, period: 0 });
      at = outerPart(at, left);
    }
    while (at.depth > 0) at = take(at);
    this.#left -= limit - left;
    return shown;
  }

  /**
   * The innermost cycle of calls: its length, at most `longest`, and how many frames it takes with its repetitions.
   * Without a cycle, both are 1.
   */
  #cycleAt(stack: Stack, longest: number): { readonly period: number; readonly frames: number } {
    const repeats = this.#repeats(stack);
    for (let period = 1; period <= Math.min(repeats.length, longest); period++) {
      const times = Math.floor((repeats[period - 1]! + period) / period);
      const omitted = (times - 1) * period;
      if (omitted >= LEAST_FOLD && (period === 1 || times > 2)) return { period, frames: times * period };
    }
    return { period: 1, frames: 1 };
  }
}

function repeatsOf(stack: Stack, outer: Repeats): Repeats {
  let repeats: Repeats | null = null;
  let other = stack.caller;
  for (let period = 1; period <= LONGEST_CYCLE && other.depth > 0; period++, other = other.caller) {
    if (other.frame !== stack.frame) continue;
    repeats ??= new Uint32Array(LONGEST_CYCLE);
    repeats[period - 1] = (outer[period - 1] ?? 0) + 1;
  }
  return repeats ?? NO_REPEATS;
}
