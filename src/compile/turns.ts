// Limits how much work is done at once: each piece of work waits for its turn.

export class Turns {
  #taken = 0;
  readonly #queue: (() => void)[] = [];

  /** `limit` returns how much work may be done at once. It is called again for each turn. */
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
