// Where this package is on the disk. From source, this file lies two folders below package.json. The builds are flat,
// so there it lies one folder below.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const manifest = findManifest();

/**
 * URL of Heapline's own code, `…/src/` from source and `…/dist/` from the package; null when somebody has bundled
 * Heapline with their own code, because the bundle's folder is not Heapline's.
 */
export const codeDirectory =
  manifest === null ? null : new URL(manifest.levels === 1 ? '.' : '..', import.meta.url).href;

/** Path of the package; null when it is bundled, because its files are not beside the code any more. */
export const packageDirectory = manifest === null ? null : fileURLToPath(new URL('.', manifest.url));

/** Flags by which compilers find heapline.h, and the headers of Valgrind and of the sanitizers that are beside it. */
export const HEADER_FLAGS: readonly string[] =
  packageDirectory === null ? [] : ['-isystem', join(packageDirectory, 'include')];

/** The compiled runtime's directory. Developers of the runtime link another build (scripts/build-runtime.mjs). */
export function runtimeDirectory(): string {
  const asked = process.env.HEAPLINE_RUNTIME ?? '';
  return asked === '' ? join(packageDirectory ?? '', 'wasm') : resolve(asked);
}

function findManifest(): { readonly url: URL; readonly levels: number } | null {
  for (const levels of [1, 2]) {
    try {
      const url = new URL(`${'../'.repeat(levels)}package.json`, import.meta.url);
      const { name } = JSON.parse(readFileSync(url, 'utf8')) as { name?: unknown };
      if (name === 'heapline') return { url, levels };
    } catch {
      // There is no manifest at this level.
    }
  }
  return null;
}
