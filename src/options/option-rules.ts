// The rules that many options share: which values they accept, and how a message says so.

import { InvalidArgumentError } from '../errors.ts';
import { nearest } from './option-names.ts';
import {
  type AnyTable,
  type OptionRule,
  type OptionTable,
  readOptions,
  type SettingsOf,
} from './option-table.ts';

/** Throws the error that an option has a wrong value. @param expected completes "The option x must be …" */
export function rejectOption(option: string, expected: string, value: unknown): never {
  throw new InvalidArgumentError(option, `The option ${option} must be ${expected}${insteadOf(value)}.`);
}

/** A wrong value that a message can show on its line: a number, a word. */
function insteadOf(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? '' : `, not '${value}'`;
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? ''
    : `, not ${String(value)}`;
}

/**
 * A rule by a condition.
 * @param expected completes "The option x must be …"
 */
export function rule<Value>(accepts: (value: unknown) => boolean, expected: string): OptionRule<Value> {
  return {
    read: (value, option) => {
      if (!accepts(value)) rejectOption(option, expected, value);
      return value as Value;
    },
  };
}

/** True for a string. */
export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** True for an object or an array. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** True for an array whose elements all pass. */
export function isListOf<Element>(
  value: unknown,
  isElement: (element: unknown) => boolean,
): value is readonly Element[] {
  return Array.isArray(value) && value.every(isElement);
}

/** An option that is on or off. */
export const flag: OptionRule<boolean> = rule((value) => typeof value === 'boolean', 'true or false');

/** An option that is any string. */
export const text: OptionRule<string> = rule(isText, 'a string');

/** An option that is a string with at least one character. @param expected says which string */
export function textNotEmpty(expected = 'a string that is not empty'): OptionRule<string> {
  return rule((value) => isText(value) && value !== '', expected);
}

/** An option that is a list of strings. @param expected says which strings */
export function textList(expected = 'an array of strings'): OptionRule<readonly string[]> {
  return rule((value) => isListOf(value, isText), expected);
}

/** An option that gives strings by name. */
export const textByName: OptionRule<Readonly<Record<string, string>>> = rule(
  (value) => isObject(value) && !Array.isArray(value) && Object.values(value).every(isText),
  'an object of strings',
);

/** An option that is called back. */
export function callback<Value>(): OptionRule<Value> {
  return rule((value) => typeof value === 'function', 'a function');
}

/** An option that is one of these words. */
export function oneOf<const Word extends string>(
  ...words: readonly Word[]
): OptionRule<Word> & { readonly words: readonly Word[] } {
  const quoted = words.map((word) => `'${word}'`);
  const expected = `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
  return {
    words,
    read: (value, option) => {
      if ((words as readonly unknown[]).includes(value)) return value as Word;
      const near = isText(value) ? nearest(value, words) : null;
      if (near === null) rejectOption(option, expected, value);
      throw new InvalidArgumentError(
        option,
        `The option ${option} must be ${expected}${insteadOf(value)}: did you mean '${near}'?`,
      );
    },
  };
}

/** An option that is a whole number in a range, with both its ends. @param unit what the number counts */
export function wholeNumber(
  from: number,
  to: number = Number.MAX_SAFE_INTEGER,
  unit = '',
): OptionRule<number> {
  const range = to === Number.MAX_SAFE_INTEGER ? `, at least ${from}` : ` from ${from} to ${to}`;
  return rule(
    (value) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to,
    `a whole number${unit === '' ? '' : ` of ${unit}`}${range}`,
  );
}

/** An option that is a number above 0, which need not be whole. */
export function numberAbove0(to: number = Number.POSITIVE_INFINITY, unit = ''): OptionRule<number> {
  return rule(
    (value) => typeof value === 'number' && value > 0 && value <= to,
    `a number${unit === '' ? '' : ` of ${unit}`} above 0${to === Number.POSITIVE_INFINITY ? '' : `, at most ${to}`}`,
  );
}

/** An option that is a moment: milliseconds since 1970. */
export const timestamp: OptionRule<number> = rule(
  (value) => Number.isFinite(value) && (value as number) >= 0,
  'a number of milliseconds since 1970',
);

/** An option that is on, off, or an object of options with a table of its own. */
export function flagOrOptions<Options extends object, Table extends AnyTable & OptionTable<Options>>(
  table: Table,
): OptionRule<boolean | Options, boolean | SettingsOf<Table>> {
  return {
    read: (value, option, caller) => {
      if (typeof value === 'boolean') return value;
      if (!isObject(value)) rejectOption(option, 'true, false or an object', value);
      return readOptions(caller, value, table, option);
    },
  };
}
