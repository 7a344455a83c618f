// Archives of objects, as `ar` makes them. GNU's ar reads no WebAssembly object, so the archives that it makes have no
// index, and wasm-ld does not take objects from an archive without one. This file reads and writes archives with the
// index of WebAssembly's objects, in GNU's format: the symbols in the member `/`, long names in the member `//`.

import { readObjectSymbols } from '../binary/object-symbols.ts';
import { FileError } from '../errors.ts';

/** One file in an archive. */
export interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const MAGIC = '!<arch>\n';
const THIN_MAGIC = '!<thin>\n';
const HEADER = 60;
const LONGEST_NAME = 15;

const ascii = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** True for the bytes of an archive. */
export function isArchive(bytes: Uint8Array): boolean {
  const magic = ascii(bytes.subarray(0, MAGIC.length));
  return magic === MAGIC || magic === THIN_MAGIC;
}

/** An archive's members, and whether it has an index. Throws a FileError for anything else. */
export function readArchive(bytes: Uint8Array, file: string): { members: Member[]; indexed: boolean } {
  const magic = ascii(bytes.subarray(0, MAGIC.length));
  if (magic === THIN_MAGIC) {
    throw new FileError(file, `${file} is a thin archive. Make it without the option T of ar.`);
  }
  if (magic !== MAGIC) throw new FileError(file, `${file} is not an archive.`);
  const members: Member[] = [];
  let indexed = false;
  let names = '';
  for (let at = MAGIC.length; at < bytes.length; ) {
    const header = ascii(bytes.subarray(at, at + HEADER));
    const size = Number(/^\d+/.exec(header.slice(48, 58))?.[0] ?? Number.NaN);
    if (header.length < HEADER || !header.endsWith('`\n') || !(at + HEADER + size <= bytes.length)) {
      throw new FileError(file, `${file} is damaged at byte ${at}: there is no header of a member.`);
    }
    let content = bytes.subarray(at + HEADER, at + HEADER + size);
    at += HEADER + size + (size % 2);
    const field = header.slice(0, 16).trimEnd();
    if (field === '/' || field === '/SYM64/' || field.startsWith('__.SYMDEF')) {
      indexed ||= size > 4;
      continue;
    }
    if (field === '//') {
      names = ascii(content);
      continue;
    }
    let name = field.replace(/\/$/, '');
    const long = /^\/(\d+)$/.exec(field);
    const inContent = /^#1\/(\d+)$/.exec(field);
    if (long !== null) {
      const from = Number(long[1]);
      const end = names.indexOf('\n', from);
      name = names.slice(from, end < 0 ? undefined : end).replace(/\/$/, '');
    } else if (inContent !== null) {
      const length = Math.min(Number(inContent[1]), content.length);
      name = ascii(content.subarray(0, length)).replace(/\0+$/, '');
      content = content.subarray(length);
      if (name.startsWith('__.SYMDEF')) {
        indexed = true;
        continue;
      }
    }
    members.push({ name: Buffer.from(name, 'latin1').toString(), bytes: content });
  }
  return { members, indexed };
}

/** The symbols that a member defines for others; none for a file that is no WebAssembly object. */
function definedSymbols({ bytes }: Member): string[] {
  if (ascii(bytes.subarray(0, 4)) !== '\0asm') return [];
  const { symbols } = readObjectSymbols(bytes);
  return symbols
    .filter(({ defined, binding, kind }) => defined && binding !== 'local' && kind !== 'section')
    .map(({ name }) => name);
}

/** Writes an archive with its index. Times and owners are zero, so that equal objects make equal archives. */
export function writeArchive(members: readonly Member[]): Uint8Array {
  const symbols = members.map(definedSymbols);
  const nameBytes = members.map(({ name }) => Buffer.from(name));
  let longNames = '';
  const fields = nameBytes.map((name) => {
    if (name.length <= LONGEST_NAME && !name.includes(0x2f)) return `${name.toString('latin1')}/`;
    const at = longNames.length;
    longNames += `${name.toString('latin1')}/\n`;
    return `/${at}`;
  });
  const symbolNames = Buffer.from(
    symbols
      .flat()
      .map((name) => `${name}\0`)
      .join(''),
  );
  const count = symbols.reduce((sum, each) => sum + each.length, 0);
  const indexSize = 4 + 4 * count + symbolNames.length;
  const even = (size: number): number => size + (size % 2);
  let at = MAGIC.length + HEADER + even(indexSize);
  if (longNames !== '') at += HEADER + even(longNames.length);
  const index = Buffer.alloc(indexSize);
  index.writeUInt32BE(count, 0);
  let entry = 4;
  members.forEach(({ bytes }, i) => {
    for (const _ of symbols[i]!) {
      index.writeUInt32BE(at, entry);
      entry += 4;
    }
    at += HEADER + even(bytes.length);
  });
  symbolNames.copy(index, entry);

  const parts: Uint8Array[] = [Buffer.from(MAGIC)];
  const push = (field: string, content: Uint8Array): void => {
    const mode = field === '/' || field === '//' ? '0' : '644';
    parts.push(
      Buffer.from(
        `${field.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${mode.padEnd(8)}${String(content.length).padEnd(10)}\`\n`,
        'latin1',
      ),
      content,
    );
    if (content.length % 2 === 1) parts.push(Buffer.from('\n'));
  };
  push('/', index);
  if (longNames !== '') push('//', Buffer.from(longNames, 'latin1'));
  members.forEach(({ bytes }, i) => {
    push(fields[i]!, bytes);
  });
  return Buffer.concat(parts);
}
