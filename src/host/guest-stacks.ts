// Where a guest's two stacks end: the C stack in linear memory, by `__stack_pointer`, and the shadow stack of call sites.
// Functions of the guest put both back when they return, but not when a trap or an exception cuts them off. Where no
// frame of the guest is left, both are empty; where calls nest and the host catches the error in between, they are to
// be as they were when it made the call.

import { SITE_HOST_PENDING, SLOT_SIZE } from '../runtime/layout.ts';

/** The shadow stack of a guest: `top` is the address of its innermost slot. */
export interface ShadowStack {
  top: number;
  /** Address of the last slot there is: deeper frames write it over. */
  readonly lastSlot: number;
  /** Whether the slot is that of an entry from the host, not written over yet. */
  isPendingEntry(slot: number): boolean;
  /** Address of the word that holds `top`. */
  readonly topAddress: number;
  /** The present memory in words. */
  readonly words: Uint32Array;
}

/**
 * (module (import "g" "p" (global (mut i32))) (func (export "r") (result i32) global.get 0))
 * V8 calls a function in a sixth of the time that it takes to read a WebAssembly.Global.
 */
const READER = [
  [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  [0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f],
  [0x02, 0x08, 0x01, 0x01, 0x67, 0x01, 0x70, 0x03, 0x7f, 0x01],
  [0x03, 0x02, 0x01, 0x00],
  [0x07, 0x05, 0x01, 0x01, 0x72, 0x00, 0x00],
  [0x0a, 0x06, 0x01, 0x04, 0x00, 0x23, 0x00, 0x0b],
];
let reader: WebAssembly.Module | null = null;

export class GuestStacks {
  /** Two numbers for each nested call: top of the shadow stack, stack pointer. */
  readonly #saved: number[] = [];
  readonly #pointer: WebAssembly.Global | null;
  #readPointer: (() => number) | null = null;
  readonly #ends = new WeakMap<object, number>();
  readonly #lastSlot: number;
  /** Where `words` have `top`. Whoever called enterSlot() puts it back there by an assignment, which cannot fail. */
  readonly topWord: number;
  /** The memory as it was last seen: of length 0 after it has grown, until refresh(). */
  words: Uint32Array;

  /** @param pointer the global `__stack_pointer`; of a module that does not export it the C stack cannot be put back */
  constructor(
    private readonly shadow: ShadowStack,
    pointer: unknown,
  ) {
    this.#pointer =
      pointer instanceof WebAssembly.Global && typeof pointer.value === 'number' ? pointer : null;
    this.#lastSlot = shadow.lastSlot;
    this.topWord = shadow.topAddress >>> 2;
    this.words = shadow.words;
  }

  /** Before a nested call. */
  push(): void {
    this.#readPointer ??= readerOf(this.#pointer);
    this.#saved.push(this.shadow.top, this.#readPointer());
  }

  /**
   * How many entries are further in than the one that is meant, given how many the runtime sees: of those that share the
   * last slot it sees one at most.
   */
  entriesWithin(seen: number): number {
    const { top, lastSlot } = this.shadow;
    // Below that, no entry can be at the last slot.
    if (top < lastSlot - SLOT_SIZE) return seen;
    const lastSeen = top === lastSlot && this.shadow.isPendingEntry(lastSlot);
    // The one that is meant is at the last slot itself: it is the innermost one.
    if (lastSeen && seen === 0) return 0;
    let sharing = 0;
    for (let at = this.#saved.length - 2; at >= 0 && this.#saved[at]! >= lastSlot - SLOT_SIZE; at -= 2)
      sharing++;
    return seen - Number(lastSeen) + sharing;
  }

  /** Does what a thunk in the module does before the call of a function that has none; gives `top` as it was. */
  enterSlot(): number {
    if (this.words.length === 0) this.refresh();
    const { words, topWord } = this;
    const top = words[topWord]!;
    const slot = Math.min(top + SLOT_SIZE, this.#lastSlot) >>> 2;
    words[slot] = SITE_HOST_PENDING;
    words[slot + 1] = 0;
    words[topWord] = slot << 2;
    return top;
  }

  /** Finds the memory again, which has grown. */
  refresh(): void {
    this.words = this.shadow.words;
  }

  /**
   * Notes where the C stack ended when this error arose, before anybody puts it back. The first note counts, because
   * the error goes on through further calls.
   */
  note(error: unknown): void {
    if (this.#pointer === null || typeof error !== 'object' || error === null || this.#ends.has(error))
      return;
    this.#ends.set(error, this.#pointer.value as number);
  }

  /** The stack pointer, signed, when this error arose; null when it is not known. */
  pointerAt(error: object): number | null {
    return this.#ends.get(error) ?? null;
  }

  /** After it, however it ended. */
  pop(): void {
    this.#saved.pop();
    this.#saved.pop();
  }

  /** When it was cut off, before pop(). */
  restore(): void {
    this.shadow.top = this.#saved.at(-2)!;
    if (this.#pointer !== null) this.#pointer.value = this.#saved.at(-1)!;
  }
}

function readerOf(pointer: WebAssembly.Global | null): () => number {
  if (pointer === null) return () => 0;
  reader ??= new WebAssembly.Module(new Uint8Array(READER.flat()));
  return new WebAssembly.Instance(reader, { g: { p: pointer } }).exports.r as () => number;
}
