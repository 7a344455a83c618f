// Modules that cannot be instrumented are rejected, with the reason and with advice. Damaged modules are
// rejected, too, unless V8 accepts them. Then V8 accepts the instrumented module.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import {
  HeaplineError,
  InvalidModuleError,
  MissingRuntimeError,
  UnsupportedModuleError,
} from '../../src/errors.ts';
import { instrument, openInstrumented } from '../../src/instrument/index.ts';
import { ABI_VERSION } from '../../src/runtime/layout.ts';
import { withoutSections } from '../support/custom-sections.ts';
import { runtimeModule } from '../support/minimal-module.ts';
import { body, custom, functionType, I32 } from '../support/module-builder.ts';
import { TEXT_RUNTIME } from '../support/slot-harness.ts';
import { Workshop } from '../support/workshop.ts';

let workshop: Workshop;
beforeAll(() => {
  workshop = new Workshop();
});
afterAll(() => workshop.remove());

const simple = (code: number[], memory?: number[]) =>
  runtimeModule({
    types: [functionType([I32], [I32])],
    functions: [{ type: 0, export: 'run', body: body(code) }],
    ...(memory && { memory }),
  });

describe('rejected as unsupported, with the reason', () => {
  test.each([
    ['a shared memory', simple([0x20, 0], [3, 4, 4]), /shared.*-pthread/],
    ['a 64-bit memory', simple([0x20, 0], [4, 4]), /memory64/],
    ['a memory with small pages', simple([0x20, 0], [8, 4, 0]), /custom page sizes.*--page-size/],
    ['a dynamic library', joined(custom('dylink.0', [])), /dylink/],
    ['an old dynamic library', joined(custom('dylink', [])), /dylink/],
    ['a module instrumented before', instrument(simple([0x20, 0])).bytes, /instrumented already/],
    [
      'a module instrumented before, and stripped of all custom sections',
      withoutSections(instrument(simple([0x20, 0])).bytes, /^/),
      /was instrumented, and its section "heapline" is gone/,
    ],
    ['an unknown opcode', simple([0x20, 0, 0x16]), /unknown opcode 0x16 at offset 0x[0-9a-f]+$/],
    ['an unknown SIMD opcode', simple([0x20, 0, 0xfd, 0xff, 0x03]), /unknown opcode 0xfd 0x1ff at offset/],
  ])('%s', (_, bytes, reason) => {
    expect(() => instrument(bytes)).toThrow(UnsupportedModuleError);
    expect(() => instrument(bytes)).toThrow(reason);
  });

  test('the offset of an unknown opcode is its place in the file', () => {
    const bytes = simple([0x20, 0, 0x01, 0x01, 0x16]);
    const at = readModule(bytes).bodies.at(-1)!.end - 2;
    expect(() => instrument(bytes)).toThrow(new RegExp(`0x16 at offset 0x${at.toString(16)}$`));
  });
});

/** A plain module with a section at its end. */
function joined(section: readonly number[]): Uint8Array {
  return Uint8Array.from([...simple([0x20, 0]), ...section]);
}

describe('rejected because the runtime is missing, with advice on linking', () => {
  const without = (from: string, to = '') => workshop.assemble(`(module ${TEXT_RUNTIME.replace(from, to)})`);
  test.each([
    ['no heapline_runtime', '(export "heapline_runtime")', '', /heapline_runtime.*heapline build/],
    ['no heapline_shadow', '(export "heapline_shadow")', '', /heapline_shadow.*heapline build/],
    ['no malloc', '(export "malloc")', '', /malloc.*heapline build/],
    ['no free', '(export "free")', '', /free.*heapline build/],
    ['an address that changes', '"heapline_runtime") i32', '"heapline_runtime") (mut i32)', /not a constant/],
    ['other bytes at the address', 'HEAP', 'LEAP', /not the Heapline runtime/],
    [
      'another version',
      `\\0${ABI_VERSION}\\00\\00\\00\\00\\10`,
      '\\63\\00\\00\\00\\00\\10',
      /version 99.*link it again/,
    ],
    [
      'slots outside of memory',
      '"heapline_shadow") i32 (i32.const 4096)',
      '"heapline_shadow") i32 (i32.const 250000)',
      /outside/,
    ],
  ])('%s', (_, from, to, reason) => {
    expect(TEXT_RUNTIME).toContain(from);
    const bytes = without(from, to);
    expect(() => instrument(bytes)).toThrow(MissingRuntimeError);
    expect(() => instrument(bytes)).toThrow(reason);
  });

  const producers = (field: string, name: string) =>
    custom('producers', [
      ...[1, field.length, ...Buffer.from(field)],
      ...[1, name.length, ...Buffer.from(name), 3, ...Buffer.from('1.0')],
    ]);
  const plain = (text: string, ...sections: (readonly number[])[]) =>
    Uint8Array.from([
      ...workshop.assemble(`(module ${text} (memory (export "memory") 1))`),
      ...sections.flat(),
    ]);
  const abortOf = (parameters: string) => `(import "env" "abort" (func (param ${parameters})))`;

  test.each([
    ['Rust', () => plain('', producers('language', 'Rust')), /compiled from Rust.*#\[global_allocator\]/],
    ['Go', () => plain('', producers('language', 'Go')), /compiled from Go.*runtime\/pprof/],
    ['TinyGo', () => plain('', producers('processed-by', 'TinyGo')), /compiled from Go/],
    ['AssemblyScript', () => plain(abortOf('i32 i32 i32 i32')), /looks like AssemblyScript.*no C malloc/],
    [
      'AssemblyScript with an exported runtime',
      () => plain('(func (export "__pin") (param i32) (result i32) local.get 0)'),
      /looks like AssemblyScript/,
    ],
    ['C that imports abort', () => plain(abortOf('')), /link the program with wasm\/heapline-wasi\.o/],
    [
      'C compiled by clang',
      () => plain(abortOf('i32 i32 i32 i32'), producers('processed-by', 'clang')),
      /link the program with wasm\/heapline-wasi\.o/,
    ],
    [
      'a module that Emscripten linked',
      () => plain('(func (export "emscripten_stack_get_current") (result i32) i32.const 0)'),
      /-sMALLOC=none/,
    ],
    [
      'a damaged section of producers',
      () => plain('', custom('producers', [0x7f, 3, 65])),
      /link the program with wasm\/heapline-wasi\.o/,
    ],
  ])('the advice is for %s', (_, bytes, reason) => {
    expect(() => instrument(bytes())).toThrow(MissingRuntimeError);
    expect(() => instrument(bytes())).toThrow(reason);
  });

  test('the advice for a relocatable object is to link it', () => {
    const object = workshop.read(workshop.object(workshop.file('.c', 'void g(void); void f(void) { g(); }')));
    expect(() => instrument(object)).toThrow(/relocatable object, link it/);
  });
});

describe('damage', () => {
  let linked: Uint8Array;
  beforeAll(() => {
    const source = `
      typedef unsigned long size_t; void *malloc(size_t); void free(void *);
      __attribute__((import_module("env"), import_name("host"))) int host(int);
      struct list { struct list *next; int value; };
      static int (*const operations[])(int) = {host};
      __attribute__((export_name("work"))) int work(int n) {
        struct list *all = 0; int sum = 0;
        for (int i = 0; i < n; i += 1) { struct list *one = malloc(sizeof *one); one->next = all; one->value = operations[i & 0](i); all = one; }
        while (all) { struct list *next = all->next; sum += all->value; free(all); all = next; }
        return sum;
      }`;
    const program = workshop.object(workshop.file('.c', source), '-g0');
    linked = workshop.link([program, workshop.runtime()], '--strip-debug');
  });

  /** Instruments; the outcome must be a module or one of Heapline's errors. */
  const attempt = (bytes: Uint8Array, work: (bytes: Uint8Array) => { bytes: Uint8Array } | null) => {
    try {
      return work(bytes);
    } catch (error) {
      if (error instanceof HeaplineError) return error;
      throw error;
    }
  };

  /** Expects that V8 accepts the output if it accepted the input. */
  const check = (bytes: Uint8Array): boolean => {
    const result = attempt(bytes, instrument);
    if (result === null || result instanceof HeaplineError) {
      // The reader must read every module that V8 runs. It may only be rejected for its features.
      if (result instanceof InvalidModuleError)
        expect(WebAssembly.validate(Uint8Array.from(bytes))).toBe(false);
      return false;
    }
    const valid = WebAssembly.validate(Uint8Array.from(bytes));
    if (valid) expect(WebAssembly.validate(Uint8Array.from(result.bytes))).toBe(true);
    return valid;
  };

  test('cut anywhere', () => {
    for (let length = 0; length < linked.length; length += 1) check(linked.subarray(0, length));
  });

  test('every byte of the module changed, one at a time', () => {
    let accepted = 0;
    for (let at = 0; at < linked.length; at += 1) {
      for (const change of [1, 0x80, 0x55]) {
        const bytes = linked.slice();
        bytes[at]! ^= change;
        if (check(bytes)) accepted += 1;
      }
    }
    expect(accepted).toBeGreaterThan(100);
  });

  test('several bytes changed, moved or left out', () => {
    const edit = fc.record({
      at: fc.nat(linked.length - 1),
      drop: fc.nat(3),
      put: fc.uint8Array({ maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let bytes = Array.from(linked);
        for (const { at, drop, put } of edits)
          bytes = [...bytes.slice(0, at), ...put, ...bytes.slice(at + drop)];
        check(Uint8Array.from(bytes));
      }),
      { numRuns: 1500 },
    );
  });

  test('the section of an instrumented module changed or cut', () => {
    const { bytes } = instrument(linked);
    const section = readModule(bytes).sections.at(-1)!;
    for (let at = section.start; at < section.end; at += 1) {
      for (const change of [1, 0x80, 0xff]) {
        const damaged = bytes.slice();
        damaged[at]! ^= change;
        const result = attempt(damaged, openInstrumented);
        if (result !== null && !(result instanceof HeaplineError)) {
          const { offsets } = result as NonNullable<ReturnType<typeof openInstrumented>>;
          for (const offset of [0, 100, 1000, 0x7fffffff]) offsets.toOriginal(offset);
        }
      }
    }
  });
});
