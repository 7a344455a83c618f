// The reader behind HeapProfile.decode(). Entries of the package install it, so that `heapline/browser`, whose pages
// write profiles and read none, need not load it.

import { PlatformError } from '../errors.ts';
import type { ProfileModel } from './model.ts';

/** Default limit of the decompressed size, in bytes. */
export const DEFAULT_MAX_BYTES = 256 * 2 ** 20;

/** Reads a profile of at most `maxBytes` bytes when decompressed, or throws an InvalidProfileError. */
export type ProfileReader = (bytes: Uint8Array, maxBytes: number) => ProfileModel;

let installed: ProfileReader | null = null;

/** Installs the reader that HeapProfile.decode() uses from now on. */
export function useProfileReader(reader: ProfileReader): void {
  installed = reader;
}

/** The installed reader. */
export function profileReader(): ProfileReader {
  if (installed !== null) return installed;
  throw new PlatformError(
    "heapline/browser writes profiles and does not read them: use HeapProfile of 'heapline/core' for that.",
  );
}
