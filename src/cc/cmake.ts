// The toolchain file for CMake. It sets no CMAKE_SYSTEM_NAME, so CMake does not believe that it cross-compiles, and
// test programs run. Libraries, headers and packages are looked for in WASI's sysroot only, because those of this
// machine are for another processor.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Cache, hashOf } from '../compile/index.ts';
import { packageDirectory } from '../node/own-files.ts';
import { chooseClang } from './wasi-clang.ts';

const quoted = (text: string): string => `"${text.replaceAll('\\', '/').replaceAll(/["$;]/g, '\\$&')}"`;

/** Writes the toolchain file for this installation and returns its path. */
export async function cmakeToolchain(): Promise<string> {
  const cache = new Cache();
  const clang = await chooseClang(cache);
  const bin = path.join(packageDirectory ?? '', 'dist');
  const root = clang?.sysroot.directory ?? path.join(os.tmpdir(), 'heapline-empty-sysroot');
  const text = `# CMake's toolchain file for \`heapline cc\`, written by \`heapline cmake\`.
set(CMAKE_C_COMPILER ${quoted(path.join(bin, 'heapline-cc.js'))})
set(CMAKE_CXX_COMPILER ${quoted(path.join(bin, 'heapline-c++.js'))})
set(CMAKE_AR ${quoted(path.join(bin, 'heapline-ar.js'))} CACHE FILEPATH "ar")
set(CMAKE_RANLIB ${quoted(path.join(bin, 'heapline-ranlib.js'))} CACHE FILEPATH "ranlib")
set(CMAKE_STRIP "true" CACHE FILEPATH "Programs keep the debug information that reports need.")
set(BUILD_SHARED_LIBS OFF CACHE BOOL "Heapline makes no shared libraries.")
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS FALSE)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
list(APPEND CMAKE_FIND_ROOT_PATH ${quoted(root)})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
`;
  const directory = path.join(cache.directory ?? os.tmpdir(), 'cmake');
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, `heapline-${hashOf(text).slice(0, 12)}.cmake`);
  const beside = `${file}.${process.pid}.tmp`;
  writeFileSync(beside, text);
  renameSync(beside, file);
  return file;
}
