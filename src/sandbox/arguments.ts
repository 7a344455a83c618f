// Checks of what callers pass to the functions of a heap. JavaScript would turn a wrong value into 0 without a word.

import { InvalidArgumentError } from '../errors.ts';

const MAX_SIZE = 0xffffffff;

/** A value in a message: numbers as they are, of all others the type. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'number' ? String(value) : `a value of type ${typeof value}`;
}

export function checkFunction(argument: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new InvalidArgumentError(argument, `${argument} must be a function, not ${describe(value)}.`);
}

export function checkSize(argument: string, value: number): void {
  if (isUnsigned(value)) return;
  throw new InvalidArgumentError(
    argument,
    `${argument} must be a whole number of bytes from 0 to ${MAX_SIZE}, not ${describe(value)}.`,
  );
}

export function checkAddress(argument: string, value: number): void {
  if (isUnsigned(value)) return;
  throw new InvalidArgumentError(
    argument,
    `${argument} must be a pointer, a whole number from 0 to ${MAX_SIZE}, not ${describe(value)}.` +
      (typeof value === 'number' && value < 0 ? ' Make pointers that C returned unsigned with >>> 0.' : ''),
  );
}

function isUnsigned(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_SIZE;
}
