// A little-endian cursor over one debug section, with bounds checks. Every read past the end raises a
// DwarfError that names the section and the offset, so readers that use the cursor need no checks. Values of
// 64 bits are returned as doubles. They are exact up to 2^53, and a larger value is out of range for every
// section that fits in memory.

import { DwarfError } from '../../errors.ts';

// A 64-bit LEB128 takes 10 bytes. Some linkers pad it, but to no more than this.
const MAX_LEB_BYTES = 16;

const decoder = new TextDecoder();

export class Cursor {
  constructor(
    readonly bytes: Uint8Array,
    /** Section name, for error messages. */
    readonly section: string,
    public position = 0,
    /** The first offset that must not be read. */
    public end = bytes.length,
  ) {
    if (!(position >= 0 && position <= end && end <= bytes.length)) {
      throw new DwarfError(`${section}: offset ${position} is outside the section`, section, position);
    }
  }

  fail(message: string): never {
    throw new DwarfError(
      `${this.section}: ${message} at offset 0x${this.position.toString(16)}`,
      this.section,
      this.position,
    );
  }

  /** Skips `count` bytes and returns their offset. */
  skip(count: number): number {
    const start = this.position;
    if (!(count >= 0 && count <= this.end - start))
      this.fail(`${count} bytes expected, section or unit ends`);
    this.position = start + count;
    return start;
  }

  u8(): number {
    if (this.position >= this.end) this.fail('a byte expected, section or unit ends');
    return this.bytes[this.position++]!;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    const at = this.skip(2);
    return this.bytes[at]! | (this.bytes[at + 1]! << 8);
  }

  u24(): number {
    const at = this.skip(3);
    return this.bytes[at]! | (this.bytes[at + 1]! << 8) | (this.bytes[at + 2]! << 16);
  }

  u32(): number {
    const at = this.skip(4);
    const { bytes } = this;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  u64(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }

  /** An unsigned integer of 1, 2, 3, 4 or 8 bytes. */
  unsigned(size: number): number {
    switch (size) {
      case 1:
        return this.u8();
      case 2:
        return this.u16();
      case 3:
        return this.u24();
      case 4:
        return this.u32();
      case 8:
        return this.u64();
      default:
        return this.fail(`an integer of ${size} bytes is not supported`);
    }
  }

  uleb(): number {
    let byte = this.u8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    for (let length = 1; length < MAX_LEB_BYTES; length++) {
      byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    return this.fail('LEB128 number is too long');
  }

  sleb(): number {
    let value = 0;
    let scale = 1;
    for (let length = 0; length < MAX_LEB_BYTES; length++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return byte & 0x40 ? value - scale : value;
    }
    return this.fail('LEB128 number is too long');
  }

  /** Skips a zero-terminated string and returns its offset. */
  skipString(): number {
    const start = this.position;
    const terminator = this.bytes.indexOf(0, start);
    if (terminator < 0 || terminator >= this.end) this.fail('string has no end');
    this.position = terminator + 1;
    return start;
  }

  string(): string {
    const start = this.skipString();
    return decoder.decode(this.bytes.subarray(start, this.position - 1));
  }
}
