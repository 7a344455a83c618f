// The declarations of C programs: what they say, and that TypeScript accepts what should be accepted and rejects the rest.

import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { ModuleTypes } from '../../src/c-types/index.ts';
import { type CompileOptions, compile } from '../../src/compile/index.ts';
import { isOwnFunction } from '../../src/sandbox/index.ts';
import { strictErrors } from './strict.ts';

const program = (name: string): string => new URL(`programs/${name}`, import.meta.url).pathname;

async function typesOf(name: string, options: CompileOptions): Promise<ModuleTypes> {
  return new ModuleTypes((await compile([program(name)], options)).wasm);
}

function textOf(types: ModuleTypes): string {
  const sourceLines = (path: string): string[] | null =>
    path.includes('/programs/') ? readFileSync(path, 'utf8').split('\n') : null;
  return types.declarations({ offers: isOwnFunction, sourceLines }).join('\n');
}

let text = '';
beforeAll(async () => {
  text = textOf(await typesOf('shapes.c', { toolchain: 'clang', flags: ['-O0', '-gdwarf-4'] }));
});

/** The lines of the functions. */
function exported(all: string): string {
  return /export interface Exports \{\n([\s\S]*?)\n\}/.exec(all)![1]!;
}

test('declare functions as JavaScript calls them, with their comments', () => {
  const functions = exported(text)
    .split('\n')
    .map((line) => line.slice(2));
  expect(functions).toEqual(
    expect.arrayContaining([
      '/** Makes a node. */',
      "make(name: Pointer<'char'>, color: Color): Pointer<'struct node'>;",
      "release(node: Pointer<'struct node'>): void;",
      // A struct of more than one member comes and goes by its address, one of a single member as that member.
      "move(result: Pointer<'struct point'>, node: Pointer<'struct node'>, by: Pointer<'struct point'>, scale: number): void;",
      'only(given: number, mode: Mode, in_: number): number;',
      'uncommented(a: bigint, b: bigint, variadic: Pointer): bigint;',
      'huge(): Huge;',
      "any(where: Pointer<'void *'>, argc: number, argv: Pointer<'char *'>, compare: Pointer<'int (void *, void *)'>): Pointer;",
    ]),
  );
  expect(exported(text)).toContain('/**\n   * Sets the color.\n   * It may be any.\n   */\n  paint(');
  expect(exported(text)).toContain(
    '/**\n   * Moves a node\n   * by a distance, and gives its place.\n   */\n  move(',
  );
  expect(exported(text)).not.toContain('This comment ends');
});

test('declare enumerations as unions, with bigints when they have 64 bits', () => {
  expect(text).toContain('export type Color =\n  | 0 /* RED */\n  | 5 /* GREEN */\n  | 6 /* BLUE */;');
  expect(text).toContain('export type Huge =\n  | 1n /* SMALL */\n  | 4294967296n /* LARGE */;');
  expect(text).toContain(' * READ = 1\n * WRITE = 2\n * APPEND = 4\n */\nexport type Mode = number;');
});

test('are the same at every level and in every version of debug information', async () => {
  const others = [
    { toolchain: 'embedded', flags: ['-O2', '-gdwarf-5'] },
    { toolchain: 'clang', flags: ['-O1', '-gdwarf-5'] },
  ] as const;
  for (const options of others) expect(textOf(await typesOf('shapes.c', options))).toBe(text);
});

test('accept right programs and reject wrong ones', () => {
  const program = `import type { Color, Exports, Module, Types } from './types';
import type { Pointer } from 'heapline';
declare const lib: Module;
declare const name: Pointer<'char'>;
const color: Color = 5;
const node: Pointer<'struct node'> = lib.exports.make(name, color);
const view: Types['struct node'] = lib.view('struct node', node);
export const sum: number = view.at.x + view.path[1]!.y + view.value.number + view.unnamed.inner;
export const big: bigint = view.big + view.gigantic + view.wide_bits;
export const flag: boolean = view.flag;
export const plane: number = view.plane[0];
export const texts: (string | null)[] = [view.name, view.tag, view.value.text];
export const next: number | bigint = lib.view('struct node', view.next).level;
export const call: Exports['only'] = (given) => given;
lib.exports.paint(node, view.color);
lib.exports.any(name as Pointer, 0, 0, 0);
export const first: string | null = lib.view('char *', 0 as Pointer<'char *'>);
`;
  expect(strictErrors({ '/types.d.ts': text, '/right.ts': program })).toEqual([]);
  const wrong = [
    'lib.exports.make(3, 5);',
    'lib.exports.make(name, 7);',
    'lib.exports.make(name);',
    'lib.exports.paint(name, 5);',
    "lib.view('struct nod', node);",
    "lib.view('struct point', node);",
    "lib.view('struct node', node).colour;",
    "lib.view('struct node', node).big + 1;",
    "(lib.view('struct node', node) as { level: number }).level = lib.view('struct node', node).name;",
    'lib.exports.uncommented(1, 2, 0);',
    'lib.exports.missing();',
  ];
  for (const line of wrong) {
    const file = `import type { Module } from './types';
import type { Pointer } from 'heapline';
declare const lib: Module; declare const name: Pointer<'char'>; declare const node: Pointer<'struct node'>;
export const used = [lib, name, node];
${line}`;
    const errors = strictErrors({ '/types.d.ts': text, '/wrong.ts': file });
    expect(
      errors.map((error) => error.slice(0, 12)),
      line,
    ).toContain('/wrong.ts:5:');
  }
});

test('declare functions without debug information by the types of WebAssembly', async () => {
  const types = await typesOf('shapes.c', { toolchain: 'clang', flags: ['-O1', '-g0'] });
  const functions = exported(textOf(types));
  expect(functions).toContain('make(argument1: number, argument2: number): number;');
  expect(functions).toContain(
    'uncommented(argument1: bigint, argument2: bigint, argument3: number): bigint;',
  );
  expect(types.warnings.join()).toContain('the debug information does not describe');
});

test('declare C++: classes with bases, references, templates and namespaces', async () => {
  const text = textOf(await typesOf('classes.cpp', { toolchain: 'clang', flags: ['-O0', '-g'] }));
  expect(exported(text)).toContain(
    "area(shape: Pointer<'struct ns::Square'>, place: Pointer<'struct ns::Place'>, kind: NsKind): number;",
  );
  expect(text).toContain(
    "'class ns::Shape': StructView<'class ns::Shape'> & {\n    readonly id: number;\n  };",
  );
  // The members of a base class are those of the class, and a member of the class hides one of the base.
  expect(text).toContain(
    "'struct ns::Square': StructView<'struct ns::Square'> & {\n    readonly id: number;\n    readonly side: number;\n    readonly at: Types['struct ns::Place'];\n  };",
  );
  expect(text).toContain("'struct ns::Box<char *>'");
  expect(strictErrors({ '/types.d.ts': text })).toEqual([]);
});
