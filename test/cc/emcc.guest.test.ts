// Programs as `heapline emcc` links them: Node.js runs Emscripten's own JavaScript, and the heap is checked at the end.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BuildDirectory } from '../support/build-directory.ts';

const build = new BuildDirectory();
const emcc = (...args: string[]) => build.heapline('emcc', ...args);
/** JavaScript of emcc 3.1.6 does not know that Node.js has fetch(). */
const node = (file: string, args: readonly string[], options = '') =>
  build.start(process.execPath, ['--no-experimental-fetch', file, ...args], { options });

beforeAll(() => {
  build.write(
    'main.c',
    [
      '#include <stdio.h>',
      '#include <stdlib.h>',
      '#include <string.h>',
      '__attribute__((no_sanitize("address"))) static int peek(volatile char *p) { return p[0] & 0; }',
      'struct node { struct node *next; int key; };',
      'int main(int argc, char **argv) {',
      '  const char *what = argc > 1 ? argv[1] : "";',
      '  if (!strcmp(what, "leak")) { char *lost = malloc(100); lost[0] = 1; puts("leaks"); return 5; }',
      '  if (!strcmp(what, "node")) {',
      '    struct node *lost = malloc(sizeof *lost);',
      '    lost->next = NULL;',
      '    lost->key = argc + 5;',
      '    printf("%d", lost->key);',
      '    return 5;',
      '  }',
      '  if (!strcmp(what, "twice")) { void *p = malloc(8); free(p); free(p); return 0; }',
      '  if (!strcmp(what, "past")) { char *p = malloc(argc * 5); p[argc * 5] = 1; free(p); return 0; }',
      '  if (!strcmp(what, "marked")) { char *p = malloc(argc * 5); int n = peek(p + argc * 5); free(p); return n; }',
      '  puts("clean");',
      '  return 7;',
      '}',
      '',
    ].join('\n'),
  );
  // As a build does it: the object first, then the link.
  expect(emcc('-O1', '-c', 'main.c', '-o', 'main.o')).toMatchObject({ status: 0 });
  const { status, stderr } = emcc('main.o', '-sEXIT_RUNTIME=1', '-o', 'main.js');
  expect(stderr).not.toMatch(/undefined symbol/);
  expect(status).toBe(0);
});
afterAll(() => build.dispose());

test('a program without leaks keeps its output and its status', () => {
  expect(node('main.js', [])).toMatchObject({ status: 7, stdout: 'clean\n', stderr: '' });
});

test('a leak is reported at its line, with the status and the options of heapline cc', () => {
  const { status, stdout, stderr } = node('main.js', ['leak']);
  expect(stdout).toBe('leaks\n');
  expect(stderr).toMatch(/definite leak: 100 bytes[\s\S]*at main \(\S*main\.c:8:/);
  expect(status).toBe(23);
  expect(node('main.js', ['leak'], 'exitcode=0').status).toBe(5);
  expect(node('main.js', ['leak'], 'detect_leaks=0')).toMatchObject({ status: 5, stderr: '' });
});

test('a program is compiled and linked by one command without a warning', () => {
  const { status, stderr } = emcc('-O1', 'main.c', '-sEXIT_RUNTIME=1', '-o', 'one.js');
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('a leak is reported with the type and the fields of its block', () => {
  expect(node('main.js', ['node']).stderr).toContain('struct node { next = NULL, key = 7 }');
});

test('a double free is reported', () => {
  const { status, stderr } = node('main.js', ['twice']);
  expect(stderr).toContain('double free');
  expect(status).toBe(23);
});

const OVERFLOW =
  /heap-buffer-overflow in main: write of 1 byte at 0x\w+, 0 bytes past the end of a block of 10 bytes/;

test('accesses are checked with access=1, and when -fsanitize=address was given to the link', () => {
  expect(node('main.js', ['past'])).toMatchObject({ status: 0, stderr: '' });
  const { status, stderr } = node('main.js', ['past'], 'access=1:halt_on_error=0');
  expect(stderr).toMatch(OVERFLOW);
  expect(status).toBe(23);
  expect(node('main.js', [], 'access=1')).toMatchObject({ status: 7, stdout: 'clean\n', stderr: '' });
  expect(node('main.js', ['marked'], 'access=1')).toMatchObject({ status: 0, stderr: '' });
  const flags = ['-sEXIT_RUNTIME=1', '-sWASM_ASYNC_COMPILATION=0'];
  expect(emcc('-fsanitize=address', 'main.o', ...flags, '-o', 'checked.js').status).toBe(0);
  // This one compiles its module and ends without waiting for anything.
  const linked = node('checked.js', ['past'], 'halt_on_error=0');
  expect(linked.stderr).toMatch(OVERFLOW);
  expect(linked.status).toBe(23);
  expect(node('checked.js', [])).toMatchObject({ status: 7, stdout: 'clean\n', stderr: '' });
});

test('the JavaScript of a page is checked in Node.js', () => {
  expect(emcc('main.o', '-sEXIT_RUNTIME=1', '-o', 'page.html').status).toBe(0);
  expect(readFileSync(join(build.path, 'page.html'), 'utf8')).toContain('page.js');
  const { status, stderr } = node('page.js', ['leak']);
  expect(stderr).toMatch(/definite leak: 100 bytes[\s\S]*at main \(\S*main\.c:8:/);
  expect(status).toBe(23);
});

test('a module in one file with a factory is checked, too', () => {
  const made = emcc(
    '-O2',
    'main.c',
    '-sMODULARIZE',
    '-s',
    'SINGLE_FILE=1',
    '-sEXPORT_NAME=create',
    '-o',
    'lib.js',
  );
  expect(made.status).toBe(0);
  build.write('use.js', `require('./lib.js')({ arguments: ['leak'] });\n`);
  const { status, stderr } = node('use.js', []);
  expect(stderr).toMatch(/at main \(\S*main\.c:8:/);
  expect(status).toBe(23);
});

test('configure scripts get the answers that they ask for', () => {
  build.write('probe.c', 'char no_such_function(void); int main(void) { return no_such_function(); }\n');
  expect(emcc('probe.c', '-o', 'probe.js').status).not.toBe(0);
  expect(existsSync(join(build.path, 'probe.js'))).toBe(false);
  expect(emcc('-shared', 'main.o', '-o', 'lib.so')).toMatchObject({ status: 1 });
  expect(emcc('-shared', 'main.o', '-o', 'lib.so').stderr).toContain('--disable-shared');
  expect(emcc('main.c', '-s', 'USE_PTHREADS=1').stderr).toContain('one thread');
  expect(emcc('--version').stdout).toMatch(/emcc/);
});
