// include/heapline.h: what C programs learn of their own heap, with the runtime and without it.

import { execFileSync } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { WASI } from 'node:wasi';
import { afterAll, describe, expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';
import { layout } from '../../src/runtime/index.ts';
import { FULL } from '../support/full.ts';
import { sourceTree, toolchainNames } from '../support/source-tree.ts';

const include = fileURLToPath(new URL('../../include', import.meta.url));

const PROGRAM = `#include <heapline.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  size_t bytes = heapline_live_bytes(), blocks = heapline_live_blocks();
  uint64_t allocated = heapline_allocated_bytes(), allocations = heapline_allocated_blocks();
  char *kept = malloc(100), *freed = malloc(20);
  if (!kept || !freed) return 1;
  free(freed);
  size_t more = heapline_live_bytes() - bytes, held = heapline_live_blocks() - blocks;
  unsigned all = (unsigned)(heapline_allocated_bytes() - allocated);
  unsigned made = (unsigned)(heapline_allocated_blocks() - allocations);
  free(kept);
  int balanced = heapline_live_bytes() == bytes && heapline_live_blocks() == blocks;
  printf("%d %d %d %u %u %d\\n", heapline_present(), (int)more, (int)held, all, made, balanced);
  return 0;
}
`;
const WITH_RUNTIME = '1 100 1 120 2 1\n';
const WITHOUT_RUNTIME = '0 0 0 0 0 1\n';

const tree = sourceTree({
  'program.c': PROGRAM,
  'program.cpp': PROGRAM.replaceAll('= malloc', '= (char *)malloc'),
});
afterAll(() => tree[Symbol.dispose]());

describe.each(toolchainNames)('with %s', (toolchain) => {
  it.each(FULL ? ['-O0', '-O2'] : [toolchain === 'emscripten' ? '-O0' : '-O2'])(
    'the counts are those of the ledger at %s',
    async (optimisation) => {
      using lib = await loadC(tree.file('program.c'), {
        toolchain,
        include: [include],
        flags: [optimisation],
      });
      expect(lib.run().stdout).toBe(WITH_RUNTIME);
    },
  );

  // The clang of this machine has no C++ library for WASI.
  it.skipIf(toolchain === 'clang')('the header is C++ as well', async () => {
    using lib = await loadC(tree.file('program.cpp'), {
      toolchain,
      include: [include],
      flags: ['-Wall', '-Wextra'],
    });
    expect(lib.run().stdout).toBe(WITH_RUNTIME);
  });
});

it.each([
  ['gcc', ['-std=c99', '-Wall', '-Wextra', '-Wpedantic', '-Werror'], 'program.c'],
  ['g++', ['-std=c++11', '-Wall', '-Wextra', '-Werror'], 'program.cpp'],
] as const)('a native program built by %s finds no runtime', (compiler, flags, source) => {
  const program = tree.file('native');
  execFileSync(compiler, [...flags, `-I${include}`, tree.file(source), '-o', program]);
  expect(execFileSync(program, { encoding: 'utf8' })).toBe(WITHOUT_RUNTIME);
});

it('a module that is linked without the runtime finds none', async () => {
  const [module, output] = [tree.file('plain.wasm'), tree.file('output')];
  execFileSync('clang', [
    '--target=wasm32-wasi',
    '-O1',
    `-I${include}`,
    tree.file('program.c'),
    '-o',
    module,
  ]);
  const wasi = new WASI({
    version: 'preview1',
    args: ['program'],
    stdout: openSync(output, 'w'),
    returnOnExit: true,
  });
  const { instance } = await WebAssembly.instantiate(
    readFileSync(module),
    wasi.getImportObject() as WebAssembly.Imports,
  );
  expect(wasi.start(instance)).toBe(0);
  expect(readFileSync(output, 'utf8')).toBe(WITHOUT_RUNTIME);
});

it('the header does not read a runtime of another version', async () => {
  const source = tree.write(
    'present.c',
    '#include <heapline.h>\nint present(void) { return heapline_present(); }\n',
  );
  using lib = await loadC(source, { toolchain: 'clang', include: [include] });
  const words = new Uint32Array(lib.memory.buffer);
  const version = words.indexOf(layout.MAGIC) + layout.RUNTIME_VERSION / 4;
  expect(lib.exports.present!()).toBe(1);
  words[version]! += 1;
  expect(lib.exports.present!()).toBe(0);
  words[version]! -= 1;
  expect(lib.exports.present!()).toBe(1);
});
