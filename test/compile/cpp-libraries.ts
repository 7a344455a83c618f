// The toolchains that have a C++ library over WASI, by how they are found.

import { afterAll, afterEach, beforeAll } from 'vitest';
import { fakeSdk, type Sdk } from '../support/wasi-sdk.ts';

const kept = process.env.HEAPLINE_CLANG;
let sdk: Sdk;
let dual: Sdk;

beforeAll(() => {
  sdk = fakeSdk(['wasm32-wasip1']);
  dual = fakeSdk(['eh and noeh']);
});
afterEach(() => {
  delete process.env.WASI_SDK_PATH;
  if (kept === undefined) delete process.env.HEAPLINE_CLANG;
  else process.env.HEAPLINE_CLANG = kept;
});
afterAll(() => {
  sdk[Symbol.dispose]();
  dual[Symbol.dispose]();
});

/** Each prepares the environment for its toolchain until the test ends, and returns the toolchain's name. */
export const ways = {
  embedded: () => 'embedded' as const,
  'clang 22 of Debian': () => {
    process.env.HEAPLINE_CLANG = 'clang-22';
    return 'clang' as const;
  },
  'a wasi-sdk': () => {
    process.env.WASI_SDK_PATH = sdk.directory;
    return 'clang' as const;
  },
  'a wasi-sdk with two C++ libraries': () => {
    process.env.WASI_SDK_PATH = dual.directory;
    return 'clang' as const;
  },
};
export const names = Object.keys(ways) as (keyof typeof ways)[];
