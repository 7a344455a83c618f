// Maps code offsets to small integers, given ranges that may nest and overlap. Of all ranges that hold an
// offset, the range that was added last wins. If ranges are added in pre-order, this is the innermost scope;
// LLVM's symbolizer resolves overlaps in the same way. A look-up is a binary search over disjoint segments,
// which the first look-up makes in one sweep. Most functions have only a few ranges, and a few ranges are
// searched one by one.

import { lastAtMost } from '../algorithms/binary-search.ts';

const SEARCH_AS_IS = 16;

export class RangeMap {
  readonly #lows: number[] = [];
  readonly #highs: number[] = [];
  readonly #values: number[] = [];
  #segmentStarts: Float64Array | null = null;
  #segmentValues = new Int32Array(0);

  get size(): number {
    return this.#lows.length;
  }

  /** Maps [low, high) to `value`, which must not be negative. */
  add(low: number, high: number, value: number): void {
    if (!(low < high)) return;
    this.#lows.push(low);
    this.#highs.push(high);
    this.#values.push(value);
    this.#segmentStarts = null;
  }

  /** Visits the ranges in the order of their addition. */
  forEach(visit: (low: number, high: number, value: number) => void): void {
    for (let index = 0; index < this.#lows.length; index++) {
      visit(this.#lows[index]!, this.#highs[index]!, this.#values[index]!);
    }
  }

  /** The value at `offset`, or -1. */
  get(offset: number): number {
    if (this.#lows.length <= SEARCH_AS_IS) {
      for (let index = this.#lows.length - 1; index >= 0; index--) {
        if (offset >= this.#lows[index]! && offset < this.#highs[index]!) return this.#values[index]!;
      }
      return -1;
    }
    const starts = this.#segmentStarts ?? this.#sweep();
    return this.#segmentValues[lastAtMost(starts, offset)] ?? -1;
  }

  #sweep(): Float64Array {
    const lows = this.#lows;
    const highs = this.#highs;
    const count = lows.length;
    const order = new Uint32Array(count);
    const boundaries = new Float64Array(2 * count);
    for (let index = 0; index < count; index++) {
      order[index] = index;
      boundaries[2 * index] = lows[index]!;
      boundaries[2 * index + 1] = highs[index]!;
    }
    // Most compilers write the ranges in order.
    if (lows.some((low, index) => index > 0 && low < lows[index - 1]!))
      order.sort((a, b) => lows[a]! - lows[b]!);
    boundaries.sort();
    const starts: number[] = [];
    const values: number[] = [];
    const open = new MaxHeap();
    let next = 0;
    for (let i = 0; i < boundaries.length; i++) {
      const at = boundaries[i]!;
      if (i > 0 && at === boundaries[i - 1]) continue;
      while (next < order.length && lows[order[next]!]! <= at) open.push(order[next++]!);
      // A range that ended stays in the heap until it comes to the top, so each range is pushed and popped once.
      while (open.size > 0 && highs[open.top]! <= at) open.pop();
      const value = open.size > 0 ? this.#values[open.top]! : -1;
      if (values.length === 0 || values[values.length - 1] !== value) {
        starts.push(at);
        values.push(value);
      }
    }
    this.#segmentStarts = Float64Array.from(starts);
    this.#segmentValues = Int32Array.from(values);
    return this.#segmentStarts;
  }
}

class MaxHeap {
  readonly #items: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  get top(): number {
    return this.#items[0]!;
  }

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (items[parent]! >= item) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): void {
    const items = this.#items;
    const item = items.pop()!;
    if (items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]! > items[child]!) child++;
      if (items[child]! <= item) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}
