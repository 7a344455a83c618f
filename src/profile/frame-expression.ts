// Regular expressions of drop_frames and keep_frames. They follow RE2's syntax: tcmalloc writes
// `(__)?posix_memalign`, other writers `(?i)` or `\z`. JavaScript's own matcher backtracks, so an expression such
// as `(a|a)(a|a)…` in a file from a stranger could keep it busy for days. re2js does not backtrack.

import { linearExpression } from '../platform/index.ts';

/** Most instructions of the expression times characters of all names. This takes a second or two. */
const MAX_WORK = 2e8;

/** A list of plain names, with punctuation behind backslashes, as Heapline and other tools write it. */
const NAMES = /^(?:[\w ]|\\[^\w\s])+(?:\|(?:[\w ]|\\[^\w\s])+)*$/;

/** Whether an expression is a list of plain names, which needs no engine. */
export function isListOfNames(expression: string): boolean {
  return expression === '' || NAMES.test(expression);
}

/** The expression that matches these names and no others. Names that no list can have are left out. */
export function listOfNames(names: Iterable<string>): string {
  return [...names]
    .map((name) => name.replace(/[^\w ]/g, '\\$&'))
    .filter((name) => NAMES.test(name))
    .join('|');
}

/** Which names the expression matches as a whole; null when RE2 rejects the expression or matching takes too long. */
export function namesMatching(expression: string, names: readonly string[]): boolean[] | null {
  if (NAMES.test(expression)) {
    const listed = new Set(expression.split('|').map((name) => name.replaceAll('\\', '')));
    return names.map((name) => listed.has(name));
  }
  const matcher = linearExpression(expression);
  if (matcher === null) return null;
  const characters = names.reduce((sum, name) => sum + name.length, 0);
  return matcher.size * characters > MAX_WORK ? null : names.map((name) => matcher.matches(name));
}
