import { expect, test } from 'vitest';
import { actionOf } from '../../src/cc/command-line.ts';

test.each([
  ['--version', 'ask', null],
  ['-dumpmachine', 'ask', null],
  ['-c a.c', 'compile', null],
  ['-E a.c -o -', 'compile', '-'],
  ['a.c -o a.js', 'link', 'a.js'],
  ['a.o -oa.html', 'link', 'a.html'],
  ['-sMODULARIZE -s EXPORT_ES6=1 a.o --pre-js pre.js', 'link', null],
  ['--pre-js pre.js --version', 'ask', null],
  ['-r a.o b.o -o c.o', 'relocatable', 'c.o'],
])('emcc %s means to %s', (text, action, output) => {
  expect(actionOf(text.split(' '))).toMatchObject({ action, output });
});
