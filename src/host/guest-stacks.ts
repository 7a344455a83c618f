// Where a guest's two stacks end: the C stack in linear memory, by `__stack_pointer`, and the shadow stack of call
// sites. Functions of the guest restore both when they return, but not when a trap or an exception cuts them off. The
// host restores them then. When no frame of the guest is left, both stacks are empty. When calls nest and the host
// catches the error in between, both stacks become what they were when the host made the call.

import { SITE_HOST_PENDING, SLOT_SIZE } from '../runtime/layout.ts';
import { engine } from './engine.ts';

/** The shadow stack of a guest: `top` is the address of its innermost slot. */
export interface ShadowStack {
  top: number;
  /** Address of the last slot. Deeper frames share it and overwrite it. */
  readonly lastSlot: number;
  /** Whether the slot still belongs to an entry from the host, because no deeper frame has overwritten it. */
  isPendingEntry(slot: number): boolean;
  /** Address of the word that holds `top`. */
  readonly topAddress: number;
  /** The current memory in words. */
  readonly words: Uint32Array;
}

/** Stands for a shadow stack while there is no instance: no slot is in use, and nobody reads what is written. */
class NoShadowStack implements ShadowStack {
  top = 0;
  readonly topAddress = 0;
  readonly lastSlot = 4 * SLOT_SIZE;
  readonly words = new Uint32Array((this.lastSlot + SLOT_SIZE) / Uint32Array.BYTES_PER_ELEMENT);

  isPendingEntry(): boolean {
    return false;
  }
}

/**
 * (module (import "g" "p" (global (mut i32))) (func (export "r") (result i32) global.get 0))
 * V8 calls this function in a sixth of the time that it needs to read a WebAssembly.Global.
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
  /** Index of `top` in `words`. The caller of enterSlot() restores it there by an assignment, which cannot fail. */
  readonly topWord: number;
  /** Called when frames were cut off below this stack pointer; null when nobody wants to know. */
  cutOff: ((pointer: number) => void) | null = null;
  /** The memory as it was last seen. After the memory has grown, the length is 0 until refresh() is called. */
  words: Uint32Array;

  /** @param pointer the global `__stack_pointer`; without it the C stack cannot be restored */
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

  /** The stacks of a guest that has no instance yet. */
  static ofNoInstance(): GuestStacks {
    return new GuestStacks(new NoShadowStack(), undefined);
  }

  /** Remembers both stacks before a nested call. */
  push(): void {
    this.#readPointer ??= readerOf(this.#pointer);
    this.#saved.push(this.shadow.top, this.#readPointer());
  }

  /**
   * How many entries lie further in than the entry in question. `seen` is the number that the runtime sees: of the
   * entries that share the last slot, it sees one at most.
   */
  entriesWithin(seen: number): number {
    const { top, lastSlot } = this.shadow;
    // With fewer nested calls, no entry can be at the last slot.
    if (top < lastSlot - SLOT_SIZE) return seen;
    const lastSeen = top === lastSlot && this.shadow.isPendingEntry(lastSlot);
    // The entry in question is itself at the last slot, so it is the innermost one.
    if (lastSeen && seen === 0) return 0;
    let sharing = 0;
    for (let at = this.#saved.length - 2; at >= 0 && this.#saved[at]! >= lastSlot - SLOT_SIZE; at -= 2)
      sharing++;
    return seen - Number(lastSeen) + sharing;
  }

  /** Prepares the call of a function without a thunk, as a thunk in the module does. Returns the previous `top`. */
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

  /** Finds the memory again after it has grown. */
  refresh(): void {
    this.words = this.shadow.words;
  }

  /**
   * Notes where the C stack ended when this error arose, before the stack is restored. The first note of an error
   * counts, because the error passes through further calls.
   */
  note(error: unknown): void {
    if (this.#pointer === null || typeof error !== 'object' || error === null || this.#ends.has(error))
      return;
    this.#ends.set(error, this.#pointer.value as number);
  }

  /** The stack pointer, as a signed number, when this error arose; null when it is not known. */
  pointerAt(error: object): number | null {
    return this.#ends.get(error) ?? null;
  }

  /** How many nested calls are remembered. */
  get depth(): number {
    return this.#saved.length / 2;
  }

  /** The engine has stopped all nested calls but the outermost so many: both stacks are as before the first of them. */
  rewind(depth: number): void {
    if (this.depth <= depth) return;
    this.shadow.top = this.#saved[2 * depth]!;
    if (this.#pointer !== null) this.#pointer.value = this.#saved[2 * depth + 1]!;
    this.#saved.length = 2 * depth;
    this.tellCutOff();
  }

  /** Frames were cut off below the stack pointer, which is where it belongs. */
  tellCutOff(): void {
    if (this.cutOff !== null && this.#pointer !== null) this.cutOff(this.#pointer.value as number);
  }

  /** Forgets what push() remembered, after the nested call has ended in any way. */
  pop(): void {
    this.#saved.pop();
    this.#saved.pop();
  }

  /** Restores both stacks after a nested call was cut off. Called before pop(). */
  restore(): void {
    this.shadow.top = this.#saved.at(-2)!;
    if (this.#pointer !== null) this.#pointer.value = this.#saved.at(-1)!;
    this.tellCutOff();
  }
}

function readerOf(pointer: WebAssembly.Global | null): () => number {
  if (pointer === null) return () => 0;
  reader ??= new (engine().Module)(new Uint8Array(READER.flat()));
  return new (engine().Instance)(reader, { g: { p: pointer } }).exports.r as () => number;
}
