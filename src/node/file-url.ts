// Where a file may be named by path or, for what lies beside a module's own source, by URL:
// new URL('./parser.c', import.meta.url).

import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from '../errors.ts';

/** The path itself, or the path of a file: URL. `argument` is the name of the argument that it was given as. */
export function pathOf(argument: string, file: string | URL): string {
  if (typeof file === 'string') return file;
  if (file.protocol !== 'file:') {
    throw new InvalidArgumentError(
      argument,
      `${file.href} is no file of this machine: of URLs, ${argument} takes those that begin with file: alone.`,
    );
  }
  try {
    return fileURLToPath(file);
  } catch (error) {
    // A host, or an encoded slash.
    throw new InvalidArgumentError(argument, `${file.href} names no file: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
