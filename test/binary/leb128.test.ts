// LEB128 in both directions: written numbers read back, numbers that do not fit are rejected, and every
// encoding that the specification allows, padded ones included, is accepted.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  appendBigInt,
  ByteReader,
  signedLength,
  unsignedLength,
  writeSigned,
  writeUnsigned,
} from '../../src/binary/index.ts';
import { InvalidModuleError } from '../../src/errors.ts';

const written = (
  write: (bytes: Uint8Array, offset: number, value: number) => number,
  value: number,
): Uint8Array => {
  const bytes = new Uint8Array(12);
  return bytes.subarray(0, write(bytes, 0, value));
};
const big = (value: bigint, signed: boolean): Uint8Array => {
  const bytes: number[] = [];
  appendBigInt(bytes, value, signed);
  return Uint8Array.from(bytes);
};
const edges = (bits: number) => [0, 1, 0x3f, 0x40, 0x7f, 0x80, 2 ** (bits - 1) - 1, 2 ** (bits - 1)];

describe('written numbers read back', () => {
  test('u32', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(...edges(32))),
        (value) => {
          const bytes = written(writeUnsigned, value);
          const reader = new ByteReader(bytes);
          expect(reader.u32()).toBe(value);
          expect(reader.done).toBe(true);
          expect(bytes.length).toBe(unsignedLength(value));
        },
      ),
    );
  });

  test('s32', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => {
        const bytes = written(writeSigned, value);
        const reader = new ByteReader(bytes);
        expect(reader.s32()).toBe(value);
        expect(reader.done).toBe(true);
        expect(bytes.length).toBe(signedLength(value));
      }),
    );
  });

  test('s33', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 32), max: 2 ** 32 - 1 }), (value) => {
        const reader = new ByteReader(written(writeSigned, value));
        expect(reader.s33()).toBe(value);
        expect(reader.done).toBe(true);
      }),
    );
  });

  test('u64 and s64, and the number writers agree with the bigint writer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        if (value >= 0n) expect(new ByteReader(big(value, false)).u64()).toBe(value);
        if (value < 2n ** 63n) expect(new ByteReader(big(value, true)).s64()).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(written(writeSigned, value)).toEqual(big(BigInt(value), true));
        if (value >= 0) expect(written(writeUnsigned, value)).toEqual(big(BigInt(value), false));
      }),
    );
  });
});

describe('bounds', () => {
  const read = (kind: 'u32' | 's32' | 's33' | 'u64' | 's64', bytes: number[]) =>
    new ByteReader(Uint8Array.from(bytes))[kind]();
  const ff = (count: number) => Array.from({ length: count }, () => 0xff);
  const zero = (count: number) => Array.from({ length: count }, () => 0x80);

  test.each([
    ['u32', [...ff(4), 0x0f], 0xffffffff],
    ['u32', [...zero(4), 0x00], 0],
    ['s32', [...zero(4), 0x78], -(2 ** 31)],
    ['s32', [...ff(4), 0x07], 2 ** 31 - 1],
    ['s32', [...ff(4), 0x7f], -1],
    ['s33', [...zero(4), 0x70], -(2 ** 32)],
    ['s33', [...ff(4), 0x0f], 2 ** 32 - 1],
    ['u64', [...ff(9), 0x01], 2n ** 64n - 1n],
    ['s64', [...zero(9), 0x7f], -(2n ** 63n)],
    ['s64', [...ff(9), 0x00], 2n ** 63n - 1n],
  ] as const)('%s accepts the longest encoding %j', (kind, bytes, value) => {
    expect(read(kind, [...bytes])).toBe(value);
  });

  test.each([
    ['u32', [...ff(4), 0x10]],
    ['u32', [...zero(5), 0x00]],
    ['s32', [...ff(4), 0x0f]],
    ['s32', [...zero(4), 0x08]],
    ['s32', [...zero(4), 0x70]],
    ['s32', [...zero(5), 0x00]],
    ['s33', [...zero(4), 0x60]],
    ['s33', [...ff(4), 0x1f]],
    ['s33', [...zero(5), 0x00]],
    ['u64', [...ff(9), 0x02]],
    ['u64', [...zero(10), 0x00]],
    ['s64', [...zero(9), 0x01]],
    ['s64', [...zero(9), 0x7e]],
    ['s64', [...zero(10), 0x00]],
    ['u32', [0x80]],
    ['s64', ff(9)],
    ['u32', []],
  ] as const)('%s refuses %j', (kind, bytes) => {
    expect(() => read(kind, [...bytes])).toThrow(InvalidModuleError);
  });

  test('V8 has the same bounds for u32 and s32', () => {
    // A module of one section: a type count, or a global whose initialiser is the constant.
    const accepts = (bytes: number[]) =>
      WebAssembly.validate(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...bytes]));
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0x80, max: 0xff }), { minLength: 0, maxLength: 5 }),
        fc.nat(0x7f),
        (head, last) => {
          const encoded = [...head, last];
          const ours = (() => {
            try {
              read('s32', encoded);
              return true;
            } catch {
              return false;
            }
          })();
          const global = [1, 0x7f, 0, 0x41, ...encoded, 0x0b];
          expect(accepts([6, global.length, ...global])).toBe(ours);
        },
      ),
    );
  });
});

test('a name that is not UTF-8 is rejected, and so is one that continues past the end', () => {
  expect(() => new ByteReader(Uint8Array.from([2, 0xc3, 0x28])).name()).toThrow(InvalidModuleError);
  expect(() => new ByteReader(Uint8Array.from([3, 0x61])).name()).toThrow(InvalidModuleError);
  expect(new ByteReader(Uint8Array.from([2, 0xc3, 0xa9])).name()).toBe('é');
});

test('a vector longer than its data is rejected before it is read', () => {
  expect(() => new ByteReader(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x0f, 1])).count()).toThrow(
    /does not fit/,
  );
});
