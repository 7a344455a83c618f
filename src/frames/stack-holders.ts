// Objects of the public interface that show a stack as a list of frames (records, faults, growing contexts). The
// object refers to a node of a stack tree. The list is made when somebody reads it, because a deep report would
// otherwise hold millions of frames.

import type { Frame } from './frame.ts';
import { type Stack, StackTree } from './stack-tree.ts';

// A registered symbol, because each of the package's CommonJS files has a copy of this module.
const STACKS: unique symbol = Symbol.for('heapline.stacks') as never;

type Attached = { readonly [STACKS]?: Readonly<Record<string, Stack | null>> };

/** The frames that were spelled out last: readers look at one stack several times, and then at the next one. */
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

/** The object itself when its stacks belong to this tree, otherwise a copy whose stacks do. */
export function withStacksIn<T extends object, Name extends keyof T & string>(
  tree: StackTree,
  holder: T & { readonly [name in Name]: readonly Frame[] | null },
  names: readonly Name[],
): T {
  const stacks = names.map((name) => [name, stackOf(holder, name) as Stack | null] as const);
  if (stacks.every(([, stack]) => stack === null || stack.depth === 0 || stack.tree === tree)) return holder;
  const own = Object.fromEntries(stacks.map(([name, stack]) => [name, stack && tree.adopt(stack)]));
  return withOtherStacks<T>(holder, own as { [name in keyof T]?: Stack | null });
}

/** Stacks of lists of frames that somebody else made. */
const stacksOfLists = new WeakMap<readonly Frame[], Stack>();

/** The stack of a list of frames, innermost first. */
export function stackOfFrames(frames: readonly Frame[]): Stack {
  let stack = stacksOfLists.get(frames);
  if (stack === undefined) {
    stack = new StackTree().push(frames);
    stacksOfLists.set(frames, stack);
  }
  return stack;
}

/** The stack behind a property of frames; null where the property is null. */
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
