// Encodes entries of sections: the reverse of what read-module.ts reads. An entry is one element of a
// section's vector.

import { ByteWriter } from './byte-writer.ts';
import { appendBigInt } from './leb128.ts';
import type { ExternalKindCode, Limits } from './module.ts';
import { Opcode } from './opcodes.ts';

/** Collects what `write` writes. */
function encode(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

function appendIndices(writer: ByteWriter, indices: readonly number[]): void {
  writer.unsigned(indices.length);
  for (const index of indices) writer.unsigned(index);
}

function appendI32(writer: ByteWriter, value: number): void {
  writer.byte(Opcode.I32Const);
  writer.signed(value | 0);
  writer.byte(Opcode.End);
}

/** An index alone: the entry of a function (its type), or the content of the start section. */
export const indexEntry = (index: number): Uint8Array => encode((writer) => writer.unsigned(index));

/** A function type. Parameters and results are the codes of value types that take one byte. */
export function functionTypeEntry(parameters: readonly number[], results: readonly number[]): Uint8Array {
  return encode((writer) => {
    writer.byte(0x60);
    appendIndices(writer, parameters);
    appendIndices(writer, results);
  });
}

/** An export. */
export function exportEntry(name: string, kind: ExternalKindCode, index: number): Uint8Array {
  return encode((writer) => {
    writer.name(name);
    writer.byte(kind);
    writer.unsigned(index);
  });
}

/** A global whose type takes one byte. `initializer` is a constant expression without its `end`. */
export function globalEntry(type: number, mutable: boolean, initializer: Uint8Array): Uint8Array {
  return encode((writer) => {
    writer.byte(type);
    writer.byte(mutable ? 1 : 0);
    writer.copy(initializer);
    writer.byte(Opcode.End);
  });
}

/** Limits of a memory or table. */
export function limitsEntry(limits: Pick<Limits, 'minimum' | 'maximum' | 'shared' | 'is64'>): Uint8Array {
  const { minimum, maximum, shared, is64 } = limits;
  const bytes = [(maximum === null ? 0 : 1) | (shared ? 2 : 0) | (is64 ? 4 : 0)];
  appendBigInt(bytes, minimum, false);
  if (maximum !== null) appendBigInt(bytes, maximum, false);
  return Uint8Array.from(bytes);
}

/** A table of references to functions. */
export function functionTableEntry(minimum: number, maximum: number | null): Uint8Array {
  return encode((writer) => {
    writer.byte(0x70);
    writer.byte(maximum === null ? 0 : 1);
    writer.unsigned(minimum);
    if (maximum !== null) writer.unsigned(maximum);
  });
}

/** An active element segment that puts functions into `table` at the constant index `offset`. */
export function activeElementEntry(table: number, offset: number, functions: readonly number[]): Uint8Array {
  return encode((writer) => {
    writer.byte(2);
    writer.unsigned(table);
    appendI32(writer, offset);
    writer.byte(0);
    appendIndices(writer, functions);
  });
}

/** A declarative element segment, which only says that code may take references of these functions. */
export function declarativeElementEntry(functions: readonly number[]): Uint8Array {
  return encode((writer) => {
    writer.byte(3);
    writer.byte(0);
    appendIndices(writer, functions);
  });
}

/** An active data segment of memory 0 at the constant address `address`. */
export function activeDataEntry(address: number, content: Uint8Array): Uint8Array {
  return encode((writer) => {
    writer.byte(0);
    appendI32(writer, address);
    writer.unsigned(content.length);
    writer.copy(content);
  });
}
