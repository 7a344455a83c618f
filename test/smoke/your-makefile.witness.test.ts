// Follows docs/your-makefile.md with the packed package: runs its commands in a small project, whose program leaks at
// the place that the page shows.

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConsumerProject, createConsumerProject } from '../support/packed-package.ts';

const page = readFileSync(new URL('../../docs/your-makefile.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
  language: language!,
  text: text!,
}));
const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => text.trim().split('\n'))
  .map((line) => line.replace(/ +#.*$/, ''));
/** The report that the page shows. */
const REPORT = blocks.find(({ language }) => language === 'text')!.text;

/** The command of the page that contains a text. */
function command(part: string): string {
  const found = commands.filter((each) => each.includes(part));
  expect(found, part).toHaveLength(1);
  return found[0]!;
}

const FILES = {
  'main.c': `#include <stdlib.h>
#include <string.h>

struct person {
  char name[100];
};

/* Remembers the last one. */
static struct person *last;

int main(void) {
  struct person *someone = (struct person *)malloc(sizeof *someone);
  strcpy(someone->name, "Ada");
  last = someone;
  last = NULL;
  return someone->name[0] != 'A';
}
`,
  // Arguments are variables, as autoconf takes them.
  configure: `#!/bin/sh
for argument; do case $argument in *=*) eval "\${argument%%=*}='\${argument#*=}'" ;; esac; done
printf 'int main(void) { return 0; }\\n' > conftest.c
\${CC:-cc} -O2 -fPIC -c conftest.c -o conftest.o || exit 1
sed "s|@CC@|\${CC:-cc}|" Makefile.in > Makefile
`,
  'Makefile.in': `CC = @CC@
CFLAGS = -g -O1
program: main.c
\t$(CC) $(CFLAGS) -o program main.c
check: program
\t./program
`,
  'CMakeLists.txt': `cmake_minimum_required(VERSION 3.16)
project(demo C)
set(CMAKE_C_FLAGS "-g -O1")
add_executable(program main.c)
enable_testing()
add_test(NAME runs COMMAND program)
`,
  'test.js': `require('./program');\n`,
};

let project: ConsumerProject;

beforeAll(() => {
  project = createConsumerProject();
  // Emscripten's JavaScript is CommonJS.
  writeFileSync(join(project.directory, 'package.json'), '{ "private": true }\n');
});
afterAll(() => project.dispose());

/** A copy of the project. */
function copy(name: string): string {
  const directory = join(project.directory, name);
  mkdirSync(directory);
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(directory, file), text);
  chmodSync(join(directory, 'configure'), 0o755);
  writeFileSync(
    join(directory, 'plain'),
    FILES['Makefile.in'].replace('@CC@', 'cc').replace('check:', 'test:'),
  );
  return directory;
}

/** Runs a command. Its output is both streams. */
function run(directory: string, line: string): { status: number; output: string } {
  const shell = `cd '${directory}' && export HEAPLINE_TOOLCHAIN=clang NO_COLOR=1 && (${line}) 2>&1`;
  try {
    return { status: 0, output: project.run('bash', ['-c', shell]) };
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    return { status, output: stdout };
  }
}

test('configure and make check fail at the leak, and go on with the options of the page', () => {
  const directory = copy('configured');
  const { status, output } = run(directory, command('./configure && make check'));
  expect(output).toContain(REPORT.trimEnd());
  expect([status, output]).toEqual([2, expect.stringContaining('23')]);
  expect(run(directory, command('HEAPLINE_OPTIONS='))).toMatchObject({ status: 0 });
  expect(readdirSync(directory).filter((name) => /^leaks\.\d+$/.test(name))).toHaveLength(1);
  expect(readdirSync(join(directory, 'profiles'))).toHaveLength(2);
});

test('CMake and ctest do, too', () => {
  const directory = copy('cmake');
  const { status, output } = run(
    directory,
    `${command('--toolchain')} && cmake --build build && ctest --test-dir build --output-on-failure`,
  );
  expect(output).toContain(REPORT.trimEnd().replaceAll('main.c', join(directory, 'main.c')));
  expect(status).toBe(8);
});

test('a plain Makefile does, too', () => {
  const { status, output } = run(copy('plain'), command('make CC=').replace('make', 'make -f plain'));
  expect(output).toContain(REPORT.trimEnd());
  expect(status).toBe(2);
});

test('the JavaScript of heapline emcc does, too', () => {
  const directory = copy('emcc');
  expect(run(directory, command('emconfigure')).output).toContain('-o program main.c');
  // emcc 3.1.6 does not know that Node.js has fetch().
  const { status, output } = run(directory, `NODE_OPTIONS=--no-experimental-fetch ${command('test.js')}`);
  expect(output).toContain('definite leak: 100 bytes in 1 block');
  expect(output).toMatch(/at main \(main\.c:12:\d+\)/);
  expect(status).toBe(23);
});
