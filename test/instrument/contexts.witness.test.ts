// The oracle of the slots: at every allocation the slots equal V8's own stack, call site by call site.

import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type InstrumentedModule, instrument } from '../../src/instrument/index.ts';
import { RUNTIME_TOP, SHADOW_SLOTS, SITE_HOST_PENDING, SLOT_SIZE } from '../../src/runtime/layout.ts';
import { Harness, TEXT_RUNTIME } from '../support/slot-harness.ts';
import { Workshop } from '../support/workshop.ts';

const source = `
  typedef unsigned long size_t;
  void *malloc(size_t); void *calloc(size_t, size_t); void *realloc(void *, size_t); void free(void *);
  __attribute__((import_module("env"), import_name("call_back"))) int call_back(int);
  #define API(name) __attribute__((export_name(#name), noinline))
  static int (*volatile indirect)(int);
  static void *(*volatile allocate)(size_t) = malloc;

  API(leaf) void *leaf(int n) { return malloc(n); }
  API(recurse) int recurse(int n) { if (n == 0) return leaf(8) != 0; return recurse(n - 1) + (leaf(n) != 0); }
  static int odd(int n);
  static int even(int n) { free(malloc(n)); return n == 0 ? 0 : odd(n - 1); }
  static int odd(int n) { calloc(n, 2); indirect = even; return n == 0 ? 1 : indirect(n - 1); }
  API(mutual) int mutual(int n) { indirect = odd; int r = indirect(n); free(realloc(malloc(3), 9)); return r; }
  API(pointer) void *pointer(int n) { return allocate(n); }
  API(straight) int straight(int n) {
    void *a = malloc(n), *b = malloc(n + 1), *c = calloc(n, 2); free(a); if (n & 1) free(b); free(c);
    void *d = leaf(n); free(d); return n;
  }
  API(loop) int loop(int n) {
    int sum = 0;
    for (int i = 0; i < n; i += 1) { void *p = i % 3 ? malloc(i) : leaf(i); if (i % 5) free(p); sum += recurse(i & 3); }
    return sum;
  }
  API(host) int host(int n) { malloc(n); int r = call_back(n); free(leaf(n)); return r; }
  API(nothing) int nothing(int n) { return n * 2; }
  API(big_frame) int big_frame(int n) { volatile char frame[4000]; frame[n] = 1; return (leaf(n) != 0) + frame[n]; }
`;

let workshop: Workshop;
let linked: Uint8Array;
beforeAll(() => {
  workshop = new Workshop();
  const runtime = workshop.runtime();
  const program = workshop.object(workshop.file('.c', source), '-fno-optimize-sibling-calls');
  linked = workshop.link([program, runtime], '--export=__heap_base', '-z', 'stack-size=4194304');
});
afterAll(() => workshop.remove());

/** Expects that slots equal frames in every sighting, and that there are `count` sightings. */
function expectEqual(harness: Harness, count: number): void {
  expect(harness.sightings).toHaveLength(count);
  for (const { slots, frames } of harness.sightings) expect(slots).toEqual(frames);
  expect(harness.depth).toBe(0);
}

const silent = () => ({ env: { call_back: () => 0 } });

describe('contexts of C equal those of V8', () => {
  /** Number of calls of the allocation family that the original makes. */
  const countOriginal = (name: string, argument: number): number => {
    let count = 0;
    const imports = { ...silent(), heapline: { trace: () => (count += 1) } };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(linked)), imports);
    (exports[name] as (argument: number) => unknown)(argument);
    return count;
  };

  test.each([
    ['leaf', 16],
    ['recurse', 40],
    ['mutual', 9],
    ['pointer', 4],
    ['straight', 4],
    ['straight', 5],
    ['loop', 40],
    ['big_frame', 100],
  ])('%s(%i)', (name, argument) => {
    const harness = new Harness(linked, silent);
    harness.call(name, argument);
    const count = countOriginal(name, argument);
    expect(count).toBeGreaterThan(0);
    expectEqual(harness, count);
  });

  test('host to C to host to C, and calls afterwards', () => {
    const harness = new Harness(linked, (self) => ({
      env: {
        call_back: (n: number) => {
          if (n > 0) self.call('host', n - 1);
          return self.call('recurse', 2) as number;
        },
      },
    }));
    harness.call('host', 3);
    harness.call('leaf', 1);
    expectEqual(harness, 4 * 4 + 4 * 3 + 1 - 4);
    const entries = harness.sightings.map(({ slots }) => slots.filter((slot) => slot === null).length);
    expect(Math.max(...entries)).toBe(5);
  });

  test('the host calls the family itself', () => {
    const harness = new Harness(linked, silent);
    harness.call('malloc', 5);
    harness.call('free', 0);
    expectEqual(harness, 2);
    expect(harness.sightings.map(({ slots }) => slots)).toEqual([[null], [null]]);
  });

  test('functions that cannot allocate stay as they are', () => {
    const harness = new Harness(linked, silent);
    expect(harness.call('nothing', 4)).toBe(8);
    const { statistics } = harness.instrumented;
    expect(statistics.instrumentedFunctions).toBeLessThan(statistics.functions - 4);
  });

  test('recursion past the last slot writes no byte outside, and keeps the outermost and innermost sites', async () => {
    const instrumented = instrument(linked);
    const depth = SHADOW_SLOTS + 500;
    const chosen = [1, 2, 400, depth + 1];
    const report = await runDeep(instrumented, depth, chosen);
    expect(report.guards).toEqual(report.guardsBefore);
    expect(report.top).toBe(instrumented.shadowAddress);
    expect(report.count).toBe(depth + 1);
    expect(report.sightings).toHaveLength(chosen.length);
    for (const { slots, offsets } of report.sightings) {
      // The frames of malloc itself come first; the outermost is the thunk.
      const frames = offsets
        .map((offset) => instrumented.offsets.toOriginal(offset) ?? SITE_HOST_PENDING)
        .slice(1);
      const kept = Math.min(frames.length, SHADOW_SLOTS - 1);
      expect(slots).toHaveLength(kept);
      expect(slots[0]).toBe(frames[0]);
      expect(slots.slice(1)).toEqual(frames.slice(frames.length - kept + 1));
    }
  });
});

interface DeepReport {
  readonly guardsBefore: readonly bigint[];
  readonly guards: readonly bigint[];
  readonly top: number;
  readonly count: number;
  readonly sightings: readonly { slots: readonly number[]; offsets: readonly number[] }[];
}

/** Calls `recurse(depth)` in a worker, whose stack can be large, and reports the chosen calls of the family. */
function runDeep(
  instrumented: InstrumentedModule,
  depth: number,
  chosen: readonly number[],
): Promise<DeepReport> {
  const { bytes, runtimeAddress, shadowAddress } = instrumented;
  const code = `
    const { parentPort, workerData: { bytes, runtime, shadow, depth, chosen } } = require('node:worker_threads');
    Error.stackTraceLimit = Infinity;
    let count = 0;
    const sightings = [];
    const memory = () => new DataView(instance.exports.memory.buffer);
    const trace = () => {
      count += 1;
      if (!chosen.includes(count)) return;
      const slots = [];
      for (let at = memory().getUint32(runtime + ${RUNTIME_TOP}, true); at > shadow; at -= 8) slots.push(memory().getUint32(at, true));
      const offsets = [...new Error().stack.matchAll(/wasm-function\\[\\d+\\]:(0x[0-9a-f]+)/g)].map((match) => Number(match[1]));
      sightings.push({ slots, offsets });
    };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { heapline: { trace }, env: { call_back() {} } });
    const guards = () => [shadow, shadow - 8, shadow + ${SHADOW_SLOTS * SLOT_SIZE}].map((at) => memory().getBigUint64(at, true));
    const guardsBefore = guards();
    instance.exports.recurse(depth);
    parentPort.postMessage({ guardsBefore, guards: guards(), top: memory().getUint32(runtime + ${RUNTIME_TOP}, true), count, sightings });
  `;
  const workerData = { bytes, runtime: runtimeAddress, shadow: shadowAddress, depth, chosen };
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData, resourceLimits: { stackSizeMb: 64 } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('contexts of hand-written modules equal those of V8', () => {
  const run = (
    text: string,
    imports: (harness: Harness) => Record<string, Record<string, WebAssembly.ImportValue>> = silent,
  ) => {
    const harness = new Harness(workshop.assemble(`(module ${text}`), imports);
    return harness;
  };

  test('after exceptions (legacy) unwound through frames', () => {
    const harness = run(`${TEXT_RUNTIME}
      (tag $e (param i32))
      (func $thrower (param i32)
        (drop (call $malloc (i32.const 1)))
        (if (local.get 0) (then (call $thrower (i32.sub (local.get 0) (i32.const 1)))) (else (throw $e (i32.const 9)))))
      (func (export "run") (param i32) (result i32)
        (drop (call $malloc (i32.const 2)))
        (try (result i32)
          (do (call $thrower (local.get 0)) (i32.const 0))
          (catch $e (call $free (i32.const 3)) (drop (call $malloc (i32.const 4))))
          (catch_all (i32.const 1)))
        (call $free (i32.const 5))
        (try (do (call $thrower (i32.const 1))) (catch_all (try (do (call $thrower (i32.const 2))) (catch_all (call $free (i32.const 1)))) (drop (call $malloc (i32.const 4)))))
        (call $thrower_caught))
      (func $thrower_caught (try (do (try (do (call $thrower (i32.const 0))) (delegate 0)) ) (catch_all (call $free (i32.const 7)))) (call $free (i32.const 8))))`);
    expect(harness.call('run', 5)).toBe(9);
    expectEqual(harness, 1 + 6 + 2 + 1 + 2 + 3 + 1 + 1 + 1 + 1 + 1);
  });

  test('tail calls take over the place of their caller, direct and indirect', () => {
    const harness = run(`${TEXT_RUNTIME}
      (type $f (func (param i32) (result i32)))
      (table funcref (elem $odd $even))
      (func $even (param i32) (result i32)
        (call $free (local.get 0))
        (if (result i32) (i32.eqz (local.get 0)) (then (call $malloc (i32.const 1)))
          (else (return_call $odd (i32.sub (local.get 0) (i32.const 1))))))
      (func $odd (param i32) (result i32)
        (drop (call $malloc (local.get 0)))
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (return_call_indirect (type $f) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
      (func $straight (param i32) (result i32) (return_call $even (local.get 0)))
      (func (export "run") (param i32) (result i32)
        (drop (call $straight (local.get 0)))
        (call $free (i32.const 1))
        (call $even (local.get 0))))`);
    harness.call('run', 100_000 & 0xff);
    expectEqual(harness, 2 * (0xa0 + 2) + 1);
  });

  test('a tail call of the family keeps its frame, as the call and return that it becomes', () => {
    const harness = run(`${TEXT_RUNTIME}
      (func $last (param i32) (result i32) (call $free (i32.const 0)) (return_call $malloc (local.get 0)))
      (func (export "run") (param i32) (result i32) (call $last (local.get 0))))`);
    expect(harness.call('run', 8)).toBe(196608);
    expectEqual(harness, 2);
    expect(harness.sightings.map(({ slots }) => slots.length)).toEqual([3, 3]);
  });

  test('a start function that allocates', () => {
    const sightings: number[] = [];
    const bytes = workshop.assemble(`(module ${TEXT_RUNTIME}
      (func $inner (drop (call $malloc (i32.const 8))))
      (func $begin (call $inner))
      (start $begin)
      (func (export "run") (call $inner)))`);
    const late = bytes.slice();
    // The harness reads memory, which does not exist yet when the start function runs.
    expect(() => new Harness(late, silent)).toThrow(TypeError);
    const { instrumented } = new StartProbe(bytes, sightings);
    expect(sightings).toHaveLength(1);
    expect(instrumented.statistics.thunks).toBe(4);
  });

  test('several results, SIMD values, floats and references pass through thunks and slots', () => {
    const harness = run(`${TEXT_RUNTIME}
      (func $many (param i64 f32 f64 externref) (result i64 f32 f64 externref i32)
        (local $v v128)
        (local.set $v (i32x4.splat (i32.const 3)))
        (local.get 0) (local.get 1) (local.get 2) (local.get 3)
        (call $malloc (i32x4.extract_lane 2 (local.get $v))))
      (export "run" (func $many))
      (func (export "twice") (param i64 f32 f64 externref) (result i64 f32 f64 externref i32)
        (call $free (i32.const 1))
        (call $many (local.get 0) (local.get 1) (local.get 2) (local.get 3))))`);
    const reference = {};
    expect(harness.call('run', 1n, 0.5, 1.25, reference)).toEqual([1n, 0.5, 1.25, reference, 196608]);
    expect(harness.call('twice', 2n, 0.5, 1.25, reference)).toEqual([2n, 0.5, 1.25, reference, 196611]);
    expectEqual(harness, 3);
  });

  test('a table that the host fills is followed into the host and back', () => {
    const harness = run(
      `${TEXT_RUNTIME}
      (table (export "table") 2 funcref)
      (func (export "inner") (drop (call $malloc (i32.const 1))))
      (func (export "run") (call_indirect (i32.const 0)) (call $free (i32.const 2))))`,
    );
    const table = harness.instance.exports.table as WebAssembly.Table;
    table.set(0, harness.instance.exports.inner);
    harness.call('run');
    expectEqual(harness, 2);
  });
});

/** Instantiates a module whose start function allocates, before any export can be seen. */
class StartProbe extends Harness {
  constructor(bytes: Uint8Array, sightings: number[]) {
    super(bytes, () => ({ heapline: { trace: (_: number, size: number) => sightings.push(size) } }));
  }
}
