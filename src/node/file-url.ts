// Callers name a file by its path, or by a URL when it lies beside their own source:
// new URL('./parser.c', import.meta.url).

import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from '../errors.ts';

/** The path itself, or the path of a file: URL. `argument` is the name of the caller's argument, for messages. */
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
    // The URL has a host or an encoded slash.
    throw new InvalidArgumentError(argument, `${file.href} names no file: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
