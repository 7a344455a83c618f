// Programs as `heapline cc` makes them: compiled, archived, linked and started as a build does it.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { moduleIn } from '../../src/cc/executable.ts';
import { keepLinked, linkedModule, readableLinkedModule } from '../../src/cc/linked-module.ts';
import { InvalidModuleError, loadWasm } from '../../src/index.ts';
import { instrument, openInstrumented } from '../../src/instrument/index.ts';
import { BuildDirectory, type Start } from '../support/build-directory.ts';

const build = new BuildDirectory();
const { path: directory, env, start, heapline, cc, write } = build;

const PROGRAM = `#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
int helper(int x);
static jmp_buf back;
int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "leak")) { char *lost = malloc(100); lost[0] = 1; lost = 0; return helper(1); }
  if (!strcmp(what, "twice")) { void *p = malloc(8); free(p); free(p); puts("went on"); return 0; }
  if (!strcmp(what, "past")) { char *p = malloc(argc * 5); p[argc * 5] = 1; free(p); puts("went on"); return 0; }
  if (!strcmp(what, "abort")) abort();
  if (!strcmp(what, "null")) return *(volatile int *)0xfffffff0;
  if (!strcmp(what, "status")) return 7;
  if (!strcmp(what, "_exit")) { fputs("gone", stderr); _exit(9); }
  if (!strcmp(what, "jump")) { if (setjmp(back) == 0) longjmp(back, 1); puts("back"); return 0; }
  if (!strcmp(what, "seek")) { fseek(stdin, atoi(argv[2]), SEEK_SET); printf("%c%ld\\n", getchar(), ftell(stdin)); return 0; }
  if (!strcmp(what, "close")) { fclose(stderr); fopen("caught", "w"); what = malloc(100); return helper(what[0]); }
  if (!strcmp(what, "echo")) { int c; while ((c = getchar()) != EOF) putchar(c); return 0; }
  if (!strcmp(what, "world")) {
    char here[4096];
    printf("%s|%s|%s|%d\\n", argv[2], getenv("HEAPLINE_TEST_VALUE"), getcwd(here, sizeof here), isatty(1));
    return 0;
  }
  if (!strcmp(what, "files")) {
    struct stat s;
    mkdir("sub", 0777);
    FILE *f = fopen("sub/one", "w"); fputs("abc", f); fclose(f);
    f = fopen("sub/one", "a"); fputs("def", f); fclose(f);
    rename("sub/one", "sub/two");
    symlink("two", "sub/link");
    stat("sub/link", &s);
    int n = 0; DIR *d = opendir("sub"); while (readdir(d)) n++; closedir(d);
    printf("%d %d %d\\n", (int)s.st_size, n, fopen("sub/missing", "r") == NULL);
    unlink("sub/link");
    return 0;
  }
  return 1;
}
`;

beforeAll(() => {
  write('main.c', PROGRAM);
  write('helper.h', '#define ANSWER 0\n');
  write('helper.c', '#include "helper.h"\nint helper(int x) { return x * ANSWER; }\n');
  expect(cc('-O1', '-MMD', '-MP', '-c', 'helper.c', '-o', 'helper.o')).toMatchObject({
    status: 0,
    stderr: '',
  });
  expect(heapline('ar', 'rcs', 'libhelper.a', 'helper.o').status).toBe(0);
  expect(cc('-O1', 'main.c', '-L.', '-lhelper', '-lpthread', '-Wl,-rpath,/x', '-o', 'main')).toMatchObject({
    status: 0,
    stderr: '',
  });
});
afterAll(() => build.dispose());

const main = (args: readonly string[], options: Start = {}) => start('./main', args, options);

test('a program sees its arguments, environment and working directory', () => {
  Object.assign(env, { HEAPLINE_TEST_VALUE: 'seen' });
  expect(main(['world', 'two words'])).toMatchObject({
    status: 0,
    stdout: `two words|seen|${directory}|0\n`,
    stderr: '',
  });
});

test('a program reads and writes the files of this machine', () => {
  expect(main(['files'])).toMatchObject({ status: 0, stdout: '6 4 1\n' });
  expect(readFileSync(join(directory, 'sub/two'), 'utf8')).toBe('abcdef');
});

test('a large input goes through whole', () => {
  const input = 'All work and no play.\n'.repeat(20_000);
  expect(main(['echo'], { input }).stdout).toBe(input);
});

test('standard input that is a file can be positioned, and a pipe cannot', () => {
  write('letters', 'abcdef');
  expect(start('sh', ['-c', './main seek 3 <letters'])).toMatchObject({ status: 0, stdout: 'd4\n' });
  expect(start('sh', ['-c', '(read -r _; ./main seek 3) <helper.c']).stdout).toBe('c4\n');
  expect(main(['seek', '3'], { input: 'abcdef' }).stdout).toBe('a-1\n');
});

test('a program that closes its standard error is checked all the same', () => {
  const { status, stderr } = main(['close']);
  expect(status).toBe(23);
  expect(stderr).toContain('100 bytes in 1 block');
  expect(readFileSync(join(directory, 'caught'), 'utf8')).toBe('');
});

test.each([
  ['status', 7],
  ['_exit', 9],
  ['abort', 134],
  ['null', 139],
  ['jump', 0],
])('a program that does %s ends with %i', (what, status) => {
  expect(main([what]).status).toBe(status);
});

test('a leak is reported at its line, with the exit status of LeakSanitizer', () => {
  const line = PROGRAM.split('\n').findIndex((text) => text.includes('malloc(100)')) + 1;
  const { status, stderr } = main(['leak']);
  expect(status).toBe(23);
  expect(stderr).toContain('100 bytes in 1 block');
  expect(stderr).toContain(`main.c:${line}:`);
  const linked = main(['leak'], { options: 'exitcode=0', env: { FORCE_HYPERLINK: '1' } });
  expect(linked.status).toBe(0);
  expect(linked.stderr).toContain(
    `\x1b]8;;${pathToFileURL(join(directory, 'main.c')).href}#${line}\x1b\\main.c`,
  );
  expect(main(['leak'], { options: 'detect_leaks=0' })).toMatchObject({ status: 0, stderr: '' });
  expect(main(['leak'], { options: 'exitcod=0' }).stderr).toContain("did you mean 'exitcode'");
});

test('accesses are checked with access=1, and in programs that were linked with -fsanitize=address', () => {
  const line = PROGRAM.split('\n').findIndex((text) => text.includes('"past"')) + 1;
  const report = new RegExp(
    `heap-buffer-overflow in main: write of 1 byte at 0x\\w+, 0 bytes past the end of a block of 10 bytes\n +at main \\(main\\.c:${line}:`,
  );
  expect(main(['past'])).toMatchObject({ status: 0, stdout: 'went on\n', stderr: '' });
  const checked = main(['past'], { options: 'access=1' });
  expect(checked).toMatchObject({ status: 23, stdout: '' });
  expect(checked.stderr).toMatch(report);
  expect(main(['past'], { options: 'access=1:halt_on_error=0' })).toMatchObject({
    status: 23,
    stdout: 'went on\n',
  });
  expect(main(['files'], { options: 'access=1' })).toMatchObject({ status: 0, stderr: '' });
  expect(main(['jump'], { options: 'access=1' })).toMatchObject({ status: 0, stderr: '' });
  const built = cc('-O1', '-fsanitize=address,leak', 'main.c', 'helper.o', '-o', 'checked');
  expect(built).toMatchObject({ status: 0, stderr: '' });
  const linked = start('./checked', ['past']);
  expect(linked.status).toBe(23);
  expect(linked.stderr).toMatch(report);
  expect(start('./checked', ['files'], { options: 'access=1' })).toMatchObject({ status: 0, stderr: '' });
});

test('with -fsanitize=address, variables have room, and functions that a source marks under __SANITIZE_ADDRESS__ no checks', () => {
  const lines = [
    '#include <stdlib.h>',
    '#ifdef __SANITIZE_ADDRESS__',
    '#define UNCHECKED __attribute__((no_sanitize_address))',
    '#else',
    '#error not defined',
    '#endif',
    'static UNCHECKED int peek(volatile char *p) { return p[0]; }',
    'static int look(volatile char *p) { return p[0]; }',
    'int main(void) {',
    '  char *p = (char *)malloc(16) + 16;',
    '  volatile int numbers[3] = {1, 2, 3};',
    '  volatile int three = 3;',
    '  return ((peek(p) + look(p)) & 0) | (numbers[three] == 123456);',
    '}',
  ];
  write('marked.c', lines.join('\n'));
  expect(cc('-O1', '-fsanitize=address', 'marked.c', '-o', 'marked')).toMatchObject({
    status: 0,
    stderr: '',
  });
  const { stderr } = start('./marked', [], { options: 'halt_on_error=0:detect_leaks=0' });
  expect(stderr.match(/heap-buffer-overflow in \w+/g)).toEqual(['heap-buffer-overflow in look']);
  expect(stderr).toMatch(
    /stack-buffer-overflow in main: read of 4 bytes at \w+, 0 bytes past the end of the variable 'numbers' \(12 bytes, line 11\) in main/,
  );
});

test('a program keeps what the linker wrote, and says when that is damaged', async () => {
  const linked = new Uint8Array(readFileSync(join(directory, 'main')));
  const module = moduleIn(linked)!;
  const original = linkedModule(module)!;
  expect(openInstrumented(original)).toBe(null);
  const { bytes } = instrument(original);
  expect(Buffer.compare(keepLinked(bytes, original), module)).toBe(0);
  expect(linkedModule(bytes)).toBe(null);
  const damaged = Uint8Array.from(module);
  damaged.fill(0xff, damaged.length - 500);
  expect(() => linkedModule(damaged)).toThrow(InvalidModuleError);
  // A leak is reported all the same, without what the block contains.
  expect(readableLinkedModule(damaged)).toBe(null);
});

test('arguments and environment are no blocks of the program, so a clean end needs no symbols', async () => {
  expect(cc('-O1', 'main.c', 'helper.o', '-o', 'module.wasm').status).toBe(0);
  using sandbox = await loadWasm(join(directory, 'module.wasm'), { args: ['status'], env: { A: 'b' } });
  expect(sandbox.run().exitCode).toBe(7);
  expect(sandbox.heap.mayLeak(['definite', 'indirect', 'possible'])).toBe(false);
  using leaky = await loadWasm(join(directory, 'module.wasm'), { args: ['leak'] });
  leaky.run();
  expect(leaky.heap.mayLeak(['definite'])).toBe(true);
});

test('a leak is reported with the type and the fields of its block, which the instrumented program does not have', () => {
  write(
    'node.c',
    `#include <stdlib.h>
struct node { struct node *next; int key; };
static struct node *make(int key) {
  struct node *made = malloc(sizeof *made);
  made->next = NULL;
  made->key = key;
  return made;
}
int main(int argc, char **argv) { return make(argc + 6)->key - 7; }
`,
  );
  expect(cc('-O1', 'node.c', '-o', 'node')).toMatchObject({ status: 0, stderr: '' });
  const { status, stderr } = start('./node', []);
  expect(stderr).toContain('struct node { next = NULL, key = 7 }');
  expect(status).toBe(23);
  const damaged = readFileSync(join(directory, 'node'));
  damaged.fill(0xff, damaged.length - 100);
  writeFileSync(join(directory, 'node'), damaged);
  const without = start('./node', []);
  expect(without.stderr).toMatch(/definite leak: 8 bytes in 1 block\n {2}at make \(node\.c:4:/);
  expect(without.stderr).not.toContain('struct node');
  expect(without.status).toBe(23);
});

test('options say how many leaks are shown, in which colour, and whether suppressions are named', () => {
  write('known.supp', 'leak:main\nleak:nothing_matches\n');
  const suppressed = main(['leak'], { options: 'suppressions=known.supp:verbosity=1' });
  expect(suppressed.status).toBe(0);
  expect(main(['leak'], { options: 'color=always' }).stderr).toContain('\u001b[');
  expect(main(['leak'], { options: 'log_path=logs/x:log_suffix=.txt' }).status).toBe(23);
  expect(readdirSync(join(directory, 'logs')).some((name) => /^x\.\d+\.txt$/.test(name))).toBe(true);
  write('other.supp', 'leak:nothing_matches\n');
  expect(main(['leak'], { options: 'suppressions=other.supp' }).stderr).toContain('unused suppression');
  const quiet = main(['leak'], { options: 'suppressions=other.supp:print_suppressions=0' }).stderr;
  expect(quiet).not.toContain('suppression');
  expect(quiet).toContain('100 bytes');
});

test('a double free stops the program, unless halt_on_error is 0', () => {
  expect(main(['twice'])).toMatchObject({ status: 23, stdout: '' });
  expect(main(['twice']).stderr).toContain('double free');
  expect(main(['twice'], { options: 'halt_on_error=0' })).toMatchObject({ status: 23, stdout: 'went on\n' });
});

test('reports go to log_path and profiles to pprof', () => {
  const { stderr } = main(['leak'], {
    options: 'log_path=logs/leaks.%e:log_exe_name=0:format=json:pprof=profiles',
  });
  expect(stderr).toBe('');
  const files = spawnSync('ls', ['logs', 'profiles'], { cwd: directory, encoding: 'utf8' }).stdout;
  expect(files).toMatch(/leaks\.main\.\d+/);
  expect(files).toMatch(/main\.\d+\.heap\.pb\.gz/);
  expect(files).toMatch(/main\.\d+\.leaks\.pb\.gz/);
});

test('the compiled code of the runner is kept, and a damaged copy does no harm', () => {
  const cache = join(directory, 'cache');
  const run = () =>
    spawnSync('./main', ['status'], { cwd: directory, env: { ...env, HEAPLINE_CACHE: cache } }).status;
  const jump = () =>
    spawnSync('./main', ['jump'], { cwd: directory, env: { ...env, HEAPLINE_CACHE: cache } });
  expect(jump().status).toBe(0);
  const [name, ...others] = readdirSync(join(cache, 'code'));
  expect(others).toEqual([]);
  const code = join(cache, 'code', name!);
  const good = readFileSync(code);
  for (const bad of [
    good.subarray(0, good.length / 2),
    good.map((byte, i) => (i < 100 ? byte : byte ^ 1)),
    [],
  ]) {
    writeFileSync(code, Buffer.from(bad));
    expect(run()).toBe(7);
    expect(jump().stdout.toString()).toBe('back\n');
  }
  expect(readFileSync(code).length).toBeGreaterThan(good.length / 2);
});

test('a program runs after it was copied, and one that was stripped says so', () => {
  copyFileSync(join(directory, 'main'), join(directory, 'copy'));
  expect(start('./copy', ['status']).status).toBe(7);
  const script = readFileSync(join(directory, 'main')).subarray(0, 2000);
  writeFileSync(join(directory, 'stripped'), script.subarray(0, script.indexOf('\0asm')), { mode: 0o755 });
  expect(start('./stripped', [])).toMatchObject({ status: 127 });
});

test('dependency files are written, also when the object comes from the cache', () => {
  const first = readFileSync(join(directory, 'helper.d'), 'utf8');
  expect(first).toContain('helper.h');
  rmSync(join(directory, 'helper.d'));
  expect(cc('-O1', '-MMD', '-MP', '-c', 'helper.c', '-o', 'helper.o').status).toBe(0);
  expect(readFileSync(join(directory, 'helper.d'), 'utf8')).toBe(first);
});

test('a header that has changed is read again', () => {
  const object = () => readFileSync(join(directory, 'h.o'));
  expect(cc('-O1', '-g0', '-c', 'helper.c', '-o', 'h.o').status).toBe(0);
  const before = object();
  write('helper.h', '#define ANSWER 1234567\n');
  expect(cc('-O1', '-g0', '-c', 'helper.c', '-o', 'h.o').status).toBe(0);
  expect(object()).not.toEqual(before);
});

test("clang's own answers and errors come through unchanged", () => {
  expect(cc('--version').stdout).toContain('clang version');
  expect(cc('-dumpmachine').stdout).toContain('wasm32');
  expect(cc('-print-prog-name=ld').stdout).toMatch(/wasm-ld|heapline-ld/);
  expect(cc('nothing.c')).toMatchObject({ status: 1 });
  expect(cc('nothing.c').stderr).toContain('no such file or directory');
  const piped = start(process.execPath, [inject('command'), 'cc', '-E', '-x', 'c', '-'], {
    input: '#define A 42\nA\n',
  });
  expect(piped.stdout).toContain('42');
  expect(cc('-shared', 'helper.o').stderr).toContain('--disable-shared');
});

test('an archive that GNU ar has made without an index is linked, too', () => {
  write('bare.c', 'int helper(int x) { return x; }\n');
  expect(cc('-c', 'bare.c').status).toBe(0);
  rmSync(join(directory, 'libbare.a'), { force: true });
  expect(start('ar', ['rcS', 'libbare.a', 'bare.o']).status).toBe(0);
  expect(cc('main.c', 'libbare.a', '-o', 'bare')).toMatchObject({ status: 0 });
  expect(start('./bare', ['status']).status).toBe(7);
});

test('llvm-nm reads the index that heapline ar and ranlib write, and ar lists and extracts the members', () => {
  expect(heapline('ar', 't', 'libhelper.a').stdout).toBe('helper.o\n');
  expect(heapline('ranlib', 'libhelper.a').status).toBe(0);
  const { stdout } = start('llvm-nm', ['--print-armap', 'libhelper.a']);
  expect(stdout).toMatch(/helper in helper\.o/);
  const object = readFileSync(join(directory, 'helper.o'));
  rmSync(join(directory, 'helper.o'));
  expect(heapline('ar', 'x', 'libhelper.a').status).toBe(0);
  expect(readFileSync(join(directory, 'helper.o'))).toEqual(object);
});

test('without a compiler, the message says what to install', () => {
  const ended = spawnSync(process.execPath, [inject('command'), 'cc', '-c', 'helper.c'], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...env, PATH: '/nowhere', HEAPLINE_TOOLCHAIN: '', WASI_SDK_PATH: '' },
  });
  expect(ended.status).toBe(1);
  expect(ended.stderr).toMatch(/install/);
});

test('a program is an executable file', () => {
  expect(statSync(join(directory, 'main')).mode & 0o111).toBe(0o111);
  expect(existsSync(join(directory, 'main.wasm'))).toBe(false);
});
