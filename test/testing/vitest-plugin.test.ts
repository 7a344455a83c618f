// The plugin's own decisions: which imports it handles, and what it rejects before any test runs. test/smoke follows
// the guide's examples and so tests that runs with the plugin work.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InvalidArgumentError, SuppressionError } from '../../src/index.ts';
import heapline from '../../src/testing/vitest-plugin.ts';

const source = new URL('programs/requests.c', import.meta.url).pathname;

test('imports with ?heap are C, C++ and wasm files, found from the importing file', () => {
  const { resolveId } = heapline();
  const importer = new URL('some.test.ts', import.meta.url).pathname;
  expect(resolveId('./programs/requests.c?heap', importer)).toBe(`${source}?heap`);
  expect(resolveId('./a.cpp?heap', importer)).toMatch(/a\.cpp\?heap$/);
  expect(resolveId('./a.wasm?heap', importer)).toMatch(/a\.wasm\?heap$/);
  expect(resolveId('./programs/requests.c', importer)).toBe(null);
  expect(resolveId('./a.ts?heap', importer)).toBe(null);
});

test('an import from / starts at the root of Vite', () => {
  const plugin = heapline();
  plugin.configResolved({ root: new URL('.', import.meta.url).pathname });
  const importer = new URL('some.test.ts', import.meta.url).pathname;
  expect(plugin.resolveId('/programs/requests.c?heap', importer)).toBe(`${source}?heap`);
  expect(plugin.resolveId(`${source}?heap`, importer)).toBe(`${source}?heap`);
});

test('an import becomes a sandbox of its own, and its sources are watched', () => {
  const watched: string[] = [];
  const plugin = heapline({
    compile: { sources: ['other.c'], flags: ['-O1'], include: ['/a', new URL('file:///b%20c')] },
  });
  const code = plugin.load.call({ addWatchFile: (path) => void watched.push(path) }, `${source}?heap`);
  expect(code).toContain('{"quarantine":262144,"flags":["-O1"],"include":["/a","/b c"]}');
  expect(watched).toEqual([source, source.replace('requests.c', 'other.c')]);
});

test('headers are also watched', () => {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-watch-'));
  try {
    const file = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    mkdirSync(join(directory, 'include'));
    const parser = file('parser.c', '#include <stdio.h>\n#include "parser.h"\n#include <far.h>\n');
    const headers = [
      file('parser.h', '#include "deeper.h"\n'),
      file('include/far.h', ''),
      file('deeper.h', ''),
    ];
    const watched: string[] = [];
    const plugin = heapline({ compile: { include: [join(directory, 'include')] } });
    plugin.load.call({ addWatchFile: (path) => void watched.push(path) }, `${parser}?heap`);
    expect(watched.sort()).toEqual([parser, ...headers].sort());
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a missing file is named', () => {
  const load = () => heapline().load.call({ addWatchFile: () => {} }, '/nowhere/parser.c?heap');
  expect(load).toThrow('/nowhere/parser.c');
});

test('wrong classes and wrong suppressions are rejected at once', () => {
  expect(() => heapline({ autoCheck: { kinds: ['definit' as never] } })).toThrow(InvalidArgumentError);
  expect(() => heapline({ autoCheck: { kinds: [] } })).toThrow(InvalidArgumentError);
  expect(() => heapline({ autoCheck: { suppressions: ['leak:'] } })).toThrow(SuppressionError);
});
