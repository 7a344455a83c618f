// Functions that are marked with no_sanitize("address") or in one of the other ways get no checks, at all levels and with
// all toolchains. All others are checked, those of the same name in another file among them, and callers of marked ones.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CompileError, type CompileOptions, loadC } from '../../src/index.ts';
import { FULL } from '../support/full.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-no-sanitize-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Each function reads the byte behind a block. */
const READ = '{ return *(volatile char *)p; }';
const ONE = `
#include "mark.h"
char *end(void);
__attribute__((no_sanitize("address"))) int by_name(char *p) ${READ}
__attribute__((no_sanitize_address)) int in_the_way_of_gcc(char *p) ${READ}
__attribute__((no_sanitize("thread", "address"))) int among_others(char *p) ${READ}
__attribute__((disable_sanitizer_instrumentation)) int by_all(char *p) ${READ}
int declared(char *p) __attribute__((no_sanitize("address")));
int declared(char *p) ${READ}
UNCHECKED int by_macro(char *p) ${READ}
static UNCHECKED int peek(char *p) ${READ}
static inline UNCHECKED int inlined(char *p) ${READ}
__attribute__((no_sanitize("thread"))) int other_sanitizer(char *p) ${READ}
int unmarked(char *p) ${READ}
int two(char *p);
int all(void) {
  char *p = end();
  int sum = by_name(p) + in_the_way_of_gcc(p) + among_others(p) + by_all(p) + declared(p) + by_macro(p) + peek(p);
  return sum + inlined(p) + other_sanitizer(p) + unmarked(end()) + two(p);
}
`;
const TWO = `
#include <stdlib.h>
char *end(void) { return (char *)malloc(16) + 16; }
static __attribute__((noinline)) int peek(char *p) ${READ}
int two(char *p) { return peek(p); }
`;
const CXX = `
#include <cstdlib>
template <typename T> [[clang::no_sanitize("address")]] int of_template(T *p) ${READ}
struct Reader {
  __attribute__((no_sanitize("address"))) static int method(char *p) ${READ}
  static int checked(char *p);
};
__attribute__((noinline)) int Reader::checked(char *p) ${READ}
extern "C" int all(void) {
  char *p = (char *)malloc(16) + 16;
  return of_template(p) + Reader::method(p) + Reader::checked(p);
}
`;

beforeAll(() => {
  const guarded = '#ifdef __has_feature\n#if __has_feature(address_sanitizer)';
  const mark = '#define UNCHECKED __attribute__((no_sanitize("address")))\n';
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write('mark.h', `${guarded}\n${mark}#endif\n#endif\n#ifndef UNCHECKED\n#define UNCHECKED\n#endif\n`);
  write('one.c', ONE);
  write('two.c', TWO);
  write('plus.cc', CXX);
});

async function faultyFunctions(sources: readonly string[], options: CompileOptions): Promise<string[]> {
  const files = sources.map((source) => join(folder, source));
  using lib = await loadC<{ all(): number }>(files, { ...options, checks: true });
  lib.exports.all();
  return lib.heap
    .faults()
    .map(({ frames }) => `${frames[0]?.function} ${frames[0]?.file?.split('/').at(-1)}`);
}

const builds = [
  ['clang', '-O0'],
  ['clang', '-O2'],
  ['emscripten', '-O2'],
  ...(FULL
    ? ([
        ['embedded', '-O2'],
        ['embedded', '-O0'],
        ['emscripten', '-O0'],
        ['emscripten', '-O3'],
      ] as const)
    : []),
] as const;

it.each(builds)(
  'marked functions are not checked: %s %s',
  async (toolchain, level) => {
    const found = await faultyFunctions(['one.c', 'two.c'], { toolchain, flags: [level] });
    expect(found).toEqual(['other_sanitizer one.c', 'unmarked one.c', 'peek two.c']);
  },
  60_000,
);

it('marked functions of C++ are not checked', async () => {
  const found = await faultyFunctions(['plus.cc'], { toolchain: 'embedded', flags: ['-O2'] });
  expect(found).toEqual(['checked plus.cc']);
});

it('a source that cannot be compiled with AddressSanitizer is compiled with a warning', async () => {
  writeFileSync(
    join(folder, 'refuses.c'),
    `#if __has_feature(address_sanitizer)\n#error no\n#endif\n${ONE.split('\n')[3]}\n`,
  );
  const refuses = join(folder, 'refuses.c');
  // Room around variables is AddressSanitizer's, too.
  await expect(loadC(refuses, { toolchain: 'clang', checks: true })).rejects.toThrow(CompileError);
  using lib = await loadC(refuses, { toolchain: 'clang', checks: true, stack: false });
  expect(lib.warnings.join()).toContain(
    'refuses.c:1:1: warning: functions that are marked with no_sanitize("address") get access checks, because the ' +
      'source cannot be compiled with -fsanitize=address',
  );
});
