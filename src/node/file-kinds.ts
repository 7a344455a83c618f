// Whether a path leads to a file or a directory.

import { type Stats, statSync } from 'node:fs';

/** The status of a file. Null when it does not exist or is in a directory that may not be searched. */
function statusOf(file: string): Stats | null {
  try {
    return statSync(file);
  } catch {
    return null;
  }
}

export function isFile(file: string): boolean {
  return statusOf(file)?.isFile() ?? false;
}

export function isDirectory(file: string): boolean {
  return statusOf(file)?.isDirectory() ?? false;
}
