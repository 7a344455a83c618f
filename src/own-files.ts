// Where this package is on the disk. It stays at the top of `src/`, so that package.json is one folder up from here
// in the sources as in every form in which they are built.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const manifest = findManifest();

/**
 * URL of Heapline's own code, `…/src/` from source and `…/dist/` from the package; null when somebody has bundled it
 * with their own code, where the place of the file says nothing.
 */
export const codeDirectory = manifest === null ? null : new URL('.', import.meta.url).href;

/** Path of the package; null when it is bundled, and its files are not beside the code any more. */
export const packageDirectory = manifest === null ? null : fileURLToPath(new URL('.', manifest));

function findManifest(): URL | null {
  try {
    const file = new URL('../package.json', import.meta.url);
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    return name === 'heapline' ? file : null;
  } catch {
    return null;
  }
}
