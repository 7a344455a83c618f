// The entry of the compile room. It turns C sources into a linked module with the Heapline runtime and DWARF, not yet
// instrumented. link.ts describes what the module offers to the host. What only Emscripten needs is loaded when it is
// chosen, so it has doors of its own: emscripten-versions.ts and link-by-hand.ts.

export { Cache, defaultCacheDirectory, hashOf } from './cache.ts';
export { clangCandidates, HOW_TO_GET_CLANG } from './clang.ts';
export { type CompiledModule, compile, gluePath } from './compile.ts';
export { COMPILE_OPTIONS, type CompileOptions, type ToolchainName } from './compile-options.ts';
export { findEmcc, HOW_TO_GET_EMSCRIPTEN } from './find-emcc.ts';
export {
  emulationFlags,
  emulationLibraries,
  hasExceptions,
  objectFlags,
  SETJMP_FLAGS,
  wasiCxxFlags,
} from './flags.ts';
export { filesToRead } from './includes.ts';
export { wasiProgramArguments } from './link.ts';
export { readMarks, TEXT_FLAGS } from './marks.ts';
export { runTool } from './process.ts';
export { runtimeStandIns } from './stand-ins.ts';
export {
  cxxLibraryArguments,
  findSysroot,
  headerArguments,
  type Sysroot,
  sysrootArguments,
} from './sysroot.ts';
export { fileIdentity, readRuntime } from './toolchain.ts';
export { VARIABLE_LAYOUT } from './variable-layout.ts';
export { removeDirectoriesOnSignals, withTemporaryDirectory } from './workspace.ts';
