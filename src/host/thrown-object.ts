// Reads an object that C++ has thrown from the guest's memory: its type, and its text, which is that of
// std::exception::what() or the object itself. Type information has the layout of the Itanium C++ ABI (section 2.9).
// Each std::type_info starts with the addresses of a table of virtual functions and of the name; that of a class also
// lists the base classes. Its kind is the type of the std::type_info itself, whose address stands before that table.
//
// The guest may have overwritten any of this. Values that make no sense are left out, and nothing throws.

import { readTypeName } from './type-names.ts';

/** What a C++ exception was. */
export interface Thrown {
  /** Type of the object, as C++ writes it: `std::runtime_error`. */
  readonly type: string;
  /** Text of what(), of a number or of a C string; null when the object has none. */
  readonly what: string | null;
}

const EXCEPTION = 'St9exception';
const ONE_BASE = 'N10__cxxabiv120__si_class_type_infoE';
const BASES = 'N10__cxxabiv121__vmi_class_type_infoE';
/** Bits of the flags of a base class. */
const VIRTUAL = 1;
const PUBLIC = 2;
/** Position of what() in the table of std::exception, after two destructors. */
const WHAT = 2;
/** Limits, because the guest may have damaged what is read. */
const LONGEST_NAME = 4096;
const LONGEST_TEXT = 65_536;
const MOST_BASES = 100;
const DEEPEST = 50;

class Unreadable extends Error {}

/** Reads thrown objects of one guest. */
export class ThrownObjects {
  readonly #decoder = new TextDecoder();

  /** @param call calls the function at an index of the table with one pointer; it may throw */
  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly call: (index: number, pointer: number) => number,
  ) {}

  /** Reads an object; null when there is no type information at this address. */
  read(object: number, type: number): Thrown | null {
    try {
      const name = this.#nameOf(type);
      return { type: readTypeName(name), what: this.#textOf(object, type, name) };
    } catch (error) {
      if (error instanceof Unreadable) return null;
      throw error;
    }
  }

  /** The word at this address; null outside of the memory. */
  wordAt(address: number): number | null {
    try {
      return this.#word(address);
    } catch {
      return null;
    }
  }

  #textOf(object: number, type: number, name: string): string | null {
    try {
      const value = this.#valueOf(object, name);
      if (value !== undefined) return value;
      const exception = this.#exceptionIn(object, type, 0);
      if (exception === null) return null;
      return this.#text(
        this.call(this.#word(this.#word(exception) + WHAT * 4), exception) >>> 0,
        LONGEST_TEXT,
      );
    } catch {
      // The object cannot be read, or its what() has failed.
      return null;
    }
  }

  /** The text of a number or a C string; undefined for all other types. */
  #valueOf(object: number, name: string): string | undefined {
    if (/^PK?c$/.test(name)) return this.#text(this.#word(object), LONGEST_TEXT);
    if (object === 0 || !/^[bcahstiljmxyfd]$/.test(name)) return undefined;
    const view = new DataView(this.memory.buffer);
    switch (name) {
      case 'b':
        return String(view.getUint8(object) !== 0);
      case 'c':
      case 'a':
        return String(view.getInt8(object));
      case 'h':
        return String(view.getUint8(object));
      case 's':
        return String(view.getInt16(object, true));
      case 't':
        return String(view.getUint16(object, true));
      case 'i':
      case 'l':
        return String(view.getInt32(object, true));
      case 'j':
      case 'm':
        return String(view.getUint32(object, true));
      case 'x':
        return String(view.getBigInt64(object, true));
      case 'y':
        return String(view.getBigUint64(object, true));
      case 'f':
        return String(view.getFloat32(object, true));
      case 'd':
        return String(view.getFloat64(object, true));
      default:
        return undefined;
    }
  }

  /** Address of the std::exception among an object's public bases; null when there is none. */
  #exceptionIn(object: number, type: number, depth: number): number | null {
    if (this.#nameOf(type) === EXCEPTION) return object;
    if (depth === DEEPEST) return null;
    const kind = this.#nameOf(this.#word(this.#word(type) - 4));
    if (kind === ONE_BASE) return this.#exceptionIn(object, this.#word(type + 8), depth + 1);
    if (kind !== BASES) return null;
    const count = Math.min(this.#word(type + 12), MOST_BASES);
    for (let index = 0; index < count; index++) {
      const base = type + 16 + index * 8;
      const flags = this.#word(base + 4) | 0;
      if ((flags & PUBLIC) === 0) continue;
      let offset = flags >> 8;
      // For a virtual base, this is the position of the offset in the object's table.
      if ((flags & VIRTUAL) !== 0) offset = this.#word(this.#word(object) + offset) | 0;
      const found = this.#exceptionIn(object + offset, this.#word(base), depth + 1);
      if (found !== null) return found;
    }
    return null;
  }

  #nameOf(type: number): string {
    return this.#text(this.#word(type + 4), LONGEST_NAME);
  }

  #word(address: number): number {
    const { buffer } = this.memory;
    if (address <= 0 || address + 4 > buffer.byteLength || address % 4 !== 0) throw new Unreadable();
    return new DataView(buffer).getUint32(address, true);
  }

  #text(address: number, longest: number): string {
    const { buffer } = this.memory;
    if (address === 0 || address >= buffer.byteLength) throw new Unreadable();
    const bytes = new Uint8Array(buffer, address, Math.min(longest, buffer.byteLength - address));
    const end = bytes.indexOf(0);
    if (end < 0 && longest === LONGEST_NAME) throw new Unreadable();
    return this.#decoder.decode(bytes.subarray(0, end < 0 ? bytes.length : end));
  }
}
