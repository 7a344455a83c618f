// Reads the gzip format in JavaScript, by fflate. Browsers have it as streams only, which nobody can wait for in
// synchronous code. fflate does not compare checksums, so they are compared here.

import { Gunzip } from 'fflate';
import { TooLongError } from '../platform/index.ts';

/** Input that is decompressed at a time: this bounds how far the output can pass the limit. */
const CHUNK = 1 << 16;
/** Checksum and length at the end of each member. */
const TRAILER = 8;

/** Decompresses the gzip format, which may have several members. Throws `TooLongError` beyond `most` bytes. */
export function gunzip(bytes: Uint8Array, most: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  let member = new Checksum();
  const stream = new Gunzip((part) => {
    length += part.length;
    if (length > most) throw new TooLongError(`The data decompress to more than ${most} bytes.`);
    member.add(part);
    parts.push(part);
  });
  stream.onmember = (start) => {
    member.check(bytes, start - TRAILER);
    member = new Checksum();
  };
  for (let start = 0; start < bytes.length; start += CHUNK) {
    stream.push(bytes.subarray(start, start + CHUNK), start + CHUNK >= bytes.length);
  }
  member.check(bytes, bytes.length - TRAILER);
  return joined(parts, length);
}

/** CRC-32 and length of one member. */
class Checksum {
  #crc = -1;
  #length = 0;

  add(bytes: Uint8Array): void {
    const table = crcTable();
    let crc = this.#crc;
    for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
    this.#crc = crc;
    this.#length += bytes.length;
  }

  /** Compares with the trailer at this offset. */
  check(bytes: Uint8Array, offset: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (offset < 0) throw new Error('unexpected end of file');
    if (view.getUint32(offset, true) !== ~this.#crc >>> 0) throw new Error('incorrect data check');
    if (view.getUint32(offset + 4, true) !== this.#length >>> 0) throw new Error('incorrect length check');
  }
}

let table: Int32Array | null = null;

function crcTable(): Int32Array {
  table ??= Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    return crc;
  });
  return table;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
