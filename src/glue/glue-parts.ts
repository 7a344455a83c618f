// Finds the JavaScript of EM_JS and EM_ASM in the text of Emscripten's glue. EM_JS functions are global functions
// with the name of an import, without the `_` that library functions have. EM_ASM bodies are the members of
// ASM_CONSTS.

import { Script } from 'node:vm';
import { INVOKE, type UserPart } from '../host/index.ts';

/** How many places are tried as the end of one part: ends of lines, or closing braces in minified text. */
const MOST_ATTEMPTS = 2000;
/** A text with longer lines than this is minified. */
const LONGEST_LINE = 2 ** 14;

/**
 * Finds the bodies of EM_JS and EM_ASM.
 * @param imports names of the functions that the module imports
 */
export function embeddedParts(glue: string, imports: Iterable<string>): UserPart[] {
  const parts: UserPart[] = [];
  const add = (start: number): void => {
    const end = start < 0 ? -1 : endOfStatement(glue, start);
    if (end > 0) parts.push({ start, end });
  };
  add(glue.search(/\bvar ASM_CONSTS ?= ?\{/));
  for (const name of imports) {
    if (INVOKE.test(name) || !/^[A-Za-z_$][\w$]*$/.test(name)) continue;
    const escaped = name.replaceAll('$', '\\$&');
    if (new RegExp(`(?:\\bfunction|\\bvar|,) _${escaped}\\b`).test(glue)) continue;
    add(glue.search(new RegExp(`\\bfunction ${escaped}\\(`)));
  }
  return parts;
}

/**
 * Where a declaration in the glue ends: after the shortest text that can be compiled. -1 when there is no such text.
 */
export function endOfStatement(glue: string, start: number): number {
  const lineEnd = endOfLine(glue, start);
  const mark = lineEnd - start > LONGEST_LINE ? '}' : '\n';
  let end = mark === '\n' ? lineEnd : glue.indexOf('}', start) + 1;
  for (let attempt = 0; attempt < MOST_ATTEMPTS && end > 0; attempt++) {
    if (compiles(glue.slice(start, end))) return end;
    if (end >= glue.length) break;
    end = mark === '\n' ? endOfLine(glue, end + 1) : glue.indexOf('}', end) + 1;
  }
  return -1;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function compiles(text: string): boolean {
  try {
    new Script(text);
    return true;
  } catch {
    return false;
  }
}
