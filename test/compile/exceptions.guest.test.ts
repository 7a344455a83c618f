// C++ exceptions over WASI, beside setjmp, arguments and the heap. exceptions.witness.test.ts compares them with a native
// build.

import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { CompileError } from '../../src/errors.ts';
import { loadC } from '../../src/index.ts';
import { sourceTree } from '../support/source-tree.ts';
import { names, ways } from './cpp-libraries.ts';

const cacheDir = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
const tree = sourceTree({});
afterAll(() => {
  rmSync(cacheDir, { recursive: true, force: true });
  tree[Symbol.dispose]();
});

describe.each(names)('exceptions with %s', (name) => {
  it('do not break setjmp', async () => {
    if (name === 'clang 22 of Debian') return; // its libc has no setjmp
    const source = tree.write(
      'both.cc',
      `#include <csetjmp>
#include <cstdio>
#include <stdexcept>
static jmp_buf place;
static void jump() { std::longjmp(place, 4); }
static void fail() { throw std::runtime_error("thrown"); }
int main() {
  int n = setjmp(place);
  if (n == 0) { try { fail(); } catch (const std::exception &e) { std::puts(e.what()); } jump(); }
  std::printf("%d\\n", n);
  return 0;
}
`,
    );
    using lib = await loadC(source, { toolchain: ways[name](), cacheDir });
    expect(lib.run()).toMatchObject({ exitCode: 0, stdout: 'thrown\n4\n' });
  });

  it('do not break arguments, environment and clock', async () => {
    const source = tree.write(
      'surroundings.cc',
      `#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
int main(int argc, char **argv) {
  try { throw std::string(argv[1]); } catch (const std::string &s) { std::puts(s.c_str()); }
  std::printf("%s %d\\n", std::getenv("COLOUR"), std::time(nullptr) > 1000);
  return argc;
}
`,
    );
    const options = { toolchain: ways[name](), cacheDir, args: ['one'], env: { COLOUR: 'blue' } };
    using lib = await loadC(source, options);
    expect(lib.run()).toMatchObject({ exitCode: 2, stdout: 'one\nblue 1\n' });
  });

  it('are blocks of the heap, with the line of the throw', async () => {
    const source = tree.write(
      'kept.cc',
      `#include <exception>
static std::exception_ptr kept;
extern "C" void keep() {
  try {
    throw 42;
  } catch (...) {
    kept = std::current_exception();
  }
}
`,
    );
    using lib = await loadC(source, { toolchain: ways[name](), cacheDir });
    lib.exports.keep!();
    expect(lib.heap.stats().inUseObjects).toBe(1);
    const [row] = lib.heap.profile().topRows();
    expect(row).toMatchObject({ function: 'keep' });
    expect(lib.heap.profile().wrappers).toContain('__cxa_allocate_exception');
    expect(lib.heap.profile().folded()).toMatch(/keep;__cxa_allocate_exception/);
  });

  it('can be switched off, and requested by name', async () => {
    const source = tree.write('throws.cc', 'extern "C" int f(int n) { if (n > 1) throw n; return n; }\n');
    const toolchain = ways[name]();
    const error = await compile([source], { toolchain, cacheDir, flags: ['-fno-exceptions'] }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(CompileError);
    expect((error as Error).message).toMatch(/throw.*exceptions disabled/);
    for (const flag of ['-fexceptions', '-fwasm-exceptions']) {
      const compiled = await compile([source], { toolchain, cacheDir, flags: [flag] });
      expect(compiled.exports).toEqual(['f']);
    }
    const quiet = tree.write('quiet.cc', 'extern "C" int g() { return 1; }\n');
    const without = await compile([quiet], { toolchain, cacheDir, flags: ['-fno-exceptions'] });
    expect(Buffer.from(without.wasm).includes('__cxa_throw')).toBe(false);
  });
});
