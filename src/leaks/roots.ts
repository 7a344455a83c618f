// Finds the places outside of the heap where a guest can hold pointers: static data (data, bss and, in a module
// without threads, thread-local data, which the linker puts among them), mutable globals, the C stack while a
// function is active, and the pointers that the host says it holds. Nobody can read locals of active functions that
// live in the engine's registers, so reports are exact only while no function is active.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import type { WasmExports } from '../binary/wasm-types.ts';

/** Addresses from `start` up to, but not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What a module says about its own memory. It is read once per module. */
export interface RootLayout {
  /**
   * The module's data segments as words, and the address of the first word. A word that still has its linked value
   * is not a pointer into the heap, whatever it looks like: words in tables of packed constants often look like
   * pointers.
   */
  readonly image: { readonly start: number; readonly words: Uint32Array } | null;
  /** Names of the mutable 32-bit globals that the host can read, without the stack pointer. */
  readonly globals: readonly string[];
  /** How many such globals the host cannot read, without the stack pointer. */
  readonly hiddenGlobals: number;
}

/** All roots at one moment. */
export interface Roots {
  readonly ranges: readonly Range[];
  /** Single values that may be pointers. */
  readonly words: readonly number[];
  /** What the roots do not contain, in sentences for the report. */
  readonly notes: readonly string[];
}

const I32 = 0x7f;
/** Largest data image that is kept, in bytes. No program has segments that are further apart. */
const LARGEST_IMAGE = 2 ** 28;
const STACK_POINTER = '__stack_pointer';

/** Reads the static roots of a module. */
export function rootLayout(module: WasmModule, bytes: Uint8Array): RootLayout {
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const segment of module.data) {
    const at = segment.offset?.i32;
    if (segment.mode !== 'active' || at == null) continue;
    start = Math.min(start, at);
    end = Math.max(end, at + segment.end - segment.start);
  }
  let image: RootLayout['image'] = null;
  if (end > start && end - start < LARGEST_IMAGE) {
    const first = start & ~3;
    const words = new Uint32Array(Math.ceil((end - first) / 4));
    const content = new Uint8Array(words.buffer);
    for (const segment of module.data) {
      const at = segment.offset?.i32;
      if (segment.mode !== 'active' || at == null) continue;
      content.set(bytes.subarray(segment.start, segment.end), at - first);
    }
    image = { start: first, words };
  }
  const exported = new Map(
    module.exports
      .filter((entry) => entry.kind === ExternalKind.Global)
      .map((entry) => [entry.index, entry.name]),
  );
  const globals: string[] = [];
  let hidden = 0;
  let hasStackPointer = false;
  module.globals.forEach((global, index) => {
    if (!global.mutable || global.type.code !== I32) return;
    const name = exported.get(index);
    if (name === STACK_POINTER) hasStackPointer = true;
    else if (name !== undefined) globals.push(name);
    else hidden++;
  });
  // Linkers make the stack pointer the first of the globals, whether or not it is exported.
  if (!hasStackPointer && hidden > 0) hidden--;
  return { image, globals, hiddenGlobals: hidden };
}

/** Finds the roots of one running guest. */
export class RootFinder {
  /** The stack pointer while nothing runs; null when the module does not export it. */
  readonly #stackTop: number | null;

  /** Make it before any code of the guest has run. */
  constructor(
    readonly layout: RootLayout,
    readonly exports: WasmExports,
  ) {
    this.#stackTop = this.#global(STACK_POINTER);
  }

  /**
   * The present roots.
   * @param held pointers that the host holds
   * @param active whether functions of the guest are active, with a live stack
   */
  find(held: Iterable<number>, active: boolean): Roots {
    const notes: string[] = [];
    const ranges: Range[] = [];
    const words: number[] = [];
    const data = this.#data(notes);
    if (data !== null) this.#changed(data, ranges);
    if (active) {
      const pointer = this.#global(STACK_POINTER);
      if (pointer === null || this.#stackTop === null) {
        notes.push(
          'Functions of the program are active, and the module does not export __stack_pointer: nothing that ' +
            'only their frames point to could be seen.',
        );
      } else {
        if (pointer < this.#stackTop) ranges.push({ start: pointer & ~3, end: this.#stackTop });
        notes.push(
          'Functions of the program are active: their stack was searched, but pointers that they keep in local ' +
            'variables of WebAssembly cannot be seen, so blocks reported as lost may still be in use.',
        );
      }
    }
    for (const name of this.layout.globals) {
      const value = this.#global(name);
      if (value !== null) words.push(value);
    }
    if (this.layout.hiddenGlobals > 0) {
      notes.push(
        `The module has ${this.layout.hiddenGlobals} mutable globals that it does not export: what only they ` +
          'point to could not be seen.',
      );
    }
    for (const address of held) words.push(address >>> 0);
    return { ranges, words, notes };
  }

  /**
   * Whether the C stack has frames: those of active functions, or those of a main that was left for good with its
   * variables in use, as Emscripten's main loops do.
   */
  get stackInUse(): boolean {
    const pointer = this.#global(STACK_POINTER);
    return pointer !== null && this.#stackTop !== null && pointer < this.#stackTop;
  }

  /** Where the C stack may be, from its far end to its beginning; null when the module does not show it. */
  get stack(): { readonly end: number; readonly start: number } | null {
    const start = this.#stackTop;
    const dataEnd = this.#global('__data_end');
    if (start === null || dataEnd === null) return null;
    // The stack grows down to the data, or to the beginning of memory when it lies below the data.
    return { end: dataEnd < start ? dataEnd : 0, start };
  }

  /** Resets the stack pointer to its value before anything ran, because a trap leaves frames behind. */
  emptyStack(): void {
    const global = this.exports[STACK_POINTER];
    // JavaScript sees the pointer as a signed number.
    if (global instanceof WebAssembly.Global && this.#stackTop !== null) global.value = this.#stackTop | 0;
  }

  // The part of the data that the program has written: changed words one by one, and data without initial values as
  // a range.
  #changed(data: Range, ranges: Range[]): void {
    const { image } = this.layout;
    const { memory } = this.exports;
    if (image === null || !(memory instanceof WebAssembly.Memory)) {
      ranges.push(data);
      return;
    }
    const now = new Uint32Array(memory.buffer, 0, memory.buffer.byteLength >>> 2);
    const end = Math.min(image.start + image.words.length * 4, data.end & ~3);
    if (data.start < image.start) ranges.push({ start: data.start, end: image.start });
    if (end < data.end) ranges.push({ start: end, end: data.end });
    const first = image.start / 4;
    const last = Math.min(end / 4, now.length);
    for (let at = first; at < last; at++) {
      const value = now[at]!;
      if (value === image.words[at - first]) continue;
      // Neighbours become one range, because the runtime leaves its own data, which is among them, out of ranges.
      const before = ranges[ranges.length - 1];
      if (before !== undefined && before.end === at * 4)
        ranges[ranges.length - 1] = { start: before.start, end: at * 4 + 4 };
      else ranges.push({ start: at * 4, end: at * 4 + 4 });
    }
  }

  // The linker's symbols bound the data exactly, with bss. Without them only the initialised part is known.
  #data(notes: string[]): Range | null {
    const { image } = this.layout;
    const segments =
      image === null ? null : { start: image.start, end: image.start + image.words.length * 4 };
    const start = this.#global('__global_base') ?? segments?.start ?? null;
    const end = this.#global('__data_end');
    if (start !== null && end !== null) return start < end ? { start, end } : null;
    notes.push(
      'The module does not export __data_end: variables without an initial value could not be searched. ' +
        'Link it with --export=__data_end.',
    );
    return segments;
  }

  #global(name: string): number | null {
    const global = this.exports[name];
    if (!(global instanceof WebAssembly.Global)) return null;
    const value: unknown = global.value;
    return typeof value === 'number' ? value >>> 0 : null;
  }
}
