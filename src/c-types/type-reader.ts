// Reads types from the debug information. Each entry becomes one type, once. What a type leads to is read when somebody
// asks for it, so that lists and trees have no end and cost nothing.

import { form, type Unit } from '../symbols/debug-entries.ts';
import {
  ADDRESS_BYTES,
  type ArrayType,
  type CType,
  type Encoding,
  type Enumerator,
  type EnumType,
  type FunctionType,
  type Member,
  type NumberType,
  type PointerType,
  type RecordType,
  sizeOf,
  type UnknownType,
  type VoidType,
} from './c-type.ts';
import * as dw from './constants.ts';
import type { DebugIndex, NamedType } from './debug-index.ts';
import { isSet, numberOf, type Reference, TypeEntry } from './entry.ts';

export const VOID: VoidType = { kind: 'void' };

/** How many typedefs and qualifiers are followed, and how deep arrays contain arrays. */
const DEEPEST = 64;
/** The most bytes that a type can have: those of a linear memory. */
const LARGEST = 2 ** 32;
/** The largest number that has no sign as a 32-bit subrange: an array without a length has this bound in some compilers. */
const NO_BOUND = 2 ** 32 - 1;

export class TypeReader {
  readonly #index: DebugIndex;
  readonly #types = new Map<number, CType>();
  /** Whether types of this name differ. */
  readonly #ambiguous = new Map<string, boolean>();
  #depth = 0;

  constructor(index: DebugIndex) {
    this.#index = index;
  }

  /** The type that a reference names; null means void. */
  of(reference: Reference | null): CType {
    if (reference === null) return VOID;
    const entry = this.#index.resolve(reference);
    return entry === undefined ? unknown('its type unit is missing') : this.at(entry);
  }

  /** The type of the entry at this offset. */
  at(entry: number): CType {
    const known = this.#types.get(entry);
    if (known !== undefined) return known;
    if (this.#depth > DEEPEST) return unknown('it contains itself');
    this.#depth++;
    try {
      const type = this.#index.guard(unknown('its debug information is damaged'), () => this.#read(entry));
      this.#types.set(entry, type);
      return type;
    } finally {
      this.#depth--;
    }
  }

  #read(start: number): CType {
    const entry = new TypeEntry();
    let at = start;
    let alias: NamedType | undefined;
    for (let hops = 0; hops < DEEPEST; hops++) {
      const { unit } = this.#index.read(at, entry);
      switch (entry.tag) {
        case dw.DW_TAG_typedef:
          alias = this.#index.typeAt(at);
          break;
        case dw.DW_TAG_const_type:
        case dw.DW_TAG_volatile_type:
        case dw.DW_TAG_restrict_type:
        case dw.DW_TAG_atomic_type:
        case dw.DW_TAG_immutable_type:
          break;
        default: {
          // All ways to one entry lead to one type, except to an entry without a name.
          if (at === start || unit.string(entry.name) === null) return this.#build(at, entry, unit, alias);
          return this.at(at);
        }
      }
      if (entry.type === null) return VOID;
      const next = this.#index.resolve(entry.type);
      if (next === undefined) return unknown('its type unit is missing');
      at = next;
    }
    return unknown('it is a typedef of itself');
  }

  #build(at: number, entry: TypeEntry, unit: Unit, alias: NamedType | undefined): CType {
    switch (entry.tag) {
      case dw.DW_TAG_base_type:
        return numberType(entry, unit.string(entry.name) ?? 'number');
      case dw.DW_TAG_pointer_type:
      case dw.DW_TAG_reference_type:
      case dw.DW_TAG_rvalue_reference_type:
        return this.#pointer(entry);
      case dw.DW_TAG_structure_type:
      case dw.DW_TAG_class_type:
      case dw.DW_TAG_union_type:
        return this.#record(at, entry, unit, alias);
      case dw.DW_TAG_enumeration_type:
        return this.#enum(at, entry, alias);
      case dw.DW_TAG_array_type:
        return this.#array(at, entry);
      case dw.DW_TAG_subroutine_type:
        return this.#function(at, entry);
      case dw.DW_TAG_unspecified_type:
        // std::nullptr_t, and Rust's `!`.
        return unit.string(entry.name)?.includes('nullptr')
          ? { kind: 'pointer', size: ADDRESS_BYTES, target: VOID }
          : VOID;
      default:
        return unknown(
          `it is of a kind that C does not have (tag 0x${entry.tag.toString(16)})`,
          sizeIn(entry),
        );
    }
  }

  #pointer(entry: TypeEntry): CType {
    const { type } = entry;
    const size = numberOf(entry.byteSize, ADDRESS_BYTES) ?? ADDRESS_BYTES;
    const pointer: PointerType = { kind: 'pointer', size, target: VOID };
    return lazily(pointer, 'target', () => this.of(type));
  }

  #record(at: number, entry: TypeEntry, unit: Unit, alias: NamedType | undefined): RecordType | UnknownType {
    const keyword = KEYWORDS.get(entry.tag)!;
    if (isSet(entry.declaration)) {
      const definition =
        entry.signature === null ? this.#definitionOf(at) : this.#index.resolve(entry.signature);
      if (definition !== undefined && definition !== at) {
        const type = this.at(definition);
        if (type.kind === 'record' && !type.incomplete) return type;
      }
    }
    const incomplete = isSet(entry.declaration);
    const record: RecordType = {
      kind: 'record',
      keyword,
      name: this.#nameOf(at, alias),
      size: incomplete ? 0 : sizeIn(entry),
      incomplete,
      members: [],
      byReference: numberOf(entry.callingConvention, 0) === dw.DW_CC_pass_by_reference,
      ...placeOf(entry, unit),
    };
    const isUnion = entry.tag === dw.DW_TAG_union_type;
    return lazily(record, 'members', () =>
      this.#index.guard([], () => this.#members(at, isUnion, record.size)),
    );
  }

  // A typedef names the struct or enumeration that has no name of its own.
  #nameOf(at: number, alias: NamedType | undefined): string | null {
    const named = this.#index.typeAt(at) ?? alias;
    return named === undefined ? null : this.nameAt(named);
  }

  #members(at: number, isUnion: boolean, size: number): readonly Member[] {
    const members: Member[] = [];
    this.#index.eachChild(at, (child, _, unit) => {
      if (child.tag !== dw.DW_TAG_member && child.tag !== dw.DW_TAG_inheritance) return;
      // Static members of classes, and the pointer to the table of virtual functions.
      if (isSet(child.external) || isSet(child.declaration) || child.type === null) return;
      if (child.tag === dw.DW_TAG_member && isSet(child.artificial)) return;
      const member = this.#member(child, unit, isUnion);
      if (member !== null && inside(member, size)) members.push(member);
    });
    return members;
  }

  #member(child: TypeEntry, unit: Unit, isUnion: boolean): Member | null {
    const { type: reference } = child;
    const name = child.tag === dw.DW_TAG_inheritance ? null : unit.string(child.name);
    const location = numberOf(child.memberLocation, child.memberLocation.kind === form.VALUE_NONE ? 0 : null);
    const size = numberOf(child.bitSize, 0) ?? 0;
    const at = numberOf(child.dataBitOffset, null);
    // The offset of a virtual base is in memory. In a union, all members are at the start.
    if (location === null && at === null) return null;
    if (
      !isUnion &&
      location === 0 &&
      child.memberLocation.kind === form.VALUE_NONE &&
      at === null &&
      size > 0
    )
      return null;
    const bits = size === 0 ? null : { start: at ?? oldBitStart(child, location ?? 0, size), count: size };
    const member: Member = {
      name,
      type: VOID,
      offset: bits === null ? (location ?? 0) : Math.floor(bits.start / 8),
      bits,
    };
    return lazily(member, 'type', () => this.of(reference));
  }

  #enum(at: number, entry: TypeEntry, alias: NamedType | undefined): EnumType {
    const size = sizeIn(entry) || 4;
    const underlying = entry.type === null ? null : this.of(entry.type);
    const raw: { readonly name: string; readonly value: bigint; readonly bytes: number }[] = [];
    this.#index.eachChild(at, (child, _, unit) => {
      if (child.tag !== dw.DW_TAG_enumerator || child.exactValue === null) return;
      raw.push({ name: unit.string(child.name) ?? '', value: child.exactValue, bytes: child.exactBytes });
    });
    const signed =
      underlying?.kind === 'number'
        ? isSigned(underlying)
        : raw.some(({ value, bytes }) => bytes === 0 && value < 0n);
    const enumerators = raw.map(({ name, value, bytes }): Enumerator => {
      return { name, value: signed && bytes > 0 ? BigInt.asIntN(8 * bytes, value) : value };
    });
    return { kind: 'enum', name: this.#nameOf(at, alias), size, signed, enumerators };
  }

  #array(at: number, entry: TypeEntry): CType {
    const element = this.of(entry.type);
    const counts: (number | null)[] = [];
    this.#index.eachChild(at, (child) => {
      if (child.tag === dw.DW_TAG_subrange_type && counts.length < DEEPEST) counts.push(countOf(child));
    });
    let type = element;
    for (const count of counts.length === 0 ? [null] : counts.reverse()) {
      const array: ArrayType = { kind: 'array', element: type, count };
      if (sizeOf(array) > LARGEST) return unknown('it is larger than a memory');
      type = array;
    }
    return type;
  }

  #function(at: number, entry: TypeEntry): FunctionType {
    const { type: result } = entry;
    const parameters: Reference[] = [];
    let variadic = false;
    this.#index.eachChild(at, (child) => {
      if (child.tag === dw.DW_TAG_unspecified_parameters) variadic = true;
      else if (child.tag === dw.DW_TAG_formal_parameter && child.type !== null) parameters.push(child.type);
    });
    const type: FunctionType = { kind: 'function', result: VOID, parameters: [], variadic };
    return lazily(
      lazily(type, 'result', () => this.of(result)),
      'parameters',
      () => parameters.map((each) => this.of(each)),
    );
  }

  /** The definition of a type that is only declared; undefined when there is none. */
  #definitionOf(at: number): number | undefined {
    const own = this.#index.typeAt(at);
    if (own === undefined) return undefined;
    const others = this.definitionsOf(own);
    return (others.find(({ unit }) => unit === own.unit) ?? others[0])?.entry;
  }

  /** The definitions of a type's name that are types of the same kind. */
  definitionsOf(type: NamedType): readonly NamedType[] {
    const keyword = KEYWORDS.get(type.tag);
    const isUnion = keyword === 'union';
    return this.#index.typesNamed(type.name).filter((other) => {
      if (other.declared || other.local !== type.local) return false;
      if (keyword === undefined) return other.tag === type.tag;
      const kind = KEYWORDS.get(other.tag);
      return kind !== undefined && (kind === 'union') === isUnion;
    });
  }

  /**
   * The name of a named type: `struct node`. Two units may have different types of one name, which then have the name of
   * the file behind it: `struct node@list.c`.
   */
  nameAt(type: NamedType): string {
    const keyword = type.tag === dw.DW_TAG_enumeration_type ? 'enum' : KEYWORDS.get(type.tag);
    const plain = keyword === undefined ? type.name : `${keyword} ${type.name}`;
    if (type.declared || !this.#isAmbiguous(plain, type)) return plain;
    return `${plain}@${fileNameOf(type, this.#index)}`;
  }

  #isAmbiguous(plain: string, type: NamedType): boolean {
    let ambiguous = this.#ambiguous.get(plain);
    if (ambiguous === undefined) {
      const definitions = this.definitionsOf(type);
      // Layouts are compared by what the entries say, so types that contain each other need no names for it.
      const layouts = definitions.length < 2 ? [] : definitions.map((each) => this.#layoutOf(each));
      ambiguous = new Set(layouts).size > 1;
      this.#ambiguous.set(plain, ambiguous);
    }
    return ambiguous;
  }

  // Names and places of members tell types apart that only share their name.
  #layoutOf({ entry, tag }: NamedType): string {
    return this.#index.guard('', () => {
      const own = new TypeEntry();
      let at = entry;
      this.#index.read(at, own);
      for (let hops = 0; own.tag === dw.DW_TAG_typedef && own.type !== null && hops < DEEPEST; hops++) {
        at = this.#index.resolve(own.type) ?? at;
        this.#index.read(at, own);
      }
      const parts = [`${sizeIn(own)}`];
      this.#index.eachChild(at, (child, _, unit) => {
        const value = child.exactValue ?? numberOf(child.memberLocation, 0) ?? 0;
        if (child.tag === dw.DW_TAG_member || child.tag === dw.DW_TAG_enumerator) {
          parts.push(`${unit.string(child.name)}:${value}:${numberOf(child.dataBitOffset, 0)}`);
        }
      });
      return `${tag === dw.DW_TAG_union_type} ${parts.join(' ')}`;
    });
  }
}

const KEYWORDS: ReadonlyMap<number, RecordType['keyword']> = new Map([
  [dw.DW_TAG_structure_type, 'struct'],
  [dw.DW_TAG_class_type, 'class'],
  [dw.DW_TAG_union_type, 'union'],
]);

/** Whether this is the tag of a struct, class or union. */
export function isRecordTag(tag: number): boolean {
  return KEYWORDS.has(tag);
}

/** Last part of the path of the file that defines a type. */
export function fileNameOf({ entry, unit }: NamedType, index: DebugIndex): string {
  const own = new TypeEntry();
  index.read(entry, own);
  const { file } = placeOf(own, unit);
  return (file || unit.name).replace(/^.*[/\\]/, '');
}

/** The place that an entry says it was declared at. */
export function placeOf(entry: TypeEntry, unit: Unit): { readonly file: string; readonly line: number } {
  const line = numberOf(entry.line, 0) ?? 0;
  const number = numberOf(entry.file, null);
  if (number === null || (number === 0 && unit.version < 5)) return { file: '', line };
  return { file: unit.lineTable(Number.POSITIVE_INFINITY)?.path(number) ?? '', line };
}

/** A type that cannot be read. */
export function unknown(reason: string, size = 0): UnknownType {
  return { kind: 'unknown', size, reason };
}

function sizeIn(entry: TypeEntry): number {
  const size = numberOf(entry.byteSize, 0) ?? 0;
  return size >= 0 && size <= LARGEST ? size : 0;
}

function numberType(entry: TypeEntry, name: string): NumberType | UnknownType {
  const size = sizeIn(entry);
  const code = numberOf(entry.encoding, 0) ?? 0;
  const kinds = ENCODINGS.get(code);
  const largest = kinds?.encoding === 'complex' ? 32 : 16;
  if (kinds === undefined || size === 0 || size > largest) {
    return unknown(`numbers of encoding ${code} and ${size} bytes are not read`, size);
  }
  // Plain char is its own type. `signed char` and `unsigned char` are small integers.
  const isCharacter = kinds.encoding === 'character' && (name === 'char' || name === 'char8_t');
  const encoding =
    kinds.encoding === 'character' && !isCharacter ? (kinds.signed ? 'signed' : 'unsigned') : kinds.encoding;
  return { kind: 'number', name, encoding, signed: kinds.signed, size };
}

const ENCODINGS: ReadonlyMap<number, { readonly encoding: Encoding; readonly signed: boolean }> = new Map([
  [dw.DW_ATE_boolean, { encoding: 'boolean', signed: false }],
  [dw.DW_ATE_complex_float, { encoding: 'complex', signed: true }],
  [dw.DW_ATE_float, { encoding: 'float', signed: true }],
  [dw.DW_ATE_signed, { encoding: 'signed', signed: true }],
  [dw.DW_ATE_signed_char, { encoding: 'character', signed: true }],
  [dw.DW_ATE_unsigned, { encoding: 'unsigned', signed: false }],
  [dw.DW_ATE_unsigned_char, { encoding: 'character', signed: false }],
  [dw.DW_ATE_UTF, { encoding: 'unsigned', signed: false }],
]);

/** Whether a number has a sign. */
export function isSigned({ encoding, signed }: NumberType): boolean {
  return encoding === 'signed' || (encoding === 'character' && signed);
}

function countOf(child: TypeEntry): number | null {
  const count = numberOf(child.count, null);
  if (count !== null) return count >= 0 && count <= LARGEST ? count : null;
  const bound = numberOf(child.upperBound, null);
  // C++ writes an array of no elements with the bound -1.
  return bound === null || bound >= NO_BOUND || bound < 0 ? null : bound + 1;
}

/** Before DWARF 4, bits are counted from the most significant bit of a unit of storage. */
function oldBitStart(child: TypeEntry, location: number, size: number): number {
  const storage = numberOf(child.byteSize, null) ?? 4;
  const fromTop = numberOf(child.bitOffset, 0) ?? 0;
  return 8 * location + 8 * storage - fromTop - size;
}

/** Whether a member lies in a record of this many bytes. */
function inside({ offset, bits }: Member, size: number): boolean {
  if (bits === null) return offset >= 0 && offset <= size;
  return bits.start >= 0 && bits.count <= 64 && bits.start + bits.count <= 8 * size;
}

/** The object with one property that is computed when it is first read. */
function lazily<T extends object, Name extends keyof T>(object: T, name: Name, make: () => T[Name]): T {
  Object.defineProperty(object, name, {
    configurable: true,
    enumerable: true,
    get() {
      const value = make();
      Object.defineProperty(object, name, { value, enumerable: true });
      return value;
    },
  });
  return object;
}
