// The types of C and C++ as this room knows them. Typedefs and qualifiers are resolved: `const node_t` is `struct node`.
// Records and pointers know the types that they lead to lazily, because types of lists and trees are recursive.

/** How the bytes of a number are read. */
export type Encoding = 'signed' | 'unsigned' | 'boolean' | 'float' | 'complex' | 'character';

export interface VoidType {
  readonly kind: 'void';
}

export interface NumberType {
  readonly kind: 'number';
  /** Name in C: `unsigned int`. */
  readonly name: string;
  readonly encoding: Encoding;
  /** For characters, whether they have a sign. */
  readonly signed: boolean;
  readonly size: number;
}

export interface PointerType {
  readonly kind: 'pointer';
  readonly size: number;
  /** What it points to. */
  readonly target: CType;
}

export interface ArrayType {
  readonly kind: 'array';
  readonly element: CType;
  /** Number of elements; null for an array without a length, as at the end of a struct. */
  readonly count: number | null;
}

export interface Enumerator {
  readonly name: string;
  readonly value: bigint;
}

export interface EnumType {
  readonly kind: 'enum';
  /** Name as C writes it: `enum color`; null for one without a name. */
  readonly name: string | null;
  readonly size: number;
  readonly signed: boolean;
  readonly enumerators: readonly Enumerator[];
}

/** A member of a record. */
export interface Member {
  /** Null for an anonymous struct or union, whose members count as those of the record, and for a base class. */
  readonly name: string | null;
  readonly type: CType;
  /** Bytes from the start of the record. */
  readonly offset: number;
  /** For a bit field: the first bit, counted from the start of the record, and the number of bits. */
  readonly bits: { readonly start: number; readonly count: number } | null;
}

export interface RecordType {
  readonly kind: 'record';
  readonly keyword: 'struct' | 'union' | 'class';
  /** Name as C writes it: `struct node`, `class ns::Reader`; null for one without a name. */
  readonly name: string | null;
  readonly size: number;
  /** True for a type that no unit of the module defines. */
  readonly incomplete: boolean;
  readonly members: readonly Member[];
  /** C++ passes it by address, because it has a destructor or a copy constructor of its own. */
  readonly byReference: boolean;
  /** Place of its definition; '' and 0 when it is not known. */
  readonly file: string;
  readonly line: number;
}

export interface FunctionType {
  readonly kind: 'function';
  readonly result: CType;
  readonly parameters: readonly CType[];
  readonly variadic: boolean;
}

/** A type that this room cannot read, such as Rust's enumerations. */
export interface UnknownType {
  readonly kind: 'unknown';
  readonly size: number;
  readonly reason: string;
}

export type CType =
  | VoidType
  | NumberType
  | PointerType
  | ArrayType
  | EnumType
  | RecordType
  | FunctionType
  | UnknownType;

/** Bytes of an address in linear memory of 32 bits. */
export const ADDRESS_BYTES = 4;
/** How deep types are followed that contain each other: C knows few levels, and damaged ones have no end. */
const DEEPEST = 64;

/** Bytes of a value of this type; 0 where it has none. */
export function sizeOf(type: CType, depth = 0): number {
  switch (type.kind) {
    case 'array':
      return depth > DEEPEST ? 0 : (type.count ?? 0) * sizeOf(type.element, depth + 1);
    case 'void':
    case 'function':
      return 0;
    default:
      return type.size;
  }
}

/** The most parts of one name. Damaged types of functions have themselves among their parameters. */
const MOST_NAME_PARTS = 500;

/** The name of a type as C writes it, which stands for the type everywhere: `struct node *`, `unsigned char[4]`. */
export function nameOf(type: CType): string {
  return partOfName(type, { left: MOST_NAME_PARTS });
}

function partOfName(type: CType, parts: { left: number }): string {
  if (parts.left-- <= 0) return '...';
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'number':
      return type.name;
    case 'pointer': {
      const target = partOfName(type.target, parts);
      return type.target.kind === 'function' || target.endsWith('*') ? `${target}*` : `${target} *`;
    }
    case 'array': {
      // The outer dimension comes first.
      const bounds: string[] = [];
      let element: CType = type;
      for (let i = 0; element.kind === 'array' && i < DEEPEST; i++) {
        bounds.push(`[${element.count ?? ''}]`);
        element = element.element;
      }
      return `${partOfName(element, parts)}${bounds.join('')}`;
    }
    case 'enum':
      return type.name ?? 'enum';
    case 'record':
      return type.name ?? type.keyword;
    case 'function': {
      const parameters = type.parameters.map((each) => partOfName(each, parts));
      if (type.variadic) parameters.push('...');
      return `${partOfName(type.result, parts)} (${parameters.join(', ')})`;
    }
    case 'unknown':
      return '?';
  }
}

/** Whether a record has itself among its members, which only damaged debug information says. */
export function containsItself(record: RecordType): boolean {
  const seen = new Set<CType>();
  const pending: CType[] = record.members.map(({ type }) => type);
  for (let type = pending.pop(); type !== undefined; type = pending.pop()) {
    if (type === record) return true;
    if (seen.has(type)) continue;
    seen.add(type);
    if (type.kind === 'array') pending.push(type.element);
    else if (type.kind === 'record') pending.push(...type.members.map((each) => each.type));
  }
  return false;
}

/** A member with a name, after those of anonymous structs, unions and base classes took their places. */
export interface Field extends Member {
  readonly name: string;
}

/** The most anonymous members and base classes of one record that are followed: damaged types repeat them without end. */
const MOST_PARTS = 10_000;

/** The named members of a record, with those of anonymous members and base classes among them. */
export function fieldsOf(record: RecordType): readonly Field[] {
  const fields = new Map<string, Field>();
  const parts: { readonly part: RecordType; readonly offset: number }[] = [{ part: record, offset: 0 }];
  // The outer members come first: a member of a class hides those of its base classes.
  for (let i = 0; i < parts.length; i++) {
    const { part, offset } = parts[i]!;
    for (const { name, type, offset: at, bits } of part.members) {
      if (name !== null) {
        if (fields.has(name)) continue;
        const shifted = bits && { start: bits.start + 8 * offset, count: bits.count };
        fields.set(name, { name, type, offset: at + offset, bits: shifted });
      } else if (type.kind === 'record' && at + type.size <= part.size && parts.length < MOST_PARTS) {
        parts.push({ part: type, offset: at + offset });
      }
    }
  }
  return [...fields.values()].sort((a, b) => a.offset - b.offset || firstBit(a) - firstBit(b));
}

function firstBit({ bits }: Member): number {
  return bits?.start ?? 0;
}
