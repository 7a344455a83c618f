// A cache that remembers a bounded number of values and drops the one that was used least recently. A Map keeps its keys
// in the order of insertion, so a key that is used is inserted again. The packages that do the same (lru-cache,
// quick-lru) bring time limits, size functions and events, or keep up to twice as many values.

/** At most `capacity` values by key. */
export class LruCache<Key, Value> {
  readonly #values = new Map<Key, Value>();

  constructor(readonly capacity: number) {}

  /** Number of values. */
  get size(): number {
    return this.#values.size;
  }

  /** The value of this key, which is now the one used last; undefined when it is not there. */
  get(key: Key): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** Keeps a value, and drops the one that was used least recently when there are too many. */
  set(key: Key, value: Value & {}): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.capacity) this.#values.delete(this.#values.keys().next().value!);
  }

  /** The value of this key, made and kept when it is not there. What `make` throws is thrown, and nothing is kept. */
  getOrMake(key: Key, make: () => Value & {}): Value {
    const known = this.get(key);
    if (known !== undefined) return known;
    const value = make();
    this.set(key, value);
    return value;
  }

  /** Drops the value of this key if it is still this one. */
  delete(key: Key, value: Value): void {
    if (this.#values.get(key) === value) this.#values.delete(key);
  }
}
