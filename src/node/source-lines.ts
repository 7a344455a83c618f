// Source files that debug information names, for the comments in them.

import { readFileSync, statSync } from 'node:fs';

/** The largest source whose comments are read. */
const LARGEST_SOURCE = 2 ** 26;

/** The lines of a source file; null when it is not there: debug information may come from another machine. */
export function sourceLines(path: string): readonly string[] | null {
  try {
    const status = statSync(path);
    if (!status.isFile() || status.size > LARGEST_SOURCE) return null;
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return null;
  }
}
