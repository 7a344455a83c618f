// Wrong input of loadC() and loadWasm() is a typed error that says what to do, and does no harm.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ExternalKind, readModule, SectionId } from '../../src/binary/index.ts';
import { compile } from '../../src/compile/index.ts';
import {
  CompileError,
  FileError,
  HeaplineError,
  InvalidArgumentError,
  InvalidModuleError,
  LinkError,
  type LoadCOptions,
  loadC,
  loadWasm,
  MissingRuntimeError,
  type Sandbox,
  TrapError,
  UnsupportedModuleError,
} from '../../src/index.ts';
import { instrument } from '../../src/instrument/index.ts';
import { withoutSections } from '../support/custom-sections.ts';
import { held, programPath, TOOLCHAINS } from '../support/guest-programs.ts';
import { leb, section } from '../support/module-builder.ts';

let directory: string;
let witness: Sandbox;
let wasm: Uint8Array;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heapline-bad-'));
  witness = await loadC(programPath('library.c'), { toolchain: 'clang' });
  witness.exports.add!(witness.heap.cstring('witness'));
  // This is a copy, because compile() may return a Buffer, whose slices share their bytes.
  wasm = new Uint8Array((await compile([programPath('library.c')], { toolchain: 'clang' })).wasm);
});
afterAll(() => {
  // None of these failures has affected the sandbox that was open all the time.
  expect(witness.exports.count!()).toBe(1);
  expect(witness.heap.stats().inUseObjects).toBeGreaterThanOrEqual(3);
  witness.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const source = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

async function rejection(promise: Promise<unknown>): Promise<HeaplineError> {
  const result = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(result).toBeInstanceOf(HeaplineError);
  return result as HeaplineError;
}

describe('loadC()', () => {
  test('names a file that does not exist', async () => {
    const error = await rejection(loadC(join(directory, 'none.c')));
    expect(error).toBeInstanceOf(FileError);
    expect(error.message).toContain('none.c');
  });

  test('names the file, line and column of C that does not compile', async () => {
    const path = source('broken.c', 'int f(void) {\n  return nothing;\n}\n');
    const error = (await rejection(loadC(path, { toolchain: 'clang' }))) as CompileError;
    expect(error).toBeInstanceOf(CompileError);
    expect(error.diagnostics[0]).toMatchObject({ severity: 'error', file: path, line: 2, column: 10 });
  });

  test('names an undefined symbol', async () => {
    const path = source('missing.c', 'int nowhere(int);\nint f(int a) { return nowhere(a); }\n');
    const error = (await rejection(loadC(path, { toolchain: 'clang' }))) as LinkError;
    expect(error).toBeInstanceOf(LinkError);
    expect(error.missing).toContain('nowhere');
  });

  test('tells Emscripten that it need not find the functions in `imports`, and no others', async () => {
    const path = source(
      'imports-by-name.c',
      `#include <time.h>
      __attribute__((import_module("game"), import_name("beep"))) int beep(int);
      __attribute__((import_module("game"), import_name("time"))) int game_time(void);
      #ifdef OTHERS
      __attribute__((import_module("game"), import_name("boop"))) int boop(int);
      extern int trace(int);
      extern int time_of(int);
      int g(int a) { return boop(a) + trace(a) + time_of(a); }
      #endif
      extern int plain(int);
      int f(int a) { return beep(a) + plain(a) + game_time(); }
      int now(void) { return time(0) > 1000000000; }`,
    );
    const toolchain = 'emscripten';
    const game = { beep: (a: number) => a + 1, time: () => 100, time_of: () => 0 };
    const imports = { game, env: { plain: (a: number) => a * 10 } };
    using lib = await loadC(path, { toolchain, imports });
    expect(lib.exports.f!(1)).toBe(112);
    expect(lib.exports.now!()).toBe(1);

    const wanting = { toolchain, imports, define: { OTHERS: true } } as const;
    const error = (await rejection(loadC(path, wanting))) as LinkError;
    expect(error).toBeInstanceOf(LinkError);
    // Nobody provides `boop`. The runtime and the game use the names `trace` and `time_of` for imports of their own, which
    // does not provide symbols of these names.
    expect([...error.missing].sort()).toEqual(['boop', 'time_of', 'trace']);
    const nearly = await rejection(
      loadC(path, { ...wanting, imports: { ...imports, game: { ...game, boop: () => 0 } } }),
    );
    expect(nearly).toBeInstanceOf(LinkError);
    expect([...(nearly as LinkError).missing].sort()).toEqual(['time_of', 'trace']);
  });

  test('says how to get more than 2 GiB with Emscripten', async () => {
    const options = { toolchain: 'emscripten', maxMemory: 3 * 2 ** 30 } as const;
    const error = await rejection(loadC(programPath('library.c'), options));
    expect(error).toMatchObject({ name: 'ToolchainError', toolchain: 'emscripten' });
    expect(error.message).toContain("`link: ['-sMAXIMUM_MEMORY=4GB']`");
    const little = await rejection(loadC(programPath('library.c'), { ...options, maxMemory: 2 ** 22 }));
    expect(little).toMatchObject({ name: 'ToolchainError', toolchain: 'emscripten' });
    const link = [/`link: \['(.*?)'\]`/.exec(little.message)![1]!];
    using small = await loadC(programPath('library.c'), { ...options, link, maxMemory: 2 ** 22 });
    expect(small.memory.buffer.byteLength).toBeLessThanOrEqual(2 ** 22);
    const { wasm, glue } = await compile([programPath('library.c')], { toolchain: 'emscripten' });
    const linked = await rejection(loadWasm(wasm, { glue: glue!, maxMemory: options.maxMemory }));
    expect(linked).toMatchObject({ name: 'InvalidArgumentError', argument: 'maxMemory' });
    expect(linked.message).toContain("`link: ['-sMAXIMUM_MEMORY=4GB']`");
    // Debian's Emscripten comes without acorn.
    const acorn = createRequire(import.meta.url).resolve('acorn/package.json');
    vi.stubEnv('NODE_PATH', join(acorn, '..', '..'));
    using lib = await loadC(programPath('library.c'), { ...options, link: ['-sMAXIMUM_MEMORY=4GB'] });
    vi.unstubAllEnvs();
    const low = lib.heap.malloc(2 ** 30);
    expect(lib.heap.malloc(2 ** 30)).toBeGreaterThanOrEqual(low + 2 ** 30);
    expect(lib.memory.buffer.byteLength).toBeGreaterThan(2 ** 31);
    lib.exports.add!(lib.heap.cstring('beyond'));
    expect(lib.exports.count!()).toBe(1);
  });

  test('passes from Emscripten to another toolchain for more than 2 GiB or less than 16 MiB', async () => {
    vi.stubEnv('HEAPLINE_TOOLCHAIN', '');
    using small = await loadC(programPath('library.c'), { maxMemory: 2 ** 31 });
    expect(small.toolchain?.name).toBe('emscripten');
    for (const maxMemory of [2 ** 31 + 2 ** 16, 2 ** 24 - 2 ** 16]) {
      using other = await loadC(programPath('library.c'), { maxMemory });
      expect(other.toolchain?.name).toBe('clang');
    }
    vi.unstubAllEnvs();
  });

  test.each<[string, unknown]>([
    ['toolchain', 'gcc'],
    ['args', 'one'],
    ['args', [1]],
    ['args', ['nul\0']],
    ['env', { A: 1 }],
    ['env', { 'A=B': '1' }],
    ['env', 'A=1'],
    ['stdin', 5],
    ['files', { 'relative.txt': '' }],
    ['files', { '/directory/': '' }],
    ['files', { '/x': 5 }],
    ['files', { '/x': '', '/x/y': '' }],
    ['preopens', 'directory'],
    ['preopens', { relative: '.' }],
    ['preopens', { '/x': 5 }],
    ['preopens', { '/x': { readOnly: true } }],
    ['preopens', { '/x': { path: '.', readonly: true } }],
    ['preopens', { '/x': 'no/such/directory' }],
    ['preopens', { '/x': 'package.json' }],
    ['maxMemory', 1000],
    ['maxMemory', -1],
    ['maxMemory', 2 ** 33],
    ['maxMemory', '1g'],
    ['imports', { env: 5 }],
    ['hostFrames', 'always'],
    ['hostFrames', { every: 0 }],
    ['hostFrames', { every: 1.5 }],
    ['hostFrames', { budget: 0 }],
    ['hostFrames', { every: 2, budget: 0.5 }],
    ['hostFrames', {}],
    ['freeStacks', 1],
    ['onError', 'crash'],
    ['onFault', {}],
    ['onStdout', 'x'],
    ['flags', '-O2'],
    ['exports', 'add'],
    ['tool', 'clang'],
    ['cacheDir', 5],
    ['cacheDir', ''],
    ['onProgress', 5],
  ])('rejects the option %s: %j', async (name, value) => {
    const options = { toolchain: 'clang', [name]: value } as LoadCOptions;
    const error = await rejection(loadC(programPath('library.c'), options));
    expect(error.message.length).toBeGreaterThan(10);
    if (name !== 'toolchain') expect(error).toBeInstanceOf(InvalidArgumentError);
  });

  test('suggests the option that was meant', async () => {
    const error = await rejection(loadC(programPath('library.c'), { maxmemory: 5 } as LoadCOptions));
    expect(error.message).toContain("no option 'maxmemory': did you mean 'maxMemory'?");
  });

  test.each(TOOLCHAINS)(
    'says that %s produced nothing for flags that keep it from compiling',
    async (toolchain) => {
      const error = await rejection(loadC(programPath('library.c'), { toolchain, flags: ['-fsyntax-only'] }));
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect(error.message).toMatch(/wrote no object for .*library\.c with these flags: -fsyntax-only/);
    },
  );

  test('accepts file: URLs of sources and of header directories', async () => {
    const folder = join(directory, 'a folder');
    mkdirSync(folder);
    source('a folder/size.h', '#define SIZE 24\n');
    const path = source('a folder/keep.c', '#include "size.h"\nint size(void) { return SIZE; }\n');
    const other = source('other.c', '#include <size.h>\nint twice(void) { return 2 * SIZE; }\n');
    using one = await loadC(pathToFileURL(path), { toolchain: 'clang' });
    expect([one.name, one.exports.size!()]).toEqual(['keep.c', 24]);
    using both = await loadC([path, pathToFileURL(other)], {
      toolchain: 'clang',
      include: [pathToFileURL(folder)],
    });
    expect([both.exports.size!(), both.exports.twice!()]).toEqual([24, 48]);
  });

  test('rejects URLs that name no local file, and says which URLs it accepts', async () => {
    const url = new URL('https://example.com/parser.c');
    const errors = [
      await rejection(loadC(url)),
      await rejection(loadC([url])),
      await rejection(loadC(programPath('library.c'), { include: [url] })),
      await rejection(loadWasm(url)),
    ];
    expect(errors.map((error) => error.constructor)).toEqual(Array(4).fill(InvalidArgumentError));
    expect(errors.map((error) => (error as InvalidArgumentError).argument)).toEqual([
      'sources',
      'sources',
      'include',
      'bytesOrPath',
    ]);
    for (const { message } of errors) {
      expect(message).toContain('https://example.com/parser.c is no file of this machine');
      expect(message).toContain('begin with file:');
    }
    expect(await rejection(loadC(new URL('file:///a%2Fb.c')))).toBeInstanceOf(InvalidArgumentError);
  });

  test.each([[[]], [['']], [5], [null], [[5]], ['']])('rejects %j as sources', async (sources) => {
    expect(await rejection(loadC(sources as string))).toBeInstanceOf(HeaplineError);
  });
});

/** The module with one more custom section. */
function withSection(module: Uint8Array, name: string): Uint8Array<ArrayBuffer> {
  const text = Buffer.from(name).subarray(0, 100);
  return new Uint8Array(Buffer.concat([module, Buffer.from([0, text.length + 1, text.length]), text]));
}

describe('loadWasm()', () => {
  test('opens a module that heapline compiled, instrumented or not, from bytes and from a file', async () => {
    const path = source('the library.wasm', '');
    writeFileSync(path, instrument(wasm).bytes);
    for (const input of [
      wasm,
      wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.length),
      path,
      pathToFileURL(path),
    ]) {
      using lib = await loadWasm(input as Uint8Array);
      lib.exports.add!(lib.heap.cstring('four'));
      const stacks = Object.keys(held(lib)).filter((stack) => stack.includes('add'));
      expect(stacks.map((stack) => stack.slice(stack.indexOf('add'))).sort()).toEqual(['add', 'add;copy']);
      const frames = lib.heap.profile().top({ granularity: 'lines' });
      expect(frames).toContain('library.c');
    }
  });

  test('copies the bytes, so that the caller may transfer or overwrite them', async () => {
    for (const early of [true, false]) {
      for (const give of [
        (bytes: Uint8Array<ArrayBuffer>) => structuredClone(bytes, { transfer: [bytes.buffer] }),
        (bytes: Uint8Array<ArrayBuffer>) => bytes.fill(0),
      ]) {
        // The module must be new, because a known module is read from the bytes that came first.
        const bytes = withSection(wasm, `${early} ${give}`);
        const loading = loadWasm(bytes);
        if (early) give(bytes);
        using lib = await loading;
        if (!early) give(bytes);
        lib.exports.add!(lib.heap.cstring('four'));
        expect(lib.heap.profile().top({ granularity: 'lines' })).toContain('library.c');
      }
    }
  });

  test('says that a buffer has been transferred', async () => {
    const { buffer } = new Uint8Array(wasm);
    structuredClone(buffer, { transfer: [buffer] });
    const error = await rejection(loadWasm(buffer));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toContain('has been transferred');
  });

  test('names the file that cannot be read', async () => {
    expect(await rejection(loadWasm(join(directory, 'none.wasm')))).toBeInstanceOf(FileError);
    expect(await rejection(loadWasm(directory))).toBeInstanceOf(FileError);
    expect(await rejection(loadWasm(undefined as unknown as string))).toBeInstanceOf(InvalidArgumentError);
  });

  test('rejects bytes that are not a module', async () => {
    expect(await rejection(loadWasm(new Uint8Array(0)))).toBeInstanceOf(InvalidModuleError);
    expect(await rejection(loadWasm(readFileSync(programPath('library.c'))))).toBeInstanceOf(
      InvalidModuleError,
    );
  });

  test('rejects a module without the runtime, and says how to link it', async () => {
    const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const error = await rejection(loadWasm(empty));
    expect(error).toBeInstanceOf(MissingRuntimeError);
    expect(error.message).toMatch(/link/i);
  });

  test('rejects a module that is cut short anywhere or has any byte changed, without a crash', async () => {
    for (let i = 0; i < 60; i++) {
      const length = Math.floor((wasm.length * i) / 60);
      expect(await rejection(loadWasm(wasm.slice(0, length))), `${length} bytes`).toBeInstanceOf(
        HeaplineError,
      );
    }
    for (let i = 0; i < 300; i++) {
      const changed = wasm.slice();
      const at = (i * 7919) % Math.min(changed.length, 60_000);
      changed[at] = changed[at]! ^ (1 << (i % 8));
      const result = await loadWasm(changed, { maxMemory: 16 * 2 ** 20 }).then(
        (lib) => {
          lib.dispose();
          return null;
        },
        (error: unknown) => error,
      );
      // A change that leaves a valid module is not checked here; every other change is a typed error.
      if (result !== null) expect(result, `byte ${at}`).toBeInstanceOf(HeaplineError);
    }
  });

  test('profiles a module without debug information by function names', async () => {
    const path = source('plain.c', '#include <stdlib.h>\nvoid *grab(int n) { return malloc(n); }\n');
    const stripped = await compile([path], {
      toolchain: 'clang',
      flags: ['-g0'],
      link: ['-Wl,--strip-debug'],
    });
    using lib = await loadWasm(stripped.wasm);
    lib.exports.grab!(64);
    expect(Object.keys(held(lib)).some((stack) => /grab|wasm-function/.test(stack))).toBe(true);
  });

  test('takes lines from a source map, for an instrumented module as well as for the original', async () => {
    const bare = withoutSections(wasm, /^\.debug/);
    const { bodies } = readModule(bare);
    // Columns are offsets in the original file; each function has a line of its own.
    const mappings = bodies.map(({ start }, index) => [start, 0, index, 0]);
    const sourceMap = { version: 3, names: [], sources: ['/src/map.c'], mappings: [mappings] };
    const places = async (bytes: Uint8Array): Promise<string[]> => {
      using lib = await loadWasm(bytes, { sourceMap, exports: ['add'] });
      lib.exports.add!(lib.heap.cstring('a'));
      const rows = lib.heap.profile().topRows();
      return rows.filter(({ file }) => file === '/src/map.c').map((row) => `${row.function}:${row.line}`);
    };
    const original = await places(bare);
    expect(original.join()).toContain('add:');
    expect(await places(instrument(bare).bytes)).toEqual(original);
  });

  test('names the imports that nobody provides', async () => {
    const path = source(
      'imports.c',
      '__attribute__((import_module("game"), import_name("beep"))) int beep(int);\nint f(int a) { return beep(a); }\n',
    );
    const { wasm: needy } = await compile([path], { toolchain: 'clang' });
    const error = await rejection(loadWasm(needy));
    expect(error).toBeInstanceOf(UnsupportedModuleError);
    expect(error.message).toContain('game.beep');
    using lib = await loadWasm(needy, { imports: { game: { beep: (a: number) => a + 1 } } });
    expect(lib.exports.f!(1)).toBe(2);
  });

  test('names an import that has the wrong kind', async () => {
    const path = source(
      'now.c',
      '__attribute__((import_module("host"), import_name("now"))) int now(void);\nint f(void) { return now(); }\n',
    );
    for (const now of [5, null, 'x', {}]) {
      const imports = { host: { now } } as unknown as NonNullable<LoadCOptions['imports']>;
      const error = (await rejection(loadC(path, { toolchain: 'clang', imports }))) as InvalidArgumentError;
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect(error.argument).toBe('imports');
      expect(error.message).toMatch(/now/);
    }
  });

  test('says what stopped the start function of a module', async () => {
    const path = source(
      'start.c',
      `#include <stdio.h>
      #include <stdlib.h>
      void crash(void) { free(malloc(8)); __builtin_trap(); }
      void leave(void) { exit(4); }
      void print(void) { puts("x"); }
      void allocate(void) { malloc(100); }
      void misuse(void) { void *block = malloc(8); free(block); free(block); }
      `,
    );
    const { wasm } = await compile([path], { toolchain: 'clang' });
    const starting = (name: string): Uint8Array => {
      const module = readModule(wasm);
      const at = module.section(SectionId.Element)!.start;
      const start = section(SectionId.Start, leb(module.export(name, ExternalKind.Function)!.index));
      return Buffer.concat([wasm.subarray(0, at), Uint8Array.from(start), wasm.subarray(at)]);
    };
    const crash = (await rejection(loadWasm(starting('crash')))) as TrapError;
    expect(crash).toBeInstanceOf(TrapError);
    expect(crash.frames[0]).toMatchObject({ function: 'crash', line: 3 });
    expect(await rejection(loadWasm(starting('leave')))).toMatchObject({
      code: 'HEAPLINE_EXIT',
      exitCode: 4,
    });
    expect((await rejection(loadWasm(starting('print')))).message).toMatch(/start function .* calls WASI/);
    using lib = await loadWasm(starting('allocate'));
    expect(lib.heap.stats().inUseBytes).toBe(100);
    using misused = await loadWasm(starting('misuse'));
    expect(misused.heap.stats()).toMatchObject({ faults: 1, inUseBytes: 0 });
    misused.exports.misuse!();
    expect([misused.heap.stats().faults, misused.heap.faults().length]).toEqual([2, 1]);
  });

  test('rejects a module whose data lies outside its memory', async () => {
    const { data, bytes } = readModule(wasm);
    const outside = bytes.slice();
    // The address of the last segment, an i32.const of at least three bytes, becomes -1.
    const { start, end } = data.at(-1)!.offset!;
    outside.set([0x41, ...Array<number>(end - start - 3).fill(0xff), 0x7f], start);
    const error = await rejection(loadWasm(outside));
    expect(error).toBeInstanceOf(InvalidModuleError);
    expect(error.message).toMatch(/cannot instantiate the module: data segment .*out of bounds/);
  });

  test("reads the JavaScript beside Emscripten's module, and asks for it when there is none", async () => {
    const built = await compile([programPath('library.c')], { toolchain: 'emscripten' });
    expect((await rejection(loadWasm(built.wasm))).message).toMatch(/emscripten_.* in the option "glue"/);
    const path = source('em.wasm', '');
    writeFileSync(path, built.wasm);
    source('em.glue.js', built.glue!);
    using lib = await loadWasm(path);
    expect(lib.exports.sum!(1, 2)).toBe(3);
  });

  test('says what is wrong with JavaScript that is not usable glue', async () => {
    const { wasm, glue } = await compile([programPath('library.c')], { toolchain: 'emscripten' });
    const starting = 'var Module = {}; WebAssembly.instantiate(new Uint8Array(0)).then(() => {});';
    const idle = `var Module = async (module) => {
      Object.assign(module, { FS: { init() {}, writeFile() {}, initialized: true, streams: [] }, ENV: {} });
      for (const call of module.preRun) call(module);
      return module;
    };`;
    const withoutFiles = glue!.replace(/Module\["FS"\] ?= ?FS;?/, 'Module["FS"] = {};');
    expect(withoutFiles).not.toBe(glue);
    for (const [text, message] of [
      ['em.glue.js', /the text of the \.js file/],
      ['(', /the text of the \.js file/],
      ['var Module = {};', /-sMODULARIZE=1/],
      [starting, /-sMODULARIZE=1/],
      [idle, /has ended without instantiating the module/],
      [withoutFiles, /-sFORCE_FILESYSTEM=1 and -sEXPORTED_RUNTIME_METHODS=FS,ENV/],
    ] as const) {
      const error = await rejection(loadWasm(wasm, { glue: text }));
      expect(error).toBeInstanceOf(UnsupportedModuleError);
      expect(error.message).toMatch(message);
    }
  });

  test('names the imports that nobody provides to a module of Emscripten, too', async () => {
    const path = source(
      'glue-imports.c',
      '__attribute__((import_module("game"), import_name("beep"))) int beep(int);\nint f(int a) { return beep(a); }\n',
    );
    const options = { toolchain: 'emscripten', link: ['-sERROR_ON_UNDEFINED_SYMBOLS=0'] } as const;
    const error = await rejection(loadC(path, options));
    expect(error).toBeInstanceOf(UnsupportedModuleError);
    expect(error.message).toContain('game.beep');
    using lib = await loadC(path, { ...options, imports: { game: { beep: (a: number) => a + 1 } } });
    expect(lib.exports.f!(1)).toBe(2);
  });

  test.each<[string, unknown]>([
    ['name', 5],
    ['name', ''],
    ['glue', 5],
    ['debugInfo', 'x'],
    ['sourceMap', 5],
    ['exports', 'count'],
    ['exports', [5]],
    ['nam', 'x'],
  ])('rejects the option %s: %j', async (name, value) => {
    const error = (await rejection(loadWasm(wasm, { [name]: value }))) as InvalidArgumentError;
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.argument).toBe(name);
  });

  test('names an export that does not exist', async () => {
    expect(await rejection(loadWasm(wasm, { exports: ['nothing'] }))).toBeInstanceOf(InvalidArgumentError);
  });
});
