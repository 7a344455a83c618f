// Host stacks are interned by content, symbolised lazily, and mapped by source maps; capturing them changes no
// setting.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HostStacks } from '../../src/host/index.ts';
import { temporaryDirectory } from '../support/wasi-program.ts';

const door = new URL('../../src/host/index.ts', import.meta.url).pathname;
const install = new URL('../../src/node/install.ts', import.meta.url).pathname;
const esbuild = new URL('../../node_modules/.bin/esbuild', import.meta.url).pathname;

function captureIn(stacks: HostStacks): number {
  return stacks.capture(captureIn);
}

test('the same place has the same stack, another place has another one', () => {
  const stacks = new HostStacks();
  const ids = [1, 2, 3].map(() => captureIn(stacks));
  expect(new Set(ids).size).toBe(1);
  expect(ids[0]).toBeGreaterThan(0);
  expect(captureIn(stacks)).not.toBe(ids[0]);
  expect(stacks.size).toBe(2);
});

test('frames are those of the caller, without the entry, innermost first', () => {
  const stacks = new HostStacks();
  function caller(): number {
    return captureIn(stacks);
  }
  const frames = stacks.frames(caller());
  expect(frames[0]).toMatchObject({ function: 'caller', file: import.meta.filename, language: 'js' });
  expect(frames.some((frame) => frame.function === 'captureIn')).toBe(false);
  expect(frames.some((frame) => frame.file.startsWith('node:') || frame.file === '')).toBe(false);
});

test('a very deep stack keeps its innermost hundred frames and one frame that stands for the rest', () => {
  const stacks = new HostStacks();
  const recurse = (depth: number): number => (depth === 0 ? captureIn(stacks) : recurse(depth - 1));
  const frames = stacks.frames(recurse(200));
  expect(frames.map((frame) => frame.function)).toEqual([...Array(100).fill('recurse'), '[truncated]']);
  expect(recurse(300)).toBe(recurse(400));
});

test('unknown ids have no frames', () => {
  const stacks = new HostStacks();
  expect(stacks.frames(0)).toEqual([]);
  expect(stacks.frames(7)).toEqual([]);
  expect(stacks.frames(-1)).toEqual([]);
});

const formatter = (_error: Error, sites: NodeJS.CallSite[]): string =>
  sites.map((site) => `\n    at ${site}`).join('');

test.each([
  ['no formatter', undefined],
  ['a formatter installed', formatter],
])('frames of every kind have a name and are in a file, with %s', async (_what, installed) => {
  const here = import.meta.filename;
  const stacks = new HostStacks();
  const previous = Error.prepareStackTrace;
  const innermost = (): string[] => {
    Error.prepareStackTrace = installed as typeof previous & {};
    try {
      const frames = stacks.frames(stacks.capture(innermost));
      return frames.slice(0, 2).map((frame) => `${frame.function} ${frame.file}`);
    } finally {
      Error.prepareStackTrace = previous!;
    }
  };
  const odd = {
    'name (with brackets)'() {
      return innermost();
    },
    async later() {
      await null;
      return innermost();
    },
  };
  expect(odd['name (with brackets)']()[0]).toBe(`name (with brackets) ${here}`);
  const [first, second] = await (async () => await odd.later())();
  expect(first).toBe(`Object.later ${here}`);
  expect(second).toBe(`(anonymous) ${here}`);
  const named = await (async function outer() {
    return await odd.later();
  })();
  expect(named[1]).toBe(`outer ${here}`);
  expect([1].flatMap(() => innermost())[0]).toBe(`(anonymous) ${here}`);
  const evaluated: (call: () => string[]) => string[] = new Function('call', 'return call();') as never;
  expect(evaluated(innermost)[0]).toBe(`eval ${here}`);
});

test("V8's stack settings stay as they were", () => {
  const limit = Error.stackTraceLimit;
  const previous = Error.prepareStackTrace;
  const custom = (): string => 'custom';
  try {
    Error.stackTraceLimit = 3;
    Error.prepareStackTrace = custom;
    expect(captureIn(new HostStacks())).toBeGreaterThan(0);
    expect(Error.stackTraceLimit).toBe(3);
    expect(Error.prepareStackTrace).toBe(custom);
  } finally {
    Error.stackTraceLimit = limit;
    Error.prepareStackTrace = previous!;
  }
});

const evaluating = `
import { runInThisContext } from 'node:vm';
import ${JSON.stringify(install)};
import { HostStacks } from ${JSON.stringify(door)};

const stacks = new HostStacks();
function place(): string {
  const { function: name, file, line } = stacks.frames(stacks.capture(place))[0]!;
  return name + ' ' + file + ':' + line;
}
globalThis.place = place;
const evaluate = (0, eval);
const inner = [1, 2].map((n) => evaluate('(function inner' + n + '() { return place(); })'));
console.log(JSON.stringify([
  evaluate('\\nfunction module() {\\n  return place();\\n}\\nmodule()\\n//# sourceURL=webpack-internal:///./x.js'),
  runInThisContext('(function renamed() { return place(); })()\\n//# sourceURL=new.js', { filename: 'old.js' }),
  runInThisContext('(function odd() { return place(); })()', { filename: '/odd (1)/name.js' }),
  evaluate('(function evaluated() { return place(); })()'),
  evaluate('eval("(function twice() { return place(); })()")'),
  // Both are called from one place, and both calls of place() are at the same position of their texts.
  ...inner.map((call) => call()),
]));
`;

test.each([
  ['', []],
  [' of text', ['--frozen-intrinsics']],
])(
  "frames%s in code given to eval() and vm have V8's places, or the place of the call that gave the code",
  (_how, flags) => {
    const directory = join(temporaryDirectory(), 'with (brackets)');
    mkdirSync(directory);
    const file = join(directory, 'evaluating.mts');
    writeFileSync(file, evaluating);
    const output = execFileSync(process.execPath, [...flags, '--import', 'tsx', file], { encoding: 'utf8' });
    const lineOf = (text: string): number => evaluating.slice(0, evaluating.indexOf(text)).split('\n').length;
    expect(JSON.parse(output)).toEqual([
      'module webpack-internal:///./x.js:3',
      'renamed new.js:1',
      'odd /odd (1)/name.js:1',
      `evaluated ${file}:${lineOf('function evaluated')}`,
      `twice ${file}:${lineOf('function twice')}`,
      `inner1 ${file}:${lineOf('function inner')}`,
      `inner2 ${file}:${lineOf('function inner')}`,
    ]);
  },
);

const script = `
import ${JSON.stringify(install)};
import { HostStacks } from ${JSON.stringify(door)};
interface Filler { readonly nothing: string }

const stacks = new HostStacks();
function entry(): number { return stacks.capture(entry); }
type AnotherFiller = Filler & { more: number };
function written(): number {
  return entry();
}
console.log(JSON.stringify(stacks.frames(written())[0]));
`;

test('positions are those of the TypeScript source under tsx', () => {
  const file = join(temporaryDirectory(), 'script.ts');
  writeFileSync(file, script);
  const output = execFileSync(process.execPath, ['--import', 'tsx', file], { encoding: 'utf8' });
  expect(JSON.parse(output)).toMatchObject({ function: 'written', file, line: 10, column: 10 });
});

test.each([
  ['a map of its own', ['--sourcemap'], []],
  ['a map inside', ['--sourcemap=inline'], []],
  ["Node's own source maps", ['--sourcemap'], ['--enable-source-maps']],
])('positions are those of the source for bundled output with %s', (_what, bundleFlags, nodeFlags) => {
  const directory = temporaryDirectory();
  const file = join(directory, 'script.ts');
  writeFileSync(file, script);
  const output = join(directory, 'bundle.mjs');
  execFileSync(esbuild, [
    file,
    '--bundle',
    '--minify-whitespace',
    '--platform=node',
    '--format=esm',
    '--external:@wasmer/wasi',
    `--outfile=${output}`,
    ...bundleFlags,
    '--log-level=error',
  ]);
  const printed = execFileSync(process.execPath, [...nodeFlags, output], {
    encoding: 'utf8',
    cwd: new URL('../..', import.meta.url).pathname,
  });
  expect(JSON.parse(printed)).toMatchObject({ function: 'written', file, line: 10 });
});
