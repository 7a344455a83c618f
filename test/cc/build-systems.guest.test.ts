// Build systems and caches that start the compiler in ways of their own. Needs a current dist/ (./build.sh), because they
// want a path to each tool.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BuildDirectory } from '../support/build-directory.ts';

const tool = (name: string): string =>
  fileURLToPath(new URL(`../../dist/heapline-${name}.js`, import.meta.url));
const build = new BuildDirectory();
const { path: directory, write } = build;

/** Runs a command in the directory. Its output is both streams. */
function run(command: string, env: NodeJS.ProcessEnv = {}): { status: number | null; output: string } {
  const { status, stdout } = spawnSync('sh', ['-c', `exec 2>&1; ${command}`], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...build.env, CC: tool('cc'), AR: tool('ar'), ...env },
  });
  return { status, output: stdout };
}

beforeAll(() => {
  write('keep.c', '#include <stdlib.h>\nvoid keep(void) { *(volatile char *)malloc(10) = 1; }\n');
  write('main.c', 'void keep(void);\nint main(int argc, char **argv) { if (argc > 1) keep(); return 0; }\n');
});
afterAll(() => build.dispose());

test('ccache keeps objects and their dependency files', () => {
  const env = { CCACHE_DIR: join(directory, 'ccache') };
  const compile = (object: string) => run(`ccache "$CC" -O1 -MD -c keep.c -o ${object}`, env);
  expect(compile('one.o')).toEqual({ status: 0, output: '' });
  expect(compile('two.o')).toEqual({ status: 0, output: '' });
  expect(run('ccache --print-stats', env).output).toMatch(/^direct_cache_hit\t1$/m);
  expect(readFileSync(join(directory, 'two.o'))).toEqual(readFileSync(join(directory, 'one.o')));
  expect(existsSync(join(directory, 'two.d'))).toBe(true);
  expect(run('ccache "$CC" main.c two.o -o cached && ./cached leak', env)).toMatchObject({ status: 23 });
});

test('meson configures, builds and tests a project with a library', () => {
  mkdirSync(join(directory, 'meson'));
  write(
    'meson/meson.build',
    `project('demo', 'c', default_options: ['default_library=static', 'b_pie=true', 'b_lto=true'])
keep = library('keep', 'keep.c')
program = executable('program', 'main.c', link_with: keep)
test('clean', program)
test('leak', program, args: ['leak'])
`,
  );
  expect(run('cp keep.c main.c meson').status).toBe(0);
  const { status, output } = run('meson setup built meson && meson compile -C built');
  expect([status, output]).toEqual([0, expect.stringContaining('C compiler for the host machine')]);
  const tests = run('meson test -C built --print-errorlogs');
  expect(tests.output).toMatch(/clean +OK/);
  expect(tests.output).toMatch(/leak +FAIL .*exit status 23/);
  expect(tests.output).toMatch(/at keep \(\S*keep\.c:2:/);
});

test('libtool learns from the linker that there are no shared libraries', () => {
  // The questions of its configure script.
  const ld = run('"$CC" -print-prog-name=ld').output.trim();
  expect(run(`"${ld}" -v </dev/null`).output).toMatch(/GNU/);
  expect(run(`"${ld}" --help`)).toMatchObject({
    status: 0,
    output: expect.not.stringMatching(/supported targets:.* elf/),
  });
  expect(
    run(`"$CC" -O1 -c keep.c main.c && "${ld}" -r keep.o main.o -o both.o && "$CC" both.o -o both && ./both`),
  ).toEqual({
    status: 0,
    output: '',
  });
});

test('programs are installed, and are stripped by a tool that leaves them whole', () => {
  expect(run('"$CC" -O1 keep.c main.c -o program').status).toBe(0);
  expect(run('install program plain && ./plain')).toEqual({ status: 0, output: '' });
  expect(run('install -s --strip-program=true program stripped && ./stripped')).toEqual({
    status: 0,
    output: '',
  });
  // GNU's strip recognises no program in the file, and install then leaves nothing behind.
  expect(run('install -s program broken').status).not.toBe(0);
  expect(existsSync(join(directory, 'broken'))).toBe(false);
});
