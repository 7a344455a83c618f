// Compares the symbols of relocatable objects with llvm-nm, for objects of the oldest and the newest supported LLVM.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ObjectSymbol, readObjectSymbols } from '../../src/binary/object-symbols.ts';
import { HeaplineError } from '../../src/errors.ts';
import { Workshop } from '../support/workshop.ts';

const source = `
  static int counter = 1; int shared_counter; extern int elsewhere; const char text[] = "text";
  __attribute__((noinline)) static int hidden_away(int x) { return x * elsewhere + counter++; }
  int callee(int);
  int visible(int x) { return hidden_away(x) + callee(x) + shared_counter; }
  __attribute__((weak)) int weakly(void) { return 1; }
  __attribute__((visibility("hidden"))) int internal(void) { return text[1]; }
  __attribute__((export_name("outside"))) int exported(void) { return 2; }
  __attribute__((import_module("m"), import_name("field"))) void imported(void);
  int (*pointer)(void) = weakly;
  void calls(void) { imported(); pointer(); }
`;

let workshop: Workshop;
beforeAll(() => {
  workshop = new Workshop();
});
afterAll(() => workshop.remove());

describe.each(['clang', 'clang-22'])('an object of %s', (compiler) => {
  let path: string;
  let symbols: readonly ObjectSymbol[];
  beforeAll(() => {
    path = workshop.path('.o');
    const input = workshop.file('.c', source);
    workshop.run(compiler, '--target=wasm32-unknown-unknown', '-O1', '-g', '-c', input, '-o', path);
    symbols = readObjectSymbols(workshop.read(path)).symbols;
  });
  const find = (name: string) => symbols.find((symbol) => symbol.name === name);

  test('has the defined and undefined symbols that llvm-nm lists', () => {
    const listed = workshop.run('llvm-nm-22', '--format=posix', path).trimEnd().split('\n');
    const theirs = listed.map((line) => {
      const [name, letter] = line.split(' ');
      return { name, defined: !/[Uvw]/.test(letter!), local: /[a-z]/.test(letter!) && !/[vw]/.test(letter!) };
    });
    const ours = symbols
      .filter(({ kind }) => kind !== 'section')
      .map(({ name, defined, binding }) => ({ name, defined, local: binding === 'local' && defined }));
    const byName = (a: { name: string | undefined }, b: { name: string | undefined }) =>
      a.name! < b.name! ? -1 : 1;
    expect(ours.length).toBeGreaterThan(10);
    const named = theirs.filter(({ name }) => !name!.startsWith('.debug'));
    expect(ours.map(({ name, defined }) => ({ name, defined })).sort(byName)).toEqual(
      named.map(({ name, defined }) => ({ name, defined })).sort(byName),
    );
  });

  test('says which functions are static, weak, hidden, exported and undefined', () => {
    expect(find('hidden_away')).toMatchObject({ kind: 'function', binding: 'local', defined: true });
    expect(find('visible')).toMatchObject({ kind: 'function', binding: 'global', defined: true });
    expect(find('weakly')).toMatchObject({ kind: 'function', binding: 'weak', defined: true });
    expect(find('internal')).toMatchObject({
      kind: 'function',
      binding: 'global',
      hidden: true,
      defined: true,
    });
    expect(find('exported')).toMatchObject({ kind: 'function', exported: true, defined: true });
    expect(find('callee')).toMatchObject({ kind: 'function', defined: false });
    expect(find('imported')).toMatchObject({ kind: 'function', defined: false });
    expect(find('text')).toMatchObject({ kind: 'data', defined: true, size: 5 });
    expect(find('elsewhere')).toMatchObject({ kind: 'data', defined: false, index: -1 });
  });
});

test('a damaged symbol table gives symbols or a typed error', () => {
  const object = workshop.read(workshop.object(workshop.file('.c', source), '-g0'));
  for (let at = 0; at < object.length; at += 1) {
    const bytes = object.slice();
    bytes[at] = bytes[at]! ^ (1 << (at % 8));
    try {
      readObjectSymbols(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(HeaplineError);
    }
  }
});
