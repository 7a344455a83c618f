// Reading words of a guest's linear memory, which may grow at any moment. Growing detaches the old buffer, so the views are
// made again whenever `memory.buffer` is another object than last time.

import type { WasmMemory } from '../binary/wasm-types.ts';

/** Typed views of a WebAssembly memory, always of its present buffer. Addresses are unsigned, in bytes. */
export class MemoryView {
  #buffer: ArrayBufferLike;
  #u32: Uint32Array;
  #u8: Uint8Array;

  constructor(readonly memory: WasmMemory) {
    this.#buffer = memory.buffer;
    this.#u32 = new Uint32Array(this.#buffer);
    this.#u8 = new Uint8Array(this.#buffer);
  }

  #refresh(): void {
    const buffer = this.memory.buffer;
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#u32 = new Uint32Array(buffer);
      this.#u8 = new Uint8Array(buffer);
    }
  }

  /** All of memory in 32-bit words. Do not keep it across calls into the guest. */
  get words(): Uint32Array {
    this.#refresh();
    return this.#u32;
  }

  /** All of memory in bytes. Do not keep it across calls into the guest. */
  get bytes(): Uint8Array {
    this.#refresh();
    return this.#u8;
  }
}
