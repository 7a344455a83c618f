// The fields of a block as text, as C would initialise them: bounded in number, depth and length.

import {
  type CType,
  type Field,
  fieldsOf,
  isText,
  nameOf,
  type Place,
  type RecordType,
  readerOf,
  sizeOf,
  type ViewedMemory,
} from '../c-types/index.ts';
import { hexAddress, quantity } from '../frames/index.ts';
import type { BlockContents, ShownField } from '../report/index.ts';
import type { ChosenType } from './choose-type.ts';

/** Most fields of a record, of a record in a record, and most elements of an array. */
const MOST_FIELDS = 16;
const MOST_INNER = 6;
const MOST_ELEMENTS = 4;
/** How deep records in records are shown. */
const DEEPEST = 2;
/** Most characters of a text. */
const MOST_TEXT = 40;

/** What is known of a block's contents. */
export function describeBlock(
  { type, shift, extent }: ChosenType,
  address: number,
  size: number,
  memory: ViewedMemory,
): BlockContents | null {
  const describer = new Describer(memory, address + shift, size - shift);
  const whole = extent !== 'first';
  if (extent !== 'array') {
    const shown = describer.fields(type as RecordType);
    return { type: nameOf(type), offset: shift, whole, size: sizeOf(type), ...shown, text: null };
  }
  if (isText(type)) {
    const text = textAt(memory, address + shift, size - shift);
    const name = `${nameOf(type)}[${size - shift}]`;
    return text === null
      ? null
      : { type: name, offset: shift, whole, size: size - shift, fields: [], left: 0, text };
  }
  const count = Math.floor((size - shift) / sizeOf(type));
  const shown = describer.elements(type, count);
  return {
    type: `${nameOf(type)}[${count}]`,
    offset: shift,
    whole,
    size: size - shift,
    ...shown,
    text: null,
  };
}

interface Shown {
  readonly fields: readonly ShownField[];
  readonly left: number;
}

class Describer {
  readonly #place: Place;

  constructor(
    readonly memory: ViewedMemory,
    readonly address: number,
    readonly size: number,
  ) {
    this.#place = { memory, address, block: { address, size, freed: false, serial: 0 }, frees: memory.frees };
  }

  fields(record: RecordType): Shown {
    const all = fieldsOf(record).filter((field) => this.#lies(field.offset, bytesOf(field)));
    const fields = all.slice(0, MOST_FIELDS).map((field) => ({
      name: field.name,
      type: nameOf(field.type),
      value: this.#value(field.type, field.offset, field.bits, 0),
    }));
    return { fields, left: all.length - fields.length };
  }

  elements(type: CType, count: number): Shown {
    const size = sizeOf(type);
    const shown = Math.min(count, MOST_FIELDS);
    const fields = Array.from({ length: shown }, (_, index) => ({
      name: `[${index}]`,
      type: nameOf(type),
      value: this.#value(type, index * size, null, 0),
    }));
    return { fields, left: count - shown };
  }

  #lies(offset: number, size: number): boolean {
    return offset >= 0 && offset + size <= this.size;
  }

  #value(type: CType, offset: number, bits: Field['bits'], depth: number): string {
    if (!this.#lies(offset, bits === null ? sizeOf(type) : bytesOf({ type, bits }))) return '…';
    switch (type.kind) {
      case 'pointer':
        return this.#pointer(type.target, offset);
      case 'record':
        return this.#record(type, offset, depth);
      case 'array':
        return this.#array(type.element, type.count, offset, depth);
      case 'number':
      case 'enum':
        return numberText(type, readerOf(type, () => null, bits)(this.#place, offset));
      default:
        return '?';
    }
  }

  #record(record: RecordType, offset: number, depth: number): string {
    if (depth >= DEEPEST) return '{ … }';
    const all = fieldsOf(record);
    const shown = all
      .slice(0, MOST_INNER)
      .map(
        (field) => `${field.name} = ${this.#value(field.type, offset + field.offset, field.bits, depth + 1)}`,
      );
    if (all.length > shown.length) shown.push('…');
    return shown.length === 0 ? '{ }' : `{ ${shown.join(', ')} }`;
  }

  #array(element: CType, count: number | null, offset: number, depth: number): string {
    const size = sizeOf(element);
    const there = size === 0 ? 0 : Math.max(0, Math.floor((this.size - offset) / size));
    const length = count === null || count <= 1 ? there : Math.min(count, there);
    if (isText(element)) {
      return quoted(this.memory.bytes.subarray(this.address + offset, this.address + offset + length));
    }
    if (depth >= DEEPEST) return '{ … }';
    const own = count === 1 ? 1 : length;
    const values = Array.from({ length: Math.min(own, MOST_ELEMENTS) }, (_, index) =>
      this.#value(element, offset + index * size, null, depth + 1),
    );
    if (own > values.length) values.push('…');
    return values.length === 0 ? '{ }' : `{ ${values.join(', ')} }`;
  }

  #pointer(target: CType, offset: number): string {
    const { memory } = this;
    const value = memory.data.getUint32(this.address + offset, true);
    if (value === 0) return 'NULL';
    const text = hexAddress(value);
    if (target.kind === 'function') return text;
    const block = memory.blockAt(value);
    if (block === null) return isText(target) ? withText(text, textAt(memory, value, MOST_TEXT * 4)) : text;
    if (block.freed) return `${text} (freed)`;
    const inside = value - block.address;
    // An address at the end of a block points to nothing.
    if (inside > 0 && inside >= block.size) return text;
    if (isText(target)) {
      const found = textAt(memory, value, block.size - inside);
      if (found !== null) return withText(text, found);
    }
    const bytes = quantity(block.size, 'byte');
    return inside === 0 ? `${text} (${bytes})` : `${text} (${inside} bytes into ${bytes})`;
  }
}

function bytesOf({ type, bits }: Pick<Field, 'type' | 'bits'>): number {
  return bits === null ? sizeOf(type) : Math.ceil(((bits.start % 8) + bits.count) / 8);
}

function withText(pointer: string, text: string | null): string {
  return text === null ? pointer : `${pointer} ${text}`;
}

function numberText(type: CType, value: unknown): string {
  if (type.kind === 'enum') {
    const name = type.enumerators.find((each) => each.value === BigInt(value as number | bigint))?.name;
    return name === undefined || name === '' ? String(value) : `${name} (${value})`;
  }
  if (isText(type)) {
    const code = (value as number) & 0xff;
    return code >= 0x20 && code < 0x7f && code !== 0x27 && code !== 0x5c
      ? `'${String.fromCharCode(code)}'`
      : String(value);
  }
  return Array.isArray(value) ? value.join(' + i·') : String(value);
}

/** The text at an address in C's quotes; null when there is none: it must end, and consist of printable characters. */
function textAt(memory: ViewedMemory, address: number, most: number): string | null {
  const bytes = memory.bytes.subarray(address, address + most);
  const end = bytes.indexOf(0);
  if (end <= 0) return null;
  const text = bytes.subarray(0, end);
  return isPrintable(text) ? quoted(text) : null;
}

const strict = new TextDecoder('utf-8', { fatal: true });
const tolerant = new TextDecoder();

function isPrintable(bytes: Uint8Array): boolean {
  try {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    return !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(strict.decode(bytes));
  } catch {
    // Bytes that are no UTF-8 are no text.
    return false;
  }
}

/** Bytes up to the first zero in C's quotes. */
function quoted(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const whole = tolerant.decode(end < 0 ? bytes : bytes.subarray(0, end));
  const text = [...whole].slice(0, MOST_TEXT).join('');
  const escaped = text.replace(ESCAPED, (character) => ESCAPES[character] ?? hex(character));
  return `"${escaped}${text.length < whole.length ? '…' : ''}"`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const ESCAPED = /[\u0000-\u001f\u007f-\u009f"\\]/g;

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
