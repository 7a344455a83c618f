// Work in pieces. Whatever is in proportion to the number of sandboxes, contexts or samples is written as a generator
// that yields every few thousand of them. A caller that wants the result at once runs it to its end. A server runs it in
// slices and lets the event loop turn in between (serve/slices.ts).

/** Work that gives others a turn wherever it yields, and returns its result. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** How many small things are done from one yield to the next; a millisecond's worth or so. */
export const STEP = 2048;

/** Does all of the work now. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
