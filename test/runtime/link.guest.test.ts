// The objects are built once and linked by the user's linker: old and new wasm-ld, Emscripten. Each link must take the whole
// allocation family from the runtime and nothing from libc's own malloc, and the module must run.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WASI } from 'node:wasi';
import { afterAll, describe, expect, it } from 'vitest';
import { stackSetting } from '../../src/compile/emscripten-versions.ts';
import * as layout from '../../src/runtime/layout.ts';
import { EMCC, EMCC_VERSION } from '../support/emcc.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-link-'));
afterAll(() => rmSync(folder, { recursive: true }));

const program = join(folder, 'program.c');
writeFileSync(
  program,
  `#include <stdio.h>
   #include <stdlib.h>
   #include <string.h>
   int main(int argc, char **argv) {
     char *copy = strdup("forty-two bytes of a string, the end of it");
     char *more = realloc(copy, 100000);
     void *aligned = aligned_alloc(4096, 100), *zero = calloc(10, 10), *posix;
     if (posix_memalign(&posix, 64, 7)) return 1;
     setenv("HEAPLINE", more, 1);
     free(zero);
     printf("%s %d\\n", getenv("HEAPLINE"), (int)((size_t)aligned % 4096));
     if (argc > 5) exit(3);
     return 0;
   }`,
);

const names = [
  'heapline_runtime',
  'heapline_shadow',
  'heapline_check',
  'heapline_set_flags',
  'malloc',
  'free',
];
const object = (flavour: string): string =>
  fileURLToPath(new URL(`../../wasm/heapline-${flavour}.o`, import.meta.url));
const flags = ['malloc', 'calloc', 'realloc', 'free', 'aligned_alloc'].map((name) => `-fno-builtin-${name}`);

const heapline = (faults: number[]): WebAssembly.ModuleImports => ({
  host_stack: () => 0,
  fault: (record: number) => void faults.push(record),
  point: () => 0,
  exiting: () => {},
});

function expectLedger(exports: WebAssembly.Exports, memory: WebAssembly.Memory): void {
  const words = new Uint32Array(memory.buffer);
  const runtime = Number((exports.heapline_runtime as WebAssembly.Global).value) / 4;
  expect(words[runtime]).toBe(layout.MAGIC);
  // strdup, realloc, aligned_alloc, calloc, posix_memalign, and the allocations of setenv and stdio.
  expect(words[runtime + layout.RUNTIME_ALLOC_OBJECTS / 4]!).toBeGreaterThanOrEqual(6);
  const all = layout.CHECK_TREE | layout.CHECK_HEAP | layout.CHECK_ZEROS;
  expect((exports.heapline_check as (what: number) => number)(all)).toBe(0);
}

describe('the runtime object', () => {
  it.each(['wasm-ld-14', 'wasm-ld-22'])('links with %s against wasi-libc and runs', async (linker) => {
    const out = join(folder, `${linker}.wasm`);
    const path = execFileSync('which', [linker], { encoding: 'utf8' }).trim();
    const exported = [...names.map((name) => `-Wl,--export=${name}`), '-Wl,--wrap=exit'];
    execFileSync('clang', [
      ...['--target=wasm32-wasi', '-O1', `-fuse-ld=${path}`, ...flags],
      ...[program, object('wasi'), ...exported, '-o', out],
    ]);
    const wasi = new WASI({ version: 'preview1', args: ['program'], returnOnExit: true });
    const faults: number[] = [];
    const { instance } = await WebAssembly.instantiate(readFileSync(out), {
      ...(wasi.getImportObject() as WebAssembly.Imports),
      heapline: heapline(faults),
    });
    expect(wasi.start(instance)).toBe(0);
    expect(faults).toEqual([]);
    expectLedger(instance.exports, instance.exports.memory as WebAssembly.Memory);
  });

  it('links without --wrap=exit, and without anything exported', () => {
    const out = join(folder, 'bare.wasm');
    execFileSync('clang', ['--target=wasm32-wasi', '-O1', program, object('wasi'), '-o', out]);
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(out)));
    expect(imports.filter(({ module }) => module === 'env')).toEqual([]);
  });

  it('links with Emscripten in place of its malloc and runs', async () => {
    // Emscripten believes that every import is a symbol that a JavaScript library must have.
    const library = join(folder, 'imports.js');
    const out = join(folder, 'emscripten.cjs');
    writeFileSync(
      library,
      `mergeInto(LibraryManager.library, {
        host_stack: function () {}, fault: function () {}, point: function () {}, exiting: function () {} });`,
    );
    execFileSync(EMCC, [
      ...['-O1', ...flags, program, object('emscripten'), '-sMALLOC=none', '-sALLOW_MEMORY_GROWTH=1'],
      ...[
        '-sMODULARIZE=1',
        '-sINITIAL_MEMORY=1048576',
        `-s${stackSetting(EMCC_VERSION.number)}=65536`,
        '-sENVIRONMENT=node',
      ],
      ...['--js-library', library, ...names.map((name) => `-Wl,--export=${name}`), '-o', out],
    ]);
    const lines: string[] = [];
    const faults: number[] = [];
    let exports: WebAssembly.Exports = {};
    const create = createRequire(import.meta.url)(out) as (options: object) => Promise<unknown>;
    await create({
      print: (line: string) => lines.push(line),
      instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
        const bytes = readFileSync(out.replace(/cjs$/, 'wasm'));
        void WebAssembly.instantiate(bytes, { ...imports, heapline: heapline(faults) }).then(
          ({ instance }) => {
            exports = instance.exports;
            done(instance);
          },
        );
        return {};
      },
    });
    expect(lines).toEqual(['forty-two bytes of a string, the end of it 0']);
    expect(faults).toEqual([]);
    expectLedger(exports, exports.memory as WebAssembly.Memory);
  });

  it('names no feature that an old linker or wasm-opt does not know', () => {
    for (const flavour of ['wasi', 'emscripten']) {
      const module = new WebAssembly.Module(readFileSync(object(flavour)));
      const sections = WebAssembly.Module.customSections(module, 'target_features');
      expect(sections).toHaveLength(1);
      const text = Buffer.from(sections[0]!).toString('latin1');
      expect([...text.matchAll(/[a-z][a-z-]+/g)].map(([name]) => name)).toEqual([
        'bulk-memory',
        'mutable-globals',
        'sign-ext',
      ]);
    }
  });
});
