// Call stacks as a tree that shares their outer parts. A recursion that allocates at every one of its d levels has
// d * d / 2 frames in all its stacks together, but only d nodes. Reports therefore refer to nodes, compute what they
// need to know node by node, and spell out the frames of a stack only when somebody reads them.
//
// Profiles keep the same tree as columns of numbers (stack-columns.ts), because they have a million nodes and treat
// them all alike.

import type { Frame } from './frame.ts';

/** A call stack, which is a node of a tree: its innermost frame, and the stack that called it. */
export class Stack {
  /** Number of frames; 0 for the empty stack. */
  readonly depth: number;
  /** A stack further out, for long jumps: see `outerPart`. */
  readonly jump: Stack;

  /** @internal Stacks come from a StackTree, which makes equal ones the same object. */
  constructor(
    /** The innermost frame. Equal frames of stacks from one tree are the same object. */
    readonly frame: Frame,
    /** The rest of the stack; the empty stack below the outermost frame. */
    readonly caller: Stack,
    /** Number in its tree, from 1. A caller has a lower number than its callees. */
    readonly id: number,
    /** The tree that it belongs to; null for the empty stack, which belongs to all. */
    readonly tree: StackTree | null,
  ) {
    this.depth = caller.depth + 1;
    // Myers, "An applicative random-access stack": jumps double in length, so any outer part is O(log n) steps away.
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
  const empty = { depth: 0, id: 0, tree: null } as { -readonly [name in keyof Stack]: Stack[name] };
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

/** A tree of stacks, in which equal stacks are one object. */
export class StackTree {
  readonly #frameIds = new Map<string, number>();
  readonly #frames: Frame[] = [];
  /** Ids of frame objects that were seen before. Most of them come from one call site again and again. */
  readonly #idOf = new Map<Frame, number>();
  readonly #stacks = new Map<number, Stack>();
  /** What stacks of other trees are in this one. */
  readonly #adopted = new WeakMap<Stack, Stack>();

  /** The stack in which `frames`, innermost first, were called from `caller`, a stack of this tree. */
  push(frames: readonly Frame[], caller: Stack = emptyStack): Stack {
    let stack = caller;
    for (let i = frames.length - 1; i >= 0; i--) stack = this.#callee(frames[i]!, stack);
    return stack;
  }

  /** The stack of this tree that equals a stack of any tree. */
  adopt(stack: Stack): Stack {
    const pending: Stack[] = [];
    let own: Stack | undefined;
    for (let at = stack; own === undefined; at = at.caller) {
      own = at.tree === this || at.tree === null ? at : this.#adopted.get(at);
      if (own === undefined) pending.push(at);
    }
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      own = this.#callee(at.frame, own);
      this.#adopted.set(at, own);
    }
    return own;
  }

  #callee(frame: Frame, caller: Stack): Stack {
    const id = this.#frameId(frame);
    const key = caller.id * MAX_FRAMES + id;
    let stack = this.#stacks.get(key);
    if (stack === undefined) {
      stack = new Stack(this.#frames[id]!, caller, this.#stacks.size + 1, this);
      this.#stacks.set(key, stack);
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
