// The door of `heapline cc`: compilers, archivers and CMake for builds that other people wrote.

import path from 'node:path';
import { Cache, HOW_TO_GET_CLANG } from '../compile/index.ts';
import { FileError, HeaplineError, ToolchainError } from '../errors.ts';
import { packageDirectory } from '../node/own-files.ts';
import { runArchiver } from './archiver.ts';
import { readCommandLine } from './command-line.ts';
import { CompilerRun } from './run-clang.ts';
import { chooseClang, type WasiClang } from './wasi-clang.ts';

export { cmakeToolchain } from './cmake.ts';

/** The tools, by the names of their commands. */
export const TOOLS = ['cc', 'c++', 'emcc', 'em++', 'ld', 'ar', 'ranlib'] as const;
export type Tool = (typeof TOOLS)[number];

/** Exit status of a compiler that could not do its work. */
const FAILED = 1;

/** Runs a tool with the arguments of a build system. Returns its exit status. */
export async function runTool(tool: Tool, args: readonly string[]): Promise<number> {
  try {
    if (tool === 'ar' || tool === 'ranlib') return runArchiver(tool, args);
    if (tool === 'emcc' || tool === 'em++') return await emscripten(tool, args);
    if (tool === 'ld') return await linker(args);
    return await compiler(tool, args);
  } catch (error) {
    if (!(error instanceof HeaplineError)) throw error;
    process.stderr.write(`heapline ${tool}: error: ${error.message}\n`);
    return FAILED;
  }
}

/** Where this installation has its runner, or the one that HEAPLINE_RUNNER names. */
function runnerFile(): string {
  return process.env.HEAPLINE_RUNNER || path.join(packageDirectory ?? '', 'dist', 'cc-run.js');
}

async function emscripten(tool: 'emcc' | 'em++', args: readonly string[]): Promise<number> {
  const checker = path.join(path.dirname(path.resolve(runnerFile())), 'check-glue.cjs');
  return (await import('./emcc.ts')).runEmcc(tool === 'em++', args, checker);
}

async function linker(args: readonly string[]): Promise<number> {
  const { clang } = await clangFor(new Cache());
  return (await import('./linker.ts')).runLinker(clang, args);
}

async function clangFor(cache: Cache): Promise<WasiClang> {
  const chosen = await chooseClang(cache);
  if (chosen === null) {
    throw new ToolchainError(
      'clang',
      `no clang was found that compiles for WASI, and the embedded compiler starts too slowly for a build: ${HOW_TO_GET_CLANG}. ` +
        'Any clang from 19 on with its wasm-ld will do.',
    );
  }
  return chosen;
}

async function compiler(tool: 'cc' | 'c++', args: readonly string[]): Promise<number> {
  const line = readCommandLine(args);
  const cache = new Cache();
  const chosen = await clangFor(cache);
  const starter = { runner: path.join(packageDirectory ?? '', 'dist', 'cc-run.js'), node: process.execPath };
  try {
    return await new CompilerRun(chosen, tool === 'c++', cache, starter).run(line);
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) {
      throw new FileError(String((error as { path?: unknown }).path), error.message, { cause: error });
    }
    throw error;
  }
}
