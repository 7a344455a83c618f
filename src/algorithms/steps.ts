// Work in pieces. Whatever is in proportion to the number of sandboxes, contexts or samples is written as a generator
// that yields every few thousand of them. Whoever wants the result runs it to its end; a server lets the event loop
// turn in between.

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

/** Milliseconds that work may take before others have a turn. */
const SLICE = 8;

/** Work that waits for its next slice. */
const waiting: (() => void)[] = [];

/** Resolves when nobody else has taken the event loop's present turn: all work together gets one slice a turn. */
function slice(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(begin);
  });
}

function begin(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(begin);
}

/** Does the work in slices, between which the event loop turns. What the work throws rejects the promise. */
export async function inSlices<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    await slice();
    const end = performance.now() + SLICE;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() < end);
  }
}
