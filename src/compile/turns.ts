// Work that takes turns: no more of it at once than there is room for.

export class Turns {
  #taken = 0;
  readonly #queue: (() => void)[] = [];

  /** `limit`: how much may be under way at once, asked anew each time. */
  constructor(private readonly limit: () => number) {}

  /** Does the work when its turn has come. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    while (this.#taken >= this.limit()) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#taken++;
    try {
      return await work();
    } finally {
      this.#taken--;
      this.#queue.shift()?.();
    }
  }
}
