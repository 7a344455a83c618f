// Host stacks: interned by content, lazily symbolised, source maps applied, nothing left changed behind.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HostStacks } from '../../src/host/index.ts';
import { temporaryDirectory } from './wasi-program.ts';

const door = new URL('../../src/host/index.ts', import.meta.url).pathname;
const esbuild = new URL('../../node_modules/.bin/esbuild', import.meta.url).pathname;

function captureIn(stacks: HostStacks): number {
  return stacks.capture(captureIn);
}

test('the same place is the same stack, another place another', () => {
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

test('unknown ids have no frames', () => {
  const stacks = new HostStacks();
  expect(stacks.frames(0)).toEqual([]);
  expect(stacks.frames(7)).toEqual([]);
  expect(stacks.frames(-1)).toEqual([]);
});

test("V8's stack settings are as before, whatever they were", () => {
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

const script = `
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
  expect(JSON.parse(output)).toMatchObject({ function: 'written', file, line: 9, column: 10 });
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
  expect(JSON.parse(printed)).toMatchObject({ function: 'written', file, line: 9 });
});
