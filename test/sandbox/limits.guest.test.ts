// Limits of what a guest may do: the time of a call, the number of its blocks, the size of one. A call that is stopped
// leaves a sandbox that works.

import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExternalKind, indexEntry, readModule, SectionId, unsignedLength } from '../../src/binary/index.ts';
import { compile } from '../../src/compile/index.ts';
import { loadC, loadWasm, type Sandbox, TimeoutError } from '../../src/index.ts';
import { interruptAfter } from '../../src/node/interrupter.ts';
import { stoppable } from '../../src/node/stoppable.ts';

type Functions = {
  spin(): number;
  answer(): number;
  deep(depth: number): number;
  churn(): number;
  visited(): number;
  sleeps(): number;
  many(count: number, size: number): number;
  grow(from: number, to: number): number;
};

const source = new URL('programs/endless.c', import.meta.url).pathname;
let visit: () => number = () => 0;
const imports = { env: { visit: () => visit() } };
const load = (options: object = {}) =>
  loadC<Functions>(source, { toolchain: 'clang', imports, flags: ['-O1'], ...options });

function stopped(work: () => unknown): TimeoutError {
  try {
    work();
  } catch (error) {
    if (error instanceof TimeoutError) return error;
    throw error;
  }
  throw new Error('the work has ended by itself');
}

/** The same, with the stack: on a busy machine it may be read too late. */
function stoppedAt(work: () => unknown): TimeoutError {
  for (let round = 0; ; round++) {
    const error = stopped(work);
    if (error.frames.length > 0 || round === 20) return error;
  }
}

const functionsOf = ({ frames }: TimeoutError) => frames.map((frame) => frame.function);

describe('a limit of time', () => {
  let lib: Sandbox<Functions>;
  beforeAll(async () => {
    lib = await load({ timeout: 400 });
  });
  afterAll(() => lib.dispose());

  test('stops a loop with the C stack and its line, and the guest can be called again', () => {
    const start = performance.now();
    const error = stoppedAt(() => lib.exports.spin());
    expect(performance.now() - start).toBeGreaterThan(390);
    expect(error).toMatchObject({ code: 'HEAPLINE_TIMEOUT', timeout: 400 });
    expect(error.frames[0]).toMatchObject({ function: 'spin', line: expect.any(Number) });
    expect([14, 15, 16]).toContain(error.frames[0]!.line);
    expect(error.message).toMatch(/stopped in spin\(\) after 400 ms.*option timeout.*Raise/s);
    expect(lib.trapped).toBe(true);
    expect(lib.exports.answer()).toBe(42);
  });

  test('stops functions below others, and both stacks are as before', () => {
    for (let round = 0; round < 3; round++) {
      const error = stoppedAt(() => lib.exports.deep(5));
      expect(functionsOf(error).filter((name) => name === 'below')).toHaveLength(6);
      expect(functionsOf(error).at(-1)).toBe('deep');
    }
    // Contexts would become deeper each time if the slots of the stopped functions stayed.
    const contexts = [0, 0, 0].map(() => {
      stopped(() => lib.exports.deep(5));
      return lib.heap.stats().contexts;
    });
    expect(new Set(contexts).size).toBe(1);
    const notes = lib.heap.leaks().notes.join(' ');
    expect(notes).toMatch(/trapped/);
    expect(notes).not.toMatch(/active/);
  });

  test('stops a loop that allocates without harm to the heap', () => {
    for (let round = 0; round < 3; round++) {
      const error = stoppedAt(() => lib.exports.churn());
      expect(functionsOf(error)).toContain('churn');
    }
    expect(lib.heap.stats().inUseObjects).toBeLessThan(40);
    expect(() => [...lib.heap.blocks()]).not.toThrow();
    expect(lib.exports.many(10, 100)).toBe(10);
  });

  test('stops C that sleeps', () => {
    expect(stopped(() => lib.exports.sleeps()).timeout).toBe(400);
    expect(lib.exports.answer()).toBe(42);
  });

  test('stops C below a function of the host, and that function', () => {
    const visits: number[] = [];
    visit = () => {
      visits.push(1);
      return lib.exports.spin();
    };
    const error = stoppedAt(() => lib.exports.visited());
    expect(functionsOf(error)[0]).toBe('spin');
    visit = () => lib.exports.answer();
    expect(lib.exports.visited()).toBe(43);
    expect(visits.length).toBeGreaterThan(0);
  });

  test('stops a function of the host that loops', () => {
    const forever = () => {
      for (;;) visit = () => 1;
    };
    const error = stoppedAt(() => {
      visit = forever;
      lib.exports.visited();
    });
    expect(functionsOf(error)).toEqual(['visited']);
    expect(lib.exports.visited()).toBe(2);
  });

  test('leaves a call that ends in time alone', async () => {
    // The time of a busy machine.
    using patient = await load({ timeout: 10_000 });
    visit = () => {
      const start = performance.now();
      while (performance.now() - start < 150);
      return 1;
    };
    expect([patient.exports.visited(), patient.exports.many(3, 10)]).toEqual([2, 3]);
  });

  test('does not swallow errors of the host', () => {
    visit = () => {
      throw new Error('mine');
    };
    expect(() => lib.exports.visited()).toThrow('mine');
    visit = () => 0;
  });

  test('counts for another guest that C calls through the host, and both go on', async () => {
    const other = await load();
    visit = () => other.exports.deep(3);
    const error = stopped(() => lib.exports.visited());
    expect(error.timeout).toBe(400);
    visit = () => other.exports.answer();
    expect([lib.exports.visited(), other.exports.many(4, 8)]).toEqual([43, 4]);
    expect(other.heap.stats().inUseObjects).toBe(5);
    other.dispose();
  });
});

describe("Emscripten's JavaScript", () => {
  test('has the same limits', async () => {
    const lib = await load({ toolchain: 'emscripten', timeout: 400, maxBlocks: 50 });
    const error = stoppedAt(() => lib.exports.spin());
    expect([functionsOf(error)[0], lib.exports.answer()]).toEqual(['spin', 42]);
    expect(functionsOf(stoppedAt(() => lib.exports.churn()))).toContain('churn');
    expect(() => [...lib.heap.blocks()]).not.toThrow();
    expect(lib.exports.many(100, 8)).toBeLessThanOrEqual(50);
    lib.dispose();
  });
});

describe('within()', () => {
  let lib: Sandbox<Functions>;
  beforeAll(async () => {
    lib = await load();
  });
  afterAll(() => lib.dispose());

  test('limits a single call', () => {
    const error = stopped(() => lib.within({ timeout: 60 }, () => lib.exports.spin()));
    expect(error.message).toContain('within()');
    expect(lib.within({ timeout: 4000 }, () => lib.exports.answer())).toBe(42);
  });

  test('replaces the limit of the sandbox', async () => {
    const slow = await load({ timeout: 200 });
    visit = () => {
      const start = performance.now();
      while (performance.now() - start < 350);
      return 1;
    };
    expect(slow.within({ timeout: 5000 }, () => slow.exports.visited())).toBe(2);
    stopped(() => slow.exports.visited());
    visit = () => 0;
    slow.dispose();
  });

  test('ends async work at its time, or with its signal', async () => {
    const never = (): Promise<never> => new Promise(() => {});
    await expect(lib.within({ timeout: 20 }, never)).rejects.toThrow(TimeoutError);
    const controller = new AbortController();
    const waiting = lib.within({ signal: controller.signal }, never);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(() => lib.within({ signal: controller.signal }, () => 1)).toThrow('enough');
    expect(await lib.within({ timeout: 4000 }, async () => lib.exports.answer())).toBe(42);
  });

  test('rejects limits that are none', () => {
    expect(() => lib.within({ timeout: 0 }, () => 1)).toThrow(/within|timeout/);
    expect(() => lib.within({ signal: {} as AbortSignal }, () => 1)).toThrow(/AbortSignal/);
    expect(() => lib.within({ time: 5 } as object, () => 1)).toThrow(/timeout/);
  });
});

test('constructors and main are stopped, too, and what main has printed is there', async () => {
  await expect(load({ timeout: 300, define: { IN_CONSTRUCTOR: true } })).rejects.toThrow(TimeoutError);
  const program = await load({ timeout: 300, define: { IN_MAIN: true } });
  stopped(() => program.run());
  expect([program.stdout, program.exports.answer()]).toEqual(['before', 42]);
  program.dispose();
});

test('a call ends although the time of the engine is up while its stack is read, as on a busy machine', async () => {
  let reads = 0;
  const read = (): void => {
    reads++;
    for (const end = performance.now() + 10_000; performance.now() < end; );
  };
  // At first, the thread that interrupts may not run yet.
  for (let round = 0; reads < 3; round++) {
    expect(round).toBeLessThan(50);
    const back = interruptAfter(50, read)!;
    const ended = stoppable(
      () => {
        for (;;);
      },
      { timeout: 300 },
      () => 'stopped',
    );
    back();
    expect(ended).toBe('stopped');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

/** Sections that come after the start section. */
const AFTER_START: ReadonlySet<number> = new Set([SectionId.Element, SectionId.DataCount, SectionId.Code]);

test('the function of a start section is stopped, too', async () => {
  const { wasm } = await compile([source], { toolchain: 'clang', flags: ['-O1'] });
  const module = readModule(wasm);
  const at = module.sections.find(({ id }) => AFTER_START.has(id))!.start;
  const start = module.export('forever', ExternalKind.Function)!.index;
  const section = [SectionId.Start, unsignedLength(start), ...indexEntry(start)];
  const started = Uint8Array.of(...wasm.subarray(0, at), ...section, ...wasm.subarray(at));
  const loading = loadWasm(started, { timeout: 300, imports });
  await expect(loading).rejects.toThrow(/stopped in start\(\) after 300 ms.*cannot be told/s);
});

test('in a worker, a call is stopped without its stack', async () => {
  const url = new URL('../../src/index.ts', import.meta.url).href;
  const code = `
    import { register } from ${JSON.stringify(import.meta.resolve('tsx/esm/api'))};
    import { parentPort } from 'node:worker_threads';
    register();
    const { loadC } = await import(${JSON.stringify(url)});
    const lib = await loadC(${JSON.stringify(source)},
      { toolchain: 'clang', flags: ['-O1'], timeout: 400, imports: { env: { visit: () => 0 } } });
    try { lib.exports.spin(); } catch (error) {
      parentPort.postMessage([error.code, error.frames.length, lib.exports.answer()]);
    }`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const answer = await new Promise((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  expect(answer).toEqual(['HEAPLINE_TIMEOUT', 0, 42]);
  await worker.terminate();
});

describe('limits of the heap', () => {
  test('maxBlocks lets malloc fail while so many blocks are in use', async () => {
    const lib = await load({ maxBlocks: 10 });
    expect(lib.exports.many(20, 16)).toBe(10);
    expect(lib.exports.grow(1, 2)).toBe(0);
    expect(lib.heap.failures()[0]).toMatchObject({ count: 1, largest: 16 });
    const [block] = lib.heap.blocks();
    lib.heap.free(block!.address);
    // One block may be made now, and changing its size needs no other.
    expect(lib.exports.grow(1, 5000)).toBe(1);
    expect(lib.heap.faults()).toEqual([]);
    lib.dispose();
  });

  test.each([100, 8192, 100_000])('maxAllocation: %i lets malloc and realloc of more fail', async (most) => {
    const lib = await load({ maxAllocation: most });
    expect([most - 1, most, most + 1].map((size) => lib.exports.many(1, size))).toEqual([1, 1, 0]);
    expect([most, most + 1].map((size) => lib.exports.grow(1, size))).toEqual([1, 0]);
    expect(() => lib.heap.malloc(most + 1)).toThrow(/no room/);
    lib.dispose();
  });

  test('limits hold with the quarantine and with checks of accesses', async () => {
    const lib = await load({ maxBlocks: 5, maxAllocation: 1000, checks: true });
    expect([lib.exports.grow(1000, 1001), lib.exports.many(9, 1001), lib.exports.many(9, 1000)]).toEqual([
      0, 0, 5,
    ]);
    lib.dispose();
  });

  test('limits that are none are rejected', async () => {
    await expect(load({ maxBlocks: 0 })).rejects.toThrow(/maxBlocks.*whole number/);
    await expect(load({ timeout: -1 })).rejects.toThrow(/timeout/);
  });
});
