// The values of an enumeration by their names.

import { InvalidArgumentError } from '../errors.ts';
import { type CType, nameOf } from './c-type.ts';

/** The values by name: numbers, or bigints when the enumeration has 64 bits. */
export function enumeratorsOf(type: CType): Readonly<Record<string, number | bigint>> {
  if (type.kind !== 'enum') {
    throw new InvalidArgumentError('type', `'${nameOf(type)}' is not an enumeration: it has no enumerators.`);
  }
  const values: Record<string, number | bigint> = Object.create(null);
  for (const { name, value } of type.enumerators) values[name] = type.size > 4 ? value : Number(value);
  return Object.freeze(values);
}
