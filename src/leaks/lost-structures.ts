// Which lost blocks belong together. A program that has lost a tree should have freed one block, its root, which leads
// to the others. So each lost block is given to a root, and the roots are what a report names.
//
// The algorithm is that of Valgrind's memcheck (mc_leakcheck.c): each block that nothing has reached leads a clique
// and takes the blocks that it reaches. A leader that a later clique reaches becomes an ordinary block of that clique,
// with all that it has taken. Valgrind goes in the order of addresses. Here the oldest block goes first, because in a
// cycle (a document whose nodes know their parent) the oldest block is nearly always the one that the program would
// have freed, while addresses depend on holes in the heap. The order only decides which block of a cycle is the root,
// and who gets a block that two structures share.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { GrowableInts } from '../algorithms/growable-array.ts';

/** The roots of lost blocks, and the ways from them to the other blocks. A block is its index in the columns. */
export class LostStructures {
  /** The roots, the oldest first. */
  readonly roots: readonly number[];
  /** Pointers to lost blocks: the targets of block `i` start at `#first[i]`. */
  readonly #first: Int32Array;
  readonly #targets: Int32Array;
  /** The leader that has taken a block. A leader that was taken itself leads on to another. */
  readonly #takenBy: Int32Array;

  /**
   * @param addresses of the lost blocks, ascending
   * @param sizes requested bytes
   * @param ages allocations since then, of which no two are the same
   * @param words the words of linear memory
   */
  constructor(
    addresses: readonly number[],
    sizes: readonly number[],
    ages: readonly number[],
    words: Uint32Array,
  ) {
    const { first, targets } = pointersBetween(addresses, sizes, words);
    this.#first = first;
    this.#targets = targets;
    this.#takenBy = new Int32Array(addresses.length).fill(-1);
    const order = oldestFirst(ages);
    for (const block of order) if (this.#takenBy[block]! < 0) this.#lead(block);
    this.roots = order.filter((block) => this.#takenBy[block] === block);
  }

  /** The root with which a block was lost; the block itself when it is a root. */
  rootOf(block: number): number {
    let root = block;
    while (this.#takenBy[root] !== root) root = this.#takenBy[root]!;
    // The way is made short for the next caller.
    for (let at = block; at !== root; ) {
      const next = this.#takenBy[at]!;
      this.#takenBy[at] = root;
      at = next;
    }
    return root;
  }

  /**
   * Calls `visit` for each block that was lost with a root, the nearest to the root first, and with the block that
   * points to it.
   */
  walk(root: number, visit: (block: number, holder: number) => void): void {
    const seen = new Set([root]);
    // A set gives its values in the order in which they were added, also those that are added meanwhile.
    for (const holder of seen) {
      for (let at = this.#first[holder]!; at < this.#first[holder + 1]!; at++) {
        const block = this.#targets[at]!;
        if (seen.has(block) || this.rootOf(block) !== root) continue;
        seen.add(block);
        visit(block, holder);
      }
    }
  }

  #lead(leader: number): void {
    const takenBy = this.#takenBy;
    takenBy[leader] = leader;
    const waiting = [leader];
    for (let holder = waiting.pop(); holder !== undefined; holder = waiting.pop()) {
      for (let at = this.#first[holder]!; at < this.#first[holder + 1]!; at++) {
        const block = this.#targets[at]!;
        if (takenBy[block]! < 0) waiting.push(block);
        else if (takenBy[block] !== block || block === leader) continue;
        takenBy[block] = leader;
      }
    }
  }
}

function oldestFirst(ages: readonly number[]): number[] {
  // An age and an index as one number sort without a comparison in JavaScript.
  const keys = new BigUint64Array(ages.length);
  const halves = new Uint32Array(keys.buffer);
  for (let i = 0; i < ages.length; i++) {
    halves[2 * i] = i;
    halves[2 * i + 1] = ~ages[i]!;
  }
  keys.sort();
  return Array.from(ages, (_, i) => halves[2 * i]!);
}

function pointersBetween(
  addresses: readonly number[],
  sizes: readonly number[],
  words: Uint32Array,
): { first: Int32Array; targets: Int32Array } {
  const count = addresses.length;
  const first = new Int32Array(count + 1);
  const targets = new GrowableInts();
  const lowest = addresses[0] ?? 0;
  const highest = (addresses[count - 1] ?? 0) + (sizes[count - 1] ?? 0);
  for (let block = 0; block < count; block++) {
    first[block] = targets.length;
    const start = addresses[block]! / 4;
    const end = start + (sizes[block]! >>> 2);
    for (let at = start; at < end; at++) {
      const value = words[at]!;
      if (value < lowest || value > highest) continue;
      const target = lastAtMost(addresses, value);
      const distance = value - addresses[target]!;
      // An empty block has an address only.
      if (distance === 0 || distance < sizes[target]!) targets.push(target);
    }
  }
  first[count] = targets.length;
  return { first, targets: targets.toArray() };
}
