import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LruCache } from '../../src/algorithms/lru-cache.ts';

describe('LruCache', () => {
  it('drops the value that was used least recently, not the oldest one', () => {
    const cache = new LruCache<string, number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    cache.get('a');
    cache.set('c', 3);
    expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([1, undefined, 3]);
  });

  it('counts a value that is set again as used', () => {
    const cache = new LruCache<string, number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    cache.set('a', 3);
    cache.set('c', 4);
    expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([3, undefined, 4]);
  });

  it('makes a value once, and again after it was dropped', () => {
    const cache = new LruCache<number, string>(1);
    const made: number[] = [];
    const ask = (key: number): string =>
      cache.getOrMake(key, () => {
        made.push(key);
        return String(key);
      });
    expect([ask(1), ask(1), ask(2), ask(1)]).toEqual(['1', '1', '2', '1']);
    expect(made).toEqual([1, 2, 1]);
  });

  it('keeps nothing when making fails', () => {
    const cache = new LruCache<number, string>(1);
    const fail = (): string => {
      throw new RangeError('no');
    };
    expect(() => cache.getOrMake(1, fail)).toThrow(RangeError);
    expect(cache.size).toBe(0);
  });

  it('deletes a value only while it is the one that the caller means', () => {
    const cache = new LruCache<string, object>(2);
    const [first, second] = [{}, {}];
    cache.set('a', first);
    cache.set('a', second);
    cache.delete('a', first);
    expect(cache.get('a')).toBe(second);
    cache.delete('a', second);
    expect(cache.get('a')).toBe(undefined);
  });

  it('agrees with a list of keys in the order of their use', () => {
    const steps = fc.array(fc.record({ key: fc.nat(8), set: fc.boolean() }), { maxLength: 100 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), steps, (capacity, commands) => {
        const cache = new LruCache<number, number>(capacity);
        let used: number[] = [];
        for (const { key, set } of commands) {
          const there = used.includes(key);
          if (set) cache.set(key, key + 1);
          else expect(cache.get(key)).toBe(there ? key + 1 : undefined);
          if (set || there) used = [...used.filter((other) => other !== key), key].slice(-capacity);
          expect(cache.size).toBe(used.length);
        }
      }),
    );
  });
});
