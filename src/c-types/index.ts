// The types of C programs, read from their debug information: TypeScript declarations, and views of memory.

export { type CType, nameOf, type RecordType, sizeOf } from './c-type.ts';
export { enumeratorsOf } from './enumerators.ts';
export { type DeclarationOptions, ModuleTypes } from './module-types.ts';
export type { Pointer, StructView, ViewFunction } from './pointer.ts';
export type { ViewedBlock, ViewedMemory } from './values.ts';
export { viewAt } from './views.ts';
