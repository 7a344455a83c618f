import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrowableInts, GrowableRows, withRoom } from '../../src/algorithms/growable-array.ts';

describe('withRoom', () => {
  it('gives the same array while there is room', () => {
    const array = new Uint32Array(4);
    expect(withRoom(array, 4)).toBe(array);
  });

  it('doubles, or takes as much as is needed, and keeps kind and values', () => {
    for (const array of [Uint8Array.of(1, 2), Uint32Array.of(1, 2), Float64Array.of(1, 2)] as const) {
      const doubled = withRoom<
        Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>
      >(array, 3);
      expect(doubled.constructor).toBe(array.constructor);
      expect([...doubled]).toEqual([1, 2, 0, 0]);
    }
    expect(withRoom(Int32Array.of(7), 9)).toHaveLength(9);
    expect(withRoom(new Uint8Array(0), 1)).toHaveLength(1);
  });
});

describe('GrowableInts', () => {
  it('holds what an array holds', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(3), (values, capacity) => {
        const ints = new GrowableInts(capacity);
        values.forEach((value, index) => {
          expect(ints.push(value)).toBe(index);
        });
        expect([...ints.toArray()]).toEqual(values);
        expect(values.map((_, index) => ints.get(index))).toEqual(values);
      }),
    );
  });
});

describe('GrowableRows', () => {
  it('appends rows of zeros and adds to their values', () => {
    const rows = new GrowableRows(3, 1);
    for (let row = 0; row < 5; row++) {
      expect(rows.push()).toBe(row);
      rows.add(row, 1, row);
      rows.add(row, 1, 0.5);
    }
    expect(rows.get(4, 1)).toBe(4.5);
    expect([...rows.toArray()].slice(0, 6)).toEqual([0, 0.5, 0, 0, 1.5, 0]);
    expect(rows.toArray()).toHaveLength(15);
  });

  it('may have no columns', () => {
    const rows = new GrowableRows(0);
    expect([rows.push(), rows.push()]).toEqual([0, 1]);
    expect(rows.toArray()).toHaveLength(0);
  });
});
