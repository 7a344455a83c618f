// Signatures of functions: their parameters and results as C declares them, and what becomes of them in WebAssembly
// (tool-conventions, "BasicCABI"). A struct with one member travels as that member; any other is passed by its address,
// and as a result it is written to an address that is the first parameter. A signature counts only if the types of the
// module's own function agree with it.

import { ADDRESS_BYTES, type CType, fieldsOf, type RecordType, sizeOf } from './c-type.ts';
import * as dw from './constants.ts';
import type { DebugIndex, NamedFunction } from './debug-index.ts';
import { isSet } from './entry.ts';
import { placeOf, type TypeReader } from './type-reader.ts';

/** A value type of WebAssembly that C uses. */
export type Lowered = 'i32' | 'i64' | 'f32' | 'f64';

/** A parameter of the function as it is called. */
export interface Parameter {
  /** Its name in C; null when it has none. */
  readonly name: string | null;
  readonly type: CType;
}

/** A function as JavaScript calls it. */
export interface Signature {
  readonly parameters: readonly Parameter[];
  readonly result: CType;
  /** Place of its definition; '' and 0 when it is not known. */
  readonly file: string;
  readonly line: number;
}

/** The most levels of structs with one member. */
const DEEPEST = 32;

/**
 * The signature of a function; null when the debug information does not describe it, or when its code has other types:
 * an optimiser or a linker may have changed them.
 */
export function signatureOf(
  { entry }: NamedFunction,
  parameters: readonly string[],
  results: readonly string[],
  index: DebugIndex,
  reader: TypeReader,
): Signature | null {
  return index.guard(null, () => {
    const declared = declarationOf(entry, index, reader);
    const lowered = lower(declared);
    const types = lowered.parameters.map(({ type }) => loweredType(type));
    const result = loweredResult(lowered.result);
    const same = types.join() === parameters.join() && result.join() === results.join();
    return same ? lowered : null;
  });
}

interface Declared extends Signature {
  readonly variadic: boolean;
}

/** What a function is declared as. */
export function declarationOf(entry: number, index: DebugIndex, reader: TypeReader): Declared {
  let place: { readonly file: string; readonly line: number } = { file: '', line: 0 };
  const reference = index.inOrigins(entry, (each, unit) => {
    if (place.line === 0) place = placeOf(each, unit);
    return each.type;
  });
  const parameters: Parameter[] = [];
  let variadic = false;
  index.eachChild(entry, (child, at) => {
    if (child.tag === dw.DW_TAG_unspecified_parameters) variadic = true;
    if (child.tag !== dw.DW_TAG_formal_parameter) return;
    const type = index.inOrigins(at, (each) => each.type);
    const name = index.inOrigins(at, (each, unit) => unit.string(each.name));
    const isThis = index.inOrigins(at, (each) => (isSet(each.artificial) ? true : null)) === true;
    parameters.push({ name: isThis ? 'self' : name, type: reader.of(type) });
  });
  return { parameters, result: reader.of(reference), variadic, ...place };
}

const VOID: CType = { kind: 'void' };

function pointerTo(target: CType): CType {
  return { kind: 'pointer', size: ADDRESS_BYTES, target };
}

/** The parameters and the result that the function has in WebAssembly, each with its type in C. */
function lower({ parameters, result, variadic, file, line }: Declared): Signature {
  const lowered: Parameter[] = [];
  let returned = result;
  const passed = passing(result);
  if (passed.way === 'address') {
    lowered.push({ name: 'result', type: pointerTo(result) });
    returned = VOID;
  } else if (passed.way === 'nothing') returned = VOID;
  else returned = passed.type;
  for (const { name, type } of parameters) {
    const { way, type: value } = passing(type);
    if (way === 'address' && isWide(type)) {
      lowered.push({ name, type: HALF }, { name: name && `${name}_high`, type: HALF });
    } else if (way === 'address') lowered.push({ name, type: pointerTo(type) });
    else if (way === 'value') lowered.push({ name, type: value });
  }
  if (variadic) lowered.push({ name: 'variadic', type: pointerTo(VOID) });
  return { parameters: lowered, result: returned, file, line };
}

/** Half of a number of 16 bytes: as a parameter it is two numbers of 64 bits. */
const HALF: CType = {
  kind: 'number',
  name: 'unsigned long long',
  encoding: 'unsigned',
  signed: false,
  size: 8,
};

function isWide(type: CType): boolean {
  return type.kind === 'number' && type.encoding !== 'complex' && type.size === 16;
}

type Passing =
  | { readonly way: 'value'; readonly type: CType }
  | { readonly way: 'address' | 'nothing'; readonly type: CType };

function passing(type: CType): Passing {
  if (type.kind === 'void') return { way: 'nothing', type };
  if (type.kind === 'number') {
    return { way: type.encoding === 'complex' || type.size > 8 ? 'address' : 'value', type };
  }
  if (type.kind !== 'record') return { way: 'value', type };
  if (type.byReference) return { way: 'address', type };
  if (type.size === 0 || isEmpty(type)) return { way: 'nothing', type };
  const only = onlyScalar(type, 0);
  return only === null ? { way: 'address', type } : { way: 'value', type: only };
}

/** Whether a record has no members, as many classes of C++. */
function isEmpty(record: RecordType): boolean {
  return fieldsOf(record).length === 0;
}

/** The scalar that a record consists of; null when it consists of more. */
function onlyScalar(type: CType, depth: number): CType | null {
  if (depth > DEEPEST) return null;
  switch (type.kind) {
    case 'record': {
      if (type.incomplete || type.byReference) return null;
      const filled = type.members.filter((each) => each.type.kind !== 'record' || !isEmpty(each.type));
      const [member] = filled;
      if (filled.length !== 1 || member === undefined) return null;
      const only = onlyScalar(member.type, depth + 1);
      // Padding makes it more than its member.
      return only !== null && sizeOf(only) === type.size ? only : null;
    }
    case 'array':
      return type.count === 1 ? onlyScalar(type.element, depth + 1) : null;
    case 'number':
      return type.encoding === 'complex' || type.size > 8 ? null : type;
    case 'pointer':
    case 'enum':
      return type;
    default:
      return null;
  }
}

function loweredType(type: CType): Lowered | '?' {
  switch (type.kind) {
    case 'number':
      if (type.encoding === 'float') return type.size === 4 ? 'f32' : type.size === 8 ? 'f64' : '?';
      return type.size <= 4 ? 'i32' : type.size === 8 ? 'i64' : '?';
    case 'enum':
      return type.size <= 4 ? 'i32' : 'i64';
    case 'pointer':
    case 'array':
    case 'function':
      return 'i32';
    case 'unknown':
      // A pointer to a member has the size of what it is.
      return type.size === 4 ? 'i32' : type.size === 8 ? 'i64' : '?';
    default:
      return '?';
  }
}

function loweredResult(type: CType): readonly (Lowered | '?')[] {
  return type.kind === 'void' ? [] : [loweredType(type)];
}
