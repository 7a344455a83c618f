// The entry of the compile room. It turns C sources into a linked module with the Heapline runtime and DWARF, not yet
// instrumented. link.ts describes what the module offers to the host.

export { defaultCacheDirectory } from './cache.ts';
export { type CompiledModule, compile, gluePath } from './compile.ts';
export { COMPILE_OPTIONS, type CompileOptions, type ToolchainName } from './compile-options.ts';
export { filesToRead } from './includes.ts';
export { isLinkTarget, LINK_TARGETS, linkFilesByHand } from './link-by-hand.ts';
export { removeDirectoriesOnSignals } from './workspace.ts';
