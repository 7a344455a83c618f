// The toolchain file for CMake. It sets no CMAKE_SYSTEM_NAME, so CMake does not believe that it cross-compiles, and
// test programs run. Libraries, headers and packages are looked for in WASI's sysroot only, because those of this
// machine are for another processor.
//
// On Windows CMake would use the options of compilers for Windows, and programs are no files that Windows can start. So
// there the file says that the programs are for Linux, as whose compilers Heapline's behave, and that Node.js runs them.
// The compilers are batch files, because Windows cannot start scripts.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Cache, hashOf } from '../compile/index.ts';
import { packageDirectory } from '../node/own-files.ts';
import { toolBatch, WINDOWS_STACK } from './executable.ts';
import { chooseClang } from './wasi-clang.ts';

const quoted = (text: string): string => `"${text.replaceAll('\\', '/').replaceAll(/["$;]/g, '\\$&')}"`;

/** Where the tools of an installation are. */
export interface CmakePlaces {
  /** The folder with the tools' scripts. */
  readonly bin: string;
  /** The folder in which CMake looks for libraries and headers. */
  readonly root: string;
  /** The folder for the batch files that start the tools on Windows. */
  readonly batchFiles: string;
  readonly node: string;
}

const TOOLS = ['heapline-cc', 'heapline-c++', 'heapline-ar', 'heapline-ranlib'] as const;
/** What stands for `strip`. */
const NOTHING = 'heapline-nothing.cmd';

/** The toolchain file for a platform, and the files that it names beside those of the package, by their paths. */
export function cmakeFiles(
  places: CmakePlaces,
  platform: NodeJS.Platform,
): { readonly text: string; readonly batchFiles: ReadonlyMap<string, string> } {
  const { bin, root, node } = places;
  const onWindows = platform === 'win32';
  const join = onWindows ? path.win32.join : path.join;
  const script = (name: string): string => join(bin, `${name}.js`);
  const batchFile = (name: string): string => join(places.batchFiles, name);
  const tool = (name: (typeof TOOLS)[number]): string =>
    quoted(onWindows ? batchFile(`${name}.cmd`) : script(name));
  const strip = onWindows ? quoted(batchFile(NOTHING)) : '"true"';
  const emulator = [node, `--stack-size=${WINDOWS_STACK}`, join(bin, 'cc-run.js')].map((word) =>
    word.replaceAll('\\', '/').replaceAll(/["$;]/g, '\\$&'),
  );
  const system = `set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_CROSSCOMPILING_EMULATOR "${emulator.join(';')}" CACHE STRING "Node.js runs the programs.")
`;
  const text = `# CMake's toolchain file for \`heapline cc\`, written by \`heapline cmake\`.
${onWindows ? system : ''}set(CMAKE_C_COMPILER ${tool('heapline-cc')})
set(CMAKE_CXX_COMPILER ${tool('heapline-c++')})
set(CMAKE_AR ${tool('heapline-ar')} CACHE FILEPATH "ar")
set(CMAKE_RANLIB ${tool('heapline-ranlib')} CACHE FILEPATH "ranlib")
set(CMAKE_STRIP ${strip} CACHE FILEPATH "Programs keep the debug information that reports need.")
set(BUILD_SHARED_LIBS OFF CACHE BOOL "Heapline makes no shared libraries.")
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS FALSE)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
list(APPEND CMAKE_FIND_ROOT_PATH ${quoted(root)})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
`;
  const batchFiles = new Map<string, string>();
  if (onWindows) {
    for (const name of TOOLS) batchFiles.set(batchFile(`${name}.cmd`), toolBatch(script(name), node));
    batchFiles.set(batchFile(NOTHING), '@exit /b 0\r\n');
  }
  return { text, batchFiles };
}

/** Writes the toolchain file for this installation and returns its path. */
export async function cmakeToolchain(): Promise<string> {
  const cache = new Cache();
  const clang = await chooseClang(cache);
  const bin = path.join(packageDirectory ?? '', 'dist');
  const directory = path.join(cache.directory ?? os.tmpdir(), 'cmake');
  const places = {
    bin,
    root: clang?.sysroot.directory ?? path.join(os.tmpdir(), 'heapline-empty-sysroot'),
    batchFiles: path.join(directory, hashOf(`${bin} ${process.execPath}`).slice(0, 12)),
    node: process.execPath,
  };
  const { text, batchFiles } = cmakeFiles(places, process.platform);
  for (const [file, content] of batchFiles) write(file, content);
  const file = path.join(directory, `heapline-${hashOf(text).slice(0, 12)}.cmake`);
  write(file, text);
  return file;
}

function write(file: string, content: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}.tmp`;
  writeFileSync(beside, content);
  renameSync(beside, file);
}
