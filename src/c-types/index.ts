// The types of C programs, read from their debug information: TypeScript declarations, and views of memory.

export {
  ADDRESS_BYTES,
  type CType,
  containsItself,
  type Field,
  fieldsOf,
  nameOf,
  type RecordType,
  sizeOf,
} from './c-type.ts';
export { enumeratorsOf } from './enumerators.ts';
export type { FunctionVariables, InlinedFunction, PlacedVariable } from './function-variables.ts';
export { type DeclarationOptions, ModuleTypes } from './module-types.ts';
export type { CodeRange } from './places.ts';
export type { Pointer, StructView, ViewFunction } from './pointer.ts';
export { isText, type Place, readerOf, type ViewedBlock, type ViewedMemory } from './values.ts';
export { viewAt } from './views.ts';
