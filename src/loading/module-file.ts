// The file of a module, and the file of its JavaScript beside it.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gluePath } from '../compile/index.ts';
import { FileError } from '../errors.ts';
import { pathOf } from '../node/file-url.ts';

/** Reads a module. @param argument the name under which the caller was given the file */
export async function readModuleFile(
  argument: string,
  file: string | URL,
): Promise<{ readonly bytes: Uint8Array; readonly path: string }> {
  const path = resolve(pathOf(argument, file));
  try {
    return { bytes: await readFile(path), path };
  } catch (cause) {
    const given = String(file);
    throw new FileError(given, `Cannot read the module ${given}: ${(cause as Error).message}`, { cause });
  }
}

/** JavaScript of the module in this file, as `heapline build` writes it; null when there is none. */
export async function glueBeside(path: string): Promise<string | null> {
  const glue = gluePath(path);
  if (!existsSync(glue)) return null;
  try {
    return await readFile(glue, 'utf8');
  } catch (cause) {
    throw new FileError(glue, `Cannot read the module's JavaScript ${glue}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
