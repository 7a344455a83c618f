// Importing a room of the browser half changes nothing: no globals, no listeners, no timers, no formatter of stacks.
// A page or a test runner that imports Heapline stays as it was until it calls a function.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ROOMS } from '../../.dependency-cruiser.mjs';

const source = (name: string): string => new URL(`../../src/${name}`, import.meta.url).href;

/** A TypeScript file that does nothing. */
const plainFile = new URL('violations/src/binary/inner.ts', import.meta.url).href;

const doors = ROOMS.filter(({ browser }) => browser)
  .map(({ name }) => (name.endsWith('.ts') ? name : `${name}/index.ts`))
  .filter((name) => name !== 'core.ts' && existsSync(fileURLToPath(source(name))));

/** Imports these files one after the other and prints which of them changed the process. */
const scriptOf = (names: readonly string[]): string => `
const state = () => Object.entries({
  globals: Reflect.ownKeys(globalThis).map(String),
  error: [Error.stackTraceLimit, typeof Error.prepareStackTrace],
  prototypes: [Array, Object, Function, WebAssembly.Table, WebAssembly.Memory, WebAssembly.Instance].map(
    ({ prototype }) => Reflect.ownKeys(prototype).map(String),
  ),
  listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
  resources: process.getActiveResourcesInfo().filter((name) => !/^(Pipe|TTY|FS|MessagePort)/.test(name)),
}).map(([name, value]) => name + ' ' + JSON.stringify(value));
// The loader of TypeScript and the console set themselves up when they are first used.
console.log((await import(${JSON.stringify(plainFile)})).inner);
const before = state();
const found = {};
for (const door of ${JSON.stringify(names.map((name) => [name, source(name)]))}) {
  await import(door[1]);
  const after = state();
  const changed = after.filter((line) => !before.includes(line)).map((line) => line.split(' ')[0]);
  if (changed.length > 0) found[door[0]] = changed;
}
console.log(JSON.stringify({ found }));
`;

function changedBy(names: readonly string[]): { readonly found: object } {
  const output = execFileSync(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', scriptOf(names)],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('../..', import.meta.url)) },
  );
  return JSON.parse(output.trim().split('\n').at(-1)!) as { found: object };
}

test('importing a room changes nothing in the process', () => {
  expect(doors.length).toBeGreaterThan(10);
  expect(changedBy(doors).found).toEqual({});
});

test('the entry that joins the threads does change it, so that the test above can fail', () => {
  expect(changedBy(['serve/join.ts']).found).toEqual({
    'serve/join.ts': expect.arrayContaining(['listeners']),
  });
});
