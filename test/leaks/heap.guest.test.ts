// What a heap reports about leaks while its sandbox lives: scopes, marks, held pointers, growth and peaks. The tests
// ask in every state of a sandbox, and repeatedly.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  DisposedError,
  InvalidArgumentError,
  LeakError,
  loadC,
  type Sandbox,
  StateError,
  TrapError,
} from '../../src/index.ts';
import type { Requests } from '../testing/requests.ts';

type Functions = Requests & { with_local(host: number): void };

const program = new URL('../testing/programs/requests.c', import.meta.url).pathname;
const callback = new URL('lifecycle/callback.c', import.meta.url).pathname;
const load = () => loadC<Functions>(program, { toolchain: 'clang', flags: ['-O1'] });
let lib: Sandbox<Functions>;

beforeEach(async () => {
  lib = await load();
});
afterEach(() => lib.dispose());

const sums = (sandbox: Sandbox<Functions> = lib) => {
  const { definite, indirect, possible, reachable } = sandbox.heap.leaks();
  return [definite.bytes, indirect.bytes, possible.bytes, reachable.bytes];
};

describe('leaks', () => {
  test('a fresh library holds nothing', () => {
    expect(lib.heap.leaks().records).toEqual([]);
    expect(lib.heap.leaks().isClean()).toBe(true);
  });

  test('can be requested repeatedly, and follow the program', () => {
    lib.exports.leak(10);
    expect(sums()).toEqual([10, 0, 0, 0]);
    expect(sums()).toEqual([10, 0, 0, 0]);
    lib.exports.fill_cache();
    lib.exports.append();
    expect(sums()).toEqual([10, 0, 0, 1024]);
    lib.exports.leak(5);
    expect(sums()).toEqual([15, 0, 0, 1024]);
  });

  test('of many sandboxes stay apart', async () => {
    using other = await load();
    other.exports.leak(99);
    lib.exports.leak(1);
    expect([sums(), sums(other)]).toEqual([
      [1, 0, 0, 0],
      [99, 0, 0, 0],
    ]);
  });

  test('change nothing that the program or the profile can see', () => {
    lib.exports.leak(10);
    lib.exports.append();
    const before = [lib.heap.stats(), lib.heap.profile().text()];
    lib.heap.leaks();
    expect([lib.heap.stats(), lib.heap.profile().text()]).toEqual(before);
    expect(lib.exports.clean()).toBe(7);
  });

  test('print nothing and write nothing', () => {
    lib.exports.leak(10);
    expect(() => lib.heap.assertNoLeaks()).toThrow(LeakError);
    expect([lib.stdout, lib.stderr]).toEqual(['', '']);
  });

  test('show the first bytes of the first block', () => {
    lib.heap.cstring('first');
    lib.exports.leak(3);
    const [record] = lib.heap.leaks().records;
    expect(Buffer.from(record!.sample!.bytes).toString('latin1')).toBe('first\0');
    expect(record!.sample!.address).toBe([...lib.heap.blocks()].find((block) => block.size === 6)!.address);
  });

  test('of memory that JavaScript allocated carry the JavaScript line', () => {
    lib.heap.malloc(17);
    const [record] = lib.heap.leaks().definite.records;
    expect(record!.frames.find((frame) => frame.file.endsWith('heap.guest.test.ts'))).toBeDefined();
  });

  test('include the heap faults, with three stacks', () => {
    lib.exports.free_twice();
    const [error] = lib.heap.leaks().errors;
    expect(error!.kind).toBe('double-free');
    const lines = [error!.frames, error!.freedAt!, error!.allocatedAt!].map((frames) => frames[0]!.line);
    expect(lines[0]! - lines[1]!).toBe(1);
    expect(lines[1]! - lines[2]!).toBe(1);
    expect(lib.heap.leaks().isClean()).toBe(false);
  });
});

describe('a pointer that JavaScript holds', () => {
  test('is a root until it is released as often as it was held', () => {
    const block = lib.exports.make(40) >>> 0;
    expect(sums()).toEqual([40, 0, 0, 0]);
    lib.heap.hold(block);
    lib.heap.hold(block);
    expect(sums()).toEqual([0, 0, 0, 40]);
    lib.heap.release(block);
    expect(sums()).toEqual([0, 0, 0, 40]);
    lib.heap.release(block);
    expect(sums()).toEqual([40, 0, 0, 0]);
  });

  test('into the middle of a block makes it possibly lost', () => {
    lib.heap.hold((lib.exports.make(40) >>> 0) + 12);
    expect(sums()).toEqual([0, 0, 40, 0]);
  });

  test('keeps what hangs on it', () => {
    const owner = lib.exports.make(8) >>> 0;
    new Uint32Array(lib.memory.buffer)[owner / 4] = lib.exports.make(100);
    expect(sums()).toEqual([8, 100, 0, 0]);
    lib.heap.hold(owner);
    expect(sums()).toEqual([0, 0, 0, 108]);
  });

  test('must be a pointer, and be held before it is released', () => {
    expect(() => lib.heap.hold(-1)).toThrow(InvalidArgumentError);
    expect(() => lib.heap.hold('x' as never)).toThrow(InvalidArgumentError);
    expect(() => lib.heap.release(64)).toThrow(StateError);
  });
});

describe('a mark', () => {
  test('separates what came later', () => {
    lib.exports.leak(10);
    const mark = lib.heap.mark();
    expect(lib.heap.leaksSince(mark).records).toEqual([]);
    lib.exports.leak(3);
    lib.exports.append();
    const report = lib.heap.leaksSince(mark);
    expect([report.definite.bytes, report.reachable.bytes]).toEqual([3, 24]);
  });

  test('separates heap faults, too', () => {
    lib.exports.free_twice();
    const mark = lib.heap.mark();
    expect(lib.heap.leaksSince(mark).errors).toEqual([]);
    lib.exports.free_twice();
    expect(lib.heap.leaksSince(mark).errors).toHaveLength(1);
  });

  test('belongs to its sandbox', async () => {
    using other = await load();
    expect(() => lib.heap.leaksSince(other.heap.mark())).toThrow(InvalidArgumentError);
    expect(() => lib.heap.leaksSince({} as never)).toThrow(InvalidArgumentError);
  });
});

describe('a scope', () => {
  test('tells the result, the allocations, the peak and the blocks that are left', () => {
    lib.exports.leak(1000);
    const scope = lib.heap.scope(() => lib.exports.clean());
    expect(scope.result).toBe(7);
    expect(scope.allocated).toEqual({ objects: 2, bytes: 150 });
    expect(scope.peak).toEqual({ objects: 1, bytes: 100 });
    expect(scope.leaks.records).toEqual([]);
  });

  test('sees only its own allocations', () => {
    lib.exports.leak(1000);
    const { leaks } = lib.heap.scope(() => lib.exports.leak(3));
    expect(leaks.definite.bytes).toBe(3);
  });

  test('of async work ends when the promise settles', async () => {
    const scope = await lib.heap.scope(async () => {
      lib.exports.leak(1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      lib.exports.leak(2);
      return 'done';
    });
    expect([scope.result, scope.leaks.definite.bytes]).toEqual(['done', 3]);
  });

  test('passes on what the work throws, now or later', async () => {
    const error = new Error('its own');
    expect(() =>
      lib.heap.scope(() => {
        throw error;
      }),
    ).toThrow(error);
    await expect(lib.heap.scope(() => Promise.reject(error))).rejects.toBe(error);
  });

  test('measures its own peak inside others, and leaves the peak of the whole run as it was', () => {
    const big = lib.heap.malloc(5000);
    const small = lib.heap.malloc(10);
    lib.heap.free(big);
    const before = [lib.heap.stats().peakBytes, lib.heap.profile({ kind: 'peak' }).text()];
    const outer = lib.heap.scope(() => {
      const inner = lib.heap.scope(() => lib.heap.free(lib.heap.malloc(300)));
      lib.heap.free(lib.heap.malloc(200));
      return inner.peak.bytes;
    });
    expect([outer.result, outer.peak.bytes]).toEqual([300, 300]);
    const sequence = lib.heap.scope(() => {
      lib.heap.free(small);
      lib.heap.free(lib.heap.malloc(7));
    });
    expect(sequence.peak.bytes).toBe(0);
    expect([lib.heap.stats().peakBytes, lib.heap.profile({ kind: 'peak' }).text()]).toEqual(before);
    // The peak of the whole run goes on from there.
    lib.heap.malloc(6000);
    expect(lib.heap.stats().peakBytes).toBe(6000);
    expect(lib.heap.profile({ kind: 'peak' }).text()).not.toBe(before[1]);
  });

  test('shows the peak of the whole run while it is open, even if it never closes', () => {
    const peak = () => {
      const text = lib.heap.profile({ kind: 'peak' }).text();
      const { peakObjects, peakBytes } = lib.heap.stats();
      return { peakObjects, peakBytes, text };
    };
    lib.heap.free(lib.heap.malloc(5000));
    const before = peak();
    expect([before.peakObjects, before.peakBytes]).toEqual([1, 5000]);
    void lib.heap.scope(() => new Promise<void>(() => {}));
    expect(peak()).toEqual(before);
    const [large, small] = [lib.heap.malloc(4000), lib.heap.malloc(1000)];
    expect(peak()).toEqual(before);
    expect(() => lib.heap.scope(() => lib.exports.crash())).toThrow(TrapError);
    const higher = peak();
    expect([higher.peakObjects, higher.peakBytes]).toEqual([3, 5033]);
    expect(higher.text).not.toBe(before.text);
    lib.heap.free(large);
    lib.heap.free(small);
    void lib.heap.scope(() => new Promise<void>(() => {}));
    expect(peak()).toEqual(higher);
  });

  test('around a program shows the peak of the whole run in the heap that is kept from the end of main', async () => {
    using program = await loadC(new URL('../sandbox/programs/program.c', import.meta.url).pathname, {
      toolchain: 'clang',
    });
    program.heap.free(program.heap.malloc(2 ** 20));
    const { peakObjects, peakBytes } = program.heap.stats();
    const before = program.heap.profile({ kind: 'peak' }).text();
    const { result } = program.heap.scope(() => program.run());
    expect(result.stdout).toContain('torn down');
    expect(program.heap.stats()).toMatchObject({ peakObjects, peakBytes });
    expect(program.heap.profile({ kind: 'peak' }).text()).toBe(before);
  });
});

describe('growth', () => {
  test('of reachable memory is found with its place and its speed', () => {
    const growth = lib.heap.growth(() => lib.exports.append(), { warmup: 1, runs: 4 });
    expect([growth.bytesPerRun, growth.objectsPerRun]).toEqual([24, 1]);
    expect(growth.contexts[0]!.frames[0]!.function).toBe('append');
    expect(growth.inUseBytes).toEqual([24, 48, 72, 96, 120]);
  });

  test('is not found when memory is taken only once, in a warm-up or after it', () => {
    expect(lib.heap.growth(() => lib.exports.fill_cache(), { warmup: 0 }).contexts).toEqual([]);
    expect(lib.heap.growth(() => lib.exports.clean()).contexts).toEqual([]);
  });

  test('is measured over async work', async () => {
    let calls = 0;
    const growth = await lib.heap.growth(
      async () => {
        calls++;
        await null;
        lib.exports.leak(5);
      },
      { warmup: 2, runs: 3 },
    );
    expect([calls, growth.bytesPerRun]).toEqual([5, 5]);
  });

  test('rejects numbers of runs that make no sense', () => {
    for (const options of [{ runs: 1 }, { runs: 2.5 }, { warmup: -1 }, { runs: Number.NaN }]) {
      expect(() => lib.heap.growth(() => 0, options)).toThrow(InvalidArgumentError);
    }
  });
});

describe('assertNoLeaks', () => {
  test('throws an error whose message is the report', () => {
    lib.exports.leak(10);
    const root = new URL('../..', import.meta.url).pathname;
    expect(() => lib.heap.assertNoLeaks({ root })).toThrow(
      /definite leak: 10 bytes in 1 block\n {2}at leak \(test\/testing\/programs\/requests\.c:22:/,
    );
  });

  test('takes classes and suppressions', () => {
    lib.exports.fill_cache();
    lib.heap.assertNoLeaks();
    expect(() => lib.heap.assertNoLeaks({ kinds: ['reachable'] })).toThrow(LeakError);
    lib.heap.assertNoLeaks({ kinds: ['reachable'], suppressions: ['fill_*'] });
    lib.heap.assertNoLeaks({ kinds: ['reachable'], suppressions: [(record) => record.bytes === 1000] });
  });

  test('names an unknown class and an invalid suppression', () => {
    expect(() => lib.heap.assertNoLeaks({ kinds: ['lost' as never] })).toThrow('unknown leak class "lost"');
    expect(() => lib.heap.assertNoLeaks({ kinds: [] })).toThrow(InvalidArgumentError);
    expect(() => lib.heap.leaks({ suppressions: ['leak:'] })).toThrow('<code>:1:');
    expect(() => lib.heap.leaks({ suppressions: [5 as never] })).toThrow(InvalidArgumentError);
  });
});

describe('a sandbox', () => {
  test('that trapped answers, and the report names the trap', () => {
    expect(() => lib.exports.crash()).toThrow(TrapError);
    const report = lib.heap.leaks();
    expect(report.definite.bytes).toBe(33);
    expect(report.notes.join()).toContain('trapped');
    expect(lib.trapped).toBe(true);
  });

  test('that was disposed of rejects every question', () => {
    const mark = lib.heap.mark();
    lib.dispose();
    for (const ask of [
      () => lib.heap.leaks(),
      () => lib.heap.leaksSince(mark),
      () => lib.heap.assertNoLeaks(),
      () => lib.heap.scope(() => 0),
      () => lib.heap.growth(() => 0),
      () => lib.heap.mark(),
      () => lib.heap.hold(8),
      () => lib.heap.release(8),
    ]) {
      expect(ask).toThrow(DisposedError);
    }
  });

  test('in the middle of a call sees the stack, and says what it cannot see', async () => {
    let inside: readonly number[] = [];
    let notes: readonly string[] = [];
    using busy = await loadC(callback, {
      toolchain: 'clang',
      flags: ['-O0'],
      imports: {
        env: {
          look: () => {
            const report = busy.heap.leaks();
            inside = [report.definite.bytes, report.reachable.bytes];
            notes = report.notes;
          },
        },
      },
    });
    busy.exports.hold_in_local!(25);
    expect(inside).toEqual([0, 25]);
    expect(notes.join()).toContain('Functions of the program are active');
    expect(busy.heap.leaks().notes).toEqual([]);
    expect(busy.heap.leaks().records).toEqual([]);
  });
});

test('a program is reported as it was when main returned, and then as it is', async () => {
  const source = new URL('lifecycle/at-exit.c', import.meta.url).pathname;
  using run = await loadC(source, { toolchain: 'clang', flags: ['-O1'] });
  run.run();
  expect(run.heap.leaks().reachable.bytes).toBe(64);
  expect(run.heap.leaks().definite.bytes).toBe(11);
  const { reachable, definite } = run.heap.leaks({ when: 'exit' });
  expect([reachable.bytes, definite.bytes], 'after the atexit functions').toEqual([0, 11]);
  run.heap.malloc(5);
  expect(run.heap.leaks().reachable.bytes).toBe(0);
});

test('a large heap, for which the scan builds a graph, is classed block by block', async () => {
  const source = new URL('leak-heaps.c', import.meta.url).pathname;
  for (const keep of [1, 0]) {
    using large = await loadC(source, { toolchain: 'clang', flags: ['-O2'] });
    large.exports.build!(200_000, 64, keep);
    for (let round = 0; round < 2; round++) {
      const { definite, indirect, possible, reachable } = large.heap.leaks();
      const blocks = [definite, indirect, possible, reachable].map((kind) => kind.blocks);
      expect(blocks).toEqual(keep === 1 ? [0, 0, 0, 200_000] : [1, 199_999, 0, 0]);
    }
  }
});
