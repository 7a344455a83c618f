// Tables of options: what readOptions() accepts, rejects and fills in, and which tables the compiler
// rejects.

import { describe, expect, expectTypeOf, test } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import {
  callback,
  flag,
  flagOrOptions,
  numberAbove0,
  oneOf,
  text,
  textByName,
  textList,
  wholeNumber,
} from '../../src/options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../../src/options/option-table.ts';

interface Inner {
  readonly every?: number;
}

interface Options {
  readonly port?: number;
  readonly level?: 'low' | 'high';
  readonly name?: string;
  readonly host?: boolean | Inner;
}

const INNER = { every: withDefault(wholeNumber(1, 100, 'bytes'), 7) } satisfies OptionTable<Inner>;
const TABLE = {
  port: withDefault(wholeNumber(0, 65535), 6060),
  level: withDefault(oneOf('low', 'high'), 'low'),
  name: text,
  host: flagOrOptions<Inner, typeof INNER>(INNER),
} satisfies OptionTable<Options>;

function rejection(options: unknown): InvalidArgumentError {
  try {
    readOptions('serve', options, TABLE);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return error as InvalidArgumentError;
  }
  throw new Error('The options were accepted.');
}

describe('readOptions()', () => {
  test('fills in defaults, of nested tables too, and leaves out what was not given', () => {
    expect(readOptions('serve', {}, TABLE)).toEqual({ port: 6060, level: 'low' });
    expect(readOptions('serve', { name: undefined, port: 0, host: {} }, TABLE)).toEqual({
      port: 0,
      level: 'low',
      host: { every: 7 },
    });
    expect(Object.keys(readOptions('serve', { name: undefined }, TABLE))).not.toContain('name');
  });

  test('has the types of the settings: those with a default are always there', () => {
    const settings = readOptions('serve', { host: true }, TABLE);
    expectTypeOf(settings.port).toEqualTypeOf<number>();
    expectTypeOf(settings.level).toEqualTypeOf<'low' | 'high'>();
    expectTypeOf(settings.name).toEqualTypeOf<string | undefined>();
    if (typeof settings.host === 'object') expectTypeOf(settings.host.every).toEqualTypeOf<number>();
    expect(settings.host).toBe(true);
  });

  test.each<[unknown, argument: string, message: string]>([
    [{ ports: 1 }, 'ports', "serve() has no option 'ports': did you mean 'port'?"],
    [{ host: { evry: 1 } }, 'host.evry', "serve() has no option 'host.evry': did you mean 'host.every'?"],
    [{ port: 65536 }, 'port', 'The option port must be a whole number from 0 to 65535, not 65536.'],
    [{ port: 1.5 }, 'port', 'The option port must be a whole number from 0 to 65535, not 1.5.'],
    [{ port: null }, 'port', 'The option port must be a whole number from 0 to 65535, not null.'],
    [{ level: 'middle' }, 'level', "The option level must be 'low' or 'high', not 'middle'."],
    [{ level: 'higt' }, 'level', "must be 'low' or 'high', not 'higt': did you mean 'high'?"],
    [{ name: ['a'] }, 'name', 'The option name must be a string.'],
    [{ host: 'yes' }, 'host', "The option host must be true, false or an object, not 'yes'."],
    [
      { host: { every: 0 } },
      'host.every',
      'The option host.every must be a whole number of bytes from 1 to 100, not 0.',
    ],
    [null, 'options', 'The options of serve() must be an object.'],
    ['text', 'options', 'The options of serve() must be an object.'],
  ])('rejects %j', (options, argument, message) => {
    const error = rejection(options);
    expect(error.argument).toBe(argument);
    expect(error.message).toContain(message);
  });
});

test.each([
  ['flag', flag, [true, false], [0, 'true', null]],
  ['textList', textList(), [[], ['a']], ['a', [1]]],
  ['textByName', textByName, [{}, { a: 'b' }], [{ a: 1 }, [], 'a', null]],
  ['numberAbove0', numberAbove0(10), [0.5, 10], [0, -1, 10.5, Number.NaN, '1']],
  ['wholeNumber', wholeNumber(2), [2, 1e9], [1, 2.5, Number.POSITIVE_INFINITY, '2']],
  ['callback', callback(), [() => {}], [{}, 'f']],
])('the rule %s', (_, rule, good, bad) => {
  for (const value of good) expect(rule.read(value, 'x', 'f')).toBe(value);
  for (const value of bad) expect(() => rule.read(value, 'x', 'f')).toThrow(/^The option x must be /);
});

test('the compiler rejects a table that is not that of its interface', () => {
  // @ts-expect-error a rule is missing
  ({ port: wholeNumber(0), level: oneOf('low', 'high'), name: text }) satisfies OptionTable<Options>;
  // @ts-expect-error an option has a rule of another type
  ({ every: text }) satisfies OptionTable<Inner>;
  // @ts-expect-error an option is none of the interface
  ({ every: wholeNumber(0), evry: wholeNumber(0) }) satisfies OptionTable<Inner>;
  // @ts-expect-error a word of the interface is missing
  ({ ...TABLE, level: oneOf('low') }) satisfies OptionTable<Options>;
  // @ts-expect-error the default is none of the words
  expect(withDefault(oneOf('low', 'high'), 'middle')).toBeDefined();
});
