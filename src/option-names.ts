// Options whose names the caller has got wrong: without a word, JavaScript takes them for options that were not given.

import { InvalidArgumentError } from './errors.ts';

/** Refuses what is no object of options, and names that are none of `known`. `caller`: `loadC`, say. */
export function checkOptionNames(caller: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidArgumentError('options', `The options of ${caller}() must be an object.`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const advice = near === null ? '.' : `: did you mean '${near}'?`;
    throw new InvalidArgumentError(
      name,
      `${caller}() has no option '${name}'${advice} Its options are: ${[...known].sort().join(', ')}.`,
    );
  }
}

/** The known name that a slip of the keyboard may have made this of; null when none is like it. */
function nearest(name: string, known: readonly string[]): string | null {
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

// Levenshtein's, row by row.
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
