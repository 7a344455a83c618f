// Passes over accesses, globals and function bodies, alone, together and with the slots: the programs compute
// what they computed before, wabt and V8 accept the modules, and every place that V8 names leads back to its
// place in the original. wabt's interpreter counts the accesses independently.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExternalKind, readModule, SectionId } from '../../src/binary/index.ts';
import { type InstrumentedModule, instrument } from '../../src/instrument/index.ts';
import { type OffsetMap, Rewriter, type Rewritten } from '../../src/rewrite/index.ts';
import { RUNTIME_TOP, SITE_HOST_PENDING, SLOT_SIZE } from '../../src/runtime/layout.ts';
import {
  ACCESSES,
  ADDRESSES,
  countAccesses,
  eachInstruction,
  exportGlobals,
  globalName,
  moveBodies,
} from '../support/rewriting-passes.ts';
import { Workshop } from '../support/workshop.ts';

const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = Number.POSITIVE_INFINITY;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

/** An address below all data, which the programs neither use nor read. */
const FREE_ADDRESS = 256;

const source = `
  typedef unsigned long size_t;
  void *malloc(size_t); void *calloc(size_t, size_t); void *realloc(void *, size_t); void free(void *);
  __attribute__((import_module("env"), import_name("call_back"))) int call_back(int);
  #define API(name) __attribute__((export_name(#name), noinline))
  struct node { struct node *next; long long key; double weight; float share; short tag; char letter; };
  static struct node *head; static int depth; static volatile int zero;
  static int (*volatile step)(int);

  API(build) int build(int n) {
    for (int i = 0; i < n; i += 1) {
      struct node *node = malloc(sizeof *node);
      *node = (struct node){ head, i * 7LL, i / 3.0, i / 2.0f, (short)(i * 5), (char)i };
      head = node;
    }
    return n;
  }
  API(total) int total(int n) {
    long long sum = 0; double weight = 0;
    for (struct node *node = head; node; node = node->next) {
      sum += node->key + node->tag + node->letter; weight += node->weight + node->share;
    }
    return (int)(sum + (long long)weight) + n;
  }
  API(drop) int drop(int n) {
    int count = 0;
    while (head && count < n) { struct node *next = head->next; free(head); head = next; count += 1; }
    return count;
  }
  static int down(int n) { depth += 1; int r = call_back(n) + (n > 0 ? step(n - 1) : 0); depth -= 1; return r; }
  static int odd(int n) { void *p = calloc(n + 1, 3); int r = n + down(n); free(realloc(p, 40)); return r; }
  API(recurse) int recurse(int n) { step = n & 1 ? odd : down; return step(n) + depth; }
  API(divide) int divide(int n) { build(2); return total(1) / (zero * n); }
  API(outside) int outside(int n) { build(1); return *(volatile int *)(n ? 0x7ffffff0 : 16) + total(0); }
  API(stop) int stop(int n) { if (n > 2) __builtin_trap(); return down(n); }
  API(mismatch) int mismatch(int n) { step = (int (*)(int))(void *)total; void (*f)(void) = (void (*)(void))step; if (n) f(); return n; }
`;

let workshop: Workshop;
const linked = new Map<string, Uint8Array>();
const LEVELS = ['-O0', '-O1', '-O2'];
beforeAll(() => {
  workshop = new Workshop();
  const runtime = workshop.runtime();
  const file = workshop.file('.c', source);
  for (const level of LEVELS) {
    const program = workshop.object(file, level, '-fno-builtin');
    linked.set(level, workshop.link([program, runtime], '--export=__heap_base', '--export=__stack_pointer'));
  }
});
afterAll(() => workshop.remove());

const CALLS: readonly (readonly [name: string, argument: number])[] = [
  ...(['total', 'drop', 'recurse', 'divide', 'outside', 'stop', 'mismatch'] as const).flatMap((name) =>
    [0, 1, 5].flatMap((argument) => [['build', 3] as const, [name, argument] as const]),
  ),
  ['recurse', 30],
  ['drop', 1000],
];

/** A frame: function index, and the file offset that V8 prints. */
type Place = readonly [index: number, offset: number];

interface Observation {
  /** What each call returned, or the message of its trap. */
  readonly results: unknown[];
  /** Frames at each trap and each call of the host, innermost first. */
  readonly stacks: Place[][];
  readonly exports: WebAssembly.Exports;
}

const placesOf = (stack: string): Place[] =>
  [...stack.matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g)].map((match) => [
    Number(match[1]),
    Number.parseInt(match[2]!, 16),
  ]);

/** Looks at the guest at each call of the allocator, and after each trap, when there is no stack. */
type Look = (exports: WebAssembly.Exports, stack: Place[] | null) => void;

/** Runs all calls on one instance. */
function observe(bytes: Uint8Array, look: Look = () => {}): Observation {
  const results: unknown[] = [];
  const stacks: Place[][] = [];
  const record = (): Place[] => {
    const stack = placesOf(new Error().stack!);
    stacks.push(stack);
    return stack;
  };
  const imports = {
    heapline: { trace: () => look(exports, record()) },
    env: {
      call_back: (n: number) => {
        record();
        return n % 3 === 2 ? (exports.total as (n: number) => number)(n) : n;
      },
    },
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)), imports);
  for (const [name, argument] of CALLS) {
    try {
      results.push((exports[name] as (n: number) => number)(argument));
    } catch (error) {
      expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
      results.push((error as Error).message);
      stacks.push(placesOf((error as Error).stack!));
      look(exports, null);
    }
  }
  return { results, stacks, exports };
}

/** The frames in places of the original's code section; frames of appended functions are left out. */
function inOriginal(stacks: readonly Place[][], offsets: OffsetMap, functions: number): Place[][] {
  return stacks.map((stack) =>
    stack
      .filter(([index]) => index < functions)
      .map(([index, offset]) => [index, offsets.toOriginal(offset) ?? -1]),
  );
}

function validate(bytes: Uint8Array): void {
  expect(WebAssembly.validate(Uint8Array.from(bytes))).toBe(true);
  workshop.run('wasm-validate', '--enable-exceptions', '--enable-tail-call', workshop.file('.wasm', bytes));
}

/** Results and stacks of the module equal those of the original. */
function expectUnchanged(original: Uint8Array, result: Pick<Rewritten, 'bytes' | 'offsets'>): Observation {
  validate(result.bytes);
  const { codeStart, functions } = readModule(original);
  const before = observe(original);
  const after = observe(result.bytes);
  expect(after.results).toEqual(before.results);
  expect(before.results.filter((each) => typeof each === 'string').length).toBeGreaterThan(5);
  const expected = before.stacks.map((stack) => stack.map(([index, offset]) => [index, offset - codeStart]));
  expect(inOriginal(after.stacks, result.offsets, functions.length)).toEqual(expected);
  return after;
}

function rewrite(bytes: Uint8Array, ...passes: ((rewriter: Rewriter) => void)[]): Rewritten {
  const rewriter = new Rewriter(readModule(bytes));
  for (const pass of passes) pass(rewriter);
  return rewriter.write();
}

/** At every call of the allocator the slots equal the frames of V8; what the host entered is null in both. */
function expectSlots(
  original: Uint8Array,
  { bytes, runtimeAddress, shadowAddress }: InstrumentedModule,
  offsets: OffsetMap,
  toSite: (site: number) => number | null,
): void {
  const family = allocator(original);
  let compared = 0;
  observe(bytes, (exports, stack) => {
    if (stack === null) view(exports).setUint32(runtimeAddress + RUNTIME_TOP, shadowAddress, true);
    else {
      const slots: (number | null)[] = [];
      const memory = view(exports);
      for (
        let at = memory.getUint32(runtimeAddress + RUNTIME_TOP, true);
        at > shadowAddress;
        at -= SLOT_SIZE
      ) {
        const site = memory.getUint32(at, true);
        slots.push(site === SITE_HOST_PENDING ? null : toSite(site));
      }
      const frames = stack.filter(([index]) => !family.has(index));
      expect(slots).toEqual(frames.map(([, offset]) => offsets.toOriginal(offset)));
      compared += 1;
    }
  });
  expect(compared).toBeGreaterThan(50);
}

const view = (exports: WebAssembly.Exports): DataView =>
  new DataView((exports.memory as WebAssembly.Memory).buffer);

/** Indices of the runtime's functions that the host or the program calls. */
function allocator(bytes: Uint8Array): Set<number> {
  const names = ['malloc', 'calloc', 'realloc', 'free'];
  const module = readModule(bytes);
  return new Set(names.map((name) => module.export(name, ExternalKind.Function)!.index));
}

const global = (exports: WebAssembly.Exports, name: string): unknown =>
  (exports[name] as WebAssembly.Global).value;

describe.each(LEVELS)('a program compiled with %s', (level) => {
  const original = (): Uint8Array => linked.get(level)!;

  test('every load and store counted, with locals of its own', () => {
    const { exports } = expectUnchanged(original(), rewrite(original(), countAccesses));
    expect(global(exports, ACCESSES)).toBeGreaterThan(1000n);
  });

  test('all mutable globals exported', () => {
    const module = readModule(original());
    const { exports } = expectUnchanged(original(), rewrite(original(), exportGlobals));
    const mutable = module.globals.flatMap((each, index) => (each.mutable ? [index] : []));
    expect(mutable.length).toBeGreaterThan(0);
    const stack = module.export('__stack_pointer', ExternalKind.Global)!.index;
    const exported = exports[globalName(stack)] as WebAssembly.Global;
    expect(exported.value).toBe(global(exports, '__stack_pointer'));
    exported.value -= 64;
    expect(global(exports, '__stack_pointer')).toBe(exported.value);
  });

  test('bodies moved behind trampolines of the same length', () => {
    const module = readModule(original());
    let moved: readonly number[] = [];
    const result = rewrite(original(), (rewriter) => {
      moved = moveBodies(rewriter, () => true, FREE_ADDRESS).functions;
    });
    validate(result.bytes);
    expect(moved.length).toBeGreaterThan(8);
    const before = observe(original());
    const after = observe(result.bytes);
    expect(after.results).toEqual(before.results);
    // A moved function has two frames: its copy's, which has no place in the original, and its own, which
    // calls the copy.
    const indices = after.stacks.map((stack) => {
      const own: number[] = [];
      for (const [index, offset] of stack) {
        if (index >= module.functions.length) {
          expect(result.offsets.toOriginal(offset)).toBeNull();
          own.push(moved[index - module.functions.length]!);
        } else if (!moved.includes(index)) own.push(index);
      }
      return own;
    });
    expect(indices).toEqual(before.stacks.map((stack) => stack.map(([index]) => index)));
  });

  test('all passes in one walk, with the slots', () => {
    // The allocator's own frames differ: its bodies were moved.
    const hidden = allocator(original());
    const isHidden = (index: number): boolean => hidden.has(index);
    const result = instrument(original(), {}, [
      (rewriter) => moveBodies(rewriter, isHidden, FREE_ADDRESS),
      exportGlobals,
      (rewriter) => countAccesses(rewriter, isHidden),
    ]);
    const visible = (stacks: Place[][]) => stacks.map((stack) => stack.filter(([index]) => !isHidden(index)));
    validate(result.bytes);
    const { codeStart, functions } = readModule(original());
    const before = observe(original());
    const after = observe(result.bytes);
    expect(after.results).toEqual(before.results);
    expect(visible(inOriginal(after.stacks, result.offsets, functions.length))).toEqual(
      visible(before.stacks).map((stack) => stack.map(([index, offset]) => [index, offset - codeStart])),
    );
  });

  test('accesses and slots: in one walk and one after the other the same code runs', () => {
    const together = instrument(original(), {}, [(each) => countAccesses(each)]);
    const first = rewrite(original(), countAccesses);
    const second = instrument(first.bytes);
    const sequence = { bytes: second.bytes, offsets: second.offsets.after(first.offsets) };
    const one = expectUnchanged(original(), together);
    const two = expectUnchanged(original(), sequence);
    for (const name of [ACCESSES, ADDRESSES]) {
      expect(global(one.exports, name)).toBe(global(two.exports, name));
    }
    expectSlots(original(), together, together.offsets, (site) => site);
    // Slots hold offsets of the module that they were added to, which the map of the first walk leads on.
    const { codeStart } = readModule(first.bytes);
    expectSlots(original(), second, sequence.offsets, (site) => first.offsets.toOriginal(codeStart + site));
  });
});

describe('accesses as wabt counts them', () => {
  // No imports and no parameters: wabt runs every export and prints each instruction with the address that it gets.
  const programs = [
    `int numbers[64]; long long wide[8]; double share[8]; short tags[9]; char letters[9];
     __attribute__((export_name("a"))) int a(void) { int s = 0; for (int i = 0; i < 64; i += 1) { numbers[i] = i; s += numbers[63 - i]; } return s; }
     __attribute__((export_name("b"))) int b(void) { for (int i = 0; i < 8; i += 1) { wide[i] = numbers[i] * 3LL; share[i] = wide[i] / 2.5; tags[i] = (short)share[i]; letters[i] = (char)tags[i]; } return tags[7] + letters[3]; }
     __attribute__((export_name("c"))) float c(void) { volatile float f = share[2]; volatile unsigned char u = (unsigned char)f; return f + u; }`,
  ];

  test.each(LEVELS)('a program compiled with %s', (level) => {
    const object = workshop.object(workshop.file('.c', programs[0]!), level);
    const original = workshop.link([object], '--no-entry', '--allow-undefined');
    const trace = workshop.run(
      'wasm-interp',
      '--run-all-exports',
      '--trace',
      workshop.file('.wasm', original),
    );
    const seen = [...trace.matchAll(/ (?:i32|i64|f32|f64)\.(?:load|store)\S* \$0:(\d+)\+/g)];
    const { exports } = new WebAssembly.Instance(
      new WebAssembly.Module(Uint8Array.from(rewrite(original, countAccesses).bytes)),
    );
    for (const name of readModule(original).exports.filter(({ kind }) => kind === ExternalKind.Function)) {
      (exports[name.name] as () => void)();
    }
    expect(seen.length).toBeGreaterThan(150);
    expect(global(exports, ACCESSES)).toBe(BigInt(seen.length));
    const sum = seen.reduce((total, [, address]) => total + BigInt(address!), 0n);
    expect(global(exports, ADDRESSES)).toBe(sum);
  });
});

describe('branch hints as wabt reads them', () => {
  const features = ['--enable-annotations', '--enable-code-metadata'];

  /** The instruction after each hint of the text form, with the hint. */
  function hinted(bytes: Uint8Array): string[] {
    const text = workshop.run('wasm2wat', ...features, workshop.file('.wasm', bytes));
    return [...text.matchAll(/\(@metadata\.code\.branch_hint "\\0([01])"\)\s*(\S+)/g)].map(
      ([, likely, instruction]) => `${instruction} ${likely}`,
    );
  }

  const text = `(module (memory 1)
    (func (export "f") (param i32) (result i32) (local i64)
      (i32.store (i32.const 8) (local.get 0))
      (block (i32.load (i32.const 8)) (@metadata.code.branch_hint "\\01") br_if 0
        (i32.load8_u (i32.const 8)) (@metadata.code.branch_hint "\\00") if nop end)
      (i32.const 1))
    (func (export "g") (i32.load (i32.const 8)) (@metadata.code.branch_hint "\\00") if nop end))`;

  test('hints of the original move with their branches', () => {
    const original = workshop.assemble(text, ...features);
    expect(hinted(original)).toEqual(['br_if 1', 'if 0', 'if 0']);
    const result = rewrite(original, (rewriter) => {
      rewriter.addLocal(0, 0x7f);
      for (const body of [0, 1]) {
        eachInstruction(rewriter, body, (at) => rewriter.code.insert(at, Uint8Array.of(0x01, 0x01)));
      }
    });
    validate(result.bytes);
    expect(hinted(result.bytes)).toEqual(['br_if 1', 'if 0', 'if 0']);
  });

  test('hints of inserted branches join them', () => {
    const original = workshop.assemble(text, ...features);
    const result = rewrite(original, countAccesses);
    validate(result.bytes);
    expect(hinted(result.bytes)).toEqual([
      ...['if 0', 'if 0', 'br_if 1', 'if 0', 'if 0'],
      ...['if 0', 'if 0'],
    ]);
  });

  test('a module without hints gets the section before its code', () => {
    const original = linked.get('-O1')!;
    const result = instrument(original, {}, [(each) => countAccesses(each)]);
    const names = readModule(result.bytes).sections.map(({ id, name }) => (id === 0 ? name : id));
    expect(names[names.indexOf(SectionId.Code) - 1]).toBe('metadata.code.branch_hint');
    const hints = hinted(result.bytes);
    expect(hints.length).toBeGreaterThan(50);
    expect(new Set(hints)).toEqual(new Set(['if 0']));
  });
});
