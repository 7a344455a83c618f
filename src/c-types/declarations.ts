// Writes TypeScript declarations of a module: its functions, and the types that its pointers lead to.

import { type CType, type EnumType, fieldsOf, nameOf, type RecordType } from './c-type.ts';
import { isText } from './values.ts';

/** A function that the module offers, with what is known of it. */
export interface ExportedFunction {
  readonly name: string;
  /** The parameters as JavaScript passes them; null for what the debug information does not tell. */
  readonly parameters: readonly { readonly name: string | null; readonly type: CType | string }[];
  readonly result: CType | string;
  /** Text of its documentation; null when it has none. */
  readonly comment: string | null;
  /** Whether the debug information describes it. */
  readonly described: boolean;
}

/** Values of WebAssembly as JavaScript has them. */
const RAW: Readonly<Record<string, string>> = { i32: 'number', i64: 'bigint', f32: 'number', f64: 'number' };

/** Names that an alias of an enumeration must not have. */
const TAKEN = ['Exports', 'Types', 'Module', 'Pointer', 'StructView', 'Sandbox'];
/** The most enumerators that are worth a union. */
const MOST_ENUMERATORS = 1000;
/** How deep types of fields are written that have no name. */
const DEEPEST = 16;

/** Words that cannot name a parameter. */
const RESERVED = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends ' +
    'false finally for function if implements import in instanceof interface let new null package private protected ' +
    'public return static super switch this throw true try typeof var void while with yield'
  ).split(' '),
);

/** Makes the declarations of one module. */
export class Declarations {
  /** Types by their name in C, which fields and functions refer to. */
  readonly #types = new Map<string, CType>();
  readonly #pending: CType[] = [];
  readonly #aliases = new Map<string, { readonly alias: string; readonly type: EnumType }>();
  readonly #taken = new Set(TAKEN);
  #usesPointer = false;
  #usesView = false;

  /**
   * The lines of the declarations, to stand at the outermost level of a file.
   * @param functions what the module offers
   * @param types further types to declare
   */
  lines(functions: readonly ExportedFunction[], types: Iterable<CType>): string[] {
    for (const type of types) this.#declare(type);
    const exported = functions.flatMap((each) => this.#function(each));
    const records = this.#records();
    const enums = [...this.#aliases.values()]
      .sort((a, b) => compare(a.alias, b.alias))
      .flatMap(({ alias, type }) => enumLines(alias, type));
    const imports = [
      ...(this.#usesPointer ? ['Pointer'] : []),
      'Sandbox',
      ...(this.#usesView ? ['StructView'] : []),
    ];
    return [
      `import type { ${imports.join(', ')} } from 'heapline';`,
      '',
      '/** The functions of the module. */',
      'export interface Exports {',
      ...exported.map(indented),
      '}',
      '',
      '/** The types of the module by their names in C, as sandbox.view() reads them. */',
      'export interface Types {',
      ...records.map(indented),
      '}',
      ...enums,
      '',
      '/** A sandbox of the module. */',
      'export type Module = Sandbox<Exports, Types>;',
    ];
  }

  #function({ name, parameters, result, comment }: ExportedFunction): string[] {
    const names = parameterNames(parameters.map((each) => each.name));
    const list = parameters.map(({ type }, index) => `${names[index]}: ${this.#passed(type)}`);
    return [...docLines(comment), `${propertyName(name)}(${list.join(', ')}): ${this.#passed(result)};`];
  }

  /** The type of a parameter or a result. */
  #passed(type: CType | string): string {
    if (typeof type === 'string') return type === 'void' ? 'void' : (RAW[type] ?? 'unknown');
    switch (type.kind) {
      case 'void':
        return 'void';
      case 'number':
        return type.encoding !== 'float' && type.size > 4 ? 'bigint' : 'number';
      case 'enum':
        return this.#enum(type);
      case 'pointer':
        return this.#pointer(type.target);
      default:
        return type.kind === 'unknown' && type.size === 8 ? 'bigint' : 'number';
    }
  }

  #pointer(target: CType): string {
    this.#usesPointer = true;
    if (target.kind === 'void') return 'Pointer';
    this.#declare(target);
    return `Pointer<${quoted(nameOf(target))}>`;
  }

  /** The type of what a view gives for a value in memory. */
  #seen(type: CType, depth = 0): string {
    switch (type.kind) {
      case 'number':
        if (type.encoding === 'boolean') return 'boolean';
        if (type.encoding === 'complex') return 'readonly [real: number, imaginary: number]';
        return type.encoding !== 'float' && type.size > 4 ? 'bigint' : 'number';
      case 'enum':
        return this.#enum(type);
      case 'pointer':
        return isText(type.target) ? 'string | null' : this.#pointer(type.target);
      case 'array': {
        if (isText(type.element)) return 'string';
        const element = this.#seen(type.element, depth);
        return / [&|] |^readonly /.test(element) ? `readonly (${element})[]` : `readonly ${element}[]`;
      }
      case 'record':
        return type.name === null || type.incomplete ? this.#inline(type, depth) : this.#named(type);
      default:
        return 'undefined';
    }
  }

  #named(type: RecordType): string {
    this.#declare(type);
    return `Types[${quoted(type.name!)}]`;
  }

  #inline(type: RecordType, depth: number): string {
    this.#usesView = true;
    if (type.incomplete || depth > DEEPEST) return 'StructView';
    return `StructView<${quoted(type.keyword)}> & { ${this.#fields(type, depth + 1).join(' ')} }`;
  }

  #fields(type: RecordType, depth: number): string[] {
    return fieldsOf(type).map(
      ({ name, type: of }) => `readonly ${propertyName(name)}: ${this.#seen(of, depth)};`,
    );
  }

  /** Everything that can be viewed, which grows while it is written. */
  #records(): string[] {
    const entries = new Map<string, string[]>();
    for (let type = this.#pending.pop(); type !== undefined; type = this.#pending.pop()) {
      const name = nameOf(type);
      if (type.kind !== 'record') {
        entries.set(name, [`${quoted(name)}: ${this.#seen(type)};`]);
        continue;
      }
      this.#usesView = true;
      const fields = this.#fields(type, 0);
      const view = `${quoted(name)}: StructView<${quoted(name)}>`;
      entries.set(name, fields.length === 0 ? [`${view};`] : [`${view} & {`, ...fields.map(indented), '};']);
    }
    return [...entries.keys()].sort(compare).flatMap((name) => entries.get(name)!);
  }

  #declare(type: CType): void {
    if (type.kind === 'enum') this.#enum(type);
    if (type.kind === 'void' || type.kind === 'function' || type.kind === 'unknown') return;
    if (type.kind === 'record' && (type.name === null || type.incomplete)) return;
    const name = nameOf(type);
    if (this.#types.has(name)) return;
    this.#types.set(name, type);
    this.#pending.push(type);
  }

  #enum(type: EnumType): string {
    const { name } = type;
    if (name === null) return unionOf(type);
    const known = this.#aliases.get(name);
    if (known !== undefined) return known.alias;
    const words = name.replace(/^enum /, '').match(/[A-Za-z0-9]+/g) ?? ['Enum'];
    const base = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
    const start = /^\d/.test(base) ? `Enum${base}` : base;
    let alias = start;
    for (let i = 2; this.#taken.has(alias); i++) alias = `${start}${i}`;
    this.#taken.add(alias);
    this.#aliases.set(name, { alias, type });
    return alias;
  }
}

function enumLines(alias: string, type: EnumType): string[] {
  const head = ['', `/** \`${docText(type.name!)}\` */`];
  if (isOpen(type)) {
    const list = type.enumerators
      .slice(0, MOST_ENUMERATORS)
      .map(({ name, value }) => ` * ${docText(name)} = ${value}`);
    return [
      ...(list.length === 0
        ? head
        : ['', '/**', ` * \`${docText(type.name!)}\`, whose values may be combined:`, ...list, ' */']),
      `export type ${alias} = ${wide(type)};`,
    ];
  }
  const members = [...namesByValue(type)].map(
    ([value, names]) => `  | ${literal(value, type)} /* ${docText(names.join(', '))} */`,
  );
  return [...head, `export type ${alias} =`, ...members.slice(0, -1), `${members.at(-1)};`];
}

function unionOf(type: EnumType): string {
  return isOpen(type)
    ? wide(type)
    : [...namesByValue(type).keys()].map((value) => literal(value, type)).join(' | ');
}

function wide({ size }: EnumType): string {
  return size > 4 ? 'bigint' : 'number';
}

function literal(value: bigint, { size }: EnumType): string {
  return size > 4 ? `${value}n` : `${value}`;
}

function namesByValue({ enumerators }: EnumType): Map<bigint, string[]> {
  const names = new Map<bigint, string[]>();
  for (const { name, value } of enumerators) names.set(value, [...(names.get(value) ?? []), name]);
  return names;
}

/**
 * Whether an enumeration has other values than its enumerators: three or more of them are bits to be combined. Values of
 * 32 bits without a sign are open, too, because a function returns them with one.
 */
function isOpen({ enumerators, size }: EnumType): boolean {
  if (enumerators.length === 0 || enumerators.length > MOST_ENUMERATORS) return true;
  const values = enumerators.map(({ value }) => value);
  if (values.some((value) => value >= 1n << BigInt(8 * Math.max(size, 4) - 1))) return true;
  const bits = new Set(values.filter((value) => value > 0n && (value & (value - 1n)) === 0n));
  const all = [...bits].reduce((sum, bit) => sum | bit, 0n);
  const areBits =
    bits.size >= 3 && bits.has(4n) && values.every((value) => value >= 0n && (value & ~all) === 0n);
  return areBits && !isConsecutive(values);
}

/** Whether values count up: 0, 1, 2, 3, 4. */
function isConsecutive(values: readonly bigint[]): boolean {
  const sorted = [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));
  return sorted.every((value, index) => value === sorted[0]! + BigInt(index));
}

function parameterNames(given: readonly (string | null)[]): string[] {
  const used = new Set<string>();
  return given.map((name, index) => {
    let base = (name ?? `argument${index + 1}`).replace(/[^\p{ID_Continue}$]/gu, '_');
    if (RESERVED.has(base) || !/^[\p{ID_Start}$_]/u.test(base)) base = `${base}_`.replace(/^(?=\d)/, '_');
    let unique = base;
    for (let i = 2; used.has(unique); i++) unique = `${base}${i}`;
    used.add(unique);
    return unique;
  });
}

function propertyName(name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : quoted(name);
}

function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

function docLines(comment: string | null): string[] {
  if (comment === null) return [];
  const lines = docText(comment).split('\n');
  if (lines.length === 1) return [`/** ${lines[0]} */`];
  return ['/**', ...lines.map((line) => (line === '' ? ' *' : ` * ${line}`)), ' */'];
}

/** A text inside of a comment, which it must not end. */
function docText(text: string): string {
  return text.replaceAll('*/', '* /');
}

function indented(line: string): string {
  return line === '' ? '' : `  ${line}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
