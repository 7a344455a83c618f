// Finds emcc on this machine.

import path from 'node:path';
import { findProgram } from './toolchain.ts';

export const HOW_TO_GET_EMSCRIPTEN =
  'install the Emscripten SDK (3.1.6 or later) and put emcc on PATH or set EMSDK; on Debian: apt install emscripten';

/** The emcc that the user named in HEAPLINE_EMCC; empty when there is none. */
export function namedEmcc(): string {
  return process.env.HEAPLINE_EMCC ?? '';
}

/** Only the emcc that HEAPLINE_EMCC names, otherwise that of PATH or EMSDK. A source tree may have only emcc.py. */
export function findEmcc(): string | null {
  if (namedEmcc() !== '') return findProgram(namedEmcc());
  const sdk = process.env.EMSDK ?? '';
  const directories = sdk === '' ? [] : [path.join(sdk, 'upstream', 'emscripten')];
  return (
    findProgram('emcc') ??
    findProgram('emcc', directories) ??
    findProgram('emcc.py') ??
    findProgram('emcc.py', directories)
  );
}
