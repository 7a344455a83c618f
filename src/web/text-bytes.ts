// Bytes in JavaScript's source: 13 bits in two characters out of 91, because every bundler and minifier leaves printable
// ASCII as it is. Base64 would be a twelfth longer.

/** Printable ASCII without the characters that strings of JavaScript escape. */
export const ALPHABET = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))
  .filter((character) => !'"$\\`'.includes(character))
  .join('');

/** The bytes that a text stands for. Its first character is the number of bits that are left over at its end. */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const bits = ((text.length - 1) / 2) * 13 - ALPHABET.indexOf(text[0]!);
  const bytes = new Uint8Array(bits / 8);
  let held = 0;
  let count = 0;
  let offset = 0;
  for (let at = 1; at < text.length; at += 2) {
    held |= (ALPHABET.indexOf(text[at]!) * ALPHABET.length + ALPHABET.indexOf(text[at + 1]!)) << count;
    for (count += 13; count >= 8 && offset < bytes.length; count -= 8) {
      bytes[offset++] = held;
      held >>>= 8;
    }
  }
  return bytes;
}
