// Each toolchain compiles and links, reports errors, and answers from the cache.

import { beforeAll, describe, expect, it } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { type CompiledModule, compile } from '../../src/compile/index.ts';
import { CompileError, LinkError, ToolchainError } from '../../src/errors.ts';
import { openLibrary, runMain } from '../support/run-module.ts';
import { toolchainNames } from '../support/source-tree.ts';
import { programTree } from './program-tree.ts';

const { tree, cacheDir } = programTree();

describe.each(toolchainNames)('%s', (toolchain) => {
  let program: CompiledModule;
  beforeAll(async () => {
    program = await compile([tree.file('program.c')], { toolchain, cacheDir });
  });

  it('names itself and its version', () => {
    expect(program.toolchain.name).toBe(toolchain);
    expect(program.toolchain.version).toMatch(/\d+\.\d+/);
  });

  it('runs main with its arguments and returns its exit code', async () => {
    expect(await runMain(program, ['one'])).toEqual({ stdout: '2:one\nbye\n', exitCode: 3, exiting: [3] });
  });

  it('tells the host of a call of exit before libc tears down', async () => {
    expect(await runMain(program, ['a', 'b'])).toEqual({ stdout: '3:a\nbye\n', exitCode: 9, exiting: [9] });
  });

  it('exports every non-static function and the runtime’s functions', async () => {
    expect([...program.exports].sort()).toEqual(['grab', 'said_at_exit', 'twice']);
    const { exports } = readModule(program.wasm);
    const names = exports.map((each) => each.name);
    for (const name of [
      ...program.exports,
      'malloc',
      'calloc',
      'realloc',
      'free',
      'posix_memalign',
      'heapline_set_flags',
      'heapline_runtime',
      'heapline_shadow',
      '__stack_pointer',
      '__heap_base',
      '__data_end',
      '__wrap_exit',
      'fflush',
      'memory',
      '__indirect_function_table',
    ]) {
      expect(names).toContain(name);
    }
    expect(names).not.toContain('hidden');
    expect((await openLibrary(program)).twice!(4)).toBe(109);
  });

  it('exports only what `exports` lists', async () => {
    const library = await compile([tree.file('program.c')], { toolchain, cacheDir, exports: ['twice'] });
    expect(library.exports).toEqual(['twice']);
    expect(readModule(library.wasm).exports.map((each) => each.name)).not.toContain('grab');
  });

  it('makes a library from sources without main', async () => {
    const source = tree.write('library.c', 'int answer(void) { return 42; }\n');
    const library = await compile([source], { toolchain, cacheDir });
    expect(library).toMatchObject({ hasMain: false, main: null, exports: ['answer'] });
    expect((await openLibrary(library)).answer!()).toBe(42);
  });

  it('reports each error with absolute file, line, column and message', async () => {
    const source = tree.write('broken.c', 'int f(void) {\n  return missing;\n}\nint g(void) { retrun 1; }\n');
    const error = await compile([source], { toolchain, cacheDir }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CompileError);
    const { diagnostics, message, code } = error as CompileError;
    expect(code).toBe('HEAPLINE_COMPILE');
    expect(diagnostics.filter((each) => each.severity === 'error')[0]).toEqual({
      severity: 'error',
      file: source,
      line: 2,
      column: 10,
      message: "use of undeclared identifier 'missing'",
    });
    expect(diagnostics.some((each) => each.line === 4 && each.severity === 'error')).toBe(true);
    expect(message).toContain(`${source}:2:10: error: use of undeclared identifier 'missing'`);
  });

  it('reports an error in a header at the header', async () => {
    tree.write('wrong.h', '\nint x = "no" * 2;\n');
    const source = tree.write('includes-wrong.c', '#include "wrong.h"\n');
    const error = await compile([source], { toolchain, cacheDir }).catch((reason: unknown) => reason);
    expect((error as CompileError).diagnostics[0]).toMatchObject({ file: tree.file('wrong.h'), line: 2 });
  });

  it('names the symbols that are missing when it links', async () => {
    const source = tree.write(
      'unresolved.c',
      'int nowhere(int); int elsewhere(void);\nint f(void) { return nowhere(1) + elsewhere(); }\n',
    );
    const error = await compile([source], { toolchain, cacheDir }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LinkError);
    expect([...(error as LinkError).missing].sort()).toEqual(['elsewhere', 'nowhere']);
    expect((error as LinkError).message).toContain('`nowhere`');
  });

  it('names all missing functions, data and exports, however many', async () => {
    const numbers = Array.from({ length: 30 }, (_, i) => i);
    const source = tree.write(
      'unresolved-all.c',
      `${numbers.map((i) => `int fn${i}(void); extern int data${i};`).join('\n')}
      int f(void) { return ${numbers.map((i) => `fn${i}() + data${i}`).join(' + ')}; }\n`,
    );
    const options = { toolchain, cacheDir, exports: ['f', 'absent'] };
    const error = await compile([source], options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LinkError);
    const { missing, diagnostics } = error as LinkError;
    const all = ['absent', ...numbers.flatMap((i) => [`fn${i}`, `data${i}`])];
    expect([...missing].sort()).toEqual(all.sort());
    const errors = diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    for (const name of all) expect(errors.filter((message) => message.endsWith(`: ${name}`))).toHaveLength(1);
  });

  it('says so when `exports` names a function that does not exist', async () => {
    const error = await compile([tree.file('program.c')], { toolchain, cacheDir, exports: ['absent'] }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LinkError);
    expect((error as LinkError).missing).toEqual(['absent']);
  });

  it('returns warnings, also from the cache', async () => {
    const source = tree.write('warned.c', 'int f(void) { int unused = 1; return 2; }\n');
    const options = { toolchain, cacheDir, flags: ['-Wall'] };
    const first = await compile([source], options);
    expect(first.warnings).toMatchObject([{ severity: 'warning', file: source, line: 1, column: 19 }]);
    const second = await compile([source], options);
    expect(second.cached).toBe(true);
    expect(second.warnings).toEqual(first.warnings);
  });

  it('accepts macros, include directories, libraries and other flags', async () => {
    const source = tree.write(
      'flagged.c',
      '#include <math.h>\n#include "shape.h"\nint f(int n) { return (int)sqrt(n * FACTOR) + SHAPE; }\n' +
        '#if !defined(PLAIN) || __STDC_VERSION__ != 199901L\n#error flags\n#endif\n',
    );
    const library = await compile([source], {
      toolchain,
      cacheDir,
      define: { FACTOR: '4', PLAIN: true },
      include: [tree.file('inner')],
      flags: ['-std=c99', '-O1'],
      link: ['-lm'],
    });
    expect((await openLibrary(library)).f!(9)).toBe(107);
  });

  it('compiles anew when a header of a header changes, and remembers the old result', async () => {
    const source = tree.write('dependent.c', '#include "inner/shape.h"\nint f(void) { return SHAPE; }\n');
    const options = { toolchain, cacheDir };
    const first = await compile([source], options);
    expect(first.cached).toBe(false);
    tree.write('base.h', '#define BASE 200\n');
    const second = await compile([source], options);
    expect(second.cached).toBe(false);
    expect((await openLibrary(second)).f!()).toBe(201);
    tree.write('base.h', '#define BASE 100\n');
    const third = await compile([source], options);
    expect(third.cached).toBe(true);
    expect((await openLibrary(third)).f!()).toBe(101);
  });

  it('answers from the cache, byte for byte', async () => {
    const again = await compile([tree.file('program.c')], { toolchain, cacheDir });
    expect(again.cached).toBe(true);
    expect(Buffer.from(again.wasm).equals(Buffer.from(program.wasm))).toBe(true);
  });
});

const JUMPS = `#include <setjmp.h>
#include <stdio.h>
static jmp_buf place;
void deep(int n) { if (n == 0) longjmp(place, 7); deep(n - 1); }
int main(void) {
  int value = setjmp(place);
  if (value == 0) deep(10);
  printf("%d\\n", value);
  return 0;
}
`;

describe('setjmp', () => {
  it.each(['embedded', 'emscripten'] as const)('works with %s', async (toolchain) => {
    const compiled = await compile([tree.write('jumps.c', JUMPS)], { toolchain, cacheDir });
    expect((await runMain(compiled)).stdout).toBe('7\n');
  });

  it('is rejected by name if the sysroot lacks it', async () => {
    const error = await compile([tree.write('jumps.c', JUMPS)], { toolchain: 'clang', cacheDir }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ToolchainError);
    expect((error as ToolchainError).message).toMatch(/uses setjmp.*does not have.*embedded/);
  });
});

const CXX = `#include <cstdio>
#include <memory>
#include <string>
#include <vector>
struct Counted { static int live; Counted() { live++; } ~Counted() { live--; } };
int Counted::live = 0;
extern "C" int build(int n) {
  std::vector<std::unique_ptr<Counted>> all;
  for (int i = 0; i < n; i++) all.push_back(std::make_unique<Counted>());
  return Counted::live;
}
int main() { std::string text = "built "; text += std::to_string(build(5)); puts(text.c_str()); return Counted::live; }
`;

describe('C++', () => {
  it.each(['embedded', 'emscripten'] as const)('works with %s', async (toolchain) => {
    const compiled = await compile([tree.write('counted.cc', CXX)], { toolchain, cacheDir });
    expect(await runMain(compiled)).toMatchObject({ stdout: 'built 5\n', exitCode: 0 });
    expect(compiled.exports).toContain('build');
    // Templates of the standard library are not the source's own functions.
    expect(compiled.exports.filter((name) => name.includes('St3__2'))).toEqual([]);
  });

  it('is rejected if the C++ library is for another clang', async () => {
    const error = await compile([tree.write('counted.cc', CXX)], { toolchain: 'clang', cacheDir }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ToolchainError);
    expect((error as ToolchainError).message).toMatch(
      /made for another compiler \(\S+\/c\+\+\/v1\).*embedded.*HEAPLINE_CLANG/,
    );
  });

  it('leaves mistakes in C++ to the compiler', async () => {
    const source = tree.write('mistaken.cc', 'int main() { return nothing; }\n');
    const error = await compile([source], { toolchain: 'clang', cacheDir }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(CompileError);
  });

  it('works with a clang that has the C++ library', async () => {
    process.env.HEAPLINE_CLANG = 'clang-22';
    try {
      const compiled = await compile([tree.write('counted.cc', CXX)], { toolchain: 'clang', cacheDir });
      expect(await runMain(compiled)).toMatchObject({ stdout: 'built 5\n', exitCode: 0 });
    } finally {
      delete process.env.HEAPLINE_CLANG;
    }
  });
});
