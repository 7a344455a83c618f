// The plugin's file of declarations for imports with ?heap, judged by TypeScript.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import heapline from '../../src/testing/vitest-plugin.ts';
import { strictErrors } from '../c-types/strict.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'heapline-import-types-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const write = (name: string, text: string): string => {
  const path = join(root, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
};
const written = (): string => readFileSync(join(root, 'types/imports.d.ts'), 'utf8');

/** Loads these files as a run of the tests does. */
async function run(...files: readonly string[]): Promise<void> {
  const plugin = heapline({ types: 'types/imports.d.ts', compile: { toolchain: 'clang' } });
  plugin.configResolved({ root });
  for (const file of files) {
    await plugin.load.call({ addWatchFile: () => {} }, `${file}?heap`);
  }
}

const POINT =
  'struct point { int x; };\n/** Moves it. */\nint move(struct point *point, long long by) { return point->x += by; }\n';

test('imports have the types of their own file, and all others those of any', async () => {
  const point = write('src/point.c', POINT);
  await run(point, write('src/other.c', 'void nothing(void) {}\n'));
  const first = written();
  expect(first).toContain("// ../src/other.c\ndeclare module '*/other.c?heap' {");
  expect(first).toContain('/** Moves it. */\n    move(point: Pointer');
  const use = `import point, { type Types } from './point.c?heap';
import other from '../src/other.c?heap';
import unknown from './unknown.c?heap';
declare const pointer: import('heapline').Pointer<'struct point'>;
export const view: Types['struct point'] = point.view('struct point', pointer);
export const moved: number = point.exports.move(pointer, 1n);
export const nothing: void = other.exports.nothing();
export const any = unknown.exports;
`;
  expect(strictErrors({ '/types/imports.d.ts': first, '/src/use.ts': use })).toEqual([]);
  const wrong = "import point from './point.c?heap';\npoint.exports.move(3, 1n);\n";
  expect(strictErrors({ '/types/imports.d.ts': first, '/src/use.ts': wrong })).toEqual([
    expect.stringContaining('/src/use.ts:2: Argument of type'),
  ]);

  // Another run imports one file only, which has changed. What it does not import stays.
  write('src/point.c', POINT.replaceAll('move', 'shift'));
  await run(point);
  expect(written()).toContain('shift(point: Pointer');
  expect(written()).toContain('other.c?heap');
  // A file that is gone leaves the declarations, and one that does not compile keeps what it had.
  rmSync(join(root, 'src/other.c'));
  write('src/point.c', 'int broken(');
  await run(point);
  expect(written()).toContain('shift(point: Pointer');
  expect(written()).toContain('other.c?heap');
  write('src/point.c', POINT);
  await run(point);
  expect(written()).toBe(first.replace(/\n\/\/ \.\.\/src\/other\.c\n[\s\S]*?\n\}\n/, ''));
});

test('two files of one name have the types of any file', async () => {
  await run(
    write('a/same.c', 'int a(void) { return 1; }\n'),
    write('b/same.c', 'int b(void) { return 1; }\n'),
  );
  expect(written()).toContain('// ../a/same.c has no types here');
  expect(written()).not.toContain("'*/same.c?heap'");
  expect(strictErrors({ '/types/imports.d.ts': written() })).toEqual([]);
});

test('the option is the path of a file', () => {
  expect(() => heapline({ types: '' })).toThrow(
    'The option types must be the path of a file that ends in .d.ts',
  );
});
