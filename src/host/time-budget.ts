// A share of the time that work may use. Time that passes earns credit, and work spends it. Little credit is kept, so
// that an idle night does not pay for a busy morning. The clock is read once for each piece of work that is allowed, and
// for few of those that are refused, because reading it costs as much as a call into the guest.

/** Credit is kept for this many milliseconds. */
const KEPT_FOR = 100;
/** One refusal in so many looks at the clock. */
const LOOKS = 4;

/** The clock, which no test's fake timers can stop. A context that a test runner made may have no `performance`. */
const now = typeof performance === 'undefined' ? Date.now : performance.now.bind(performance);

export class TimeBudget {
  readonly #most: number;
  #credit: number;
  #last = now();
  #refused = 0;

  /** @param share of the time, above 0 and up to 1 */
  constructor(private readonly share: number) {
    this.#most = share * KEPT_FOR;
    this.#credit = this.#most;
  }

  /** Whether work may be done now. If so, tell spend() when it has been done. */
  allows(): boolean {
    if (this.#credit > 0) return true;
    if (++this.#refused % LOOKS !== 0) return false;
    this.#earn(now());
    return this.#credit > 0;
  }

  /** The clock when work begins, for spend(). */
  begin(): number {
    return now();
  }

  spend(begun: number): void {
    const time = now();
    this.#earn(time);
    this.#credit -= time - begun;
  }

  #earn(time: number): void {
    this.#credit = Math.min(this.#most, this.#credit + (time - this.#last) * this.share);
    this.#last = time;
  }
}
