// A plugin of tsup: takes the documentation comments out of the JavaScript in dist/. Node.js reads every byte of a file
// that it loads, and the comments are in the declarations and in the sources of the source maps anyway. Lines keep
// their numbers, so the source maps hold.

import type { Options } from 'tsup';
import ts from 'typescript';

/** Comments that begin and end a line, and that are documentation: esbuild's own comments name the source file. */
function documentation(code: string): { pos: number; end: number }[] {
  const source = ts.createSourceFile('chunk.js', code, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  const found = new Map<number, number>();
  const visit = (node: ts.Node): void => {
    for (const { pos, end } of ts.getLeadingCommentRanges(code, node.pos) ?? []) {
      const before = code.slice(code.lastIndexOf('\n', pos - 1) + 1, pos);
      const keep = /^(?:\/\/ (?:src|node_modules|scripts)\/|\/\/#|\/\*!)|@license|__PURE__/;
      if (before.trim() === '' && code[end] === '\n' && !keep.test(code.slice(pos, end)))
        found.set(pos - before.length, end);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...found].map(([pos, end]) => ({ pos, end })).sort((a, b) => a.pos - b.pos);
}

/** The code without its documentation, with as many lines as before. */
export function withoutDocumentation(code: string): string {
  let rest = 0;
  let text = '';
  for (const { pos, end } of documentation(code)) {
    text += code.slice(rest, pos) + code.slice(pos, end).replace(/[^\n]/g, '');
    rest = end;
  }
  return text + code.slice(rest);
}

export const withoutComments: NonNullable<Options['plugins']>[number] = {
  name: 'without-comments',
  renderChunk(code, { path }) {
    return /\.c?js$/.test(path) ? { code: withoutDocumentation(code) } : undefined;
  },
};
