// SHA-256 (FIPS 180-4) in synchronous JavaScript: the web's own digests are promises. Packages that have it bring other
// hashes and options along, which makes them four times as large.

const ROUNDS = 64;
const BLOCK = 64;
/** Bytes of the length at the end. */
const LENGTH = 8;

/** The first 32 bits of the fractional part. */
const fraction = (value: number): number => ((value - Math.floor(value)) * 2 ** 32) | 0;

const PRIMES: number[] = [];
for (let each = 2; PRIMES.length < ROUNDS; each += 1) {
  if (PRIMES.every((prime) => each % prime !== 0)) PRIMES.push(each);
}
/** From the cube roots of the first primes. */
const CONSTANTS = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
/** From the square roots of the first eight. */
const INITIAL = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

const rotated = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

/** SHA-256 in hexadecimal digits. Text is hashed as UTF-8. */
export function sha256(content: Uint8Array | string): string {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const state = Int32Array.from(INITIAL);
  const words = new Int32Array(ROUNDS);
  const whole = bytes.length - (bytes.length % BLOCK);
  addBlocks(state, words, bytes, whole);
  const rest = bytes.length - whole;
  const last = new Uint8Array(rest + 1 + LENGTH <= BLOCK ? BLOCK : 2 * BLOCK);
  last.set(bytes.subarray(whole));
  last[rest] = 0x80;
  new DataView(last.buffer).setBigUint64(last.length - LENGTH, BigInt(bytes.length) * 8n);
  addBlocks(state, words, last, last.length);
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

function addBlocks(state: Int32Array, words: Int32Array, bytes: Uint8Array, end: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < end; at += BLOCK) {
    for (let t = 0; t < 16; t += 1) words[t] = view.getInt32(at + 4 * t);
    for (let t = 16; t < ROUNDS; t += 1) {
      const [early, late] = [words[t - 15]!, words[t - 2]!];
      const first = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
      const second = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
      words[t] = words[t - 16]! + first + words[t - 7]! + second;
    }
    addBlock(state, words);
  }
}

function addBlock(state: Int32Array, words: Int32Array): void {
  let [a, b, c, d, e, f, g, h] = state as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let t = 0; t < ROUNDS; t += 1) {
    const sum = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const first = (h + sum + ((e & f) ^ (~e & g)) + CONSTANTS[t]! + words[t]!) | 0;
    const other = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const second = (other + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index]! += word;
}
