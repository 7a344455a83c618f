// Long work in slices, so that a server answers others in between.

import type { Steps } from '../algorithms/steps.ts';

/** Milliseconds that work may take before others have a turn. */
const SLICE = 8;

/** Work that is waiting for its next slice. */
const waiting: (() => void)[] = [];

/** Resolves when it is this work's turn. All work together gets one slice in each turn of the event loop. */
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

/** Does the work in slices, between which the event loop turns. An error of the work rejects the promise. */
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
