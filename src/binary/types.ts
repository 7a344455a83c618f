// Reads the type section: function, struct and array types, alone, with supertypes, or in recursion groups (core
// specification 3.0, section 5.3).

import type { ByteReader } from './byte-reader.ts';

/** A value type or packed field type: `code` is its first byte; `heapType` follows the codes 0x63 and 0x64 only. */
export interface ValueType {
  readonly code: number;
  /** For `ref null` (0x63) and `ref` (0x64): a type index, or a negative abstract heap type. Null elsewhere. */
  readonly heapType: number | null;
}

/** A function, struct or array type, with its place among other types. */
export interface TypeDefinition {
  readonly kind: 'function' | 'struct' | 'array';
  /** Parameters of a function; empty for others. */
  readonly parameters: readonly ValueType[];
  /** Results of a function; empty for others. */
  readonly results: readonly ValueType[];
  /** Type indices of the declared supertypes. */
  readonly supertypes: readonly number[];
  /** False for `sub` types that others may extend. */
  readonly final: boolean;
}

const REF_NULL = 0x63;
const REF = 0x64;
const plain: readonly ValueType[] = Array.from({ length: 0x80 }, (_, code) => ({ code, heapType: null }));

// The valid codes: i32, i64, f32, f64, v128, the packed i8 and i16, and the abbreviated reference types, from
// `none exn` (0x74) to `array` (0x6a) and exnref (0x69).
const valid = new Set([
  0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x78, 0x77, 0x74, 0x73, 0x72, 0x71, 0x70, 0x6f, 0x6e, 0x6d, 0x6c, 0x6b, 0x6a,
  0x69,
]);

/** Reads one value, reference or packed type. */
export function readValueType(reader: ByteReader): ValueType {
  const start = reader.offset;
  const code = reader.byte();
  if (code === REF_NULL || code === REF) return { code, heapType: reader.s33() };
  if (!valid.has(code)) reader.fail(`invalid value type 0x${code.toString(16)}`, start);
  return plain[code]!;
}

function readValueTypes(reader: ByteReader): ValueType[] {
  const count = reader.count();
  const types: ValueType[] = [];
  for (let index = 0; index < count; index += 1) types.push(readValueType(reader));
  return types;
}

function readField(reader: ByteReader): void {
  readValueType(reader);
  if (reader.byte() > 1) reader.fail('invalid mutability of a field', reader.offset - 1);
}

function readComposite(reader: ByteReader, supertypes: readonly number[], final: boolean): TypeDefinition {
  const form = reader.byte();
  const none = { parameters: [], results: [], supertypes, final };
  switch (form) {
    case 0x60: {
      const parameters = readValueTypes(reader);
      const results = readValueTypes(reader);
      return { kind: 'function', parameters, results, supertypes, final };
    }
    case 0x5f: {
      const fields = reader.count(2);
      for (let index = 0; index < fields; index += 1) readField(reader);
      return { ...none, kind: 'struct' };
    }
    case 0x5e:
      readField(reader);
      return { ...none, kind: 'array' };
    default:
      return reader.fail(`invalid type form 0x${form.toString(16)}`, reader.offset - 1);
  }
}

function readSubtype(reader: ByteReader): TypeDefinition {
  const form = reader.peek();
  if (form !== 0x50 && form !== 0x4f) return readComposite(reader, [], true);
  reader.byte();
  const count = reader.count();
  const supertypes: number[] = [];
  for (let index = 0; index < count; index += 1) supertypes.push(reader.u32());
  return readComposite(reader, supertypes, form === 0x4f);
}

/** Reads the type section. Recursion groups are flattened, because type indices count their members. */
export function readTypes(reader: ByteReader): TypeDefinition[] {
  const types: TypeDefinition[] = [];
  const groups = reader.count();
  for (let group = 0; group < groups; group += 1) {
    if (reader.peek() !== 0x4e) {
      types.push(readSubtype(reader));
      continue;
    }
    reader.byte();
    const count = reader.count();
    for (let index = 0; index < count; index += 1) types.push(readSubtype(reader));
  }
  return types;
}
