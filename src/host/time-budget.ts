// A share of the time that work may use. Time in which the thread is busy earns credit, and work spends it. Time in which
// the thread waits for events earns none where the platform knows it: a service that is idle for two thirds of the time
// would otherwise spend three times the share of its own work. Little credit is kept, so that a quiet night does not pay
// for a busy morning. The clock is read once for each piece of work that is allowed, and for few of those that are
// refused, because reading it costs as much as a call into the guest.

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
  #idle: number;
  #refused = 0;

  /**
   * @param share of the time, above 0 and up to 1
   * @param idleTime milliseconds in which the thread has waited for events so far
   */
  constructor(
    private readonly share: number,
    private readonly idleTime: () => number = () => 0,
  ) {
    this.#most = share * KEPT_FOR;
    this.#credit = this.#most;
    this.#idle = idleTime();
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
    const idle = this.idleTime();
    const busy = Math.max(0, time - this.#last - (idle - this.#idle));
    this.#credit = Math.min(this.#most, this.#credit + busy * this.share);
    this.#last = time;
    this.#idle = idle;
  }
}
