// The matchers of heapline/vitest: what they accept, what they reject, and with which words.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import '../../src/testing/vitest.ts';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { lib } from './requests.ts';

/** The message with which an expectation fails. */
async function failure(expectation: () => unknown): Promise<string> {
  try {
    await expectation();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the expectation was met');
}

describe('toHaveNoLeaks', () => {
  test('passes for a sandbox that has freed everything', async () => {
    lib.exports.clean();
    await expect(lib).toHaveNoLeaks();
  });

  test('passes when memory is still reachable, unless this class is requested', async () => {
    lib.exports.fill_cache();
    await expect(lib).toHaveNoLeaks();
    expect(await failure(() => expect(lib).toHaveNoLeaks({ kinds: ['reachable'] }))).toContain(
      'still reachable: 1,000 bytes in 1 block\n  at fill_cache',
    );
  });

  test('shows the line of a leak', async () => {
    lib.exports.leak(12);
    const message = await failure(() => expect(lib).toHaveNoLeaks());
    expect(message).toContain(
      'definite leak: 12 bytes in 1 block\n  at leak (test/testing/programs/requests.c:22:',
    );
  });

  test('fails on a heap fault', async () => {
    lib.exports.free_twice();
    expect(await failure(() => expect(lib).toHaveNoLeaks())).toMatch(/double free.*free_twice/);
  });

  test('respects suppressions', async () => {
    lib.exports.leak(12);
    await expect(lib).toHaveNoLeaks({ suppressions: ['leak:^leak$'] });
  });

  test('can be negated', async () => {
    expect(await failure(() => expect(lib).not.toHaveNoLeaks())).toContain('no leaks, no heap faults');
    lib.exports.leak(1);
    await expect(lib).not.toHaveNoLeaks();
  });

  test('says what it needs when it gets something else', async () => {
    expect(await failure(() => expect(lib.exports).toHaveNoLeaks())).toBe(
      'toHaveNoLeaks() needs a sandbox, as loadC() and loadWasm() return it; it was given an object without a heap.',
    );
  });
});

describe('toLeak', () => {
  test('passes for work that leaks, and its negation for work that does not', async () => {
    await expect(() => lib.exports.leak(5)).toLeak(lib);
    await expect(() => lib.exports.clean()).not.toLeak(lib);
  });

  test('sees allocations of the work and no earlier ones', async () => {
    lib.exports.leak(5);
    await expect(() => lib.exports.clean()).not.toLeak(lib);
    const message = await failure(() => expect(() => lib.exports.leak(6)).not.toLeak(lib));
    expect(message).toContain('definite leak: 6 bytes in 1 block');
  });

  test('counts a pointer that JavaScript holds as reachable', async () => {
    await expect(() => lib.heap.hold(lib.exports.make(10))).not.toLeak(lib);
    await expect(() => lib.exports.make(10)).toLeak(lib);
  });

  test('waits for async work', async () => {
    const message = await failure(() =>
      expect(async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        lib.exports.leak(7);
      }).not.toLeak(lib),
    );
    expect(message).toContain('definite leak: 7 bytes in 1 block');
  });

  test('fails work with a heap fault', async () => {
    expect(await failure(() => expect(() => lib.exports.free_twice()).not.toLeak(lib))).toContain(
      'double free',
    );
    expect(await failure(() => expect(() => lib.exports.free_twice()).toLeak(lib))).toContain(
      'expected the work to leak',
    );
  });

  test('passes on errors of the work', async () => {
    const work = () => {
      throw new Error('its own');
    };
    expect(await failure(() => expect(work).not.toLeak(lib))).toBe('its own');
  });
});

describe('toAllocateAtMost', () => {
  test('also counts blocks that were freed again', async () => {
    await expect(() => lib.exports.clean()).toAllocateAtMost(lib, { bytes: 150, objects: 2 });
    const message = await failure(() =>
      expect(() => lib.exports.clean()).toAllocateAtMost(lib, { bytes: 149 }),
    );
    expect(message).toContain('allocated 150 bytes in 2 blocks, where at most 149 bytes are allowed');
    expect(message).toMatch(
      /100 bytes in 1 block\n {2}at clean \(test\/testing\/programs\/requests\.c:15:17\)/,
    );
  });

  test('limits the number of blocks', async () => {
    expect(
      await failure(() => expect(() => lib.exports.clean()).toAllocateAtMost(lib, { objects: 1 })),
    ).toContain('where at most 1 block are allowed');
  });

  test('limits the bytes in use at one time', async () => {
    const twice = (): void => {
      for (let i = 0; i < 2; i++) lib.exports.destroy(lib.exports.make(100));
    };
    await expect(twice).toAllocateAtMost(lib, { peak: 100 });
    expect(await failure(() => expect(twice).toAllocateAtMost(lib, { peak: 99, objects: 9 }))).toContain(
      'allocated 200 bytes in 2 blocks, 100 bytes of them at one time, where at most 9 blocks and 99 bytes at one time are allowed',
    );
  });

  test('rejects limits that limit nothing', async () => {
    expect(await failure(() => expect(() => 0).toAllocateAtMost(lib, {}))).toContain(
      'at least one of bytes, objects and peak',
    );
  });
});

describe('toGrow', () => {
  test('finds growth of memory that is still reachable', async () => {
    await expect(() => lib.exports.append()).toGrow(lib);
    const message = await failure(() => expect(() => lib.exports.append()).not.toGrow(lib, { runs: 10 }));
    expect(message).toContain('the heap grows by 24 bytes in 1 block per run (10 runs, after 3 to warm up)');
    expect(message).toContain('at append');
  });

  test('does not count a single allocation as growth', async () => {
    await expect(() => lib.exports.fill_cache()).not.toGrow(lib);
    await expect(() => lib.exports.fill_cache()).not.toGrow(lib, { warmup: 0 });
  });

  test('rejects fewer than two runs', async () => {
    expect(await failure(() => expect(() => 0).not.toGrow(lib, { runs: 1 }))).toContain('at least 2');
  });
});

test('classes that do not exist are rejected before the work is done', async () => {
  lib.exports.leak(12);
  const kinds = ['definit'] as never;
  expect(await failure(() => expect(lib).toHaveNoLeaks({ kinds }))).toContain('unknown leak class "definit"');
  let done = 0;
  for (const matcher of [expect(() => done++), expect(() => done++).not]) {
    expect(await failure(() => matcher.toLeak(lib, { kinds }))).toContain('unknown leak class "definit"');
    expect(await failure(() => matcher.toLeak(lib, { kinds: [] }))).toContain('an array of leak classes');
    expect(await failure(() => matcher.toLeak(lib, { kinds: 'definite' as never }))).toContain('an array');
  }
  expect(done).toBe(0);
});

test('a failure writes the whole report and a profile and says where', async () => {
  lib.exports.leak(12);
  const message = await failure(() => expect(lib).toHaveNoLeaks());
  const [, report] = /report: {2}(.+\.txt)$/m.exec(message)!;
  const [, profile] = /profile: (.+\.pb\.gz)$/m.exec(message)!;
  expect(report).toContain('a-failure-writes-the-whole-report');
  expect(readFileSync(report!, 'utf8')).toContain('definite leak: 12 bytes in 1 block');
  const decoded = Profile.decode(gunzipSync(readFileSync(profile!)));
  expect(decoded.sample.map((sample) => sample.value.map(Number))).toEqual([[1, 12]]);
});
