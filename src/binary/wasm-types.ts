// The types of WebAssembly's JavaScript interface that appear in the public declarations. TypeScript declares
// them only in its library for browsers ("dom"), which a project for Node.js need not use. A project that
// uses it gets TypeScript's own types.

/** A linear memory: `WebAssembly.Memory`. */
export type WasmMemory = typeof globalThis extends { WebAssembly: { Memory: { prototype: infer Memory } } }
  ? Memory
  : {
      /** The bytes. The memory gets another buffer whenever it grows. */
      readonly buffer: ArrayBuffer;
      /** Adds pages of 64 KiB; returns the number of pages before. */
      grow(pages: number): number;
    };

/** A compiled module: `WebAssembly.Module`. */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } }
  ? Module
  : object;

/** The exports of an instance, by name. */
export type WasmExports = Readonly<Record<string, unknown>>;

/** The imports of an instance, by module and name: functions, memories, tables, globals, numbers. */
export type WasmImports = Readonly<Record<string, Readonly<Record<string, object | number | bigint>>>>;
