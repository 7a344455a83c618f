// Files that are not relocatable objects.

import { expect, test } from 'vitest';
import { readObjectSymbols } from '../../src/binary/object-symbols.ts';
import { InvalidModuleError } from '../../src/errors.ts';
import { module } from '../support/module-builder.ts';

test('a linked module and other files are rejected with the reason', () => {
  expect(() => readObjectSymbols(module())).toThrow(/not a relocatable object/);
  expect(() => readObjectSymbols(new TextEncoder().encode('!<arch>\n'))).toThrow(InvalidModuleError);
});
