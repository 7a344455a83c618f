// Texts and bytes of the guest's linear memory, read and written by the host. Addresses are unsigned and 32 bits wide.

import { InvalidArgumentError } from '../errors.ts';
import { checkAddress, checkSize, describe } from './arguments.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A text as C has it: UTF-8, terminated by a zero byte. */
export function encodeCString(text: string): Uint8Array {
  if (typeof text !== 'string') {
    throw new InvalidArgumentError('text', `heap.cstring() takes a string, not ${describe(text)}.`);
  }
  if (text.includes('\0')) {
    throw new InvalidArgumentError(
      'text',
      'The text holds a NUL character, at which C would end it. Use heap.malloc() and heap.bytes() for such data.',
    );
  }
  return encoder.encode(`${text}\0`);
}

/** The C string at this address of the memory. */
export function decodeCString(memory: Uint8Array, address: number): string {
  checkAddress('address', address);
  if (address === 0)
    throw new InvalidArgumentError('address', 'heap.readCString() was given a NULL pointer.');
  if (address >= memory.length) throw outside(memory, address, 1);
  const end = memory.indexOf(0, address);
  if (end < 0) {
    throw new InvalidArgumentError(
      'address',
      `There is no zero byte between address ${address} and the end of the guest's memory.`,
    );
  }
  return decoder.decode(memory.subarray(address, end));
}

/** A part of the memory. */
export function bytesAt(memory: Uint8Array, address: number, length: number): Uint8Array {
  checkAddress('address', address);
  checkSize('length', length);
  if (address + length > memory.length) throw outside(memory, address, length);
  return memory.subarray(address, address + length);
}

function outside(memory: Uint8Array, address: number, length: number): InvalidArgumentError {
  return new InvalidArgumentError(
    'address',
    `${length} bytes at address ${address} reach beyond the guest's memory of ${memory.length} bytes.`,
  );
}
