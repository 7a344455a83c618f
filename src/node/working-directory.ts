// The working directory, which another program may have removed.

import { FileError } from '../errors.ts';

/** The working directory. Throws a FileError when it no longer exists. */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new FileError('.', 'The working directory is not there any more: change to one that is.', {
      cause,
    });
  }
}
