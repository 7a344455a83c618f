// The door of the compile room: C sources in, a linked module with the Heapline runtime and DWARF out, not yet
// instrumented. What the module offers to the host is written in link.ts.

export { defaultCacheDirectory } from './cache.ts';
export { type CompiledModule, compile, gluePath } from './compile.ts';
export { filesToRead } from './includes.ts';
export { isLinkTarget, LINK_TARGETS, linkFilesByHand } from './link-by-hand.ts';
export { COMPILE_OPTIONS, type CompileOptions, type ToolchainName } from './options.ts';
export { removeDirectoriesOnSignals } from './workspace.ts';
