// Programs that are marked for Valgrind and LeakSanitizer print what leak checks in them count. The same sources, built
// natively, print the same under Valgrind, and with LeakSanitizer linked in.

import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';
import { QUARANTINE } from '../../src/sandbox/sandbox-options.ts';
import { FULL } from '../support/full.ts';
import { sourceTree } from '../support/source-tree.ts';

const folder = fileURLToPath(new URL('requests/', import.meta.url));
const tree = sourceTree({});
afterAll(() => tree[Symbol.dispose]());

type Toolchain = 'clang' | 'emscripten';
const toolchains: readonly Toolchain[] = FULL ? ['clang', 'emscripten'] : ['clang'];

function buildNative(name: string, flags: readonly string[] = []): string {
  const program = tree.file(`${name}${flags.join('')}`);
  execFileSync('gcc', ['-O0', '-g', '-w', ...flags, `${folder}${name}.c`, '-o', program]);
  return program;
}

function underValgrind(program: string, ...args: string[]): string {
  return spawnSync('valgrind', ['-q', '--leak-check=no', program, ...args], { encoding: 'utf8' }).stdout;
}

async function withHeapline(
  name: string,
  toolchain: Toolchain,
  args: readonly string[],
  define: Readonly<Record<string, boolean>> = {},
): Promise<{ stdout: string; exitCode: number }> {
  using lib = await loadC(`${folder}${name}.c`, {
    ...{ toolchain, flags: ['-O0', '-w'], args, define },
    // Valgrind does not use freed memory again soon, so old pointers into it lead nowhere.
    quarantine: QUARANTINE,
  });
  return lib.run();
}

describe.each(toolchains)('with %s', (toolchain) => {
  it('each request and each mistake has the effect that it has under Valgrind', async () => {
    const native = underValgrind(buildNative('all-requests'));
    expect(native).toContain('free_no_block: ');
    expect((await withHeapline('all-requests', toolchain, [])).stdout).toBe(native);
  });

  it.each([
    ['pools', []],
    ['single blocks', ['-DMARKS_BLOCKS']],
  ] as const)('random work with %s leaks what leaks under Valgrind', async (_, flags) => {
    const program = buildNative('random-pools', flags);
    const define = flags.length > 0 ? { MARKS_BLOCKS: true } : {};
    for (let round = 0; round < (FULL ? 40 : 4); round++) {
      const seed = String(Math.floor(Math.random() * 2 ** 31));
      const native = underValgrind(program, seed);
      expect(native.match(/^step: /gm)).toHaveLength(20);
      const { stdout } = await withHeapline('random-pools', toolchain, [seed], define);
      expect(stdout, `seed ${seed}`).toBe(native);
    }
  });

  it.each([
    ['no leak', []],
    ['a leak', ['1']],
    ['a leak that ends the program', ['1', '2']],
  ])("LeakSanitizer's functions do the same with %s", async (_, args) => {
    const program = buildNative('lsan', ['-fsanitize=leak']);
    const native = spawnSync(program, args, { encoding: 'utf8' });
    expect(native.stdout).toContain('in_region 0');
    const { stdout, exitCode } = await withHeapline('lsan', toolchain, args);
    expect(stdout).toBe(native.stdout);
    // LeakSanitizer also looks when the program ends by itself, which is the business of `heapline check`.
    if (args.length !== 1) expect(exitCode).toBe(native.status);
  });
});

it.each([
  ['gcc', 'c', '-std=c99'],
  ['g++', 'cpp', '-std=c++11'],
])('without Heapline, %s compiles all of it to nothing', (compiler, suffix, standard) => {
  const source = tree.write(
    `nothing.${suffix}`,
    `#include <heapline.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#include <valgrind/memcheck.h>
#include <stdio.h>
int main(void) {
  char memory[64];
  unsigned long a = 1, b = 1, c = 1, d = 1;
  HEAPLINE_ALLOCATED(memory, 8);
  HEAPLINE_RESIZED(memory, 16);
  HEAPLINE_FREED(memory);
  HEAPLINE_IGNORE_LEAK(memory);
  VALGRIND_CREATE_MEMPOOL(memory, 0, 0);
  VALGRIND_MEMPOOL_ALLOC(memory, memory, 8);
  VALGRIND_MALLOCLIKE_BLOCK(memory, 8, 0, 0);
  VALGRIND_DO_LEAK_CHECK;
  VALGRIND_COUNT_LEAKS(a, b, c, d);
  (void)VALGRIND_MAKE_MEM_NOACCESS(memory, 8);
  ASAN_POISON_MEMORY_REGION(memory, 8);
  __lsan_disable();
  __lsan_ignore_object(memory);
  __lsan_enable();
  printf("%u %u %lu %d %d\\n", RUNNING_ON_VALGRIND, VALGRIND_MEMPOOL_EXISTS(memory), a + b + c + d,
         __lsan_do_recoverable_leak_check(), __asan_address_is_poisoned(memory));
  return 0;
}
`,
  );
  const program = tree.file(`nothing-${suffix}`);
  const include = fileURLToPath(new URL('../../include', import.meta.url));
  // Before the compiler's own headers of these names.
  const flags = ['-isystem', include, standard, '-O2', '-Wall', '-Wextra', '-Werror'];
  execFileSync(compiler, [...flags, source, '-o', program]);
  expect(execFileSync(program, { encoding: 'utf8' })).toBe('0 0 0 0 0\n');
});
