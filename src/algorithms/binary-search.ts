// Binary search in sorted numbers. Tables of other things keep their keys in an array beside them, so that this one loop
// serves all of them without calling a function at each step.

/**
 * Index of the last entry that is at most `value`; `from - 1` when there is none.
 * @param entries ascending between `from` and `to`; of equal entries the last one is found
 * @param from first index to look at
 * @param to first index past those to look at
 */
export function lastAtMost(entries: ArrayLike<number>, value: number, from = 0, to = entries.length): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
