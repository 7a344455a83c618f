// The emcc that the tests run by themselves: the one that Heapline takes, so that HEAPLINE_EMCC tries another version.

import { findEmcc } from '../../src/compile/emscripten.ts';
import { readEmccVersion } from '../../src/compile/emscripten-versions.ts';

const found = findEmcc();
if (found === null) throw new Error('The tests need emcc: on PATH, in EMSDK or named by HEAPLINE_EMCC.');

export const EMCC = found;
/** Its version, and what tells its results from those of another one. */
export const EMCC_VERSION = readEmccVersion(found);
