// A cursor over a range of bytes. It never reads outside the range: every read past the end, every LEB128
// that is too long or out of range, and every malformed UTF-8 name raises an InvalidModuleError with the file
// offset. The bounds of LEB128 are those of the WebAssembly core specification, section 5.2.2: at most ceil(N
// / 7) bytes, and the bits of the last byte that do not fit must be zero (unsigned) or copies of the sign
// (signed).

import { InvalidModuleError } from '../errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads integers, names and vectors from `bytes` between `offset` and `end`. */
export class ByteReader {
  /** Offset of the next byte, from the start of `bytes`. */
  offset: number;
  /** Offset after the last byte that may be read. */
  readonly end: number;

  constructor(
    readonly bytes: Uint8Array,
    offset = 0,
    end = bytes.length,
  ) {
    if (!(offset >= 0 && offset <= end && end <= bytes.length)) {
      throw new InvalidModuleError(
        `range ${offset}–${end} lies outside the file of ${bytes.length} bytes`,
        offset,
      );
    }
    this.offset = offset;
    this.end = end;
  }

  get done(): boolean {
    return this.offset >= this.end;
  }

  /** Throws an InvalidModuleError about the byte at `offset`. */
  fail(message: string, offset = this.offset): never {
    throw new InvalidModuleError(`${message} at offset 0x${offset.toString(16)}`, offset);
  }

  byte(): number {
    if (this.offset >= this.end) this.fail('unexpected end of data');
    return this.bytes[this.offset++]!;
  }

  /** The next byte, which stays unread; -1 at the end. */
  peek(): number {
    return this.offset < this.end ? this.bytes[this.offset]! : -1;
  }

  /** Skips the next `length` bytes and returns a reader over them. */
  slice(length: number): ByteReader {
    const start = this.offset;
    this.skip(length);
    return new ByteReader(this.bytes, start, start + length);
  }

  skip(length: number): void {
    if (length > this.end - this.offset) {
      this.fail(`unexpected end of data: ${length} bytes needed, ${this.end - this.offset} left`);
    }
    this.offset += length;
  }

  /** Unsigned 32-bit LEB128. */
  u32(): number {
    const start = this.offset;
    const { bytes, end } = this;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.offset >= end) this.fail('unexpected end of data');
      const byte = bytes[this.offset++]!;
      if (shift === 28 && byte > 0x0f) this.fail('integer does not fit 32 bits', start);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return this.fail('integer does not fit 32 bits', start);
  }

  /** Signed 32-bit LEB128. */
  s32(): number {
    const start = this.offset;
    const value = this.#signed(5, 0x08, 0x70);
    if (value === null) this.fail('integer does not fit 32 bits', start);
    return value | 0;
  }

  /** Signed 33-bit LEB128 (block types and heap types). */
  s33(): number {
    const start = this.offset;
    const value = this.#signed(5, 0x10, 0x60);
    if (value === null) this.fail('integer does not fit 33 bits', start);
    return value;
  }

  /**
   * Signed LEB128 of up to `limit` bytes. In byte number `limit` the bit `sign` is the sign, and the bits
   * `copies` must repeat it; null if they do not.
   */
  #signed(limit: number, sign: number, copies: number): number | null {
    let value = 0;
    let scale = 1;
    for (let index = 1; ; index += 1) {
      const byte = this.byte();
      if (index === limit) {
        const expected = (byte & sign) !== 0 ? copies : 0;
        if (byte >= 0x80 || (byte & copies) !== expected) return null;
      }
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return (byte & 0x40) !== 0 ? value - scale : value;
    }
  }

  /** Unsigned 64-bit LEB128. */
  u64(): bigint {
    const start = this.offset;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      if (shift === 63n && byte > 1) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return this.fail('integer does not fit 64 bits', start);
  }

  /** Signed 64-bit LEB128. */
  s64(): bigint {
    const start = this.offset;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      if (shift === 63n && byte !== 0 && byte !== 0x7f) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (byte & 0x40) !== 0 ? value - (1n << (shift + 7n)) : value);
    }
    return this.fail('integer does not fit 64 bits', start);
  }

  /** Length-prefixed UTF-8. */
  name(): string {
    const start = this.offset;
    const length = this.u32();
    const at = this.offset;
    this.skip(length);
    try {
      return utf8.decode(this.bytes.subarray(at, at + length));
    } catch (cause) {
      throw new InvalidModuleError(`malformed UTF-8 in a name at offset 0x${start.toString(16)}`, start, {
        cause,
      });
    }
  }

  /**
   * Number of elements of a vector. Each element takes at least `least` bytes, so a count that the rest of the data
   * cannot hold is rejected here, before anybody allocates memory for the elements.
   */
  count(least = 1): number {
    const start = this.offset;
    const count = this.u32();
    if (count * least > this.end - this.offset) {
      this.fail(`a vector of ${count} elements does not fit the ${this.end - this.offset} bytes left`, start);
    }
    return count;
  }
}
