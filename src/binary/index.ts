// The door of `binary`: it turns the bytes of WebAssembly modules into tables, and entries of tables back
// into bytes. It knows nothing about heaps.

export type { Body, BodyHeads } from './bodies.ts';
export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { copyRange } from './copy.ts';
export {
  activeDataEntry,
  activeElementEntry,
  declarativeElementEntry,
  exportEntry,
  functionTableEntry,
  functionTypeEntry,
  globalEntry,
  indexEntry,
  limitsEntry,
} from './entries.ts';
export { InstructionWriter } from './instruction-writer.ts';
export {
  branchTableLabels,
  peekI32,
  peekU32,
  skipImmediates,
  skipInstruction,
  skipLeb,
  skipValueType,
} from './instructions.ts';
export { appendBigInt, signedLength, unsignedLength, writeSigned, writeUnsigned } from './leb128.ts';
export {
  type ConstantExpression,
  type DataSegment,
  type ElementSegment,
  type Export,
  ExternalKind,
  type ExternalKindCode,
  type Global,
  type Import,
  type Limits,
  SECTION_ORDER,
  type Section,
  SectionId,
  type Table,
  type WasmModule,
} from './module.ts';
export {
  Immediate,
  type ImmediateKind,
  Opcode,
  PREFIXED,
  SINGLE_BYTE,
} from './opcodes.ts';
export { readModule } from './read-module.ts';
export type { TypeDefinition, ValueType } from './types.ts';
