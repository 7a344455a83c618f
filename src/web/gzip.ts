// Writes the gzip format in JavaScript, by fflate. Browsers have it as streams only, which nobody can wait for in
// synchronous code.

import { gzipSync } from 'fflate';

/** Compresses to the gzip format. */
export function gzip(bytes: Uint8Array, level: number): Uint8Array {
  return gzipSync(bytes, { level: level as 0 });
}
