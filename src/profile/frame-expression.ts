// Regular expressions of drop_frames and keep_frames, which are RE2's: tcmalloc writes `(__)?posix_memalign`, others
// `(?i)` or `\z`. JavaScript's own matcher backtracks, so that an expression as harmless as `(a|a)(a|a)…` in a file
// from anywhere can keep it busy for days; re2js does not.

import { platform } from '../platform/index.ts';

/** Instructions of the expression times characters of all names: a second or two. */
const MAX_WORK = 2e8;

/** Names alone, with punctuation behind backslashes, as Heapline and others write them. */
const NAMES = /^(?:[\w ]|\\[^\w\s])+(?:\|(?:[\w ]|\\[^\w\s])+)*$/;

/** Which of the names the expression matches as a whole; null when it is none of RE2's or takes too much work. */
export function namesMatching(expression: string, names: readonly string[]): boolean[] | null {
  if (NAMES.test(expression)) {
    const listed = new Set(expression.split('|').map((name) => name.replaceAll('\\', '')));
    return names.map((name) => listed.has(name));
  }
  const matcher = platform().linearExpression(expression);
  if (matcher === null) return null;
  const characters = names.reduce((sum, name) => sum + name.length, 0);
  return matcher.size * characters > MAX_WORK ? null : names.map((name) => matcher.matches(name));
}
