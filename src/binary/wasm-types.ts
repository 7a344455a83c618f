// The types of WebAssembly's JavaScript interface that show in the public declarations. TypeScript has them in its
// library for browsers alone ("dom"), which a project for Node.js need not have; those who have it get its own.

/** A linear memory: `WebAssembly.Memory`. */
export type WasmMemory = typeof globalThis extends { WebAssembly: { Memory: { prototype: infer Memory } } }
  ? Memory
  : {
      readonly buffer: ArrayBuffer;
      /** Adds pages of 64 KiB; gives the number of pages before. */
      grow(pages: number): number;
    };

/** A compiled module: `WebAssembly.Module`. */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } }
  ? Module
  : object;

/** What an instance exports, by name. */
export type WasmExports = Readonly<Record<string, unknown>>;

/** What is given to an instance, by module and name: functions, memories, tables, globals, numbers. */
export type WasmImports = Readonly<Record<string, Readonly<Record<string, object | number | bigint>>>>;
