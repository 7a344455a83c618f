// Ctrl-C and SIGTERM while C runs. A signal handler of JavaScript waits until C returns, which a loop never does, so C
// runs as work that SIGINT stops (stoppable.ts). Nothing of the kind exists for SIGTERM: where C itself runs, that ends
// the process as it always does, at once and without a profile. (A thread that hears SIGTERM and makes it a SIGINT was
// tried. It took 28 of 181 ms more to start, and needs a binding that Node.js has no more since version 24.)

import { stoppable } from '../node/stoppable.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type Signal = (typeof SIGNALS)[number];

/** Of shells: 128 and the number of the signal. */
const STATUS: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 };

/** A signal has stopped the program. */
export class Interrupted extends Error {
  readonly status: number;

  constructor(readonly signal: Signal) {
    super(`Interrupted by ${signal}.`);
    this.name = 'Interrupted';
    this.status = STATUS[signal];
  }
}

/** Runs C in such a way that a signal stops it. */
export const interruption = {
  /** Runs C. Throws Interrupted when a signal has stopped it: no frame below has seen that, not even a `finally`. */
  run<T>(work: () => T): T {
    return stoppable(work, { breakOnSigint: true }, () => {
      throw new Interrupted('SIGINT');
    });
  },

  /** Waits for what C goes on to do by itself; rejects with Interrupted at a signal. */
  async wait<T>(pending: Promise<T>): Promise<T> {
    let interrupt: (signal: Signal) => void = () => {};
    const interrupted = new Promise<never>((_, reject) => {
      interrupt = (signal) => reject(new Interrupted(signal));
    });
    for (const signal of SIGNALS) process.on(signal, interrupt);
    try {
      return await Promise.race([pending, interrupted]);
    } finally {
      for (const signal of SIGNALS) process.off(signal, interrupt);
    }
  },
};
