// Base64 and gzip as a page finds them.

/** The most that anything in a page decompresses to. */
const MOST_BYTES = 2 ** 31 - 1;

/** Newer browsers decode base64 themselves, which takes a tenth of the time. */
const { fromBase64: decode } = Uint8Array as { fromBase64?: (text: string) => Uint8Array };

/** The bytes that a base64 text stands for. */
export function fromBase64(text: string): Uint8Array {
  if (decode !== undefined) return decode.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The bytes without gzip, if they have it. */
export async function decompressed(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'));
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MOST_BYTES) {
      await reader.cancel();
      throw new RangeError(`The file is larger than ${MOST_BYTES} bytes when decompressed.`);
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
