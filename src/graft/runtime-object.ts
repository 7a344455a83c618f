// Links the runtime's relocatable object at any address: the part of a linker that one object without constructors
// needs. The format is the tool conventions' (Linking.md, "Relocation Sections").

import { ByteReader, readModule, SectionId, type WasmModule } from '../binary/index.ts';
import { type ObjectSymbol, readObjectSymbols } from '../binary/object-symbols.ts';
import { InvalidModuleError } from '../errors.ts';

/** The relocations that the runtime has. */
const Relocation = {
  FunctionIndex: 0,
  AddressUnsigned: 3,
  AddressSigned: 4,
  AddressWord: 5,
  TypeIndex: 6,
  GlobalIndex: 7,
} as const;

/** Bytes that a relocated LEB128 integer has, whatever its value. */
const PADDED = 5;
const ALIGNMENT = 64;

/** What the surroundings give for the names that the object does not define. */
export interface Surroundings {
  /** Index of a function, by the name of its symbol. */
  functionIndex(name: string): number;
  /** Address of a datum. */
  address(name: string, runtimeEnd: number): number;
  /** Index of a global. */
  globalIndex(name: string): number;
  /** Index in the other module of a type. */
  typeIndex(type: number): number;
  /** Index in the other module of the object's function number `body`. */
  bodyIndex(body: number): number;
}

/** The object, read once. */
export class RuntimeObject {
  readonly module: WasmModule;
  readonly symbols: readonly ObjectSymbol[];

  constructor(bytes: Uint8Array) {
    this.module = readModule(bytes);
    this.symbols = readObjectSymbols(bytes).symbols;
  }

  /** The function that the object defines under this name; its index there. */
  definedFunction(name: string): number {
    const symbol = this.symbols.find(
      (each) => each.kind === 'function' && each.defined && each.name === name,
    );
    if (symbol === undefined) throw new InvalidModuleError(`the runtime's object does not define ${name}`);
    return symbol.index;
  }

  /** Addresses of the segments behind `base`, and the end of the last one. */
  layout(base: number): { readonly segments: readonly number[]; readonly end: number } {
    const segments: number[] = [];
    let at = base;
    for (const { start, end } of this.module.data) {
      at = Math.ceil(at / ALIGNMENT) * ALIGNMENT;
      segments.push(at);
      at += end - start;
    }
    return { segments, end: Math.ceil(at / ALIGNMENT) * ALIGNMENT };
  }

  /** The address of a datum that the object defines. */
  addressOf(symbol: ObjectSymbol, segments: readonly number[]): number {
    return segments[symbol.index]! + symbol.offset;
  }

  /** The object's bytes with all relocations applied. */
  placed(base: number, surroundings: Surroundings): Uint8Array {
    const bytes = this.module.bytes.slice();
    const { segments, end } = this.layout(base);
    for (const name of ['CODE', 'DATA']) {
      const section = this.module.section(name === 'CODE' ? SectionId.Code : SectionId.Data);
      const content = this.module.customSection(`reloc.${name}`);
      if (content === undefined || section === undefined) continue;
      const reader = new ByteReader(content);
      reader.u32();
      for (let left = reader.u32(); left > 0; left -= 1) {
        this.#apply(bytes, reader, section.content, { segments, end }, surroundings);
      }
    }
    return bytes;
  }

  #apply(
    bytes: Uint8Array,
    reader: ByteReader,
    sectionStart: number,
    place: { readonly segments: readonly number[]; readonly end: number },
    surroundings: Surroundings,
  ): void {
    const type = reader.byte();
    const at = sectionStart + reader.u32();
    const index = reader.u32();
    const symbol = this.symbols[index];
    switch (type) {
      case Relocation.TypeIndex:
        writePadded(bytes, at, surroundings.typeIndex(index));
        break;
      case Relocation.FunctionIndex:
        writePadded(bytes, at, this.#functionIndex(symbol!, surroundings));
        break;
      case Relocation.GlobalIndex:
        writePadded(bytes, at, surroundings.globalIndex(symbol!.name));
        break;
      case Relocation.AddressUnsigned:
      case Relocation.AddressSigned:
      case Relocation.AddressWord: {
        const addend = reader.s33();
        const address = symbol!.defined
          ? this.addressOf(symbol!, place.segments)
          : surroundings.address(symbol!.name, place.end);
        if (type === Relocation.AddressWord) {
          new DataView(bytes.buffer).setUint32(at, address + addend, true);
        } else if (type === Relocation.AddressUnsigned) writePadded(bytes, at, address + addend);
        else writePaddedSigned(bytes, at, address + addend);
        break;
      }
      default:
        throw new InvalidModuleError(`the runtime's object has a relocation of the unknown type ${type}`);
    }
  }

  #functionIndex(symbol: ObjectSymbol, surroundings: Surroundings): number {
    if (!symbol.defined) return surroundings.functionIndex(symbol.name);
    return surroundings.bodyIndex(symbol.index - this.module.importedFunctions);
  }
}

function writePadded(bytes: Uint8Array, at: number, value: number): void {
  for (let index = 0; index < PADDED; index += 1) {
    bytes[at + index] = (Math.floor(value / 2 ** (7 * index)) & 0x7f) | (index < PADDED - 1 ? 0x80 : 0);
  }
}

function writePaddedSigned(bytes: Uint8Array, at: number, value: number): void {
  const signed = value | 0;
  for (let index = 0; index < PADDED; index += 1) {
    bytes[at + index] = ((signed >> Math.min(7 * index, 31)) & 0x7f) | (index < PADDED - 1 ? 0x80 : 0);
  }
}
