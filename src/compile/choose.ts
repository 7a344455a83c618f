// Which toolchain to use. One counts as working when it has compiled and linked a small program once; that
// answer is kept in the cache, so that later runs start no tool to ask again.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { HeaplineError, ToolchainError } from '../errors.ts';
import { type Cache, hashOf } from './cache.ts';
import { ClangToolchain, clangCandidates, HOW_TO_GET_CLANG } from './clang.ts';
import { openEmbedded } from './embedded.ts';
import { EmscriptenToolchain, findEmcc, HOW_TO_GET_EMSCRIPTEN } from './emscripten.ts';
import { definedFunctions, runtimeExports } from './link.ts';
import type { ToolchainName } from './options.ts';
import { readRuntime, type Toolchain } from './toolchain.ts';
import { withTemporaryDirectory } from './workspace.ts';

const AUTO_ORDER: readonly ToolchainName[] = ['emscripten', 'clang', 'embedded'];

type Progress = (message: string) => void;

const PROBE = `#include <stdio.h>
#include <stdlib.h>
int main(void) { void *p = malloc(1); printf("%d", p != 0); free(p); return 0; }
`;

/** Compiles and links a small program. Throws what the toolchain throws. */
async function tryOut(toolchain: Toolchain): Promise<void> {
  const runtime = readRuntime(toolchain.target);
  await withTemporaryDirectory(async (directory) => {
    const source = path.join(directory, 'probe.c');
    writeFileSync(source, PROBE);
    const { object } = await toolchain.compile(source, []);
    const file = { source, bytes: object, setjmp: false };
    await toolchain.link({
      objects: [file],
      runtime,
      link: [],
      exports: [],
      runtimeExports: runtimeExports(runtime),
      hasMain: definedFunctions(file).hasMain,
    });
  });
}

async function probed<T extends ClangToolchain | EmscriptenToolchain>(
  toolchain: T,
  cache: Cache,
): Promise<T> {
  const key = hashOf('probe', toolchain.identity);
  const known = cache.find(key)?.meta as { version?: string } | undefined;
  if (typeof known?.version === 'string') {
    toolchain.version = known.version;
    return toolchain;
  }
  toolchain.version = await toolchain.readVersion();
  await tryOut(toolchain);
  cache.store(key, [], { meta: { version: toolchain.version }, blobs: {} });
  return toolchain;
}

const silent: Progress = () => {};

async function open(name: ToolchainName, cache: Cache, onProgress: Progress): Promise<Toolchain> {
  if (name === 'embedded') return openEmbedded(onProgress);
  if (name === 'emscripten') {
    const emcc = findEmcc();
    if (emcc === null) {
      throw new ToolchainError(
        'emscripten',
        `Emscripten: no emcc on PATH nor under EMSDK; ${HOW_TO_GET_EMSCRIPTEN}.`,
      );
    }
    try {
      const { version } = await probed(new EmscriptenToolchain(emcc, silent), cache);
      const toolchain = new EmscriptenToolchain(emcc, onProgress);
      toolchain.version = version;
      return toolchain;
    } catch (cause) {
      throw new ToolchainError('emscripten', `Emscripten (${emcc}) does not work: ${reason(cause)}`, {
        cause,
      });
    }
  }
  const failures: string[] = [];
  for (const clang of clangCandidates()) {
    try {
      const { version } = await probed(new ClangToolchain(clang, silent), cache);
      const toolchain = new ClangToolchain(clang, onProgress);
      toolchain.version = version;
      return toolchain;
    } catch (cause) {
      failures.push(`${clang}: ${reason(cause)}`);
    }
  }
  const tried = failures.length === 0 ? 'no clang was found' : failures.join('\n');
  throw new ToolchainError('clang', `No clang that compiles for WASI: ${tried}\n${HOW_TO_GET_CLANG}.`);
}

function reason(cause: unknown): string {
  if (!(cause instanceof HeaplineError)) throw cause;
  return cause.message;
}

/** The toolchains to try for what was asked, in order; each is opened only when the one before it failed. */
export async function* toolchains(
  asked: 'auto' | ToolchainName,
  cache: Cache,
  onProgress: Progress,
): AsyncGenerator<Toolchain> {
  if (asked !== 'auto') {
    yield await open(asked, cache, onProgress);
    return;
  }
  const failures: string[] = [];
  for (const name of AUTO_ORDER) {
    try {
      yield await open(name, cache, onProgress);
    } catch (error) {
      if (!(error instanceof ToolchainError)) throw error;
      failures.push(error.message);
    }
  }
  throw new ToolchainError('auto', `No toolchain works:\n${failures.join('\n')}`);
}
