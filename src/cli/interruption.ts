// Ctrl-C and SIGTERM while C runs. JavaScript's signal handlers wait until C returns, which a loop never does. So C
// runs as work that SIGINT can stop (stoppable.ts). Nothing like this exists for SIGTERM: while C itself runs,
// SIGTERM ends the process at once and without a profile, as it always does. (A thread that turns SIGTERM into SIGINT
// was tried. It took 28 of 181 ms more to start, and it needs a binding that Node.js removed in version 24.)

import { stoppable } from '../node/stoppable.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type Signal = (typeof SIGNALS)[number];

/** Exit statuses as shells define them: 128 plus the number of the signal. */
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

/** Runs C so that a signal can stop it. */
export const interruption = {
  /** Runs C. Throws Interrupted when a signal has stopped C; then no frame below has run on, not even a `finally`. */
  run<T>(work: () => T): T {
    return stoppable(work, { breakOnSigint: true }, () => {
      throw new Interrupted('SIGINT');
    });
  },

  /** Waits until C does nothing more by itself. Rejects with Interrupted at a signal. */
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
