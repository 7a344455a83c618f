// What is shown of a stack. Every writer of reports and messages asks here, so that no output is larger than people and
// tools can take: repeated calls of a recursion are folded, and of what is still too long both ends stay. A gap says
// how many frames it stands for.

import type { Frame } from '../errors.ts';
import { foldStacks, outerPart, type Stack } from './stack.ts';

/** Frames that are left out of a stack. */
export interface Gap {
  /** How many frames it stands for. */
  readonly omitted: number;
  /** They repeat so many frames that stand before the gap, again and again; 0 for frames that are not shown. */
  readonly period: number;
}

/** What is shown of a stack, innermost first. */
export type ShownFrame = Frame | Gap;

export function isGap(item: ShownFrame): item is Gap {
  return 'omitted' in item;
}

/** How much of stacks is shown. */
export interface ShownLimits {
  /** Frames of one stack, gaps not counted. */
  readonly most: number;
  /** Frames that all stacks have together, as long as there are any left. */
  readonly total: number;
  /** Frames of a stack when there are none left. */
  readonly least: number;
}

/** Longest cycle of calls that is recognised. A parser of C's expressions has 15 levels. */
const LONGEST_CYCLE = 32;
/** Frames that a fold must leave out: fewer are as short as the words about them. */
const LEAST_FOLD = 3;
/** Of a stack that is too long, one frame in so many is an outermost one. */
const OUTERMOST_SHARE = 4;

/** For each period from 1 on, how many innermost frames equal the frame that stands so many further out. */
type Repeats = Uint32Array;
const NO_REPEATS: Repeats = new Uint32Array(0);

/** Chooses what is shown of the stacks of one report, the most important stack first. */
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

  /** Whether there are frames left of those that all stacks have together. */
  get plenty(): boolean {
    return this.#left > 0;
  }

  /** What to show of the next stack. */
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

  /** The innermost cycle of calls, no longer than `longest`, and how many frames repeat it; one frame without a cycle. */
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
