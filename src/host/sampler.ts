// Picks some of many: one in `every` on average. The distances are random, so that no rhythm of the program can hide
// from the sampler. They come from a generator of its own, so that a run can be repeated (xorshift32, Marsaglia,
// "Xorshift RNGs", 2003).

export class Sampler {
  #wait = 1;
  #state = 0x2545f491;

  /** @param every at least 1, which picks all */
  constructor(private readonly every: number) {}

  /** Whether this one is picked. */
  next(): boolean {
    if (--this.#wait > 0) return false;
    if (this.every > 1) {
      this.#state ^= this.#state << 13;
      this.#state ^= this.#state >>> 17;
      this.#state ^= this.#state << 5;
      // 1 to 2 * every - 1, so `every` on average.
      this.#wait = 1 + Math.floor(((this.#state >>> 0) / 2 ** 32) * (2 * this.every - 1));
    } else {
      this.#wait = 1;
    }
    return true;
  }
}
