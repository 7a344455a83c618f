// Work in pieces. Work in proportion to the number of sandboxes, contexts or samples is written as a generator that
// yields after every few thousand of them. A caller that wants the result at once runs the generator to its end. A server
// runs it in slices and lets the event loop turn in between (serve/slices.ts).

import { unitDone } from './watched-work.ts';

/** Work that lets others run wherever it yields, and returns its result. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** The number of small items that are processed between two yields. They take about a millisecond. */
export const STEP = 2048;

/** Does all of the work at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    unitDone();
  }
}
