// Facts about a stack, computed from its outermost frame inwards, once for each part that stacks share:
// whether a suppression matches, which place a report names, which frames repeat.

import type { Frame } from './frame.ts';
import type { Stack } from './stack-tree.ts';

/**
 * Makes a function of stacks from its value for the empty stack and a step that adds one frame.
 * @param empty the value for the empty stack
 * @param step the value for a stack, from that of its caller
 */
export function foldStacks<T>(
  empty: T,
  step: (outer: T, frame: Frame, stack: Stack) => T,
): (stack: Stack) => T {
  const known = new WeakMap<Stack, { readonly value: T }>();
  return (stack) => {
    const pending: Stack[] = [];
    let value = empty;
    for (let at = stack; at.depth > 0; at = at.caller) {
      const found = known.get(at);
      if (found !== undefined) {
        value = found.value;
        break;
      }
      pending.push(at);
    }
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      value = step(value, at.frame, at);
      known.set(at, { value });
    }
    return value;
  };
}

/** Makes a function of frames that is computed once for each. Equal frames of one tree are the same object. */
export function rememberedByFrame<T>(make: (frame: Frame) => T): (frame: Frame) => T {
  const known = new Map<Frame, { readonly value: T }>();
  return (frame) => {
    let found = known.get(frame);
    if (found === undefined) {
      found = { value: make(frame) };
      known.set(frame, found);
    }
    return found.value;
  };
}
