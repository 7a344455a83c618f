import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { actionOf, onlySource, readCommandLine, withoutOutput, wordsOf } from '../../src/cc/command-line.ts';
import { VARIABLE_LAYOUT } from '../../src/compile/index.ts';
import { InvalidArgumentError } from '../../src/errors.ts';

const read = (text: string) => readCommandLine(text.split(' '));

test('options that mean nothing for WebAssembly are left out, and the others keep their order', () => {
  const line = read(
    '-O2 -fPIC -march=native -pthread -Wall -static -flto=auto -c a.c -o a.o -m32 -fuse-ld=gold',
  );
  expect(line.all).toEqual(['-O2', '-Wall', '-c', 'a.c', '-o', 'a.o']);
  expect(line).toMatchObject({ action: 'compile', output: 'a.o', flags: ['-O2', '-Wall', '-c'] });
});

test.each([
  ['-shared -o liba.so a.o', '--disable-shared'],
  ['-m64 a.c', '32-bit pointers'],
  ['-mavx2 -c a.c', 'portable code'],
  ['-fsanitize=memory a.c', '-fsanitize=address'],
  ['-fsanitize=address,undefined a.c', 'native build'],
  ['-fsanitize=thread a.c', 'native build'],
  ['--coverage a.c', 'native build'],
])('%s is rejected, and the message says what to do', (text, advice) => {
  expect(() => read(text)).toThrow(InvalidArgumentError);
  expect(() => read(text)).toThrow(advice);
});

test.each([
  ['-fsanitize=address a.o', true],
  ['-fsanitize=leak,address -fno-omit-frame-pointer -static-libasan a.o -lasan', true],
  ['-fsanitize=address -fno-sanitize=address a.o', false],
  ['-fsanitize=address -fno-sanitize=all a.o', false],
  ['-fsanitize=leak a.o', false],
])('%s: the link puts checks of accesses in: %s', (text, access) => {
  const line = read(text);
  expect(line).toMatchObject({ action: 'link', access });
  expect(line.all.filter((word) => /asan|sanitize=(?:address|leak)/.test(word))).toEqual([]);
  expect(actionOf(text.split(' '))).toMatchObject({ action: 'link', access });
});

test('with -fsanitize=address, sources are compiled with the macro of gcc and room around variables', () => {
  const macro = '-D__SANITIZE_ADDRESS__=1';
  expect(read('-fsanitize=address -c a.c').flags).toEqual([macro, '-c', ...VARIABLE_LAYOUT]);
  expect(actionOf(['-fsanitize=address', '-c', 'a.c']).words).toEqual([
    macro,
    '-c',
    'a.c',
    ...VARIABLE_LAYOUT,
  ]);
  // An assembler has no variables, and a linker does not know the options.
  expect(read('-fsanitize=address -c a.S').flags).toEqual([macro, '-c']);
  expect(read('-fsanitize=address a.o').flags).toEqual([]);
  expect(actionOf(['-fsanitize=address', 'a.o']).words).toEqual([macro, 'a.o']);
  expect(read('-fsanitize=address -fno-sanitize=address -c a.c').flags).toEqual(['-c']);
});

test('the source and the output of a command line of emcc', () => {
  expect(onlySource(['-c', '-O2', '-I', 'inc.c', 'a.c', '-o', 'b.c'])).toBe('a.c');
  expect(onlySource(['-c', 'a.c', 'b.c'])).toBeNull();
  expect(onlySource(['-c', 'a.o'])).toBeNull();
  expect(withoutOutput(['-c', 'a.c', '-o', 'a.o', '-MD', '-MF', 'a.d', '-MTa', '-O2', '-obj'])).toEqual([
    '-c',
    'a.c',
    '-O2',
    '-obj',
  ]);
});

test('options of GNU ld lose what wasm-ld does not know, also when their value is in the next -Wl', () => {
  const { items } = read(
    'a.o -Wl,-rpath -Wl,/x -Wl,-soname,l.so.1 -Wl,--version-script,v.map -Wl,--gc-sections -Wl,-z,now ' +
      '-Wl,--whole-archive b.a -Xlinker --wrap=f -lm -lpthread -ldl -Wl,-Map,m.txt',
  );
  expect(items.map(({ text }) => text)).toEqual([
    ...['a.o', '--gc-sections', '--whole-archive', 'b.a', '--wrap=f', '-lm', '-Map', 'm.txt'],
  ]);
});

test.each([
  ['--version', 'ask'],
  ['-dumpmachine', 'ask'],
  ['-print-prog-name=ld', 'ask'],
  ['-### a.c', 'ask'],
  ['-E a.c', 'compile'],
  ['-S a.c', 'compile'],
  ['-MM a.c', 'compile'],
  ['-x c -c - -o x.o', 'compile'],
  ['-r a.o b.o -o c.o', 'relocatable'],
  ['a.c -o a', 'link'],
  ['a.o', 'link'],
])('%s means to %s', (text, action) => {
  expect(read(text).action).toBe(action);
});

test('-x names the language of what follows, until -x none', () => {
  const { items } = read('-x c - -x none a.o');
  expect(items).toEqual([
    { kind: 'source', text: '-', language: 'c' },
    { kind: 'file', text: 'a.o' },
  ]);
});

test('the value of an option is no input', () => {
  const { items, flags } = read('-include conf.c -MF dep.c -I inc.c -D X.c -c real.c');
  expect(items.map(({ text }) => text)).toEqual(['real.c']);
  expect(flags).toContain('conf.c');
});

test('response files are read, also within each other, and a missing one stays as it is', () => {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-cc-'));
  try {
    writeFileSync(join(directory, 'inner'), '-DX="a b" \'c d.c\'');
    writeFileSync(join(directory, 'outer'), `-c\n@${join(directory, 'inner')}`);
    expect(readCommandLine([`@${join(directory, 'outer')}`]).all).toEqual(['-c', '-DX=a b', 'c d.c']);
    expect(readCommandLine(['-c', '@nothing-here']).all).toEqual(['-c', '@nothing-here']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('words of a response file are quoted as gcc reads them', () => {
  expect(wordsOf(`a "b \\" c" d\\ e '' 'f"g'`)).toEqual(['a', 'b " c', 'd e', '', 'f"g']);
});
