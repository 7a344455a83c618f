// What a block contains as text, as C would initialise it.

import { quantity } from '../frames/index.ts';
import type { BlockContents } from './leak-report.ts';

/** Most columns of a line, unless one field takes more. */
const WIDTH = 100;
const INDENT = '    ';

/** The lines of a block's contents: `struct node { next = NULL, key = 7 }`, on several lines when it is long. */
export function contentsText(contents: BlockContents): readonly string[] {
  const { type, offset, whole, fields, left, text } = contents;
  const before = offset === 0 ? '' : `after ${quantity(offset, 'byte')}: `;
  const name = `${before}${whole ? '' : 'begins with '}${type}`;
  if (text !== null) return [`${name} ${text}`];
  const shown = fields.map(({ name, value }) => (name.startsWith('[') ? value : `${name} = ${value}`));
  if (left > 0) shown.push(`… ${left} more`);
  const line = `${name} { ${shown.join(', ')} }`;
  return line.length <= WIDTH ? [line] : [`${name} {`, ...wrapped(shown), '}'];
}

function wrapped(fields: readonly string[]): string[] {
  const lines: string[] = [];
  let line = '';
  fields.forEach((field, index) => {
    const item = index < fields.length - 1 ? `${field},` : field;
    if (line !== '' && line.length + 1 + item.length > WIDTH - INDENT.length) {
      lines.push(INDENT + line);
      line = item;
    } else line = line === '' ? item : `${line} ${item}`;
  });
  return line === '' ? lines : [...lines, INDENT + line];
}

/** The type of blocks that all are one value of it; null when that is not known. @param bytes of all blocks together */
export function typeOfBlocks(
  contents: BlockContents | undefined,
  blocks: number,
  bytes: number,
): string | null {
  if (contents === undefined || !contents.whole || contents.text !== null) return null;
  return (contents.offset + contents.size) * blocks === bytes ? contents.type : null;
}
