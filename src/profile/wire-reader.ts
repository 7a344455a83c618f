// Reads the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/). Every length is
// checked, and an integer takes constant time. Nested messages are read in place, so nothing is copied but strings.

import { InvalidProfileError } from '../errors.ts';

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Reads fields one after the other. A field is read by the method for its type while its tag is the last one read.
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  #offset = 0;
  #end: number;
  /** Wire type of the present field. */
  #wire = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Calls `read` for each field of a message whose place `range` has returned. */
  messageIn(start: number, end: number, read: (field: number) => boolean): void {
    this.#offset = start;
    this.#end = end;
    this.message(read);
  }

  /** Skips a length-delimited field. @returns where its content starts and ends */
  range(): readonly [start: number, end: number] {
    const end = this.#length();
    const start = this.#offset;
    this.#offset = end;
    return [start, end];
  }

  /** The text of a length-delimited field. */
  text(): string {
    const [start, end] = this.range();
    return utf8.decode(this.#bytes.subarray(start, end));
  }

  /** Calls `read` for each field. Fields for which it returns false are skipped. */
  message(read: (field: number) => boolean): void {
    while (this.#offset < this.#end) {
      const tag = this.unsigned();
      if (typeof tag === 'bigint' || tag < 8 || tag > 0xffffffff) this.fail(`a field has the bad tag ${tag}`);
      const wire = tag % 8;
      this.#wire = wire;
      if (!read(Math.floor(tag / 8))) this.#skip(wire);
    }
  }

  /** Reads a field that is a message. */
  nested(read: (field: number) => boolean): void {
    const outer = this.#end;
    this.#end = this.#length();
    this.message(read);
    this.#end = outer;
  }

  #skip(wire: number): void {
    if (wire === VARINT) this.unsigned();
    else if (wire === DELIMITED) this.#offset = this.#length();
    else if (wire === FIXED64 || wire === FIXED32) {
      this.#offset += wire === FIXED64 ? 8 : 4;
      if (this.#offset > this.#end) this.fail('it ends in the middle of a field');
    } else this.fail(`a field has the unknown wire type ${wire}`);
  }

  /** The end of a length-delimited field. Its content starts at the offset. */
  #length(): number {
    if (this.#wire !== DELIMITED) this.fail(`a field has wire type ${this.#wire} where a length is due`);
    const length = this.unsigned();
    if (length > this.#end - this.#offset) this.fail('a field is longer than what holds it');
    return this.#offset + Number(length);
  }

  /** Calls `read` for each of repeated integers, whether they are packed or single. */
  repeated(read: () => void): void {
    if (this.#wire === VARINT) {
      read();
      return;
    }
    const outer = this.#end;
    this.#end = this.#length();
    while (this.#offset < this.#end) read();
    this.#end = outer;
  }

  /**
   * Appends repeated uint64s to `list`, whether they are packed or single.
   * @returns whether `list` has `most` of them at the most; it stops when there are more
   */
  unsignedInto(list: (number | bigint)[], most: number): boolean {
    if (this.#wire === VARINT) return list.push(this.unsigned()) <= most;
    const outer = this.#end;
    const end = this.#length();
    const bytes = this.#bytes;
    this.#end = end;
    while (this.#offset < end && list.length <= most) {
      const first = bytes[this.#offset]!;
      // Nearly all are short. `unsigned` reads the others, and those that the end cuts off.
      if (first < 128) {
        this.#offset++;
        list.push(first);
        continue;
      }
      const second = this.#offset + 1 < end ? bytes[this.#offset + 1]! : 128;
      if (second < 128) {
        this.#offset += 2;
        list.push(second * 128 + first - 128);
      } else list.push(this.unsigned());
    }
    this.#end = outer;
    return list.length <= most;
  }

  /** The integer of a field that is an int64. */
  scalar(): number {
    if (this.#wire !== VARINT) this.fail(`a field has wire type ${this.#wire} where an integer is due`);
    return this.integer();
  }

  /** The integer of a field that is a uint64. */
  scalarUnsigned(): number | bigint {
    if (this.#wire !== VARINT) this.fail(`a field has wire type ${this.#wire} where an integer is due`);
    return this.unsigned();
  }

  /** An int64 as a number. It is exact up to 2^53 and rounded beyond. */
  integer(): number {
    const value = this.unsigned();
    return typeof value === 'number' ? value : Number(BigInt.asIntN(64, value));
  }

  /** A varint: a number up to 2^53, otherwise a bigint. */
  unsigned(): number | bigint {
    const bytes = this.#bytes;
    const end = this.#end;
    let offset = this.#offset;
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 7; i++) {
      if (offset >= end) this.fail('it ends in the middle of an integer');
      const byte = bytes[offset++]!;
      value += (byte & 127) * factor;
      if (byte < 128) {
        this.#offset = offset;
        return value;
      }
      factor *= 128;
    }
    let large = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      if (offset >= end) this.fail('it ends in the middle of an integer');
      const byte = bytes[offset++]!;
      large |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        this.#offset = offset;
        large = BigInt.asUintN(64, large);
        return large <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(large) : large;
      }
    }
    return this.fail('an integer is longer than 10 bytes');
  }

  /** Throws the error that says what is wrong with the profile, and where. */
  fail(what: string): never {
    throw new InvalidProfileError(
      `This is not an intact pprof profile: ${what} (near byte ${this.#offset}).`,
    );
  }
}
