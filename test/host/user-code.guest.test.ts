// Stacks show the user's JavaScript inside Emscripten's glue, at its place in the sources, and hide Emscripten's
// JavaScript.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { embeddedParts } from '../../src/glue/glue-parts.ts';
import { GlueCode, withUserParts } from '../../src/host/glue-code.ts';
import { loadWasm, type Sandbox } from '../../src/index.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(`user-code/${name}`, import.meta.url));

type Exports = { start(): void };

/** The stack of the one allocation of this size: `function file:line`, innermost first, without the test's frames. */
function stackOf(sandbox: Sandbox<Exports>, bytes: number): string[] {
  const sample = [...sandbox.heap.profile().samples()].find(({ values }) => values[1] === bytes);
  return sample!.frames
    .filter(({ file }) => file !== fileURLToPath(import.meta.url))
    .map(({ function: name, file, line }) => `${name} ${basename(file)}:${line}`);
}

/** The number of the line of a source that contains a text. */
function line(file: string, text: string): string {
  const index = readFileSync(pathOf(file), 'utf8')
    .split('\n')
    .findIndex((each) => each.includes(text));
  expect(index).toBeGreaterThanOrEqual(0);
  return `${file}:${index + 1}`;
}

const GRAB = `grab ${line('program.c', 'void grab')}`;

async function finished(sandbox: Sandbox<Exports>): Promise<void> {
  sandbox.exports.start();
  await new Promise((resolve) => setTimeout(resolve, 50));
}

describe('JavaScript of the user in the glue', () => {
  let compiled: Awaited<ReturnType<typeof compile>>;
  let sandbox: Sandbox<Exports>;

  beforeAll(async () => {
    compiled = await compile([pathOf('program.c')], {
      toolchain: 'emscripten',
      flags: ['-O1', '-g'],
      exports: ['start', 'grab'],
      link: ['--js-library', pathOf('library.jslib'), '--pre-js', pathOf('before.jslib')],
    });
    sandbox = await loadWasm<Exports>(compiled.wasm, { glue: compiled.glue! });
    await finished(sandbox);
  });

  const start = (text: string): string => `start ${line('program.c', text)}`;

  it('shows the functions of EM_JS and the closures within them with their lines in C', () => {
    expect(stackOf(sandbox, 11)).toEqual([
      GRAB,
      `inner ${line('program.c', '_grab(sums[0])')}`,
      `several ${line('program.c', 'return inner()')}`,
      start('several(10)'),
    ]);
  });

  it('shows the bodies of EM_ASM', () => {
    expect(stackOf(sandbox, 12)).toEqual([
      GRAB,
      `EM_ASM ${line('program.c', '_grab($0)')}`,
      start('EM_ASM({'),
    ]);
    expect(stackOf(sandbox, 2)).toEqual([
      GRAB,
      `arrow ${line('program.c', '_grab(text.length)')}`,
      `EM_ASM ${line('program.c', 'arrow();')}`,
      start('EM_ASM({'),
    ]);
    expect(stackOf(sandbox, 13)).toEqual([
      GRAB,
      `EM_ASM ${line('program.c', '_grab(13)')}`,
      start('_grab(13)'),
    ]);
  });

  it('shows the functions of --js-library, including helpers that C does not know', () => {
    expect(stackOf(sandbox, 14)).toEqual([
      GRAB,
      `(anonymous) ${line('library.jslib', '_grab(each)')}`,
      `helper ${line('library.jslib', '[bytes].map')}`,
      `helped ${line('library.jslib', 'return helper')}`,
      start('helped(14)'),
    ]);
  });

  it('shows a library function at its line where a macro was expanded', () => {
    expect(stackOf(sandbox, 15)).toEqual([
      `call_back ${line('program.c', 'void call_back')}`,
      `through_macro ${line('library.jslib', 'makeDynCall')}`,
      start('through_macro(call_back'),
    ]);
  });

  it('finds EM_JS in headers', () => {
    expect(stackOf(sandbox, 16)).toEqual([
      GRAB,
      `in_header ${line('inline.h', 'in_header')}`,
      start('in_header(16)'),
    ]);
  });

  it('shows the JavaScript of a timer', () => {
    expect(stackOf(sandbox, 17)).toEqual([GRAB, '(anonymous) inline.h:7']);
  });

  it('shows the functions of --pre-js', () => {
    expect(stackOf(sandbox, 19)).toEqual([GRAB, `Module.whenReady ${line('before.jslib', '_grab(19)')}`]);
  });

  it('hides Emscripten’s JavaScript', () => {
    expect(stackOf(sandbox, 18)).toEqual([`call_back ${line('program.c', 'void call_back')}`]);
  });

  it('shows EM_JS and EM_ASM at their place in the glue when Heapline did not link it', async () => {
    const glue = compiled.glue!.slice(0, compiled.glue!.lastIndexOf('\n// heapline'));
    const foreign = await loadWasm<Exports>(compiled.wasm, { glue });
    await finished(foreign);
    const lineIn = (text: string): number => glue.slice(0, glue.indexOf(text)).split('\n').length;
    const several = lineIn('function several(');
    expect(stackOf(foreign, 11).slice(1, 3)).toEqual([
      `inner heapline:emscripten-glue.js:${several}`,
      `several heapline:emscripten-glue.js:${several}`,
    ]);
    expect(stackOf(foreign, 13)[1]).toBe(`EM_ASM heapline:emscripten-glue.js:${lineIn('_grab(13)')}`);
  });
});

describe('parts of the glue', () => {
  const glue = [
    'function abort(what) { throw what; }',
    'var ASM_CONSTS = {',
    "  1024: ($0) => { f('};'); },",
    '  1050: () => { return `}`; }',
    '};',
    'function mine(a) { if (a) { return 1; } return "}"; }',
    'function broad() {',
    '  return 2;',
    '}',
    'function invoke_ii(a) { return a; }',
    'var _abort = () => abort("");',
    'function _library() {}',
  ];
  const names = ['abort', 'mine', 'broad', 'invoke_ii', 'library', 'not.an.identifier'];
  const textsIn = (text: string): string[] =>
    embeddedParts(text, names).map(({ start, end }) => text.slice(start, end));

  it('are found with their ends; functions of the library are left out', () => {
    expect(textsIn(glue.join('\n'))).toEqual([
      glue.slice(1, 5).join('\n'),
      glue[5],
      glue.slice(6, 9).join('\n'),
    ]);
  });

  it('are found in minified text', () => {
    const text = glue
      .join('')
      .replaceAll(/ ?([={]) ?/g, '$1')
      .padEnd(2 ** 15, ';');
    expect(textsIn(text).map((each) => each.slice(0, 14))).toEqual([
      'var ASM_CONSTS',
      'function mine(',
      'function broad',
    ]);
    expect(textsIn(text)[1]).toBe('function mine(a){if (a){return 1; } return "}"; }');
  });

  it('are looked for again when somebody has changed the comment', () => {
    const text = withUserParts(glue.join('\n'), [{ start: 0, end: 5 }]);
    const damaged = new GlueCode(text.replace('[{', '[['), () => embeddedParts(text, names));
    expect(damaged.placeAt(6, 20, 'mine')).toEqual({
      function: 'mine',
      file: 'heapline:emscripten-glue.js',
      line: 6,
      column: 20,
    });
    expect(damaged.placeAt(1, 24, 'abort')).toBe(null);
  });
});
