// Finds a type by the name that a person writes: `struct node`, `node_t`, `struct node *`, `unsigned char[4]`,
// `ns::Reader`. In C, a struct is named with its keyword; in C++ without it, too.

import { InvalidArgumentError, UnsupportedModuleError } from '../errors.ts';
import { nearest } from '../options/option-names.ts';
import { ADDRESS_BYTES, type ArrayType, type CType, nameOf, type PointerType, sizeOf } from './c-type.ts';
import * as dw from './constants.ts';
import type { DebugIndex, NamedType } from './debug-index.ts';
import { fileNameOf, isRecordTag, type TypeReader, VOID } from './type-reader.ts';

/** `struct node@list.c *[4]`: a keyword, a name, a file, and what is derived of it. */
const NAME =
  /^(?:(struct|union|class|enum)\s+)?([^@*[\]]*[^@*[\]\s])(?:\s*@\s*([^*[\]\s]+))?\s*([*\s]*)((?:\[\d+\]\s*)*)$/;
/** The most elements that the name of an array may ask for. */
const MOST_ELEMENTS = 2 ** 32;

/** The type of this name. Throws InvalidArgumentError for a name of no type, or of several types. */
export function findType(text: string, index: DebugIndex, reader: TypeReader): CType {
  const plain = text
    .replace(/\b(?:const|volatile|restrict)\b/g, ' ')
    .trim()
    .replace(/\s+/g, ' ');
  // Names of C++ may have stars and brackets of their own: `Box<char *>`.
  const whole = /^(?:(struct|union|class|enum) )?(.*)$/s.exec(plain)!;
  if (index.typesNamed(whole[2]!).length > 0) {
    return named(text, whole[1], whole[2]!, undefined, index, reader);
  }
  const match = NAME.exec(plain);
  if (match === null) {
    throw new InvalidArgumentError(
      'type',
      `'${text}' is not the name of a type: write it as in C, such as 'struct node'.`,
    );
  }
  const [, keyword, name, file, stars, bounds] = match as unknown as [
    string,
    string?,
    string?,
    string?,
    string?,
    string?,
  ];
  let type: CType =
    name === 'void' && keyword === undefined ? VOID : named(text, keyword, name!, file, index, reader);
  for (const star of stars ?? '') if (star === '*') type = pointerTo(type);
  const counts = [...(bounds ?? '').matchAll(/\d+/g)].map(([count]) => Number(count)).reverse();
  for (const count of counts) type = arrayOf(text, type, count);
  return type;
}

function pointerTo(target: CType): PointerType {
  return { kind: 'pointer', size: ADDRESS_BYTES, target };
}

function arrayOf(text: string, element: CType, count: number): ArrayType {
  const array: ArrayType = { kind: 'array', element, count };
  if (count <= MOST_ELEMENTS && sizeOf(array) <= MOST_ELEMENTS) return array;
  throw new InvalidArgumentError('type', `'${text}' is larger than any memory.`);
}

function named(
  text: string,
  keyword: string | undefined,
  name: string,
  file: string | undefined,
  index: DebugIndex,
  reader: TypeReader,
): CType {
  const meant = index.typesNamed(name).filter((type) => isMeant(type, keyword));
  const known = meant.filter(({ declared }) => !declared);
  // Types inside of functions are found when there is no other.
  const outer = known.filter(({ local }) => !local);
  const defined = outer.length > 0 ? outer : known;
  const inFile = file === undefined ? defined : defined.filter((type) => fileNameOf(type, index) === file);
  const [first] = inFile;
  if (first === undefined) throw notFound(text, keyword, name, file, meant, index, reader);
  const type = reader.at(first.entry);
  if (file !== undefined) return type;
  // Two units may have different types of one name.
  const names = new Set(inFile.map((each) => nameOf(reader.at(each.entry))));
  if (names.size > 1) {
    const list = [...names].map((each) => `'${each}'`).join(', ');
    throw new InvalidArgumentError('type', `'${text}' is the name of several types. Say which one: ${list}.`);
  }
  return type;
}

function isMeant({ tag, c }: NamedType, keyword: string | undefined): boolean {
  switch (keyword) {
    case 'struct':
    case 'class':
      return isRecordTag(tag) && tag !== dw.DW_TAG_union_type;
    case 'union':
      return tag === dw.DW_TAG_union_type;
    case 'enum':
      return tag === dw.DW_TAG_enumeration_type;
    default:
      return tag === dw.DW_TAG_typedef || tag === dw.DW_TAG_base_type || !c;
  }
}

function notFound(
  text: string,
  keyword: string | undefined,
  name: string,
  file: string | undefined,
  meant: readonly NamedType[],
  index: DebugIndex,
  reader: TypeReader,
): Error {
  if (meant.length > 0 && file === undefined) {
    return new InvalidArgumentError(
      'type',
      `'${text}' is only declared in this module: no source file with debug information defines its members.`,
    );
  }
  const names = new Set<string>();
  for (const type of index.types()) if (!type.declared) names.add(reader.nameAt(type));
  if (names.size === 0) return withoutTypes();
  // A keyword that is forgotten or wrong is the usual mistake.
  const other = [...names].find((each) => each.replace(/^(?:struct|union|class|enum) |@.*$/g, '') === name);
  const written = keyword === undefined ? name : `${keyword} ${name}`;
  const near = other ?? nearest(written, [...names]);
  const advice =
    near === null
      ? ' If its source has no debug information, compile its sources with -g.'
      : ` Did you mean '${near}'?`;
  return new InvalidArgumentError('type', `The module's debug information has no type '${text}'.${advice}`);
}

/** The error that a module has no types. */
export function withoutTypes(): Error {
  return new UnsupportedModuleError(
    'The module has no debug information about types: compile it with -g, and link it without --strip-debug.',
  );
}
