// The entry of the compile room. It turns C sources into a linked module with the Heapline runtime and DWARF, not yet
// instrumented. link.ts describes what the module offers to the host.

export { Cache, defaultCacheDirectory, hashOf } from './cache.ts';
export { clangCandidates, HOW_TO_GET_CLANG } from './clang.ts';
export { type CompiledModule, compile, gluePath } from './compile.ts';
export { COMPILE_OPTIONS, type CompileOptions, type ToolchainName } from './compile-options.ts';
export { commandOf, cxxDriverOf } from './emscripten-versions.ts';
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
export { isLinkTarget, LINK_TARGETS, linkArgumentsByHand, linkFilesByHand } from './link-by-hand.ts';
export { isFile } from './options.ts';
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
export { removeDirectoriesOnSignals, withTemporaryDirectory } from './workspace.ts';
