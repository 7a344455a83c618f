// Writes the wire format of protocol buffers into a growing buffer
// (https://protobuf.dev/programming-guides/encoding/).

import { withRoom } from '../algorithms/growable-array.ts';

/** Tag of a label: field 3 of a sample, length-delimited. */
export const LABEL_TAG = 0x1a;
const MAX_INT64 = 2n ** 63n - 1n;

/**
 * A number as an int64. The greatest int64 is 2^63 when read as a number, which would overflow to the least int64.
 */
export function int64(value: number): number | bigint {
  return value >= 2 ** 63 ? MAX_INT64 : value;
}

/** Number of bytes of an int64 varint. */
export function varintLength(value: number): number {
  if (value < 0) return 10;
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  if (value < 0x10000000) return 4;
  let length = 5;
  for (let rest = Math.floor(value / 0x800000000); rest > 0; rest = Math.floor(rest / 128)) length++;
  return Math.min(length, 9);
}

/** Bytes of a field with its tag. The number 0 takes none, because a missing field means 0. */
function fieldLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value);
}

/** A growing buffer with what samples are written of: integers, bytes, labels and copies of earlier output. */
export class WireWriter {
  buffer: Uint8Array<ArrayBuffer>;
  offset = 0;

  constructor(size: number) {
    this.buffer = new Uint8Array(size);
  }

  /** Makes room for more bytes. */
  reserve(length: number): void {
    const needed = this.offset + length;
    if (needed > this.buffer.length) this.buffer = withRoom(this.buffer, needed);
  }

  /** Appends an int64; there must be room for it. */
  varint(value: number): void {
    const { buffer } = this;
    let { offset } = this;
    if (value >= 0 && value < 0x80000000) {
      let rest = value;
      while (rest > 127) {
        buffer[offset++] = (rest & 127) | 128;
        rest >>>= 7;
      }
      buffer[offset++] = rest;
    } else if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      let rest = value;
      while (rest > 127) {
        buffer[offset++] = (rest % 128) | 128;
        rest = Math.floor(rest / 128);
      }
      buffer[offset++] = rest;
    } else {
      let rest = BigInt(value);
      if (rest > MAX_INT64) rest = MAX_INT64;
      rest = BigInt.asUintN(64, rest);
      while (rest > 127n) {
        buffer[offset++] = Number(rest & 127n) | 128;
        rest >>= 7n;
      }
      buffer[offset++] = Number(rest);
    }
    this.offset = offset;
  }

  /** Appends bytes; there must be room for them. */
  bytes(bytes: Uint8Array): void {
    this.buffer.set(bytes, this.offset);
    this.offset += bytes.length;
  }

  /** Appends a part of an array. A view for each of a million pieces would cost more than copying them. */
  bytesOf(source: Uint8Array, from: number, end: number): void {
    const { buffer } = this;
    let { offset } = this;
    for (let at = from; at < end; at++) buffer[offset++] = source[at]!;
    this.offset = offset;
  }

  /** Appends a label with a number: fields 1 (key), 3 (number) and 4 (unit), where they are not 0. */
  numberLabel(key: number, value: number, unit: number): void {
    const length = fieldLength(key) + fieldLength(value) + fieldLength(unit);
    this.reserve(length + 12);
    this.buffer[this.offset++] = LABEL_TAG;
    this.varint(length);
    this.#field(0x08, key);
    this.#field(0x18, value);
    this.#field(0x20, unit);
  }

  #field(tag: number, value: number): void {
    if (value === 0) return;
    this.buffer[this.offset++] = tag;
    this.varint(value);
  }

  /** Appends `length` bytes that were written at `from` before. */
  copy(from: number, length: number): void {
    const { buffer, offset } = this;
    if (length < 48) for (let i = 0; i < length; i++) buffer[offset + i] = buffer[from + i]!;
    else buffer.copyWithin(offset, from, from + length);
    this.offset = offset + length;
  }
}
