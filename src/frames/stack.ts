// Call stacks as chains that share their outer parts. A recursion that allocates at every one of its d levels has
// d * d / 2 frames in all its stacks together, but only d links: reports therefore hold chains, compute what they need
// to know link by link, and spell out the frames of a stack only when somebody reads them.

import type { Frame } from '../errors.ts';

/** A call stack: its innermost frame, and the stack that called it. */
export class Stack {
  /** Number of frames; 0 for the empty stack. */
  readonly depth: number;
  /** A stack further out, for long jumps: see `outerPart`. */
  readonly jump: Stack;

  /** @internal Stacks come from a StackTable, which makes equal ones the same. */
  constructor(
    /** The innermost frame. Equal frames of stacks from one table are the same object. */
    readonly frame: Frame,
    /** The rest; the empty stack below the outermost frame. */
    readonly caller: Stack,
    /** Number in its table, from 1. */
    readonly id: number,
  ) {
    this.depth = caller.depth + 1;
    // Myers, "An applicative random-access stack": jumps double in length, so that any outer part is O(log n) away.
    const { jump } = caller;
    this.jump = caller.depth - jump.depth === jump.depth - jump.jump.depth ? jump.jump : caller;
  }

  /** The frames, innermost first. */
  frames(): Frame[] {
    const frames: Frame[] = [];
    for (let at: Stack = this; at.depth > 0; at = at.caller) frames.push(at.frame);
    return frames;
  }
}

function makeEmptyStack(): Stack {
  const empty = { depth: 0, id: 0 } as { -readonly [name in keyof Stack]: Stack[name] };
  empty.caller = empty;
  empty.jump = empty;
  empty.frames = () => [];
  return empty;
}

/** The stack without frames. */
export const emptyStack = makeEmptyStack();

/** The outermost `depth` frames of a stack. */
export function outerPart(stack: Stack, depth: number): Stack {
  let at = stack;
  while (at.depth > depth) at = at.jump.depth >= depth ? at.jump : at.caller;
  return at;
}

/** More frames than a program has. */
const MAX_FRAMES = 2 ** 26;

/** Makes stacks; equal ones are one object. */
export class StackTable {
  readonly #frameIds = new Map<string, number>();
  readonly #frames: Frame[] = [];
  /** Ids of frames that were seen before, which are those of one call site mostly. */
  readonly #idOf = new Map<Frame, number>();
  readonly #stacks = new Map<number, Stack>();

  /** The stack in which `frames`, innermost first, were called from `caller`. */
  push(frames: readonly Frame[], caller: Stack = emptyStack): Stack {
    let stack = caller;
    for (let i = frames.length - 1; i >= 0; i--) {
      const frame = this.#frameId(frames[i]!);
      const key = stack.id * MAX_FRAMES + frame;
      let next = this.#stacks.get(key);
      if (next === undefined) {
        next = new Stack(this.#frames[frame]!, stack, this.#stacks.size + 1);
        this.#stacks.set(key, next);
      }
      stack = next;
    }
    return stack;
  }

  #frameId(frame: Frame): number {
    let id = this.#idOf.get(frame);
    if (id !== undefined) return id;
    const { function: name, linkageName, file, line, column, inlined, language } = frame;
    const key = `${name}\0${linkageName}\0${file}\0${line}\0${column}\0${inlined}\0${language}`;
    id = this.#frameIds.get(key);
    if (id === undefined) {
      id = this.#frames.push(frame) - 1;
      this.#frameIds.set(key, id);
    }
    this.#idOf.set(frame, id);
    return id;
  }
}

/**
 * A function of stacks that is computed from the outermost frame inwards, once for each part that stacks share.
 * @param empty what it is for the empty stack
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

/** A function of frames that is computed once for each: equal frames of one table are the same object. */
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

// A registered symbol: the package's CommonJS files have a copy of this module each.
const STACKS: unique symbol = Symbol.for('heapline.stacks') as never;

type Attached = { readonly [STACKS]?: Readonly<Record<string, Stack | null>> };

/** The frames that were spelled out last: readers look at one stack several times, and then at the next. */
let spelledOut: { readonly stack: Stack; readonly frames: readonly Frame[] } | null = null;

function framesOf(stack: Stack): readonly Frame[] {
  if (spelledOut?.stack !== stack) spelledOut = { stack, frames: stack.frames() };
  return spelledOut.frames;
}

/** What `withStacks` makes of names of stacks. */
type FramesOf<Stacks> = {
  readonly [name in keyof Stacks]: Stacks[name] extends null
    ? null
    : readonly Frame[] | (null extends Stacks[name] ? null : never);
};

/** The object with a property of frames, innermost first, for each stack. They are spelled out when they are read. */
export function withStacks<T extends object, Stacks extends Readonly<Record<string, Stack | null>>>(
  holder: T,
  stacks: Stacks,
): T & FramesOf<Stacks> {
  for (const [name, stack] of Object.entries(stacks)) {
    Object.defineProperty(holder, name, {
      get: () => (stack === null ? null : framesOf(stack)),
      enumerable: true,
      configurable: true,
    });
  }
  Object.defineProperty(holder, STACKS, { value: stacks, configurable: true });
  return holder as T & FramesOf<Stacks>;
}

/** A copy of the object with other stacks. */
export function withOtherStacks<T extends object>(
  holder: T,
  stacks: { readonly [name in keyof T]?: Stack | null },
): T {
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(holder)) as T & Attached;
  return withStacks(copy, { ...copy[STACKS], ...(stacks as Record<string, Stack | null>) }) as T;
}

/** Stacks of lists of frames that somebody else made. */
const stacksOfLists = new WeakMap<readonly Frame[], Stack>();

/** The stack of a list of frames, innermost first. */
export function stackOfFrames(frames: readonly Frame[]): Stack {
  let stack = stacksOfLists.get(frames);
  if (stack === undefined) {
    stack = new StackTable().push(frames);
    stacksOfLists.set(frames, stack);
  }
  return stack;
}

/** The stack behind a property of frames; null where the property is. */
export function stackOf<
  Holder extends { readonly [name in Name]: readonly Frame[] | null },
  Name extends string,
>(holder: Holder, name: Name): null extends Holder[Name] ? Stack | null : Stack;
export function stackOf(
  holder: Readonly<Record<string, readonly Frame[] | null>>,
  name: string,
): Stack | null {
  const attached = (holder as Attached)[STACKS]?.[name];
  if (attached !== undefined) return attached;
  const frames = holder[name]!;
  return frames === null ? null : stackOfFrames(frames);
}
