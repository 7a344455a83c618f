// Sources and flags that no toolchain supports, or not the chosen one, are rejected in one sentence, before a compiler starts
// if possible.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type CompileOptions, compile, type ToolchainName } from '../../src/compile/index.ts';
import { CompileError, InvalidArgumentError, ToolchainError } from '../../src/errors.ts';
import type { Progress } from '../../src/options/progress.ts';
import { FULL } from '../support/full.ts';
import { runMain } from '../support/run-module.ts';
import { sourceTree, toolchainNames } from '../support/source-tree.ts';

const cacheDir = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
const tree = sourceTree({ 'one.c': 'int one(void) { return 1; }\n' });
const source = tree.file('one.c');
const kept = { ...process.env };

afterEach(() => {
  for (const name of ['PATH', 'HEAPLINE_CLANG']) {
    if (kept[name] === undefined) delete process.env[name];
    else process.env[name] = kept[name];
  }
});
afterAll(() => {
  rmSync(cacheDir, { recursive: true, force: true });
  tree[Symbol.dispose]();
});

const failure = (sources: readonly string[], options: CompileOptions): Promise<Error> =>
  compile(sources, { cacheDir, ...options }).then(
    () => {
      throw new Error('it compiled');
    },
    (reason: Error) => reason,
  );

type Case = readonly [string, CompileOptions];

/**
 * Each case with clang, and all of them at once with the other toolchains, which take a second or more for each. With
 * HEAPLINE_FULL=1 each case with each toolchain.
 */
function eachWith(cases: readonly Case[]): (readonly [string, ToolchainName, CompileOptions])[] {
  const all = (name: 'flags' | 'link') => cases.flatMap(([, options]) => options[name] ?? []);
  const together: Case = ['all at once', { flags: all('flags'), link: all('link') }];
  return toolchainNames.flatMap((toolchain) =>
    (FULL || toolchain === 'clang' ? cases : [together]).map(
      ([name, options]) => [name, toolchain, options] as const,
    ),
  );
}

describe('headers', () => {
  const wasi = ['embedded', 'clang'] as const;
  const absent = [
    'netdb.h',
    'sys/wait.h',
    'spawn.h',
    'pwd.h',
    'termios.h',
    'sys/ipc.h',
    'net/if.h',
    'X11/Xlib.h',
  ];

  it.each(wasi.flatMap((toolchain) => absent.map((header) => [toolchain, header] as const)))(
    '%s says that WASI has no %s',
    async (toolchain, header) => {
      const file = tree.write('host.c', `\n#include <${header}>\nint f(void) { return 0; }\n`);
      const error = await failure([file], { toolchain });
      expect(error).toBeInstanceOf(ToolchainError);
      expect(error.message).toContain(`${file}:2:10: WASI has no ${header}`);
      expect(error.message).toContain('`emscripten`');
    },
  );

  it.each(wasi)('of this machine are not seen by %s, not even through another header', async (toolchain) => {
    tree.write('through.h', '#include <sys/epoll.h>\n');
    const file = tree.write('host.c', '#include "through.h"\nint f(void) { return 0; }\n');
    const error = await failure([file], { toolchain });
    expect(error.message).toContain(`${tree.file('through.h')}:1:10: WASI has no sys/epoll.h`);
  });

  it.each(wasi)('of this machine’s libraries are recognised by %s', async (toolchain) => {
    expect(existsSync('/usr/include/thread_db.h')).toBe(true);
    const file = tree.write('library.c', '#include <thread_db.h>\n');
    const error = await failure([file], { toolchain });
    expect(error).toBeInstanceOf(ToolchainError);
    expect(error.message).toMatch(
      /\/usr\/include\/thread_db\.h belongs to .*Build the library for WebAssembly/,
    );
  });

  it.each(wasi)('of the caller’s own that are missing remain an error of %s', async (toolchain) => {
    const file = tree.write('own.c', '#include "my_config.h"\n');
    const error = await failure([file], { toolchain });
    expect(error).toBeInstanceOf(CompileError);
    expect((error as CompileError).diagnostics[0]).toMatchObject({
      file,
      line: 1,
      message: "'my_config.h' file not found",
    });
  });

  it('of the caller’s own are found even if WASI lacks a header of the same name', async () => {
    tree.write('netdb.h', '#define HOSTS 3\n');
    const file = tree.write('shadow.c', '#include <netdb.h>\nint hosts(void) { return HOSTS; }\n');
    for (const toolchain of wasi) {
      const compiled = await compile([file], { toolchain, cacheDir, include: [tree.directory] });
      expect(compiled.exports).toEqual(['hosts']);
    }
    rmSync(tree.file('netdb.h'));
  });
});

describe('flags that no toolchain takes', () => {
  const cases: [string, CompileOptions, RegExp][] = [
    ['-pthread', { flags: ['-pthread'] }, /`-pthread`: no toolchain supports threads/],
    ['-pthread to the linker', { link: ['-pthread'] }, /no toolchain supports threads/],
    ['-sUSE_PTHREADS=1', { link: ['-sUSE_PTHREADS=1'] }, /no toolchain supports threads/],
    ['-s USE_PTHREADS', { link: ['-s', 'USE_PTHREADS=1'] }, /`-sUSE_PTHREADS=1`: no toolchain/],
    ['--shared-memory', { link: ['-Wl,--shared-memory'] }, /no toolchain supports threads/],
    ['-sMAIN_MODULE', { link: ['-sMAIN_MODULE'] }, /no toolchain supports dynamic linking/],
    ['-sSIDE_MODULE=2', { link: ['-sSIDE_MODULE=2'] }, /no toolchain supports dynamic linking/],
    ['-shared', { link: ['-shared'] }, /no toolchain supports dynamic linking/],
    ['-Wl,--shared', { link: ['-Wl,--shared'] }, /no toolchain supports dynamic linking/],
    ['-flto', { flags: ['-flto'] }, /`-flto`: link-time optimisation is rejected, because/],
    ['-flto=thin', { flags: ['-flto=thin'] }, /link-time optimisation/],
    ['-flto to the linker', { link: ['-flto'] }, /link-time optimisation/],
    ['-fsanitize=address', { flags: ['-fsanitize=address'] }, /`heapline check`/],
    ['-fsanitize=undefined,leak', { flags: ['-fsanitize=undefined,leak'] }, /`heapline check`/],
    ['-fsanitize=thread', { flags: ['-fsanitize=thread'] }, /native build/],
    ['-m64', { flags: ['-m64'] }, /32-bit memory/],
    ['-sMEMORY64=1', { link: ['-sMEMORY64=1'] }, /32-bit memory/],
  ];
  it.each(cases)('%s is rejected with the reason, before anything starts', async (_, options, message) => {
    for (const toolchain of ['auto', ...toolchainNames] as const) {
      const said: Progress[] = [];
      const error = await failure([source], {
        ...options,
        toolchain,
        onProgress: (progress) => said.push(progress),
      });
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect(error.message).toMatch(message);
      expect(said).toEqual([]);
    }
  });

  it('can be switched off', async () => {
    for (const toolchain of toolchainNames) {
      const options = { toolchain, cacheDir, flags: ['-fno-lto', '-fno-sanitize=all'] };
      expect((await compile([source], options)).exports).toEqual(['one']);
    }
  });
});

describe('flags that one toolchain takes and another does not', () => {
  const cases: [string, CompileOptions, RegExp][] = [
    ['-sASSERTIONS', { link: ['-sASSERTIONS=1'] }, /setting of Emscripten\. Use the toolchain `emscripten`/],
    ['--js-library', { link: ['--js-library'] }, /Use the toolchain `emscripten`/],
    [
      '-fsanitize=undefined',
      { flags: ['-fsanitize=undefined'] },
      /`emscripten`, or add `-fsanitize-trap=all`/,
    ],
    ['-march=native', { flags: ['-march=native'] }, /it chooses a processor/],
    ['-mavx2', { flags: ['-mavx2'] }, /instructions of another processor/],
  ];
  it.each(cases)('%s is rejected over WASI, before anything starts', async (_, options, message) => {
    for (const toolchain of ['embedded', 'clang'] as const) {
      const said: Progress[] = [];
      const error = await failure([source], {
        ...options,
        toolchain,
        onProgress: (progress) => said.push(progress),
      });
      expect(error).toBeInstanceOf(ToolchainError);
      expect(error.message).toMatch(message);
      expect(said).toEqual([]);
    }
  });

  it('are accepted if `auto` finds the toolchain that takes them', async () => {
    const flags = ['-fsanitize=undefined'];
    const compiled = await compile([source], { cacheDir, flags, link: flags });
    expect(compiled.toolchain.name).toBe('emscripten');
  });
});

describe('flags that change little here', () => {
  const program = tree.write(
    'program.c',
    '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { free(malloc(4)); puts("ran"); return 0; }\n',
  );
  const cases: [string, CompileOptions][] = [
    ['-fPIC', { flags: ['-fPIC'] }],
    ['-static', { flags: ['-static'], link: ['-static'] }],
    ['-g0', { flags: ['-g0'] }],
    ['-s', { flags: ['-s'], link: ['-Wl,-s'] }],
    ['-m32', { flags: ['-m32'] }],
    ['-std=c99', { flags: ['-std=c99', '-pedantic'] }],
  ];
  it.each(eachWith(cases))('%s works with %s', async (_, toolchain, options) => {
    const compiled = await compile([program], { toolchain, cacheDir, ...options });
    expect((await runMain(compiled)).stdout).toBe('ran\n');
  });

  it.each(['embedded', 'clang'] as const)(
    '-fsanitize=undefined works with %s and -fsanitize-trap',
    async (toolchain) => {
      const flags = ['-fsanitize=undefined', '-fsanitize-trap=all'];
      expect((await compile([source], { toolchain, cacheDir, flags })).exports).toEqual(['one']);
    },
  );
});

describe('sources', () => {
  it.each([
    ['part.o', /pass it in `link`/],
    ['part.a', /pass it in `link`/],
    ['part.s', /pass the object in `link`/],
    ['part.S', /pass the object in `link`/],
    ['part.ll', /pass the object in `link`/],
    ['part.m', /Objective-C/],
    ['part.h', /name the source that includes it/],
    ['part.wasm', /loadWasm/],
    ['part.so', /sources of the library/],
    ['part.txt', /must end in \.c/],
  ])('%s is rejected with advice', async (name, message) => {
    const error = await failure([tree.write(name, '')], {});
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toMatch(message);
  });

  const suffixes = ['cc', 'cpp', 'CPP', 'cxx', 'c++', 'C'];
  it.each(toolchainNames)(
    'in C++ are recognised by every suffix with %s',
    async (toolchain: ToolchainName) => {
      if (toolchain === 'clang') process.env.HEAPLINE_CLANG = 'clang-22';
      const files = suffixes.map((suffix, index) =>
        tree.write(
          `of-${suffix.replaceAll('+', 'p')}-${index}.${suffix}`,
          `extern "C" int f${index}() { return ${index}; }\n`,
        ),
      );
      const compiled = await compile(files, { toolchain, cacheDir });
      expect([...compiled.exports].sort()).toEqual(suffixes.map((_, index) => `f${index}`));
    },
  );
});

describe('macros', () => {
  it.each(toolchainNames)('are undefined by `define: { NAME: false }` with %s', async (toolchain) => {
    const file = tree.write(
      'macros.c',
      '#ifdef __OPTIMIZE__\nint optimised(void) { return 1; }\n#else\nint plain(void) { return 0; }\n#endif\n',
    );
    const undefining = { toolchain, cacheDir, define: { __OPTIMIZE__: false } };
    expect((await compile([file], undefining)).exports).toEqual(['plain']);
    expect((await compile([file], { toolchain, cacheDir })).exports).toEqual(['optimised']);
  });
});

describe('directories with blanks', () => {
  it.each(toolchainNames)('are searched by %s', async (toolchain) => {
    const directory = path.join(tree.directory, `a b ${toolchain}`);
    mkdirSync(directory);
    const write = (name: string, text: string) => {
      writeFileSync(path.join(directory, name), text);
      return path.join(directory, name);
    };
    write('with space.h', '#define VALUE 5\n');
    const forced = write('forced first.h', '#define FORCED\n');
    const main = write(
      'main file.c',
      '#include <with space.h>\n#ifdef FORCED\nint value(void) { return VALUE; }\n#endif\n',
    );
    const options = { toolchain, cacheDir, include: [directory], flags: ['-include', forced] };
    expect((await compile([main], options)).exports).toEqual(['value']);
  });
});

describe('linker flags in two arguments', () => {
  const program = tree.write('linked.c', 'int linked(void) { return 1; }\n');
  const cases: [string, CompileOptions][] = [
    ['-Xlinker', { link: ['-Xlinker', '--no-demangle'] }],
    ['-z', { link: ['-z', 'stack-size=2097152'] }],
    ['-u', { link: ['-u', 'linked'] }],
    ['of the compiler', { link: ['-g', '-fno-strict-aliasing', '-Wall', '-DX=1'] }],
  ];
  it.each(eachWith(cases))('%s are accepted by %s', async (_, toolchain, options) => {
    expect((await compile([program], { toolchain, cacheDir, ...options })).exports).toEqual(['linked']);
  });
});

it('libraries keep their place among the flags of the embedded linker', async () => {
  const member = tree.write('member.c', 'int member(void) { return 7; }\n');
  const object = tree.file('member.o');
  execFileSync('clang', ['--target=wasm32', '-c', member, '-o', object]);
  execFileSync('ar', ['rcS', tree.file('libmember.a'), object]);
  const directory = `-L${path.dirname(object)}`;
  const link = [
    '-Wl,--export-if-defined=member',
    directory,
    '-Wl,--whole-archive',
    '-lmember',
    '-Wl,--no-whole-archive',
  ];
  const { wasm } = await compile([source], { toolchain: 'embedded', cacheDir, link });
  const names = WebAssembly.Module.exports(new WebAssembly.Module(wasm as BufferSource)).map(
    ({ name }) => name,
  );
  expect(names).toContain('member');
});
