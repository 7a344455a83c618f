// Which files a link depends on: everything that its flags name, because the cache answers from them.

import { expect, test } from 'vitest';
import { checkMaximalMemory } from '../../src/compile/emscripten.ts';
import { linkInputs } from '../../src/compile/link-inputs.ts';
import { sourceTree } from '../support/source-tree.ts';

const named = (files: Record<string, string>, link: readonly string[]): string[] => {
  using tree = sourceTree(files);
  return linkInputs(link, tree.file('.')).map((file) => file.slice(tree.file('.').length + 1));
};

test.each<[string, string[], string[]]>([
  ['a list of Emscripten', ['-sEXPORTED_FUNCTIONS=@a'], ['a']],
  ['a list in the environment form', ['-sEXPORTED_FUNCTIONS=_f'], []],
  ['a value behind -Wl', ['-Wl,--allow-undefined-file=a'], ['a']],
  ['a value of its own behind -Wl', ['-Wl,--version-script,a', '-Wl,-Map=absent'], ['a']],
  ['an object behind -Wl', ['-Wl,--whole-archive,a,--no-whole-archive'], ['a']],
  ['JavaScript', ['--js-library=a', '--pre-js=b'], ['a', 'b']],
  ['an embedded file', ['--embed-file=a@/inside'], ['a']],
  ['a library in a directory', ['-L.', '-lx', '-labsent'], ['libx.a']],
  ['a library behind -Wl', ['-L.', '-Wl,-lx'], ['libx.a']],
  ['a response file and what it names', ['-Wl,@r'], ['r', 'a', 'b']],
  ['a response file that names itself', ['-Wl,@loop'], ['loop']],
])('%s', (_, link, expected) => {
  const files = { a: '1', b: '2', 'libx.a': '3', r: '--version-script=a "b"', loop: '@loop' };
  expect(named(files, link)).toEqual(expected);
});

test('maxMemory of Emscripten counts the stack, and knows the settings of the environment', () => {
  const limit = 2 ** 24;
  expect(() => checkMaximalMemory(limit, [])).not.toThrow();
  expect(() => checkMaximalMemory(limit, [], 2 ** 20)).not.toThrow();
  expect(() => checkMaximalMemory(limit, [], 2 ** 23)).toThrow(
    /stackSize is 8388608 bytes.*INITIAL_MEMORY=9MB/,
  );
  expect(() => checkMaximalMemory(limit - 1, [])).toThrow(/start with 16 MiB of memory/);
  expect(() => checkMaximalMemory(2 ** 32, [])).toThrow(/at most 2 GiB/);
  const before = process.env.EMCC_CFLAGS;
  process.env.EMCC_CFLAGS = '-s INITIAL_MEMORY=2MB -sMAXIMUM_MEMORY=4GB';
  try {
    expect(() => checkMaximalMemory(2 ** 22, [])).not.toThrow();
    expect(() => checkMaximalMemory(2 ** 32, [])).not.toThrow();
  } finally {
    if (before === undefined) delete process.env.EMCC_CFLAGS;
    else process.env.EMCC_CFLAGS = before;
  }
});
