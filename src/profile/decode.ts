// Reads profile.proto, gzipped or not, from any writer: Go, jemalloc and gperftools through pprof, V8, Heapline.
// It does not use the decoder of pprof-format, which accepts truncated input and needs quadratic time for hostile
// integers. Here every length and index is checked (message-decoder.ts, wire-reader.ts), and decompression is
// bounded.

import { InvalidProfileError } from '../errors.ts';
import { platform, TooLongError } from '../platform/index.ts';
import { refuseForeignFormat } from './foreign-format.ts';
import { MessageDecoder } from './message-decoder.ts';
import type { ProfileModel } from './model.ts';
import { DEFAULT_MAX_BYTES } from './reader.ts';

/** Real profiles have more bytes per unit of memory. With the default limit, this allows 2 GiB of memory. */
const BYTES_PER_UNIT = 8;

/**
 * Reads a profile, or throws an InvalidProfileError. Only `any` accepts profiles that count no bytes, such as CPU
 * profiles.
 */
export function decodeProfile(
  input: Uint8Array,
  maxBytes = DEFAULT_MAX_BYTES,
  accepted: 'heap' | 'any' = 'heap',
): ProfileModel {
  const units = Math.max(maxBytes, DEFAULT_MAX_BYTES) / BYTES_PER_UNIT;
  return new MessageDecoder(decompress(input, maxBytes), units).model(accepted);
}

function decompress(input: Uint8Array, maxBytes: number): Uint8Array {
  if (input.length === 0) throw new InvalidProfileError('The profile is empty: it has no bytes.');
  let bytes = input;
  if (input[0] === 0x1f && input[1] === 0x8b) {
    try {
      bytes = platform().gunzip(input, Math.ceil(maxBytes));
    } catch (error) {
      if (error instanceof TooLongError) throw tooLarge(maxBytes, error);
      throw new InvalidProfileError(
        `The profile is not intact: its gzip data cannot be decompressed (${(error as Error).message}).`,
        { cause: error },
      );
    }
  }
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  refuseForeignFormat(bytes);
  return bytes;
}

function tooLarge(maxBytes: number, cause?: unknown): InvalidProfileError {
  return new InvalidProfileError(
    `The profile is larger than ${maxBytes} bytes when decompressed. Raise the limit (maxBytes) if you trust it.`,
    cause === undefined ? undefined : { cause },
  );
}
