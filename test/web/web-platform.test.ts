// The platform of browsers against that of Node.js, which is the reference: both must give the same answers.

import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodePlatform } from '../../src/node/node-platform.ts';
import { TooLongError } from '../../src/platform/index.ts';
import { moreWasi } from '../../src/web/more-wasi.ts';
import { webPlatform } from '../../src/web/web-platform.ts';

const NO_LIMIT = 2 ** 30;

/** Compares the bytes, because the matchers' comparison of large arrays takes seconds. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

/** Text that repeats itself, as profiles do, and bytes that do not repeat. */
const data = fc.oneof(
  fc.uint8Array({ maxLength: 5_000 }),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 30 }), fc.integer({ min: 0, max: 8_000 }))
    .map(([text, times]) => new TextEncoder().encode(text.repeat(times))),
);
const level = fc.integer({ min: 1, max: 9 });

describe('gzip', () => {
  test('each platform reads what the other writes', () => {
    fc.assert(
      fc.property(data, level, (bytes, level) => {
        expectSame(nodePlatform.gunzip(webPlatform.gzip(bytes, level), NO_LIMIT), bytes);
        expectSame(webPlatform.gunzip(nodePlatform.gzip(bytes, level), NO_LIMIT), bytes);
      }),
      { numRuns: 30 },
    );
  });

  test('files of several members, as pigz and bgzip write them', () => {
    fc.assert(
      fc.property(fc.array(data, { minLength: 1, maxLength: 5 }), (parts) => {
        const file = Buffer.concat(parts.map((part) => gzipSync(part)));
        expectSame(webPlatform.gunzip(file, NO_LIMIT), Buffer.concat(parts));
      }),
      { numRuns: 30 },
    );
  });

  test('changed bytes cause an error or change nothing', () => {
    const bytes = new TextEncoder().encode('alloc_objects count alloc_space bytes '.repeat(40));
    const file = gzipSync(bytes);
    let refused = 0;
    for (let at = 0; at < file.length; at++) {
      for (const change of [0x01, 0x10, 0x80, 0xff]) {
        const changed = Uint8Array.from(file);
        changed[at]! ^= change;
        try {
          // Some fields of the header (a time, a system) have no meaning for the content.
          expectSame(webPlatform.gunzip(changed, NO_LIMIT), bytes);
        } catch (error) {
          expect((error as Error).name).toBe('Error');
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(2 * file.length);
  });

  test('a file that is cut off causes an error wherever the cut is', () => {
    const file = gzipSync(Buffer.from('inuse_space '.repeat(500)));
    for (let end = 0; end < file.length; end++) {
      expect(() => webPlatform.gunzip(file.subarray(0, end), NO_LIMIT), `cut at ${end}`).toThrow();
    }
  });

  test('both stop at the limit and throw the same error', () => {
    const file = gzipSync(Buffer.alloc(5_000_000));
    for (const platform of [nodePlatform, webPlatform]) {
      expect(() => platform.gunzip(file, 4_999_999)).toThrow(TooLongError);
      expect(platform.gunzip(file, 5_000_000)).toHaveLength(5_000_000);
    }
  });
});

test('hashes are the same', () => {
  fc.assert(
    fc.property(fc.oneof(data, fc.string({ unit: 'binary' })), (content) => {
      expect(webPlatform.sha256(content)).toBe(nodePlatform.sha256(content));
    }),
  );
});

test('file URLs name their paths', () => {
  const part = fc.constantFrom(
    ...['a', ' ', '%', '#', '?', 'ü', '[b]', '%20', "'", '<x>', '^', '|', '`', '~', '\\', '\n'],
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const path = `/src/${parts.join('')}.c`;
      for (const platform of [nodePlatform, webPlatform])
        expect(fileURLToPath(platform.fileUrl(path))).toBe(path);
    }),
  );
  expect(webPlatform.fileUrl('/src/a b/ü#1.c')).toBe(nodePlatform.fileUrl('/src/a b/ü#1.c'));
});

test('the next turn comes after promises that are settled', async () => {
  for (const platform of [nodePlatform, webPlatform]) {
    const order: string[] = [];
    const turn = platform.nextTurn().then(() => order.push('turn'));
    void Promise.resolve()
      .then(() => {})
      .then(() => order.push('promise'));
    await turn;
    expect(order).toEqual(['promise', 'turn']);
  }
});

test('C code that sleeps blocks the thread for as long', () => {
  for (const platform of [nodePlatform, webPlatform]) {
    const began = performance.now();
    platform.block(30);
    expect(performance.now() - began).toBeGreaterThan(29);
  }
});

describe('WASI', () => {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const view = new DataView(memory.buffer);
  const wasi = moreWasi(['program', 'häuser'], { HOME: '/', EMPTY: '' });
  wasi.start(memory);
  const functions = wasi.functions as Record<string, (...args: unknown[]) => number>;

  function textAt(pointer: number): string {
    const bytes = new Uint8Array(memory.buffer, pointer);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  test.each([
    ['args', ['program', 'häuser']],
    ['environ', ['HOME=/', 'EMPTY=']],
  ])('%s', (name, expected) => {
    expect(functions[`${name}_sizes_get`]!(0, 4)).toBe(0);
    expect(view.getUint32(0, true)).toBe(2);
    const size = new TextEncoder().encode(expected.map((text) => `${text}\0`).join('')).length;
    expect(view.getUint32(4, true)).toBe(size);
    expect(functions[`${name}_get`]!(16, 64)).toBe(0);
    expect([16, 20].map((at) => textAt(view.getUint32(at, true)))).toEqual(expected);
  });

  test('clocks count nanoseconds from the epoch and never go back', () => {
    for (const clock of [0, 1]) {
      expect(functions.clock_time_get!(clock, 0n, 8)).toBe(0);
      const first = view.getBigUint64(8, true);
      expect(Math.abs(Number(first / 1_000_000n) - Date.now())).toBeLessThan(60_000);
      expect(functions.clock_time_get!(clock, 0n, 8)).toBe(0);
      expect(view.getBigUint64(8, true)).toBeGreaterThanOrEqual(first);
      expect(functions.clock_res_get!(clock, 8)).toBe(0);
      expect(view.getBigUint64(8, true)).toBeGreaterThan(0n);
    }
    expect(functions.clock_time_get!(9, 0n, 8)).toBe(28);
    expect(functions.clock_res_get!(9, 8)).toBe(28);
  });

  test('random bytes fill exactly the range that was asked for', () => {
    const length = 150_000;
    new Uint8Array(memory.buffer).fill(0, 1000, 1000 + length + 100);
    expect(functions.random_get!(1000, length)).toBe(0);
    const bytes = new Uint8Array(memory.buffer, 1000, length);
    for (let at = 0; at < length; at += 50)
      expect(bytes.subarray(at, at + 50).some((byte) => byte !== 0)).toBe(true);
    expect(new Uint8Array(memory.buffer, 1000 + length, 100).every((byte) => byte === 0)).toBe(true);
  });
});
