// The interface that the three drivers share, and the place of the runtime objects that they link.

import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import { isFile } from '../node/file-kinds.ts';
import { runtimeDirectory } from '../node/own-files.ts';
import type { ToolchainName } from './compile-options.ts';
import type { LinkJob, LinkResult } from './link.ts';

export interface CompiledObject {
  readonly object: Uint8Array;
  /** Files that were read: the source and its headers, absolute. */
  readonly inputs: readonly string[];
  readonly setjmp: boolean;
  /** The compiler's output: warnings. */
  readonly output: string;
}

export interface Toolchain {
  readonly name: ToolchainName;
  /** For people, such as `clang 22.1.8`. */
  readonly version: string;
  /** Changes whenever the toolchain may compile differently. It is part of every cache key. */
  readonly identity: string;
  /** Changes whenever this driver links differently. It is part of the keys of modules. */
  readonly linkIdentity: string;
  /** The build of the runtime that this toolchain links. */
  readonly target: 'wasi' | 'emscripten';
  /** How many sources it may compile at once. */
  readonly parallel: number;
  /**
   * Compiles one source. Throws CompileError, or ToolchainError for a source that this toolchain does not support.
   */
  compile(source: string, flags: readonly string[]): Promise<CompiledObject>;
  /** Compiles one source to LLVM's text with the flags of marks.ts; null when that fails. */
  toText(source: string, flags: readonly string[]): Promise<string | null>;
  /**
   * Reads a source and its headers without compiling it. Returns the error for a header that this toolchain does not
   * have, and null when no such header is missing. Toolchains that have all headers lack this method.
   */
  missingHeader?(source: string, flags: readonly string[]): Promise<ToolchainError | null>;
  /** Links. Throws LinkError. */
  link(job: LinkJob): Promise<LinkResult>;
}

/** Finds a program on PATH. Null when it is not there. */
export function findProgram(name: string, directories?: readonly string[]): string | null {
  if (name.includes('/') || path.isAbsolute(name)) return isFile(name) ? path.resolve(name) : null;
  const suffixes = process.platform === 'win32' ? ['.exe', '.bat', '.cmd', ''] : [''];
  for (const directory of directories ?? (process.env.PATH ?? '').split(path.delimiter)) {
    if (directory === '') continue;
    for (const suffix of suffixes) {
      const file = path.join(directory, name + suffix);
      if (isFile(file)) return file;
    }
  }
  return null;
}

/** Identifies a file without reading it: by its real path, its time of change and its length. */
export function fileIdentity(file: string): string {
  try {
    const real = realpathSync(file);
    const stat = statSync(real);
    return `${real} ${stat.mtimeMs} ${stat.size}`;
  } catch {
    return `${file} absent`;
  }
}

/** The compiled runtime for a target. `exceptions` is the object that C++ over WASI throws and catches with. */
export function readRuntime(target: 'wasi' | 'emscripten' | 'exceptions'): Uint8Array {
  const file = path.join(runtimeDirectory(), `heapline-${target}.o`);
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ToolchainError(
      target,
      `The Heapline runtime is missing: there is no ${file}. In a source tree, ./build.sh compiles it.`,
      { cause },
    );
  }
}
