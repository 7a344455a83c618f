// The comment that stands above a function in its source, as its documentation.

/** The most lines of a comment that becomes documentation: a longer one is an essay about the file. */
const MOST_LINES = 12;
/** How many lines of a declaration may stand above the line with its name: attributes, the type of the result. */
const MOST_ABOVE = 3;

/**
 * The text of the comment directly above a function; null when there is none.
 * @param lines the lines of the source
 * @param line the line of the function's name, from 1
 */
export function commentAbove(lines: readonly string[], line: number): string | null {
  let at = line - 2;
  for (let above = 0; at >= 0 && above < MOST_ABOVE && isOfDeclaration(lines[at]!); above++) at--;
  if (at < 0) return null;
  const text = lines[at]!.trim();
  if (text.startsWith('//')) return lineComment(lines, at);
  return text.endsWith('*/') ? blockComment(lines, at) : null;
}

/** Whether a line above the name belongs to the declaration: code that ends nothing and is no directive. */
function isOfDeclaration(text: string): boolean {
  const code = text.trim();
  return code !== '' && !/^(?:\/\/|\/\*|\*|#)/.test(code) && !/(?:[;{}:]|\*\/)$/.test(code);
}

function lineComment(lines: readonly string[], last: number): string | null {
  let first = last;
  while (first > 0 && lines[first - 1]!.trim().startsWith('//')) first--;
  if (last - first >= MOST_LINES) return null;
  return tidy(lines.slice(first, last + 1).map((each) => each.trim().replace(/^\/\/+[!<]?/, '')));
}

function blockComment(lines: readonly string[], last: number): string | null {
  let first = last;
  while (first >= 0 && last - first < MOST_LINES && !lines[first]!.includes('/*')) first--;
  // A comment behind code is about that code.
  if (first < 0 || !/^\s*\/\*/.test(lines[first] ?? '')) return null;
  const whole = lines
    .slice(first, last + 1)
    .join('\n')
    .trim();
  // Two comments on one line, or code between them.
  if (whole.indexOf('*/') !== whole.length - 2) return null;
  const inner = whole
    .slice(2, -2)
    .replace(/^[*!]+/, '')
    .replace(/\*+$/, '');
  return tidy(inner.split('\n').map((each) => each.trim().replace(/^\*+(?!\/)/, '')));
}

/** Without lines of decoration, and without empty lines at both ends. */
function tidy(lines: readonly string[]): string | null {
  const kept = lines.map((each) => each.trim()).filter((each) => !/^[-=*#~/_+]{3,}$/.test(each));
  const text = kept.join('\n').trim();
  return text === '' ? null : text;
}
