// The code by which people look at profiles: what tables leave out, speedscope's files and the text form. Entries of the package install it,
// or load it with the first sandbox, because `heapline/browser` must be small before it attaches to a module.

import { PlatformError } from '../errors.ts';

/** What is installed. */
export type Presentation = typeof import('./presentation.ts');

let installed: Presentation | null = null;

/** Installs the code that all profiles use from now on. */
export function usePresentation(presentation: Presentation): void {
  installed = presentation;
}

/** The installed code; null where no sandbox was opened yet. */
export function presentationOrNull(): Presentation | null {
  return installed;
}

/** The installed code. */
export function presentation(): Presentation {
  if (installed !== null) return installed;
  throw new PlatformError('Open a sandbox first: heapline/browser loads what this needs with it.');
}
