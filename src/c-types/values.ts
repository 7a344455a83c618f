// Reads values of C types from linear memory, which is little-endian.

import { InvalidArgumentError } from '../errors.ts';
import { type CType, type EnumType, type NumberType, type RecordType, sizeOf } from './c-type.ts';
import { isSigned } from './type-reader.ts';

/** A block of the heap. */
export interface ViewedBlock {
  readonly address: number;
  readonly size: number;
  readonly freed: boolean;
  /** Number of its allocation, which tells it from later blocks at its address. */
  readonly serial: number;
}

/** The memory that views read. */
export interface ViewedMemory {
  /** All bytes, as they are now. */
  readonly bytes: Uint8Array;
  readonly data: DataView;
  /** A number that changes whenever a block is freed. */
  readonly frees: number;
  /** Throws when the memory is gone. */
  checkOpen(): void;
  /** The block that an address lies in; null outside of the heap. */
  blockAt(address: number): ViewedBlock | null;
}

/** A place in memory that was found readable when `frees` had this value. */
export interface Place {
  readonly memory: ViewedMemory;
  readonly address: number;
  /** The block that it lies in; null outside of the heap. */
  readonly block: ViewedBlock | null;
  readonly frees: number;
}

/** Reads a value at an offset from a place. The caller has checked that its bytes can be read. */
export type Reader = (place: Place, offset: number) => unknown;
export type MakeView = (type: RecordType, place: Place, offset: number) => unknown;

interface Bits {
  readonly start: number;
  readonly count: number;
}

const decoder = new TextDecoder();

/** Whether these are the characters of a text. */
export function isText(type: CType): boolean {
  return type.kind === 'number' && type.encoding === 'character';
}

/** What reads values of a type. Readers of types that contain each other are made when they are needed. */
export function readerOf(type: CType, view: MakeView, bits: Bits | null = null): Reader {
  if (bits !== null) return bitReader(type, bits);
  switch (type.kind) {
    case 'number':
      return numberReader(type);
    case 'enum':
      return enumReader(type);
    case 'pointer':
      return isText(type.target) ? textPointer : pointer;
    case 'record':
      return (place, offset) => view(type, place, offset);
    case 'array':
      return arrayReader(type.element, type.count, view);
    default:
      return () => undefined;
  }
}

const pointer: Reader = ({ memory, address }, offset) => memory.data.getUint32(address + offset, true);

const textPointer: Reader = ({ memory, address }, offset) => {
  const start = memory.data.getUint32(address + offset, true);
  if (start === 0) return null;
  const block = memory.blockAt(start);
  const problem = (what: string): InvalidArgumentError =>
    new InvalidArgumentError('pointer', `The text at 0x${start.toString(16)} cannot be read: ${what}.`);
  if (block?.freed) throw problem('its block is freed');
  const { bytes } = memory;
  const end = block === null ? bytes.length : block.address + block.size;
  if (start >= end) throw problem("it is outside of the guest's memory");
  const terminator = bytes.subarray(start, end).indexOf(0);
  if (terminator < 0)
    throw problem(`there is no zero byte before the end of ${block === null ? 'memory' : 'its block'}`);
  return decoder.decode(bytes.subarray(start, start + terminator));
};

function arrayReader(element: CType, count: number | null, view: MakeView): Reader {
  const size = sizeOf(element);
  const text = isText(element);
  let read: Reader | null = null;
  return (place, offset) => {
    const length = count ?? elementsLeft(place, offset, size);
    if (text) return textIn(place, offset, length);
    if (size === 0) return [];
    read ??= readerOf(element, view);
    const values: unknown[] = [];
    for (let i = 0; i < length; i++) values.push(read(place, offset + i * size));
    return values;
  };
}

/** How many elements an array without a length has: up to the end of its block. */
function elementsLeft({ address, block }: Place, offset: number, size: number): number {
  if (block === null || size === 0) return 0;
  return Math.max(0, Math.floor((block.address + block.size - address - offset) / size));
}

function textIn({ memory, address }: Place, offset: number, length: number): string {
  const bytes = memory.bytes.subarray(address + offset, address + offset + length);
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function numberReader(type: NumberType): Reader {
  const { encoding, size } = type;
  if (encoding === 'boolean') return ({ memory, address }, offset) => memory.bytes[address + offset] !== 0;
  if (encoding === 'complex') {
    const read = floatReader(size / 2);
    return (place, offset) => [read(place, offset), read(place, offset + size / 2)];
  }
  return encoding === 'float' ? floatReader(size) : integerReader(size, isSigned(type));
}

function enumReader({ size, signed }: EnumType): Reader {
  return integerReader(size, signed);
}

function integerReader(size: number, signed: boolean): Reader {
  switch (size) {
    case 1:
      return signed
        ? ({ memory, address }, offset) => memory.data.getInt8(address + offset)
        : ({ memory, address }, offset) => memory.data.getUint8(address + offset);
    case 2:
      return signed
        ? ({ memory, address }, offset) => memory.data.getInt16(address + offset, true)
        : ({ memory, address }, offset) => memory.data.getUint16(address + offset, true);
    case 4:
      return signed
        ? ({ memory, address }, offset) => memory.data.getInt32(address + offset, true)
        : ({ memory, address }, offset) => memory.data.getUint32(address + offset, true);
    case 8:
      return signed
        ? ({ memory, address }, offset) => memory.data.getBigInt64(address + offset, true)
        : ({ memory, address }, offset) => memory.data.getBigUint64(address + offset, true);
    default:
      return ({ memory, address }, offset) => {
        const value = wholeAt(memory.bytes, address + offset, size);
        const exact = signed ? BigInt.asIntN(8 * size, value) : value;
        return size > 4 ? exact : Number(exact);
      };
  }
}

function wholeAt(bytes: Uint8Array, start: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i]!);
  return value;
}

function floatReader(size: number): Reader {
  switch (size) {
    case 4:
      return ({ memory, address }, offset) => memory.data.getFloat32(address + offset, true);
    case 8:
      return ({ memory, address }, offset) => memory.data.getFloat64(address + offset, true);
    case 2:
      return ({ memory, address }, offset) => binaryFloat(wholeAt(memory.bytes, address + offset, 2), 5, 10);
    case 16:
      return ({ memory, address }, offset) =>
        binaryFloat(wholeAt(memory.bytes, address + offset, 16), 15, 112);
    default:
      return () => undefined;
  }
}

/** A number of IEEE 754's interchange formats, rounded to a double. */
function binaryFloat(bits: bigint, exponentBits: number, fractionBits: number): number {
  const fraction = bits & ((1n << BigInt(fractionBits)) - 1n);
  const most = 2 ** exponentBits - 1;
  const exponent = Number((bits >> BigInt(fractionBits)) & BigInt(most));
  const sign = bits >> BigInt(fractionBits + exponentBits) === 0n ? 1 : -1;
  if (exponent === most) return fraction === 0n ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  const bias = (most - 1) / 2;
  const whole = exponent === 0 ? fraction : fraction | (1n << BigInt(fractionBits));
  const scale = Math.max(exponent, 1) - bias - fractionBits;
  // In two steps, because 2 ** scale alone may be 0 or infinite.
  return sign * Number(whole) * 2 ** Math.trunc(scale / 2) * 2 ** (scale - Math.trunc(scale / 2));
}

/** A bit field. Its bytes are read one by one, because it may cross the border of a word. */
function bitReader(type: CType, { start, count }: Bits): Reader {
  const shift = BigInt(start % 8);
  const size = Math.ceil(((start % 8) + count) / 8);
  const mask = (1n << BigInt(count)) - 1n;
  const signed = (type.kind === 'number' && isSigned(type)) || (type.kind === 'enum' && type.signed);
  const isBoolean = type.kind === 'number' && type.encoding === 'boolean';
  const isWide = sizeOf(type) > 4;
  return ({ memory, address }, offset) => {
    // `offset` is that of the first byte with a bit of the field.
    const value = (wholeAt(memory.bytes, address + offset, size) >> shift) & mask;
    if (isBoolean) return value !== 0n;
    const exact = signed ? BigInt.asIntN(count, value) : value;
    return isWide ? exact : Number(exact);
  };
}
