// Files that the commands write at the end of a run. A run may take an hour, so the commands check before it whether
// the files can be written.

import { accessSync, closeSync, constants, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileError } from './arguments.ts';

/** Characters that are written at once. Encoding a whole text at once would take as much memory again. */
const PIECE = 2 ** 20;

/** Throws FileError when this file certainly cannot be written. Creates no file. */
export function checkWritable(path: string): void {
  try {
    if (!exists(path)) {
      const directory = dirname(resolve(path));
      if (!statSync(directory).isDirectory()) throw systemError('ENOTDIR', `${directory} is not a directory`);
      accessSync(directory, constants.W_OK | constants.X_OK);
    } else if (statSync(path).isDirectory()) throw systemError('EISDIR', `${path} is a directory`);
    else accessSync(path, constants.W_OK);
  } catch (error) {
    throw fileError(path, 'written', error);
  }
}

/** Writes a file. Throws FileError. */
export function writeOutput(path: string, content: string | Uint8Array): void {
  try {
    if (typeof content !== 'string') writeFileSync(path, content);
    else writeText(path, content);
  } catch (error) {
    throw fileError(path, 'written', error);
  }
}

function writeText(path: string, text: string): void {
  const file = openSync(path, 'w');
  try {
    for (let start = 0, end = 0; start < text.length; start = end) {
      end = Math.min(text.length, start + PIECE);
      // A piece does not end between the two halves of a character.
      if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1]!)) end++;
      const bytes = Buffer.from(text.slice(start, end));
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    }
  } finally {
    closeSync(file);
  }
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
