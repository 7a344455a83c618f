// snapshot() and restore(): after restore() everything is as it was, and the same calls have the same results. Random
// programs try it: what they see after a snapshot they must see again after restoring it.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatText, InvalidArgumentError, loadC, type Sandbox, StateError } from '../../src/index.ts';

type Functions = { act(what: number, a: number, b: number): number; trap(): number };

const source = new URL('programs/state.c', import.meta.url).pathname;
const load = (options: object = {}) =>
  loadC<Functions>(source, {
    toolchain: 'clang',
    files: { '/file0': 'given' },
    hostFrames: 'off',
    ...options,
  });

type Step = readonly [number, number, number];

const steps = (most: number) =>
  fc.array(fc.tuple(fc.nat(18), fc.nat(15), fc.nat(4000)), { minLength: 1, maxLength: most });

const FILES = ['/file0', '/file1', '/file2', '/file3', '/stream'];

/** All that can be seen of a sandbox from outside. The size of its memory is left out: memory does not shrink. */
function seen(lib: Sandbox<Functions>) {
  const { memoryBytes: _, ...stats } = lib.heap.stats();
  const folded = (kind: 'allocs' | 'peak' | 'lifetime') => lib.heap.profile({ kind }).folded();
  return {
    stats,
    leaks: formatText(lib.heap.leaks()),
    faults: lib.heap.faults(),
    profiles: [folded('allocs'), folded('peak'), folded('lifetime')],
    blocks: [...lib.heap.blocks()],
    files: FILES.map((path) => lib.readFile(path)?.join() ?? null),
    output: [lib.stdout, lib.stderr, lib.exitCode, lib.trapped],
  };
}

const run = (lib: Sandbox<Functions>, program: readonly Step[]) =>
  program.map((step) => lib.exports.act(...step));

describe.each(['clang', 'emscripten'])('%s', (toolchain) => {
  test.each([{}, { quarantine: 4096, access: true }])(
    'random programs see the same after restore(), with %j',
    async (options) => {
      const lib = await load({ toolchain, maxMemory: 64 * 2 ** 20, ...options });
      const start = lib.snapshot();
      fc.assert(
        fc.property(steps(30), steps(40), steps(20), (before, after, other) => {
          lib.restore(start);
          run(lib, before);
          const saved = lib.snapshot();
          const then = seen(lib);
          const results = run(lib, after);
          const later = seen(lib);
          lib.restore(saved);
          expect(seen(lib)).toEqual(then);
          run(lib, other);
          lib.restore(saved);
          seen(lib); // Looking takes metadata, as it did before the first run.
          expect(run(lib, after)).toEqual(results);
          expect(seen(lib)).toEqual(later);
        }),
        { numRuns: 20 },
      );
      lib.dispose();
    },
    60_000,
  );
});

describe('a sandbox', () => {
  let lib: Sandbox<Functions>;
  beforeAll(async () => {
    lib = await load({ args: ['x'] });
  });
  afterAll(() => lib.dispose());

  test('runs its program again', () => {
    const saved = lib.snapshot();
    expect([lib.run().exitCode, lib.stdout]).toEqual([1, 'run 1 of 2\n']);
    expect(() => lib.run()).toThrow(StateError);
    lib.restore(saved);
    expect([lib.exitCode, lib.stdout]).toEqual([null, '']);
    expect([lib.run().exitCode, lib.stdout]).toEqual([1, 'run 1 of 2\n']);
    lib.restore(saved);
  });

  test('is whole again after a trap, and after it has ruined its heap', () => {
    const saved = lib.snapshot();
    const before = seen(lib);
    expect(() => lib.exports.trap()).toThrow(/trapped/);
    expect([lib.trapped, lib.heap.stats().inUseBytes > 100_000]).toEqual([true, true]);
    lib.restore(saved);
    expect(seen(lib)).toEqual(before);
    new Uint8Array(lib.memory.buffer).fill(0xab, 1024);
    expect(() => lib.heap.stats()).toThrow();
    lib.restore(saved);
    expect(seen(lib)).toEqual(before);
  });

  test('has zeros where its memory has grown, and gets the same addresses there', () => {
    const saved = lib.snapshot();
    const size = lib.memory.buffer.byteLength;
    expect(saved.memoryBytes).toBe(size);
    const grow = () => [300, 500, 40, 599].map((kilobytes, slot) => lib.exports.act(1, slot, kilobytes));
    const first = grow();
    expect(lib.memory.buffer.byteLength).toBeGreaterThan(size);
    for (let round = 0; round < 3; round++) {
      lib.restore(saved);
      expect(new Uint8Array(lib.memory.buffer, size).every((byte) => byte === 0)).toBe(true);
      expect(grow()).toEqual(first);
    }
    const grown = lib.snapshot();
    const more = grow();
    lib.restore(grown);
    expect(grow()).toEqual(more);
    lib.restore(saved);
  });

  test('forgets what JavaScript holds and what it marked since', () => {
    const address = lib.heap.malloc(10);
    lib.heap.hold(address);
    const saved = lib.snapshot();
    lib.heap.release(address);
    lib.heap.malloc(5);
    const newer = lib.heap.mark();
    lib.restore(saved);
    expect(lib.heap.leaks().of(['definite'])).toEqual([]);
    expect(() => lib.heap.leaksSince(newer)).toThrow(/newer than the snapshot/);
    lib.heap.release(address);
    lib.heap.free(address);
  });

  test('rejects what is no snapshot of it', async () => {
    const other = await load();
    const foreign = other.snapshot();
    expect(() => lib.restore(foreign)).toThrow(InvalidArgumentError);
    expect(() => lib.restore({} as never)).toThrow(InvalidArgumentError);
    other.dispose();
    expect(() => other.snapshot()).toThrow(/disposed/);
    expect(() => other.restore(foreign)).toThrow(/disposed/);
  });
});

test('there are no snapshots in the middle of C, in a scope, and of directories', async () => {
  const inside: unknown[] = [];
  const nesting = new URL('programs/nesting.c', import.meta.url).pathname;
  let called = false;
  const attempt = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      inside.push(error);
    }
  };
  const lib = await loadC<{ a(): void }>(nesting, {
    toolchain: 'clang',
    imports: {
      env: {
        order: () => {
          if (called) return 0;
          called = true;
          attempt(() => lib.snapshot());
          attempt(() => lib.restore(saved));
          return 0;
        },
        argument: () => 0,
        result: () => {},
        visit: () => {},
      },
    },
  });
  const saved = lib.snapshot();
  lib.exports.a();
  expect(inside).toEqual([expect.any(StateError), expect.any(StateError)]);
  expect(() => lib.heap.scope(() => lib.snapshot())).toThrow(StateError);
  lib.dispose();

  const live = await load({ preopens: { '/here': new URL('.', import.meta.url).pathname } });
  expect(() => live.snapshot()).toThrow(/preopens/);
  live.dispose();
});
