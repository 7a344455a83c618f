// The rewriter by itself: whatever edits passes make, the module is valid, every instruction is found again,
// and one walk gives what several in a row give. Edits that cannot be made are rejected.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ExternalKind,
  InstructionWriter,
  Opcode,
  readModule,
  skipInstruction,
  type WasmModule,
} from '../../src/binary/index.ts';
import { InvalidArgumentError, UnsupportedModuleError } from '../../src/errors.ts';
import { type OffsetMap, Rewriter, type Rewritten } from '../../src/rewrite/index.ts';
import {
  body,
  custom,
  functionType,
  I32,
  I64,
  leb,
  module,
  name,
  padded,
  SectionId,
  section,
  vector,
} from '../support/module-builder.ts';

const NOP = 0x01;
const DROP = 0x1a;

/** f(n) = g(n) + 5 and g(n) = n * 3, with locals of several types, blocks and a trap that is never reached. */
const functions = [
  body(
    [0x20, 0, 0x10, 1, 0x41, ...padded(5, 3), 0x6a, 0x21, 1, 0x20, 1],
    [
      [1, I32],
      [2, I64],
    ],
  ),
  body([0x02, 0x40, 0x20, 0, 0x0d, 0, 0x20, 0, 0x0f, 0x0b, 0x20, 0, 0x41, 3, 0x6c]),
];

const plain = module(
  section(SectionId.Type, vector([functionType([I32], [I32])])),
  section(SectionId.Function, vector([[0], [0]])),
  section(SectionId.Export, vector([[...name('f'), 0, 0]])),
  custom('before the code', [1, 2, 3]),
  section(SectionId.Code, vector(functions)),
  custom('name', []),
);

const valid = (bytes: Uint8Array): boolean => WebAssembly.validate(Uint8Array.from(bytes));

function instantiate(bytes: Uint8Array, imports: WebAssembly.Imports = {}): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)), imports).exports;
}

const f = (bytes: Uint8Array): number => (instantiate(bytes).f as (n: number) => number)(7);

/** File offsets of all instructions of a body. */
function instructionsOf(from: WasmModule, index: number): number[] {
  const { end } = from.bodies[index]!;
  const places: number[] = [];
  for (let at = from.heads.code[index]!; at < end; at = skipInstruction(from.bytes, at, end)) places.push(at);
  return places;
}

const allInstructions = (from: WasmModule): number[] =>
  from.bodies.flatMap((_, index) => instructionsOf(from, index));

/** A pass in a form that can be made up: what goes where, by number of instruction or body. */
interface RandomPass {
  readonly insertions: readonly { readonly instruction: number; readonly bytes: readonly number[] }[];
  readonly locals: readonly number[];
  readonly appended: boolean;
}

const randomPass: fc.Arbitrary<RandomPass> = fc.record({
  insertions: fc.array(
    fc.record({
      instruction: fc.nat(40),
      bytes: fc.constantFrom([NOP], [NOP, NOP, NOP], [0x41, ...leb(200), DROP], Array<number>(130).fill(NOP)),
    }),
    { maxLength: 12 },
  ),
  locals: fc.array(fc.nat(1), { maxLength: 3 }),
  appended: fc.boolean(),
});

/**
 * Runs a pass on a module that `original` became by earlier passes; `earlier` leads there. Each pass of a
 * sequence has a type of locals for itself, because locals of one type that follow each other are declared
 * together.
 */
function apply(
  pass: RandomPass,
  rewriter: Rewriter,
  original: WasmModule,
  earlier: OffsetMap,
  type: number,
): void {
  const places = allInstructions(original);
  for (const { instruction, bytes } of pass.insertions) {
    const at = places[instruction % places.length]!;
    rewriter.code.insert(earlier.toRewritten(at - original.codeStart)!, Uint8Array.from(bytes));
  }
  for (const each of pass.locals) rewriter.addLocal(each, type);
  if (pass.appended) rewriter.addFunction(0, Uint8Array.of(0, 0x20, 0, 0x0b));
}

const identity = (of: WasmModule): OffsetMap => new Rewriter(of).write().offsets;

describe('random passes', () => {
  test('leave a valid module that computes the same, in which every instruction is found', () => {
    fc.assert(
      fc.property(fc.array(randomPass, { minLength: 1, maxLength: 3 }), (passes) => {
        const original = readModule(plain);
        const rewriter = new Rewriter(original);
        for (const pass of passes) apply(pass, rewriter, original, identity(original), I64);
        const { bytes, offsets } = rewriter.write();
        expect(valid(bytes)).toBe(true);
        expect(f(bytes)).toBe(f(plain));
        expect(offsets.codeStart).toBe(readModule(bytes).codeStart);
        for (const at of allInstructions(original)) {
          const place = offsets.toRewritten(at - original.codeStart)!;
          expect(bytes[place]).toBe(plain[at]);
          expect(offsets.toOriginal(place)).toBe(at - original.codeStart);
        }
      }),
    );
  });

  test('in one walk are what they are one after the other, and so is the joined map', () => {
    fc.assert(
      fc.property(randomPass, randomPass, randomPass, (...passes) => {
        const original = readModule(plain);
        const types = [I32, I64, 0x7d];
        const together = new Rewriter(original);
        for (const [index, pass] of passes.entries()) {
          apply(pass, together, original, identity(original), types[index]!);
        }
        const one = together.write();
        let last: Rewritten = { bytes: plain, offsets: identity(original), size: 0 };
        passes.forEach((pass, index) => {
          const rewriter = new Rewriter(readModule(last.bytes));
          apply(pass, rewriter, original, last.offsets, types[index]!);
          const next = rewriter.write();
          last = { ...next, offsets: next.offsets.after(last.offsets) };
        });
        expect(last.bytes).toEqual(one.bytes);
        expect(last.size).toBe(one.size);
        expect(last.offsets.codeStart).toBe(one.offsets.codeStart);
        for (let at = 0; at <= one.bytes.length; at += 1) {
          expect(last.offsets.toOriginal(at)).toBe(one.offsets.toOriginal(at));
        }
      }),
    );
  });

  test('may come in any order of places', () => {
    const original = readModule(plain);
    const places = allInstructions(original);
    const rewrite = (order: readonly number[]): Uint8Array => {
      const rewriter = new Rewriter(original);
      for (const at of order) rewriter.code.insert(at, Uint8Array.of(NOP));
      return rewriter.write().bytes;
    };
    expect(rewrite(places.toReversed())).toEqual(rewrite(places));
  });
});

describe('edits of code', () => {
  test('no edits leave the module as it is, except for numbers that are written in their shortest form', () => {
    expect(new Rewriter(readModule(plain)).write().bytes).toEqual(plain);
  });

  test('a replacement counts as the bytes that it replaces; insertions at its place come first', () => {
    const original = readModule(plain);
    const [at, next] = [instructionsOf(original, 0)[2]!, instructionsOf(original, 0)[3]!];
    const rewriter = new Rewriter(original);
    // i32.const 5 in four bytes becomes i32.const 6; nop in seven.
    rewriter.code.replace(at, next, Uint8Array.of(0x41, 6, NOP, NOP, NOP, NOP, NOP));
    rewriter.code.insert(at, Uint8Array.of(NOP, NOP));
    const { bytes, offsets } = rewriter.write();
    expect(valid(bytes)).toBe(true);
    expect(f(bytes)).toBe(f(plain) + 1);
    const place = offsets.toRewritten(at - original.codeStart)!;
    expect([...bytes.subarray(place - 2, place + 3)]).toEqual([NOP, NOP, 0x41, 6, NOP]);
    expect(offsets.toOriginal(place - 1)).toBe(at - original.codeStart);
    expect(offsets.toOriginal(place + 3)).toBe(at + 3 - original.codeStart);
    expect(offsets.toOriginal(place + 4)).toBe(next - original.codeStart);
  });

  test('a shorter replacement leaves the rest of the bytes without a place', () => {
    const original = readModule(plain);
    const [at, next] = [instructionsOf(original, 0)[2]!, instructionsOf(original, 0)[3]!];
    const rewriter = new Rewriter(original);
    rewriter.code.replace(at, next, Uint8Array.of(0x41, 5));
    const { bytes, offsets } = rewriter.write();
    expect(f(bytes)).toBe(f(plain));
    expect(offsets.toRewritten(at + 1 - original.codeStart)).not.toBeNull();
    expect(offsets.toRewritten(at + 2 - original.codeStart)).toBeNull();
    expect(offsets.toRewritten(next - original.codeStart)).not.toBeNull();
  });

  test('added locals follow those of the function, in groups of one type', () => {
    const original = readModule(plain);
    const rewriter = new Rewriter(original);
    const added = [I32, I32, I64, I32].map((type) => rewriter.addLocal(0, type));
    expect(added).toEqual([4, 5, 6, 7]);
    const code = new InstructionWriter();
    for (const [index, constant] of [
      Opcode.I32Const,
      Opcode.I32Const,
      Opcode.I64Const,
      Opcode.I32Const,
    ].entries()) {
      code.byte(constant);
      code.byte(1);
      code.indexed(Opcode.LocalSet, added[index]!);
    }
    rewriter.code.insert(instructionsOf(original, 0)[0]!, code.take());
    const { bytes } = rewriter.write();
    expect(valid(bytes)).toBe(true);
    expect(readModule(bytes).heads.locals[0]).toBe(8);
    expect(f(bytes)).toBe(f(plain));
  });

  test.each<[string, (rewriter: Rewriter, original: WasmModule) => void]>([
    [
      'in declarations of locals',
      ({ code }, { bodies }) => code.insert(bodies[0]!.start, Uint8Array.of(NOP)),
    ],
    [
      'in the length of a body',
      ({ code }, { bodies }) => code.insert(bodies[1]!.start - 1, Uint8Array.of(NOP)),
    ],
    ['after all bodies', ({ code }, { codeEnd }) => code.insert(codeEnd, Uint8Array.of(NOP))],
    ['in another section', ({ code }) => code.insert(9, Uint8Array.of(NOP))],
    [
      'over the end of a body',
      ({ code }, { bodies }) => code.replace(bodies[0]!.end - 1, bodies[0]!.end + 1, Uint8Array.of(NOP)),
    ],
    [
      'twice in the same place',
      ({ code }, original) => {
        const [at, next] = instructionsOf(original, 0);
        for (let time = 0; time < 2; time += 1) code.replace(at!, next!, Uint8Array.of(NOP));
      },
    ],
    [
      'in the middle of what is replaced',
      (rewriter, original) => {
        rewriter.replaceBody(0, Uint8Array.of(0, 0x20, 0, 0x0b));
        rewriter.code.insert(instructionsOf(original, 0)[1]!, Uint8Array.of(NOP));
      },
    ],
    [
      'for locals of a body that is replaced',
      (rewriter) => {
        rewriter.replaceBody(0, Uint8Array.of(0, 0x20, 0, 0x0b));
        rewriter.addLocal(0, I32);
      },
    ],
    ['of an imported function', (rewriter) => rewriter.replaceBody(5, Uint8Array.of(0, 0x0b))],
  ])('%s are rejected', (_, edit) => {
    const original = readModule(plain);
    const rewriter = new Rewriter(original);
    expect(() => {
      edit(rewriter, original);
      rewriter.write();
    }).toThrow(InvalidArgumentError);
  });
});

describe('edits of other sections', () => {
  const empty = module();
  const imported = module(
    section(
      SectionId.Import,
      vector([
        [...name('env'), ...name('memory'), 2, 1, ...padded(2, 3), 9],
        [...name('env'), ...name('count'), 3, I32, 1],
      ]),
    ),
  );
  const rewritten = (bytes: Uint8Array, edit: (rewriter: Rewriter) => void): Uint8Array => {
    const rewriter = new Rewriter(readModule(bytes));
    edit(rewriter);
    return rewriter.write().bytes;
  };

  /** A function in a table, which adds a word of data and a global: one of each kind. */
  function addOneOfEach(rewriter: Rewriter): void {
    const type = rewriter.addType([I32], [I32]);
    const base = rewriter.addGlobal(I32, true, Uint8Array.of(0x41, 5));
    const sum = new InstructionWriter();
    sum.byte(0);
    sum.indexed(Opcode.LocalGet, 0);
    sum.memory(Opcode.I32Load, 2, 0);
    sum.indexed(Opcode.GlobalGet, base);
    sum.byte(Opcode.I32Add);
    sum.byte(Opcode.End);
    const callee = rewriter.addFunction(type, sum.take());
    const table = rewriter.addFunctionTable(2, null);
    rewriter.addElements(table, 1, [callee]);
    const call = new InstructionWriter();
    call.byte(0);
    call.indexed(Opcode.LocalGet, 0);
    call.i32(1);
    call.byte(Opcode.CallIndirect);
    call.unsigned(type);
    call.unsigned(table);
    call.byte(Opcode.End);
    rewriter.addExport('added', ExternalKind.Function, rewriter.addFunction(type, call.take()));
    rewriter.addExport('base', ExternalKind.Global, base);
    rewriter.addData(64, Uint8Array.of(37, 0, 0, 0));
    rewriter.addCustomSection({ name: 'last', content: Uint8Array.of(9) });
  }

  const withMemory = module(section(SectionId.Memory, vector([[0, 1]])));
  const full = module(
    section(SectionId.Type, vector([functionType([], [I64]), functionType([I32], [I32])])),
    section(SectionId.Function, vector([[0], [1]])),
    section(SectionId.Table, vector([[0x70, 0, 1]])),
    section(SectionId.Memory, vector([[0, 1]])),
    section(SectionId.Global, vector([[I64, 0, 0x42, 1, 0x0b]])),
    section(SectionId.Export, vector([[...name('f'), 0, 1]])),
    section(SectionId.Element, vector([[0, 0x41, 0, 0x0b, ...vector([[1]])]])),
    section(SectionId.DataCount, leb(1)),
    section(SectionId.Code, vector([body([0x42, 1]), body([0x20, 0])])),
    section(SectionId.Data, vector([[1, 2, 7, 7]])),
    custom('name', []),
  );

  test.each([
    ['that has none of them', withMemory],
    ['that has all of them', full],
  ])('types, functions, globals, tables, elements, data and exports are added to a module %s', (_, bytes) => {
    const result = rewritten(bytes, addOneOfEach);
    expect(valid(result)).toBe(true);
    const { added, base } = instantiate(result);
    expect((added as (n: number) => number)(64)).toBe(42);
    (base as WebAssembly.Global).value = 1;
    expect((added as (n: number) => number)(64)).toBe(38);
    expect(readModule(result).sections.at(-1)!.name).toBe('last');
  });

  test('code that is added to a module without code has no place in the original', () => {
    const rewriter = new Rewriter(readModule(withMemory));
    addOneOfEach(rewriter);
    const { bytes, offsets } = rewriter.write();
    const { codeStart, codeEnd } = readModule(bytes);
    expect(offsets.codeStart).toBe(codeStart);
    for (let at = codeStart; at <= codeEnd; at += 1) expect(offsets.toOriginal(at)).toBeNull();
  });

  test('an empty module stays empty', () => {
    expect(rewritten(empty, () => {})).toEqual(empty);
  });

  test('limits of memories change, imported ones too, and their neighbours stay', () => {
    const limits = (bytes: Uint8Array) =>
      readModule(bytes).memories.map(({ minimum, maximum }) => [minimum, maximum]);
    expect(limits(rewritten(withMemory, (rewriter) => rewriter.setMemoryLimits(0, 3n, 300n)))).toEqual([
      [3n, 300n],
    ]);
    const result = rewritten(imported, (rewriter) => {
      rewriter.setMemoryLimits(0, 1n, 5n);
      rewriter.setMemoryLimits(0, 4n, null);
    });
    expect(limits(result)).toEqual([[4n, null]]);
    expect(readModule(result).imports).toEqual(readModule(imported).imports);
    expect(valid(result)).toBe(true);
    expect(() => rewritten(empty, (rewriter) => rewriter.setMemoryLimits(0, 1n, null))).toThrow(
      InvalidArgumentError,
    );
  });

  test('exports of functions lead elsewhere, others and later ones do not', () => {
    const result = rewritten(full, (rewriter) => {
      const other = rewriter.addFunction(1, Uint8Array.of(0, 0x41, 12, 0x0b));
      rewriter.redirectExports(new Map([[1, other]]));
      rewriter.addExport('original', ExternalKind.Function, 1);
      rewriter.addExport('memory', ExternalKind.Memory, 0);
    });
    const exports = instantiate(result);
    expect((exports.f as (n: number) => number)(3)).toBe(12);
    expect((exports.original as (n: number) => number)(3)).toBe(3);
    expect(() => rewritten(full, (rewriter) => rewriter.addExport('f', ExternalKind.Memory, 0))).toThrow(
      /"f"/,
    );
  });

  test('the start function is set in a module with or without one', () => {
    const start = (rewriter: Rewriter): void => {
      const type = rewriter.addType([], []);
      const count = rewriter.addGlobal(I32, true, Uint8Array.of(0x41, 1));
      rewriter.addExport('count', ExternalKind.Global, count);
      rewriter.setStart(rewriter.addFunction(type, Uint8Array.of(0, 0x41, 8, 0x24, count, 0x0b)));
    };
    const once = rewritten(empty, start);
    expect((instantiate(once).count as WebAssembly.Global).value).toBe(8);
    const twice = rewritten(once, (rewriter) => {
      const type = rewriter.addType([], []);
      rewriter.setStart(rewriter.addFunction(type, Uint8Array.of(0, 0x0b)));
    });
    expect((instantiate(twice).count as WebAssembly.Global).value).toBe(1);
  });

  test('functions are declared for ref.func', () => {
    const result = rewritten(full, (rewriter) => {
      const type = rewriter.addType([], [0x70]);
      rewriter.declareFunctions([0]);
      rewriter.addExport(
        'reference',
        ExternalKind.Function,
        rewriter.addFunction(type, Uint8Array.of(0, 0xd2, 0, 0x0b)),
      );
    });
    expect(valid(result)).toBe(true);
    expect((instantiate(result).reference as () => () => bigint)()()).toBe(1n);
  });

  test('custom sections are left out by name', () => {
    const result = rewritten(plain, (rewriter) => rewriter.removeCustomSections('before the code'));
    expect(
      readModule(result)
        .sections.map((each) => each.name)
        .filter(Boolean),
    ).toEqual(['name']);
  });

  test('the last sections may say where the code is', () => {
    const rewriter = new Rewriter(readModule(plain));
    rewriter.code.insert(allInstructions(readModule(plain))[0]!, Uint8Array.of(NOP));
    const { bytes } = rewriter.write(({ offsets, size }) => [
      { name: 'place', content: Uint8Array.of(offsets.codeStart, size) },
    ]);
    const { codeStart, codeEnd, sections } = readModule(bytes);
    const place = sections.find((each) => each.name === 'place')!;
    expect([...bytes.subarray(place.content, place.end)]).toEqual([codeStart, codeEnd - codeStart]);
  });
});

describe('notes about instructions', () => {
  const HINTS = 'metadata.code.branch_hint';
  /** The module with hints at these offsets of its two bodies. */
  const noted = (content: readonly number[]): Uint8Array =>
    module(
      section(SectionId.Type, vector([functionType([I32], [I32])])),
      section(SectionId.Function, vector([[0], [0]])),
      custom(HINTS, content),
      section(SectionId.Code, vector(functions)),
    );
  const hints = (bytes: Uint8Array): number[] => [...readModule(bytes).customSection(HINTS)!];

  test('about instructions that are replaced are left out, others move', () => {
    // In the second body: br_if is at 5, the final end at 15; 99 lies outside.
    const content = [
      ...vector([
        [
          1,
          ...vector([
            [5, 1, 0],
            [15, 2, 7, 7],
            [99, 1, 1],
          ]),
        ],
        [9, 0],
      ]),
    ];
    const original = readModule(noted(content));
    const rewriter = new Rewriter(original);
    const [first, second] = instructionsOf(original, 1);
    rewriter.code.insert(first!, Uint8Array.of(NOP));
    expect(hints(rewriter.write().bytes)).toEqual(
      vector([
        [
          1,
          ...vector([
            [6, 1, 0],
            [16, 2, 7, 7],
          ]),
        ],
      ]),
    );
    const other = new Rewriter(original);
    other.code.replace(second!, instructionsOf(original, 1)[3]!, Uint8Array.of(NOP));
    expect(hints(other.write().bytes)).toEqual(vector([[1, ...vector([[12, 2, 7, 7]])]]));
  });

  test.each([
    ['cut short', [3, 1]],
    ['too long', [0, 0]],
  ])('in a section that is %s are left as they are', (_, content) => {
    const rewriter = new Rewriter(readModule(noted(content)));
    expect(hints(rewriter.write().bytes)).toEqual(content);
  });

  test('of inserted branches replace a malformed section', () => {
    const original = readModule(noted([3, 1]));
    const rewriter = new Rewriter(original);
    rewriter.code.begin(instructionsOf(original, 0)[0]!);
    rewriter.code.code.i32(0);
    rewriter.code.hint(true);
    for (const byte of [0x04, 0x40, 0x0b]) rewriter.code.code.byte(byte);
    const { bytes } = rewriter.write();
    expect(valid(bytes)).toBe(true);
    // Behind the five bytes of local declarations and i32.const.
    expect(hints(bytes)).toEqual(vector([[0, ...vector([[7, 1, 1]])]]));
    expect(readModule(bytes).sections.filter((each) => each.name === HINTS)).toHaveLength(1);
  });
});

describe('limits of engines', () => {
  test('a body that would grow too long is rejected', () => {
    const long = module(
      section(SectionId.Type, vector([functionType([], [])])),
      section(SectionId.Function, vector([[0]])),
    );
    const length = 7_654_321;
    const code = new Uint8Array(length).fill(NOP);
    code[0] = 0;
    code[length - 1] = 0x0b;
    const head = [1, ...leb(length)];
    const bytes = Uint8Array.from([...long, SectionId.Code, ...leb(head.length + length), ...head]);
    const whole = new Uint8Array(bytes.length + length);
    whole.set(bytes);
    whole.set(code, bytes.length);
    expect(valid(whole)).toBe(true);
    const original = readModule(whole);
    expect(Buffer.compare(new Rewriter(original).write().bytes, whole)).toBe(0);
    const rewriter = new Rewriter(original);
    rewriter.code.insert(original.heads.code[0]!, Uint8Array.of(NOP));
    expect(() => rewriter.write()).toThrow(UnsupportedModuleError);
    expect(() => rewriter.write()).toThrow(/function 0 would grow to 7654322 bytes/);
  });

  test('a function too many is rejected', () => {
    const count = 1_000_000;
    const types = section(SectionId.Type, vector([functionType([], [])]));
    const declared = [...leb(count), ...new Uint8Array(count)];
    const bodies = new Uint8Array(3 * count);
    for (let at = 0; at < bodies.length; at += 3) bodies.set([2, 0, 0x0b], at);
    const rest = [SectionId.Code, ...leb(leb(count).length + bodies.length), ...leb(count)];
    const start = module(types, section(SectionId.Function, []));
    const parts = [start.subarray(0, -2), [3, ...leb(declared.length)], declared, rest, bodies];
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const rewriter = new Rewriter(readModule(bytes));
    expect(() => rewriter.addFunction(0, Uint8Array.of(0, 0x0b))).toThrow(
      /more than 1000000 functions with those/,
    );
  });
});
