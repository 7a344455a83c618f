// The emcc that the tests run. It is the one that Heapline uses, so HEAPLINE_EMCC tests another version.

import { readEmccVersion } from '../../src/compile/emscripten-versions.ts';
import { findEmcc } from '../../src/compile/find-emcc.ts';

const found = findEmcc();
if (found === null) throw new Error('The tests need emcc: on PATH, in EMSDK or named by HEAPLINE_EMCC.');

export const EMCC = found;
/** The version of emcc, and a name for its results that differs between versions. */
export const EMCC_VERSION = readEmccVersion(found);
