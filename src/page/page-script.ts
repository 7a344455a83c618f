// The code of pages: one file of the package, read when the first page is written.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../errors.ts';
import { packageDirectory } from '../node/own-files.ts';

let script: string | null = null;

/** The script that was built of src/page-app. Throws a FileError when it is not there. */
export function pageScript(): string {
  const path = join(packageDirectory ?? '.', 'dist', 'page-app.js');
  try {
    script ??= readFileSync(path, 'utf8');
    return script;
  } catch (cause) {
    throw new FileError(
      path,
      packageDirectory === null
        ? 'Pages need the file dist/page-app.js of the package heapline, which is not beside this code, because it was bundled: leave heapline out of the bundle.'
        : `${path} cannot be read (${(cause as Error).message}). Install the package again; in its repository, run ./build.sh.`,
      { cause },
    );
  }
}
