// A growing byte buffer, for the small sections that are written anew (types, exports, custom sections) and
// for inserted code. The code section is not written with it, because its exact size is known beforehand.

import { withRoom } from '../algorithms/growable-array.ts';
import { copyRange } from './copy.ts';
import { signedLength, unsignedLength, writeSigned, writeUnsigned } from './leb128.ts';

const utf8 = new TextEncoder();

/** Collects bytes; `take` returns them. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed > this.#bytes.length) this.#bytes = withRoom(this.#bytes, needed);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Unsigned LEB128 of 0 … 2^53 - 1. */
  unsigned(value: number): void {
    this.#reserve(unsignedLength(value));
    this.#length = writeUnsigned(this.#bytes, this.#length, value);
  }

  /** Signed LEB128 of a safe integer. */
  signed(value: number): void {
    this.#reserve(signedLength(value));
    this.#length = writeSigned(this.#bytes, this.#length, value);
  }

  copy(source: Uint8Array): void {
    this.#reserve(source.length);
    this.#length = copyRange(source, 0, source.length, this.#bytes, this.#length);
  }

  /** Length-prefixed UTF-8. */
  name(text: string): void {
    const encoded = utf8.encode(text);
    this.unsigned(encoded.length);
    this.copy(encoded);
  }

  /** The bytes written so far, as a view. Do not write any more after taking it. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
