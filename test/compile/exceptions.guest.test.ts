// C++ exceptions over WASI, whose C++ libraries are built without them. The oracle is the same program, compiled for this
// machine.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { CompileError } from '../../src/errors.ts';
import { loadC } from '../../src/index.ts';
import { sourceTree } from '../support/source-tree.ts';
import { fakeSdk, type Sdk } from '../support/wasi-sdk.ts';

const program = fileURLToPath(new URL('programs/exceptions.cpp', import.meta.url));
const cacheDir = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
const tree = sourceTree({});
const kept = process.env.HEAPLINE_CLANG;
let sdk: Sdk;
let dual: Sdk;
const native: Record<string, string> = {};

beforeAll(() => {
  sdk = fakeSdk(['wasm32-wasip1']);
  dual = fakeSdk(['eh and noeh']);
  const file = path.join(tree.directory, 'native');
  execFileSync('g++', ['-std=c++17', '-w', program, '-o', file]);
  native.plain = execFileSync(file).toString();
  native.nested = execFileSync(file, ['nested']).toString();
});
afterEach(() => {
  delete process.env.WASI_SDK_PATH;
  if (kept === undefined) delete process.env.HEAPLINE_CLANG;
  else process.env.HEAPLINE_CLANG = kept;
});
afterAll(() => {
  sdk[Symbol.dispose]();
  dual[Symbol.dispose]();
  rmSync(cacheDir, { recursive: true, force: true });
  tree[Symbol.dispose]();
});

/** The toolchains that have a C++ library over WASI, by how they are found. */
const ways = {
  embedded: () => 'embedded' as const,
  'clang 22 of Debian': () => {
    process.env.HEAPLINE_CLANG = 'clang-22';
    return 'clang' as const;
  },
  'a wasi-sdk': () => {
    process.env.WASI_SDK_PATH = sdk.directory;
    return 'clang' as const;
  },
  'a wasi-sdk with two C++ libraries': () => {
    process.env.WASI_SDK_PATH = dual.directory;
    return 'clang' as const;
  },
};
const names = Object.keys(ways) as (keyof typeof ways)[];

describe.each(names)('exceptions with %s', (name) => {
  it.each(['-O0', '-O2'])('are thrown and caught as natively, at %s', async (level) => {
    const flags = [level, '-std=c++17', '-w'];
    using lib = await loadC(program, { toolchain: ways[name](), flags, cacheDir });
    expect(lib.run()).toMatchObject({ exitCode: 0, stdout: native.plain, stderr: '' });
    // Every exception has been destroyed, and every temporary of the library's.
    expect(lib.heap.leaks().records).toEqual([]);
    expect(lib.heap.faults()).toEqual([]);
    using other = await loadC(program, { toolchain: ways[name](), flags, cacheDir, args: ['nested'] });
    expect(other.run()).toMatchObject({ exitCode: 0, stdout: native.nested });
  });

  it('leave setjmp working beside them', async () => {
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

  it('leave a program its arguments, its environment and its clock', async () => {
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

  it('are a block of the heap, with the line that throws', async () => {
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
    expect(row).toMatchObject({ function: '__cxa_allocate_exception' });
    expect(lib.heap.profile().folded()).toMatch(/keep;__cxa_allocate_exception/);
  });

  it('may be switched off, and asked for by name', async () => {
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
