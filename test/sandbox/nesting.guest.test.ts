// Host and guest call each other in every order, through exports and through the function table, return, fail, catch, and
// go on from there. Each allocation must have the stack that a model keeps. Both sides draw their next action from one
// list of numbers.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeaplineError, type Sandbox } from '../../src/index.ts';
import { load, TOOLCHAINS } from '../support/guest-programs.ts';

/** The orders that C understands: the numbers of programs/nesting.c. */
const RETURN = 0;
const MALLOC = 1;
const FREE = 2;
const REALLOC = 3;
const CALL_A = 4;
const VISIT = 7;
const FUNCTIONS = ['a', 'b', 'c'] as const;
/** The order for a drawn number: failures are rare, and so are blocks beside calls. */
const ORDERS = [0, 1, 4, 7, 5, 1, 7, 6, 2, 1, 3, 7, 4, 0, 8, 9];
const DEEPEST = 20;

class Failure extends Error {}

/** Allocated objects and bytes, and objects and bytes in use, by stack with the outermost function first. */
type Counts = [number, number, number, number];

class Play {
  readonly expected = new Map<string, Counts>();
  readonly #blocks = new Map<number, { readonly size: number; readonly counts: Counts }>();
  /** The active functions of both languages, outermost first. */
  readonly #stack: string[] = [];
  readonly #arguments: number[] = [];
  #result: (pointer: number) => void = () => {};
  sandbox!: Sandbox;

  constructor(private readonly numbers: readonly number[]) {}

  #next = 0;
  #draw(below: number): number {
    return (this.numbers[this.#next++] ?? 0) % below;
  }

  get over(): boolean {
    return this.#next >= this.numbers.length;
  }

  #allocated(pointer: number, size: number): void {
    const stack = this.#stack.join(';');
    const counts = this.expected.get(stack) ?? [0, 0, 0, 0];
    this.expected.set(stack, counts);
    this.#blocks.set(pointer, { size, counts });
    counts[0] += 1;
    counts[1] += size;
    counts[2] += 1;
    counts[3] += size;
  }

  #freed(pointer: number): void {
    const block = this.#blocks.get(pointer);
    if (block === undefined) return;
    this.#blocks.delete(pointer);
    block.counts[2] -= 1;
    block.counts[3] -= block.size;
  }

  #someBlock(): number {
    return [...this.#blocks.keys()][this.#draw(this.#blocks.size || 1)] ?? 0;
  }

  /** Runs `work` as a frame of this name. When `work` fails, the frames that it leaves on the stack are removed. */
  #within<T>(name: string, work: () => T): T {
    const depth = this.#stack.length;
    this.#stack.push(name);
    try {
      return work();
    } finally {
      this.#stack.length = depth;
    }
  }

  // C asks for its next order here. A frame of C is on the stack from the order to call until the order to return.
  readonly imports = {
    order: (): number => {
      const tooDeep = this.#stack.length > DEEPEST;
      const order = this.over ? RETURN : ORDERS[this.#draw(ORDERS.length)]!;
      if (order === RETURN || (tooDeep && order >= CALL_A && order <= VISIT)) {
        this.#stack.pop();
        return RETURN;
      }
      if (order >= CALL_A && order < VISIT) this.#stack.push(FUNCTIONS[order - CALL_A]!);
      if (order === MALLOC) {
        const size = this.#draw(500);
        this.#arguments.push(size);
        this.#result = (pointer) => this.#allocated(pointer, size);
      } else if (order === FREE) {
        const pointer = this.#someBlock();
        this.#arguments.push(pointer);
        this.#freed(pointer);
      } else if (order === REALLOC) {
        const pointer = this.#someBlock();
        const size = this.#draw(500);
        this.#arguments.push(pointer, size);
        this.#result = (moved) => {
          if (this.#blocks.get(pointer)?.size === size) return;
          this.#freed(pointer);
          this.#allocated(moved, size);
        };
      }
      return order;
    },
    argument: (): number => this.#arguments.shift()!,
    result: (pointer: number): void => this.#result(pointer >>> 0),
    visit: (): void => this.visit(),
  };

  /** The host takes a few actions. */
  act(): void {
    for (let acts = this.#draw(4); acts > 0 && !this.over; acts--) {
      switch (this.#draw(6)) {
        case 0:
        case 1:
        case 2:
          this.enter();
          break;
        case 3:
          this.allocate();
          break;
        case 4: {
          const pointer = this.#someBlock();
          this.#freed(pointer);
          this.sandbox.heap.free(pointer);
          break;
        }
        case 5:
          if (this.#draw(3) === 0) throw new Failure();
      }
    }
  }

  visit(): void {
    this.#within('Play.visit', () => this.act());
  }

  enter(): void {
    const which = this.#draw(FUNCTIONS.length);
    const name = FUNCTIONS[which]!;
    const { exports, table } = this.sandbox;
    const enter = this.#draw(2) === 0 ? exports[name]! : table.get(exports.pointer_to!(which) as number);
    this.#within('Play.enter', () => {
      this.#stack.push(name);
      try {
        enter();
      } catch (error) {
        if (!(error instanceof Failure || error instanceof HeaplineError)) throw error;
        this.#arguments.length = 0;
        if (this.#draw(3) === 0) throw error;
      }
    });
  }

  allocate(): void {
    this.#within('Play.allocate', () => {
      const size = this.#draw(100);
      this.#allocated(this.sandbox.heap.malloc(size), size);
    });
  }

  /** Starts with an empty stack. */
  begin(): void {
    this.#stack.length = 0;
    try {
      this.enter();
    } catch (error) {
      if (!(error instanceof Failure || error instanceof HeaplineError)) throw error;
    }
  }
}

/** The names of the frames that are compared. */
const counted = new Set<string>([...FUNCTIONS, 'Play.visit', 'Play.enter', 'Play.allocate']);

function recorded(sandbox: Sandbox): Map<string, number[]> {
  const result = new Map<string, number[]>();
  for (const { frames, values } of sandbox.heap.profile().samples()) {
    const names = frames.map((frame) => frame.function).filter((name) => counted.has(name));
    const stack = names.reverse().join(';');
    const sums = result.get(stack) ?? values.map(() => 0);
    values.forEach((value, i) => {
      sums[i]! += value;
    });
    result.set(stack, sums);
  }
  return result;
}

describe.each(TOOLCHAINS)('nested calls, compiled by %s', (toolchain) => {
  test('every block is on the stack that led to it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(999), { maxLength: 1500, size: 'max' }), async (numbers) => {
        const play = new Play(numbers);
        using sandbox = await load(toolchain, 'nesting.c', { imports: { env: play.imports } });
        play.sandbox = sandbox;
        while (!play.over) {
          play.begin();
          expect(recorded(sandbox)).toEqual(play.expected);
        }
      }),
      { numRuns: 40, interruptAfterTimeLimit: 60_000 }, // the limit is for shrinking
    );
  });
});
