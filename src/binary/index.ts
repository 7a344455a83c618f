// The door of `binary`: WebAssembly bytes in, tables out. It knows nothing about heaps.

export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { peekU32, skipImmediates, skipInstruction, skipLeb, skipValueType } from './instructions.ts';
export { appendBigInt, signedLength, unsignedLength, writeSigned, writeUnsigned } from './leb128.ts';
export {
  type Body,
  type ConstantExpression,
  type DataSegment,
  type ElementSegment,
  type Export,
  ExternalKind,
  type ExternalKindCode,
  type Global,
  type Import,
  type Limits,
  readModule,
  type Section,
  SectionId,
  type Table,
  type WasmModule,
} from './module.ts';
export { type ObjectSymbol, type ObjectSymbols, readObjectSymbols } from './object-symbols.ts';
export {
  Immediate,
  type ImmediateKind,
  OPCODES,
  Opcode,
  type OpcodeEntry,
  PREFIXED,
  SINGLE_BYTE,
} from './opcodes.ts';
export type { TypeDefinition, ValueType } from './types.ts';
