// The holder of the platform, which the package's entries fill.

import { PlatformError } from '../errors.ts';
import type { Platform } from './platform.ts';

let installed: Platform | null = null;

/** Installs the platform that all rooms use from now on. The entries of the package for Node.js call this. */
export function usePlatform(platform: Platform): void {
  installed = platform;
}

/** Installs a platform unless there is one. `heapline/core` calls this, so that Node.js keeps its own. */
export function usePlatformByDefault(platform: Platform): void {
  installed ??= platform;
}

/** The installed platform; null in a page that Heapline has written, which brings none. */
export function platformOrNull(): Platform | null {
  return installed;
}

/** The installed platform. */
export function platform(): Platform {
  if (installed !== null) return installed;
  throw new PlatformError(
    'Heapline does not know whether it runs in Node.js or in a browser, because none of its entries was imported: ' +
      "import 'heapline' or 'heapline/core'.",
  );
}
