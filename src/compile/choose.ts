// Chooses the toolchain. A toolchain counts as working once it has compiled and linked something; the cache remembers
// it. A new toolchain is tried with the caller's own sources, because they usually compile. Only when they do not
// compile is a small program tried: it tells a toolchain that does not work from a mistake in the sources.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { HeaplineError, ToolchainError } from '../errors.ts';
import { packageDirectory } from '../node/own-files.ts';
import { type Cache, hashOf } from './cache.ts';
import { ClangToolchain, clangCandidates, HOW_TO_GET_CLANG } from './clang.ts';
import type { ToolchainName } from './compile-options.ts';
import type { EmscriptenToolchain } from './emscripten.ts';
import { findEmcc, HOW_TO_GET_EMSCRIPTEN, namedEmcc } from './find-emcc.ts';
import { definedFunctions } from './link.ts';
import { findSysroot } from './sysroot.ts';
import { readRuntime, type Toolchain } from './toolchain.ts';
import { TemporaryFilesError, withTemporaryDirectory } from './workspace.ts';

const AUTO_ORDER: readonly ToolchainName[] = ['emscripten', 'clang', 'embedded'];

const PROBE = `#include <stdio.h>
#include <stdlib.h>
int main(void) { void *p = malloc(1); printf("%d", p != 0); free(p); return 0; }
`;

/** Compiles and links a small program. Throws the errors of the toolchain. */
async function tryOut(toolchain: Toolchain): Promise<void> {
  const runtime = readRuntime(toolchain.target);
  await withTemporaryDirectory(toolchain.name, async (directory) => {
    const source = path.join(directory, 'probe.c');
    writeFileSync(source, PROBE);
    const { object } = await toolchain.compile(source, []);
    const file = { source, bytes: object, setjmp: false };
    await toolchain.link({
      objects: [file],
      runtime,
      exceptions: null,
      link: [],
      exports: [],
      imports: [],
      hasMain: definedFunctions(file).hasMain,
    });
  });
}

/** A toolchain to try. */
export interface Candidate {
  readonly toolchain: Toolchain;
  /** To be called after this toolchain has compiled and linked the sources. */
  worked(): Promise<void>;
  /** To be called after it has failed. Returns the same error, or null when this toolchain does not work at all. */
  judge(error: unknown): Promise<unknown>;
}

/** The embedded toolchain comes with its compiler, so nothing has to be found out. */
const knownToWork = (toolchain: Toolchain): Candidate => ({
  toolchain,
  worked: async () => {},
  judge: async (error) => error,
});

/** A toolchain of this machine. At first only the cache may know its version and that it works. */
class FoundToolchain implements Candidate {
  readonly #key: string;
  readonly #cache: Cache;
  /** Why this toolchain does not work, once the reason is known. */
  failure: HeaplineError | null = null;
  /** The toolchain's own answer, while it is unknown whether the toolchain works. Null once it is known to work. */
  #version: Promise<string> | null = null;

  constructor(
    readonly toolchain: ClangToolchain | EmscriptenToolchain,
    cache: Cache,
  ) {
    this.#cache = cache;
    this.#key = hashOf('probe', toolchain.identity);
    const known = cache.find(this.#key, `version of ${toolchain.name}`)?.meta as
      | { version?: string }
      | undefined;
    if (typeof known?.version === 'string') toolchain.version = known.version;
    // Runs beside the first compilation, because asking Emscripten takes as long as compiling a small source.
    else this.#version = toolchain.readVersion();
  }

  async worked(): Promise<void> {
    if (this.#version === null) return;
    const { toolchain } = this;
    toolchain.version = await this.#version;
    this.#version = null;
    this.#cache.store(this.#key, `version of ${toolchain.name}`, [], {
      meta: { version: toolchain.version },
      blobs: {},
    });
  }

  async judge(error: unknown): Promise<unknown> {
    if (this.#version === null || error instanceof TemporaryFilesError) return error;
    try {
      await tryOut(this.toolchain);
    } catch (cause) {
      if (!(cause instanceof HeaplineError)) throw cause;
      this.failure = cause;
      return null;
    }
    await this.worked();
    return error;
  }
}

/** The values that the search for toolchains needs. */
export interface Search {
  readonly cache: Cache;
  /** The sysroot that the caller's flags name. */
  readonly sysroot: string | null;
}

type Opener = (search: Search) => AsyncGenerator<Candidate, void>;

/**
 * The candidates of each toolchain's name, up to the first that works. Throws a ToolchainError when none does. The code
 * of a toolchain is loaded when its turn comes.
 */
const openers: Readonly<Record<ToolchainName, Opener>> = {
  async *emscripten({ cache }) {
    const emcc = findEmcc();
    if (emcc === null) {
      throw new ToolchainError(
        'emscripten',
        namedEmcc() === ''
          ? `Emscripten: no emcc was found on PATH or under EMSDK; ${HOW_TO_GET_EMSCRIPTEN}.`
          : `Emscripten: HEAPLINE_EMCC is ${namedEmcc()}, and there is no such program. Correct or unset the variable.`,
      );
    }
    const { EmscriptenToolchain } = await import('./emscripten.ts');
    const found = new FoundToolchain(new EmscriptenToolchain(emcc), cache);
    yield found;
    const cause = found.failure;
    if (cause === null) return;
    throw new ToolchainError('emscripten', `Emscripten (${emcc}) does not work: ${cause.message}`, { cause });
  },
  async *clang(search) {
    const { clangs, named } = clangCandidates();
    const failures: string[] = [];
    for (const clang of clangs) {
      const opened = await openClang(clang, search);
      if (typeof opened === 'string') {
        failures.push(`${clang}: ${opened}`);
        continue;
      }
      yield opened;
      if (opened.failure === null) return;
      failures.push(`${clang}: ${opened.failure.message}`);
    }
    const tried = failures.length === 0 ? 'no clang was found' : failures.join('\n');
    throw new ToolchainError(
      'clang',
      named === null
        ? `No clang was found that compiles for WASI: ${tried}\n${HOW_TO_GET_CLANG}.`
        : `${named}, but that clang cannot be used: ${tried}\nCorrect or unset the variable.`,
    );
  },
  async *embedded({ cache }) {
    const { openEmbedded } = await import('./embedded.ts');
    yield knownToWork(openEmbedded(cache));
  },
};

/** A clang with its sysroot, or a text that says why it has none. */
async function openClang(clang: string, search: Search): Promise<FoundToolchain | string> {
  const { cache } = search;
  const fromEnvironment = process.env.WASI_SYSROOT ?? '';
  const named = search.sysroot ?? (fromEnvironment === '' ? null : path.resolve(fromEnvironment));
  const sysroot = await findSysroot(clang, named, cache);
  if (sysroot !== null) return new FoundToolchain(new ClangToolchain(clang, sysroot), cache);
  if (named === null) return 'it finds no libc for WASI (lib/wasm32-wasip1/libc.a or lib/wasm32-wasi/libc.a)';
  const variable = search.sysroot === null ? 'WASI_SYSROOT' : '--sysroot';
  return `${variable} is ${named}, which has neither lib/wasm32-wasip1/libc.a nor lib/wasm32-wasi/libc.a`;
}

/** Whether the user has named the clang or the sysroot. If so, the use of another toolchain is a warning. */
function clangIsNamed({ sysroot }: Search): boolean {
  return sysroot !== null || (process.env.WASI_SYSROOT ?? '') !== '' || clangCandidates().named !== null;
}

/**
 * The toolchains to try for the request, in order. Each one is opened only after the one before it has failed: that
 * one does not work, or it lacks something that the sources need.
 * @param passedOver gets the reason why a compiler that the user named is not used
 */
export async function* candidates(
  asked: 'auto' | ToolchainName,
  search: Search,
  passedOver: (reason: string) => void,
): AsyncGenerator<Candidate, void> {
  if (packageDirectory === null) {
    throw new ToolchainError(
      asked,
      "Heapline's runtime and compiler cannot be found, because Heapline was bundled into other code and they are " +
        'separate files of its package. Tell the bundler to leave it out (esbuild --external:heapline, rollup external, ' +
        'vite ssr.external, webpack externals) and install the npm package heapline where the bundle runs.',
    );
  }
  if (asked !== 'auto') {
    yield* openers[asked](search);
    return;
  }
  const failures: string[] = [];
  for (const name of AUTO_ORDER) {
    try {
      yield* openers[name](search);
    } catch (error) {
      if (!(error instanceof ToolchainError)) throw error;
      failures.push(error.message);
      const isNamed = name === 'emscripten' ? namedEmcc() !== '' : name === 'clang' && clangIsNamed(search);
      if (isNamed) passedOver(error.message);
    }
  }
  if (failures.length === AUTO_ORDER.length)
    throw new ToolchainError('auto', `No toolchain works:\n${failures.join('\n')}`);
}
