// Checks the names of options. JavaScript itself ignores an option whose name is misspelt, as if it were not given.

import { InvalidArgumentError } from '../errors.ts';

/**
 * Rejects options that are not an object, and names that are not in `known`.
 * @param caller the function that received the options, such as `loadC`
 * @param within the name of the option that holds this object, if the object is itself an option
 */
export function checkOptionNames(
  caller: string,
  options: unknown,
  known: readonly string[],
  within?: string,
): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidArgumentError('options', `The options of ${caller}() must be an object.`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const full = (option: string): string => (within === undefined ? option : `${within}.${option}`);
    const advice = near === null ? '.' : `: did you mean '${full(near)}'?`;
    const names = [...known].sort().map(full).join(', ');
    throw new InvalidArgumentError(
      full(name),
      `${caller}() has no option '${full(name)}'${advice} Its options are: ${names}.`,
    );
  }
}

/** The known name that the caller probably meant; null when none is similar. */
export function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.floor(name.length / 3) + 1;
  for (const other of known) {
    const distance = editDistance(name.toLowerCase(), other.toLowerCase());
    if (distance >= least) continue;
    least = distance;
    best = other;
  }
  return best;
}

// Levenshtein's distance, computed row by row.
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      next.push(Math.min(row[j]! + Number(from[i] !== to[j]), row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
