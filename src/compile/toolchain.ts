// What the three drivers have in common, and where the runtime objects lie that they link.

import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import { packageDirectory } from '../node/own-files.ts';
import type { LinkJob, LinkResult } from './link.ts';
import { isFile, type ToolchainName } from './options.ts';

export interface CompiledObject {
  readonly object: Uint8Array;
  /** Files that were read: the source and its headers, absolute. */
  readonly inputs: readonly string[];
  readonly setjmp: boolean;
  /** What the compiler printed: warnings. */
  readonly output: string;
}

export interface Toolchain {
  readonly name: ToolchainName;
  /** For people: `clang 22.1.8`. */
  readonly version: string;
  /** Changes whenever the toolchain may compile differently: goes into every cache key. */
  readonly identity: string;
  /** Changes whenever this driver links differently: goes into the keys of modules. */
  readonly linkIdentity: string;
  /** Which build of the runtime it links. */
  readonly target: 'wasi' | 'emscripten';
  /** How many sources it may compile at once. */
  readonly parallel: number;
  /** Compiles one source. Throws CompileError, or ToolchainError for what this toolchain cannot do. */
  compile(source: string, flags: readonly string[]): Promise<CompiledObject>;
  /**
   * Reads a source and its headers without compiling it. Returns the error for a header that this toolchain does not
   * have, and null when no such header is missing. Toolchains that have all headers lack this method.
   */
  missingHeader?(source: string, flags: readonly string[]): Promise<ToolchainError | null>;
  /** Links. Throws LinkError. */
  link(job: LinkJob): Promise<LinkResult>;
}

/** Finds a program on PATH; null when it is not there. */
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

/** Identifies a file without reading it: where it really is, when it changed, how long it is. */
export function fileIdentity(file: string): string {
  try {
    const real = realpathSync(file);
    const stat = statSync(real);
    return `${real} ${stat.mtimeMs} ${stat.size}`;
  } catch {
    return `${file} absent`;
  }
}

/** Where the compiled runtime is. Those who work on it link another build of it (scripts/build-runtime.mjs). */
export function runtimeDirectory(): string {
  const asked = process.env.HEAPLINE_RUNTIME ?? '';
  return asked === '' ? path.join(packageDirectory ?? '', 'wasm') : path.resolve(asked);
}

/** The compiled runtime for a target; `exceptions`: what C++ over WASI throws and catches with. */
export function readRuntime(target: 'wasi' | 'emscripten' | 'exceptions'): Uint8Array {
  const file = path.join(runtimeDirectory(), `heapline-${target}.o`);
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ToolchainError(
      target,
      `The Heapline runtime is missing: ${file}. In a source tree, ./build.sh compiles it.`,
      { cause },
    );
  }
}
