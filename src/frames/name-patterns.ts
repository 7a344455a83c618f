// Patterns for names, in the form of LeakSanitizer's suppressions: text that is searched for, where `*` stands for any
// text, `^` at the start and `$` at the end anchor the pattern.

/**
 * Makes a function that tells whether a text matches; null for a pattern that matches everything.
 *
 * The pieces between stars are matched greedily from the left, which is correct because each piece may take the first
 * place that fits. Only the last piece is bound to the end, when it is anchored. So there is no backtracking, and no
 * pattern is slow.
 */
export function patternMatcher(pattern: string): ((text: string) => boolean) | null {
  const fromStart = pattern.startsWith('^');
  const toEnd = pattern.endsWith('$');
  const body = pattern.slice(fromStart ? 1 : 0, toEnd ? -1 : undefined);
  if (body === '') return null;
  const pieces = body.split('*');
  const first = pieces[0]!;
  const last = pieces[pieces.length - 1]!;
  return (text) => {
    if (text === '') return false;
    if (fromStart && toEnd && pieces.length === 1) return text === body;
    let at = 0;
    let end = text.length;
    let rest = pieces;
    if (fromStart) {
      if (!text.startsWith(first)) return false;
      at = first.length;
      rest = rest.slice(1);
    }
    if (toEnd) {
      if (!text.endsWith(last)) return false;
      end -= last.length;
      rest = rest.slice(0, -1);
    }
    for (const piece of rest) {
      const found = text.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return at <= end;
  };
}
