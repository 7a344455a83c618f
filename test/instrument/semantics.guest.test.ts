// Instrumented modules do the same as the originals, for all kinds of instructions, and everything that
// instrumenting need not change stays the same byte for byte.

import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ExternalKind,
  readModule,
  SectionId,
  skipInstruction,
  type WasmModule,
} from '../../src/binary/index.ts';
import { type InstrumentedModule, instrument, openInstrumented } from '../../src/instrument/index.ts';
import { runtimeModule } from '../support/minimal-module.ts';
import { body, functionType, I32, leb } from '../support/module-builder.ts';
import { Harness, TEXT_RUNTIME } from '../support/slot-harness.ts';
import { Workshop } from '../support/workshop.ts';

let workshop: Workshop;
let linked: Uint8Array;
beforeAll(() => {
  workshop = new Workshop();
  const program = workshop.object(
    workshop.file(
      '.c',
      'void *malloc(unsigned long); __attribute__((export_name("f"))) void *f(int n) { return malloc(n); }',
    ),
  );
  linked = workshop.link([program, workshop.runtime()]);
});
afterAll(() => workshop.remove());

type Run = (instance: WebAssembly.Instance) => unknown;

/** The results and allocations of a module, before and after instrumenting. */
function outcomes(bytes: Uint8Array, run: Run): { before: unknown; after: unknown } {
  const observe = (code: Uint8Array) => {
    const calls: number[][] = [];
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(code)), {
      heapline: { trace: (...values: number[]) => calls.push(values) },
      env: { host: (value: number) => value * 3 },
    });
    let result: unknown;
    try {
      result = run(instance);
    } catch (error) {
      result = String(error);
    }
    return { result, calls };
  };
  return { before: observe(bytes), after: observe(instrument(bytes).bytes) };
}

const callAll: Run = ({ exports }) =>
  [0, 1, 2, 5, 9].map((value) => (exports.run as (value: number) => unknown)(value));

describe('before and after are equal', () => {
  test.each([
    [
      'blocks, loops, branch tables',
      `
      (func (export "run") (param i32) (result i32) (local i32)
        (block $a (block $b (block $c (br_table $a $b $c $a (local.get 0)))
          (local.set 1 (call $malloc (i32.const 3))) (br $a))
          (loop $again
            (local.set 1 (i32.add (local.get 1) (call $malloc (local.get 0))))
            (br_if $again (i32.lt_u (local.get 1) (i32.const 900000)))))
        (if (result i32) (local.get 0) (then (call $malloc (local.get 1))) (else (local.get 1))))`,
    ],
    [
      'operands left on the stack across calls',
      `
      (func (export "run") (param i32) (result i32)
        (i32.add (i32.mul (call $malloc (i32.const 4)) (call $malloc (local.get 0)))
          (i32.sub (call $malloc (call $malloc (i32.const 1))) (select (call $malloc (i32.const 2)) (i32.const 7) (local.get 0)))))`,
    ],
    [
      'block parameters and several results',
      `
      (func $two (param i32) (result i32 i32) (call $malloc (local.get 0)) (local.get 0))
      (func (export "run") (param i32) (result i32)
        (call $two (local.get 0))
        (block (param i32 i32) (result i32) (i32.add) (call $malloc) )
        (loop (param i32) (result i32) (call $two) (i32.mul)))`,
    ],
    [
      'legacy exceptions: catch, rethrow, delegate, host exceptions',
      `
      (import "env" "unused" (func $unused))
      (tag $e (param i32)) (tag $other)
      (func $throws (param i32) (result i32)
        (drop (call $malloc (local.get 0)))
        (if (i32.and (local.get 0) (i32.const 1)) (then (throw $e (local.get 0))))
        (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $other)))
        (call $malloc (i32.const 1)))
      (func $again (param i32) (result i32)
        (try $outer (result i32) (do (try (result i32) (do (call $throws (local.get 0))) (delegate $outer)))
          (catch $e (call $malloc) (rethrow $outer))))
      (func (export "run") (param i32) (result i32)
        (try (result i32) (do (call $again (local.get 0)))
          (catch $e (i32.add (call $malloc (i32.const 2))))
          (catch_all (call $malloc (i32.const 3))))) `,
    ],
    [
      'tail calls: direct, indirect, of the family, of the host',
      `
      (import "env" "unused" (func $unused))
      (type $f (func (param i32) (result i32)))
      (table funcref (elem $one $host_tail $malloc))
      (func $one (param i32) (result i32) (return_call $malloc (i32.add (local.get 0) (i32.const 1))))
      (func $host_tail (param i32) (result i32) (return_call $host (local.get 0)))
      (func (export "run") (param i32) (result i32)
        (drop (call $one (local.get 0)))
        (return_call_indirect (type $f) (local.get 0) (i32.rem_u (local.get 0) (i32.const 3))))`,
    ],
    [
      'SIMD and atomics around calls',
      `
      (func (export "run") (param i32) (result i32) (local v128)
        (local.set 1 (i8x16.shuffle 0 1 2 3 4 5 6 7 31 30 29 28 27 26 25 24 (v128.const i32x4 1 2 3 4) (i32x4.splat (call $malloc (local.get 0)))))
        (v128.store (i32.const 64) (local.get 1))
        (drop (i32.atomic.rmw.add (i32.const 64) (call $malloc (i32.const 2))))
        (v128.store32_lane 1 (i32.const 80) (local.get 1))
        (i32.add (i32x4.extract_lane 3 (v128.load (i32.const 72))) (i32.load (i32.const 64))))`,
    ],
    [
      'bulk memory, tables, references',
      `
      (table $t 4 funcref) (table $x 4 externref) (elem $e func $one)
      (data $d "abc")
      (func $one (param i32) (result i32) (call $malloc (local.get 0)))
      (func (export "run") (param i32) (result i32)
        (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 1))
        (memory.init $d (i32.const 128) (i32.const 0) (i32.const 3))
        (memory.copy (i32.const 132) (i32.const 128) (i32.const 3))
        (memory.fill (i32.const 140) (i32.const 7) (i32.const 3))
        (drop (table.grow $x (ref.null extern) (i32.const 1)))
        (table.set $t (i32.const 2) (ref.func $one))
        (elem.drop $e) (data.drop $d)
        (i32.add (call_indirect $t (param i32) (result i32) (i32.load (i32.const 132)) (i32.const 2)) (table.size $x)))`,
    ],
    [
      'unreachable code',
      `
      (func (export "run") (param i32) (result i32)
        (if (local.get 0) (then (return (call $malloc (i32.const 1))) (drop (call $malloc (i32.const 2)))))
        (block (br 0) (drop (call $malloc (i32.const 3))) (unreachable))
        (loop (return (call $malloc (i32.const 4))) (br 0))
        (unreachable) (call $malloc))`,
    ],
    [
      'traps',
      `
      (func (export "run") (param i32) (result i32)
        (drop (call $malloc (i32.const 1)))
        (i32.div_u (call $malloc (i32.const 3)) (i32.sub (local.get 0) (i32.const 5))))`,
    ],
  ])('%s', (_, text) => {
    const imports = text.includes('$host')
      ? '(import "env" "host" (func $host (param i32) (result i32)))'
      : '';
    const rest = text.replace('(import "env" "unused" (func $unused))', '');
    const bytes = workshop.assemble(`(module ${imports} ${TEXT_RUNTIME} ${rest})`);
    const { before, after } = outcomes(bytes, callAll);
    expect(after).toEqual(before);
    expect((before as { calls: unknown[] }).calls.length).toBeGreaterThan(0);
  });

  test('call_ref, reached through ref.func of a function that only its export declares', () => {
    setFlagsFromString('--experimental-wasm-typed-funcref');
    // (func $f (export "f") (param i32) (result i32) (call $malloc (local.get 0)))
    // (func (export "run") (param i32) (result i32) (call_ref $type (local.get 0) (ref.func $f)))
    const bytes = runtimeModule({
      types: [functionType([I32], [I32])],
      functions: [
        { type: 0, export: 'f', body: body([0x20, 0, 0x10, 1]) },
        { type: 0, export: 'run', body: body([0x20, 0, 0xd2, ...leb(3), 0x14, 0]) },
      ],
    });
    const { before, after } = outcomes(bytes, callAll);
    expect(after).toEqual(before);
    const harness = new Harness(bytes);
    harness.call('run', 4);
    expect(harness.sightings.map(({ slots, frames }) => [slots, frames])).toEqual([
      [harness.sightings[0]!.slots, harness.sightings[0]!.slots],
    ]);
    expect(harness.sightings[0]!.slots).toHaveLength(3);
  });

  test('locals of every number of bytes, and every type', () => {
    for (const locals of [0, 1, 126, 127, 128, 200, 16383, 16384, 49_998]) {
      const groups =
        locals === 0
          ? []
          : [
              [...leb(locals - 1), 0x7b],
              [1, 0x6f],
            ];
      const bytes = runtimeModule({
        types: [functionType([I32], [I32])],
        functions: [{ type: 0, export: 'run', body: body([0x20, 0, 0x10, 1], groups) }],
      });
      const { before, after } = outcomes(bytes, callAll);
      expect(after).toEqual(before);
    }
  });

  test('a function without room for another local is rejected, because V8 would reject the result', () => {
    const bytes = runtimeModule({
      types: [functionType([I32], [I32])],
      functions: [{ type: 0, export: 'run', body: body([0x20, 0, 0x10, 1], [[...leb(49_999), I32]]) }],
    });
    expect(WebAssembly.validate(Uint8Array.from(bytes))).toBe(true);
    expect(() => instrument(bytes)).toThrow(/50000 locals/);
  });
});

/** The original code, assembled from the runs. Replaced bytes are zeros. */
function reassemble(original: WasmModule, result: InstrumentedModule): Uint8Array {
  const code = new Uint8Array(original.codeEnd - original.codeStart);
  const { runs, codeStart } = result.offsets;
  for (let run = 0; run < runs.count; run += 1) {
    const from = codeStart + runs.rewritten[run]!;
    code.set(result.bytes.subarray(from, from + runs.length[run]!), runs.original[run]!);
  }
  return code;
}

describe('parts that instrumenting does not change', () => {
  test('custom sections are byte-identical and in place', () => {
    const before = readModule(linked);
    const result = instrument(linked);
    const after = readModule(result.bytes);
    const customs = (from: WasmModule) =>
      from.sections
        .filter(({ id }) => id === SectionId.Custom)
        .map(({ name: title, content, end }) => [
          title,
          Buffer.from(from.bytes.subarray(content, end)).toString('hex'),
        ]);
    expect(customs(after).slice(0, -1)).toEqual(customs(before));
    expect(customs(after).at(-1)![0]).toBe('heapline');
    expect(after.sections.map(({ id }) => id)).toEqual([...before.sections.map(({ id }) => id), 0]);
  });

  test('functions keep their indices, types and number of imports', () => {
    const before = readModule(linked);
    const after = readModule(instrument(linked).bytes);
    expect(after.imports).toEqual(before.imports);
    expect(after.functions.slice(0, before.functions.length)).toEqual(before.functions);
    expect(after.functionNames()).toEqual(before.functionNames());
    expect(after.elements).toEqual(
      before.elements.map((each) => expect.objectContaining({ functions: each.functions })),
    );
  });

  test('the map finds every instruction of the original in both directions', () => {
    const before = readModule(linked);
    const result = instrument(linked);
    for (const [index, { start, end }] of before.bodies.entries()) {
      expect(result.bodies[index]).toEqual({ start: start - before.codeStart, end: end - before.codeStart });
      for (let at = firstInstruction(before, index); at < end; at = skipInstruction(linked, at, end)) {
        const place = result.offsets.toRewritten(at - before.codeStart)!;
        expect(result.offsets.toOriginal(place)).toBe(at - before.codeStart);
        expect(result.bytes[place]).toBe(linked[at]);
      }
    }
    const code = reassemble(before, result);
    const differing = [...code.keys()].filter((at) => code[at] !== linked[before.codeStart + at]);
    // Only the lengths and local counts of bodies with slots and the number of bodies are written anew.
    expect(differing.length).toBeLessThanOrEqual(1 + result.statistics.instrumentedFunctions * 6);
  });

  test('offsets outside of code and in thunks have no place in the original', () => {
    const result = instrument(linked);
    const after = readModule(result.bytes);
    expect(result.offsets.toOriginal(0)).toBeNull();
    expect(result.offsets.toOriginal(after.codeEnd)).toBeNull();
    expect(result.statistics.thunks).toBe(5);
    for (const { start, end } of after.bodies.slice(-result.statistics.thunks)) {
      for (let at = start; at < end; at += 1) expect(result.offsets.toOriginal(at)).toBeNull();
    }
    expect(result.offsets.toRewritten(0xffffff)).toBeNull();
  });

  test('an instrumented module opens again with the same map and figures', () => {
    const result = instrument(linked);
    const opened = openInstrumented(result.bytes)!;
    expect(opened.offsets).toEqual(result.offsets);
    expect(opened.statistics).toEqual(result.statistics);
    expect(opened.bodies).toEqual(result.bodies);
    expect([opened.runtimeAddress, opened.shadowAddress]).toEqual([
      result.runtimeAddress,
      result.shadowAddress,
    ]);
    expect([opened.originalCodeStart, result.originalCodeStart]).toEqual(
      Array(2).fill(readModule(linked).codeStart),
    );
    expect(openInstrumented(linked)).toBeNull();
  });
});

function firstInstruction(from: WasmModule, index: number): number {
  const { start, end } = from.bodies[index]!;
  const { bytes } = from;
  let at = start;
  // C has few locals, and their types take one byte.
  const groups = bytes[at++]!;
  for (let group = 0; group < groups; group += 1) {
    while (bytes[at++]! >= 0x80);
    at += 1;
  }
  expect(at).toBeLessThan(end);
  return at;
}

describe('memory maximum', () => {
  const maximumOf = (bytes: Uint8Array) => readModule(bytes).memories[0]!.maximum;

  test('is set if there was none, and never raised', () => {
    expect(maximumOf(linked)).toBeNull();
    const limited = instrument(linked, { maxMemory: 10 * 65536 + 5 }).bytes;
    expect(maximumOf(limited)).toBe(10n);
    expect(WebAssembly.validate(Uint8Array.from(limited))).toBe(true);
    const text = workshop.assemble(`(module ${TEXT_RUNTIME.replace(') 4)', ') 4 6)')})`);
    expect(maximumOf(instrument(text, { maxMemory: 2 ** 24 }).bytes)).toBe(6n);
    expect(maximumOf(instrument(text, { maxMemory: 5 * 65536 }).bytes)).toBe(5n);
    expect(maximumOf(instrument(text).bytes)).toBe(6n);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 65536])('%d is rejected', (maxMemory) => {
    expect(() => instrument(linked, { maxMemory })).toThrow(/maxMemory/);
  });

  test('of an imported memory does not change', () => {
    const text = TEXT_RUNTIME.replace('(memory (export "memory") 4)', '(import "env" "memory" (memory 4))');
    const bytes = workshop.assemble(`(module ${text})`);
    expect(maximumOf(instrument(bytes, { maxMemory: 2 ** 24 }).bytes)).toBeNull();
  });
});

test('any sequence of calls, joins and tail positions leaves a module that V8 accepts', () => {
  const calls = fc.constantFrom<number[]>(
    [0x41, 8, 0x10, 1, 0x1a],
    [0x41, 0, 0x10, 2],
    [0x41, 8, 0x10, 3, 0x1a],
    [0x41, 8, 0x12, 1],
    [0x41, 8, 0x12, 3],
    [0x41, 8, 0x41, 0, 0x11, 0, 0, 0x1a],
    [0x41, 8, 0x41, 0, 0x13, 0, 0],
    [0x01],
  );
  const { code } = fc.letrec<{ code: number[]; part: number[] }>((tie) => ({
    code: fc.array(tie('part'), { maxLength: 6 }).map((parts) => parts.flat()),
    part: fc.oneof(
      { maxDepth: 4 },
      calls,
      tie('code').map((inner) => [0x02, 0x40, ...inner, 0x0b]),
      tie('code').map((inner) => [0x03, 0x40, ...inner, 0x0b]),
      fc.tuple(tie('code'), tie('code')).map(([yes, no]) => [0x20, 0, 0x04, 0x40, ...yes, 0x05, ...no, 0x0b]),
      fc
        .tuple(tie('code'), tie('code'))
        .map(([inside, after]) => [0x06, 0x40, ...inside, 0x19, ...after, 0x0b]),
    ),
  }));
  fc.assert(
    fc.property(code, fc.nat(3), (inner, extra) => {
      const bytes = runtimeModule({
        types: [functionType([I32], [I32])],
        table: [1, 3],
        functions: [
          { type: 0, export: 'f', body: body([...inner, 0x41, 1], extra === 0 ? [] : [[extra, 0x7e]]) },
          { type: 0, export: 'run', body: body([0x20, 0, 0x10, 3]) },
        ],
      });
      expect(WebAssembly.validate(Uint8Array.from(bytes))).toBe(true);
      const result = instrument(bytes);
      expect(WebAssembly.validate(Uint8Array.from(result.bytes))).toBe(true);
      expect(openInstrumented(result.bytes)!.offsets).toEqual(result.offsets);
    }),
    { numRuns: 300 },
  );
});

test('exports keep their names, hidden globals get one, and the family is exported through thunks', () => {
  const before = readModule(linked);
  const after = readModule(instrument(linked).bytes);
  const namesBefore = before.exports.map((each) => each.name);
  const namesAfter = after.exports.map((each) => each.name);
  expect(namesAfter.slice(0, namesBefore.length)).toEqual(namesBefore);
  const added = after.exports.slice(namesBefore.length);
  expect(added.length).toBeGreaterThan(0);
  for (const { kind, index } of added) {
    expect(kind).toBe(ExternalKind.Global);
    expect(before.globals[index]!.mutable).toBe(true);
    expect(before.exports.some((each) => each.kind === kind && each.index === index)).toBe(false);
  }
  for (const family of ['malloc', 'free', 'calloc', 'realloc', 'f']) {
    expect(after.export(family, ExternalKind.Function)!.index).toBeGreaterThanOrEqual(
      before.functions.length,
    );
  }
});
