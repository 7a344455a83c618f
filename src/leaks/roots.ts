// Where a guest can hold pointers apart from its heap: static data (data, bss and, in a module without threads,
// thread-local data, which the linker puts among them), mutable globals, the C stack while a function is active,
// and what the host says it holds. Locals of active functions that live in the engine's registers are out of
// everybody's reach, which is why reports are exact only while no function is active.

import { ExternalKind, type WasmModule } from '../binary/index.ts';

/** Addresses from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What a module says of its own memory; found once per module. */
export interface RootLayout {
  /** Static data as far as the module's data segments show it. */
  readonly segments: Range | null;
  /** Mutable 32-bit globals that the host can read, by name, the stack pointer left out. */
  readonly globals: readonly string[];
  /** How many it cannot read, the stack pointer left out. */
  readonly hiddenGlobals: number;
}

/** All roots at one moment. */
export interface Roots {
  readonly ranges: readonly Range[];
  /** Single values that may be pointers. */
  readonly words: readonly number[];
  /** What the roots do not hold, in sentences for the report. */
  readonly notes: readonly string[];
}

const I32 = 0x7f;
const STACK_POINTER = '__stack_pointer';

/** Reads the tables of a module for what static roots it has. */
export function rootLayout(module: WasmModule): RootLayout {
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const segment of module.data) {
    const at = segment.offset?.i32;
    if (segment.mode !== 'active' || at == null) continue;
    start = Math.min(start, at);
    end = Math.max(end, at + segment.end - segment.start);
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
  // Linkers make the stack pointer the first of them, exported or not.
  if (!hasStackPointer && hidden > 0) hidden--;
  return { segments: end > 0 ? { start, end } : null, globals, hiddenGlobals: hidden };
}

/** Finds the roots of one running guest. */
export class RootFinder {
  /** The stack pointer while nothing runs; null when the module does not show it. */
  readonly #stackTop: number | null;

  /** To be made before any code of the guest has run. */
  constructor(
    readonly layout: RootLayout,
    readonly exports: WebAssembly.Exports,
  ) {
    this.#stackTop = this.#global(STACK_POINTER);
  }

  /**
   * The roots now.
   * @param held pointers that the host holds
   * @param active whether functions of the guest are active, with a live stack
   */
  find(held: Iterable<number>, active: boolean): Roots {
    const notes: string[] = [];
    const ranges: Range[] = [];
    const data = this.#data(notes);
    if (data !== null) ranges.push(data);
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
    const words: number[] = [];
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

  /** Puts the stack pointer back where it was before anything ran, after a trap has left frames behind. */
  emptyStack(): void {
    const global = this.exports[STACK_POINTER];
    // The pointer is a signed number on this side.
    if (global instanceof WebAssembly.Global && this.#stackTop !== null) global.value = this.#stackTop | 0;
  }

  // The linker's symbols bound the data exactly, bss included; without them only the initialised part is known.
  #data(notes: string[]): Range | null {
    const { segments } = this.layout;
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
