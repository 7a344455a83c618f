// Writes and measures LEB128, the variable-length integers of WebAssembly and DWARF (WebAssembly core specification,
// section 5.2.2 "Integers"). ByteReader (byte-reader.ts) reads them, because it knows where the bytes end.

/** Bytes that `value` (0 … 2^53 - 1) takes as unsigned LEB128. */
export function unsignedLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

/** Bytes that `value` (a safe integer) takes as signed LEB128. */
export function signedLength(value: number): number {
  let length = 1;
  for (let rest = value; rest < -0x40 || rest >= 0x40; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

/** Writes `value` (0 … 2^53 - 1) as unsigned LEB128 at `offset`; returns the offset after it. */
export function writeUnsigned(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

/** Writes `value` (a safe integer) as signed LEB128 at `offset`; returns the offset after it. */
export function writeSigned(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest < -0x40 || rest >= 0x40) {
    const group = ((rest % 0x80) + 0x80) % 0x80;
    bytes[at++] = group | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest & 0x7f;
  return at;
}

/** Appends `value` as LEB128 to a list of bytes. For 64-bit values, which a number cannot hold. */
export function appendBigInt(target: number[], value: bigint, signed: boolean): void {
  let rest = value;
  for (;;) {
    const group = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = signed ? (rest === 0n && group < 0x40) || (rest === -1n && group >= 0x40) : rest === 0n;
    target.push(done ? group : group | 0x80);
    if (done) return;
  }
}
