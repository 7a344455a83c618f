// heapline run: the program's output, its status, the table, the profile, and the messages when something is wrong.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { InstructionWriter, Opcode, readModule } from '../../src/binary/index.ts';
import { HeapProfile } from '../../src/profile/index.ts';
import { Rewriter } from '../../src/rewrite/index.ts';
import { CommandDirectory } from '../support/command-directory.ts';
import { FULL } from '../support/full.ts';

const directory = new CommandDirectory();

/** A module with so many more bytes of code, in functions that copy words in memory. */
function withMuchCode(bytes: Uint8Array, size: number): Uint8Array {
  const rewriter = new Rewriter(readModule(bytes));
  const code = new InstructionWriter();
  code.byte(0);
  for (let offset = 0; offset < 1600; offset += 4) {
    code.indexed(Opcode.LocalGet, 0);
    code.indexed(Opcode.LocalGet, 0);
    code.memory(Opcode.I32Load, 2, offset);
    code.memory(Opcode.I32Store, 2, offset + 4);
  }
  code.byte(Opcode.End);
  const body = code.take();
  const type = rewriter.addType([0x7f], []);
  for (let left = size; left > 0; left -= body.length) rewriter.addFunction(type, body);
  return rewriter.write().bytes;
}

beforeAll(() => {
  directory.write(
    'program.c',
    `#include <stdio.h>
#include <stdlib.h>
#ifndef SIZE
#define SIZE 1000
#endif
static void *keep(int size) {
  return malloc(size);
}
int main(int argc, char **argv) {
  char line[64] = "";
  void *kept = keep(SIZE);
  free(malloc(5000));
  for (int i = 1; i < argc; i++) printf("arg %s\\n", argv[i]);
  if (getenv("COLOUR")) printf("env %s\\n", getenv("COLOUR"));
  FILE *file = fopen("/data/in.txt", "r");
  if (file && fgets(line, sizeof line, file)) printf("file %s", line);
  if (fgets(line, sizeof line, stdin)) printf("stdin %s", line);
  fprintf(stderr, "to stderr\\n");
  exit(kept ? 7 : 1);
}
`,
  );
  directory.write(
    'library.c',
    `#include <stdlib.h>
#include <string.h>
static char *kept;
int add(int a, int b) { return a + b; }
long long twice(long long value) { return value * 2; }
double half(double value) { return value / 2; }
int keep(const char *text) {
  kept = malloc(strlen(text) + 1);
  strcpy(kept, text);
  return (int)strlen(kept);
}
void crash(void) { __builtin_trap(); }
void free_twice(void) {
  char *block = malloc(8);
  free(block);
  free(block);
}
`,
  );
  directory.write('broken.c', 'int main(void) {\n  return missing;\n}\n');
  directory.write('unlinked.c', 'int elsewhere(void);\nint main(void) { return elsewhere(); }\n');
});

afterAll(() => directory.dispose());

describe('heapline run', () => {
  it('passes on output and status of the program and prints the table to standard error', () => {
    const { status, stdout, stderr } = directory.heapline(['run', 'program.c']);
    expect(status).toBe(7);
    expect(stdout).toBe('');
    expect(stderr).toContain('to stderr\n');
    expect(stderr).toMatch(/1000B .* 1 {2}keep program\.c:7( \(inline\))?\n/);
    expect(stderr).toContain('Wrote heap.pb.gz');
  });

  it.each([['-O0'], ['-O1'], ['-O2']])('names the callers of wrappers that %s inlines or leaves', (level) => {
    directory.write(
      'grab.h',
      '#include <stdlib.h>\nstatic inline void *grab(size_t n) { return malloc(n); }\n',
    );
    directory.write(
      'wrapped.c',
      `#include "grab.h"
typedef void *address;
typedef unsigned long amount;
static void *take(size_t n) { void *p = malloc(n); if (!p) abort(); return p; }
static address take_all(const amount n, size_t m) { return take(n * m); }
void *outside(int n) { return malloc((size_t)n); }
struct thing { int key; };
static struct thing *make(unsigned key) { struct thing *t = grab(sizeof *t); t->key = (int)key; return t; }
__attribute__((noinline)) struct thing *thing_new(unsigned key) { return make(key); }
void *kept[4];
int main(int argc, char **argv) {
  kept[0] = thing_new((unsigned)argc);
  kept[1] = take_all(10, argc);
  kept[2] = grab(20);
  kept[3] = outside(argc * 30);
  return 0;
}
`,
    );
    const { stdout } = directory.heapline(['run', '--json', level, '--pprof', 'wrapped.pb.gz', 'wrapped.c']);
    const { profile, ...report } = JSON.parse(stdout);
    const rows = report.top.filter(({ flat, line }: Record<string, number>) => flat! > 0 && line! > 0);
    expect(rows.map(({ function: name, line, flat }: Record<string, unknown>) => [name, line, flat])).toEqual(
      [
        ['main', 15, 30],
        ['main', 14, 20],
        ['main', 13, 10],
        ['make', 8, 4],
      ],
    );
    expect(JSON.stringify(profile), 'the stacks are whole').toContain('grab');
    const { comments } = HeapProfile.decode(directory.read('wrapped.pb.gz')).model;
    expect(comments.at(-1)).toContain("-hide='^(?:grab|outside|take|take_all)$'");
  });

  it('links the rows of its table, and those of other commands, to the sources where links are shown', () => {
    const env = { FORCE_HYPERLINK: '1' };
    const url = pathToFileURL(join(realpathSync(directory.path), 'program.c')).href;
    const linked = `\x1b]8;;${url}#7\x1b\\program.c:7\x1b]8;;\x1b\\`;
    expect(directory.heapline(['run', 'program.c'], { env }).stderr).toContain(` keep ${linked}`);
    for (const args of [['top'], ['tree', '--granularity', 'lines']]) {
      expect(directory.heapline([...args, 'heap.pb.gz'], { env }).stdout).toContain(`keep ${linked}`);
    }
    expect(directory.heapline(['top', 'heap.pb.gz']).stdout).not.toContain('\x1b]');
    expect(directory.heapline(['top', '--json', 'heap.pb.gz'], { env }).stdout).not.toContain('\x1b]');
  });

  it('gives inlined functions locations of their own with --inlines=locations', () => {
    for (const [form, most] of [
      ['lines', 2],
      ['locations', 1],
    ] as const) {
      directory.heapline(['run', '-O2', `--inlines=${form}`, '--pprof', 'inlines.pb.gz', 'program.c']);
      const { locations } = HeapProfile.decode(directory.read('inlines.pb.gz')).model;
      expect(Math.max(...locations.map(({ lines }) => lines.length))).toBe(most);
    }
    const { status, stderr } = directory.heapline(['run', '--inlines=frames', 'program.c']);
    expect(status).toBe(2);
    expect(stderr).toContain("must be 'lines' or 'locations'");
  });

  it('gives the program arguments, environment, files and standard input', () => {
    directory.write('in.txt', 'from a file\n');
    const { stdout, status } = directory.heapline(
      [
        'run',
        '--no-pprof',
        '--env',
        'COLOUR=red',
        '--file',
        '/data/in.txt=in.txt',
        '--stdin',
        '-',
        'program.c',
        '--',
        'one',
        '--json',
        'a b',
      ],
      { input: 'from outside\n' },
    );
    expect(stdout.split('\n')).toEqual([
      'arg one',
      'arg --json',
      'arg a b',
      'env red',
      'file from a file',
      'stdin from outside',
      '',
    ]);
    expect(status).toBe(7);
  });

  it('passes its own standard input to the program, whatever it is', () => {
    const run = ['run', '--no-pprof', 'program.c'];
    expect(directory.heapline(run, { input: 'piped\n' }).stdout).toContain('stdin piped\n');
    directory.write('typed.txt', 'redirected\n');
    expect(directory.heapline([...run, '--stdin', 'typed.txt']).stdout).toContain('stdin redirected\n');
    expect(directory.heapline(run, { input: '' }).stdout).not.toContain('stdin');
    expect(directory.heapline([...run, '--stdin', '/dev/null'], { input: 'x\n' }).stdout).not.toContain(
      'stdin',
    );
    expect(directory.heapline([...run, '--stdin', 'none.txt']).status).toBe(2);
  });

  it('passes on a variable of its own environment when only the name is given', () => {
    const given = ['run', '--no-pprof', '--env', 'COLOUR', 'program.c'];
    expect(directory.heapline(given, { env: { COLOUR: 'blue' } }).stdout).toContain('env blue');
  });

  it('takes the options of a compiler', () => {
    const { stderr } = directory.heapline([
      'run',
      '--no-pprof',
      '-O2',
      '-DSIZE=2048',
      '--cflag=-std=c11',
      'program.c',
    ]);
    expect(stderr).toMatch(/2048B .* keep program\.c:7/);
  });

  it.each([
    [['-DSIZE=2048', '-U', 'SIZE'], '1000B'],
    [['-USIZE', '-DSIZE=2048'], '2048B'],
    [['-D', 'SIZE=1', '-D', 'SIZE=2048'], '2048B'],
  ])('obeys the last option of %j for a macro', (macros, size) => {
    const { stderr } = directory.heapline(['run', '--no-pprof', ...macros, 'program.c']);
    expect(stderr).toMatch(new RegExp(`${size} .* keep program\\.c:7`));
  });

  it('prints one JSON document with --json and sends the output of the program to standard error', () => {
    const { stdout, stderr, status } = directory.heapline(['run', '--json', 'program.c', '--', 'seen']);
    const report = JSON.parse(stdout);
    expect(status).toBe(7);
    expect(stderr).toContain('arg seen');
    expect(report).toMatchObject({
      version: 1,
      exitCode: 7,
      error: null,
      faults: [],
      toolchain: { name: 'clang' },
    });
    expect(report.stats.inUseBytes).toBeGreaterThanOrEqual(1000);
    expect(report.top[0]).toMatchObject({ function: 'keep', line: 7, flat: 1000, flatObjects: 1 });
    expect(report.profile).toMatchObject({ version: 1, kind: 'heap' });
    expect(report.pprof).toBe(join(directory.path, 'heap.pb.gz'));
  });

  it('puts every result into that document, even numbers that JSON lacks', () => {
    const calls = ['twice(4)', 'half(-1e400)', 'half(3)', 'keep("x")', 'free_twice()'];
    const { stdout } = directory.heapline([
      'run',
      '--json',
      '--no-pprof',
      ...calls.flatMap((call) => ['--call', call]),
      'library.c',
    ]);
    const results = (JSON.parse(stdout).calls as { result: unknown }[]).map(({ result }) => result);
    expect(results).toEqual(['8', '-Infinity', 1.5, 1, null]);
  });

  it('reports other kinds of profile', () => {
    const { stderr } = directory.heapline(['run', '--kind', 'peak', '--pprof', 'peak.pb.gz', 'program.c']);
    expect(stderr).toContain('Type: peak_space');
    expect(HeapProfile.decode(directory.read('peak.pb.gz')).kind).toBe('peak');
  });

  it('calls functions in order and prints their results', () => {
    const { stderr, status } = directory.heapline([
      'run',
      '--no-pprof',
      '--call',
      'add(1, -0x3)',
      '--call',
      'twice(5000000000n)',
      '--call',
      'twice(-9007199254740993)',
      '--call',
      'half(1.5)',
      '--call',
      'half(100000000000000000000)',
      '--call',
      "keep('a \\'text\\'')",
      'library.c',
    ]);
    expect(status).toBe(0);
    expect(stderr.split('\n').slice(0, 6)).toEqual([
      'add(1, -0x3) = -2',
      'twice(5000000000n) = 10000000000',
      'twice(-9007199254740993) = -18014398509481986',
      'half(1.5) = 0.75',
      'half(100000000000000000000) = 50000000000000000000',
      "keep('a \\'text\\'') = 8",
    ]);
    expect(stderr).toMatch(/9B .* keep library\.c:8/);
  });

  it.skipIf(!existsSync('/dev/full'))('prints the table even when the profile cannot be written', () => {
    const { stderr, status } = directory.heapline(['run', '--pprof', '/dev/full', 'program.c']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/1000B .* keep program\.c:7[\s\S]*\/dev\/full cannot be written/);
  });

  it('reports before the program runs that the profile cannot be written', () => {
    const { stdout, stderr, status } = directory.heapline([
      'run',
      '--pprof',
      'no/such/dir.pb.gz',
      'program.c',
    ]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      'heapline: no/such/dir.pb.gz cannot be written: its directory does not exist; make it first.\n',
    );
  });

  it('ends with 134 after a trap, and shows the C stack and the heap at that moment', () => {
    const { stderr, status } = directory.heapline([
      'run',
      '--no-pprof',
      '--call',
      'keep("x")',
      '--call',
      'crash()',
      'library.c',
    ]);
    expect(status).toBe(134);
    expect(stderr).toMatch(/at crash \(.*library\.c:12/);
    expect(stderr).toMatch(/2B .* keep library\.c:8/);
    expect(stderr).not.toMatch(/node:internal|src\/cli/);
  });

  it('reports heap faults with their three stacks', () => {
    const { stderr, status } = directory.heapline([
      'run',
      '--no-pprof',
      '--call',
      'free_twice()',
      'library.c',
    ]);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /double-free of 0x[0-9a-f]+ in free_twice \(library\.c:16\), allocated in free_twice \(library\.c:14\), freed before in free_twice \(library\.c:15\)/,
    );
  });

  it('obeys a memory limit', () => {
    directory.write(
      'hungry.c',
      '#include <stdlib.h>\nint main(void) { int n = 0; while (n < 100 && malloc(1 << 20)) n++; return n; }\n',
    );
    expect(directory.heapline(['run', '--no-pprof', '--max-memory', '16M', 'hungry.c']).status).toBeLessThan(
      16,
    );
    expect(directory.heapline(['run', '--no-pprof', 'hungry.c']).status).toBe(100);
  });

  it.each<[string, string[], RegExp]>([
    ['a file that does not exist', ['nosuch.c'], /nosuch\.c/],
    [
      'C that does not compile',
      ['broken.c'],
      /broken\.c:2:10: error: use of undeclared identifier 'missing'/,
    ],
    ['objects that do not link', ['unlinked.c'], /elsewhere/],
    [
      'a library without --call',
      ['library.c'],
      /no main\(\).*--call 'add\(…\)' \(it takes \d: .*\): add, .*keep/,
    ],
    ['a function that does not exist', ['--call', 'nosuch()', 'library.c'], /no function 'nosuch'/],
    [
      'a byte that is no character',
      ['--call', 'text("ab\\x41\\xff")', 'library.c'],
      /\\x7f is the last \\x escape: .* at column 13/,
    ],
    [
      'a call that is not one',
      ['--call', 'add(1,', 'library.c'],
      /--call 'add\(1,': expected a number .* column 7/,
    ],
    ['a call with a wrong argument', ['--call', 'add(1)', 'library.c'], /add.*is missing/],
    [
      'a string for a number that is no pointer',
      ['--call', 'half("x")', 'library.c'],
      /--call 'half\("x"\)': argument 1 is a string, and half\(\) takes a double there/,
    ],
    [
      'a string for a 64-bit integer',
      ['--call', 'twice("x")', 'library.c'],
      /argument 1 is a string, and twice\(\) takes a 64-bit integer there/,
    ],
    [
      'a string too many',
      ['--call', 'half(1, "x")', 'library.c'],
      /argument 2 is a string, and half\(\) takes only 1/,
    ],
    [
      'an argument too many',
      ['--call', 'add(1, 2)', '--call', 'add(1, 2, 3)', 'library.c'],
      /^heapline: --call 'add\(1, 2, 3\)': add\(\) takes 2 arguments, and 3 are given\.$/m,
    ],
    ['a profile for standard output', ['--pprof', '-', 'program.c'], /name a file for the profile/],
    ['a size that is not one', ['--max-memory', 'lots', 'program.c'], /'lots' is not a size/],
    ['a stack that is too small', ['--stack-size', '1k', 'program.c'], /--stack-size must be .*from 4096/],
    ['a stack size that is not one', ['--stack-size', 'deep', 'program.c'], /'deep' is not a size/],
    [
      'a memory limit below a page',
      ['--max-memory', '1k', 'program.c'],
      /--max-memory must be .* from 65536 /,
    ],
    ['a variable that is not set', ['--env', 'HEAPLINE_NO_SUCH', 'program.c'], /HEAPLINE_NO_SUCH/],
    ['a relative guest path', ['--file', 'a=b', 'program.c'], /--file a=b/],
    [
      'a profile that cannot be written',
      ['--pprof', 'no/such/dir.pb.gz', 'program.c'],
      /directory does not exist/,
    ],
    ['an unknown kind', ['--kind', 'cpu', 'program.c'], /--kind must be 'heap', 'allocs', 'peak'/],
    ['an unknown option', ['--frobnicate', 'program.c'], /unknown option/],
    ['no file', [], /missing required argument/],
  ])('ends with 2 and a readable text for %s', (_, args, reason) => {
    const { status, stderr, stdout } = directory.heapline(['run', ...args]);
    expect(status).toBe(2);
    expect(stderr).toMatch(reason);
    expect(stderr).not.toMatch(/^ +at .*(node:|src\/)/m);
    expect(stdout).toBe('');
  });
});

describe('heapline build and heapline instrument', () => {
  beforeAll(() => {
    directory.heapline(['build', '-o', 'bare.wasm', 'library.c']);
    directory.heapline(['instrument', '-o', 'ready.wasm', 'bare.wasm']);
    directory.write('cut.wasm', directory.read('bare.wasm').subarray(0, 2000));
    directory.write('foreign.wasm', new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  });

  it('make modules that heapline run accepts', () => {
    const built = directory.heapline(['build', '-O1', '-o', 'library.wasm', 'library.c']);
    expect(built).toMatchObject({ status: 0, stdout: '' });
    expect(
      directory.heapline(['run', '--no-pprof', '--call', 'keep("abc")', 'library.wasm']).stderr,
    ).toContain('= 3');
    const instrumented = directory.heapline([
      'instrument',
      'library.wasm',
      '-o',
      'limited.wasm',
      '--max-memory',
      '32M',
    ]);
    expect(instrumented.status).toBe(0);
    expect(instrumented.stderr).toMatch(/Wrote limited\.wasm \(\d+ bytes, before \d+; \d+ ms\)/);
    const idle = [
      'run',
      '--no-pprof',
      '-O2',
      '--toolchain',
      'clang',
      '--call',
      'keep("abc")',
      'library.wasm',
    ];
    expect(directory.heapline(idle).stderr).toMatch(
      /^heapline: library.wasm is already compiled: --toolchain, -O had no effect\./,
    );
    const ran = directory.heapline(['run', '--no-pprof', '--call', 'keep("abc")', 'limited.wasm']);
    expect(ran.stderr).toMatch(/4B .* keep library\.c:8/);
  });

  // macOS and BSD have another script(1).
  it.runIf(process.platform === 'linux')('show on terminals how far a step is that lets no timer end', () => {
    directory.write('large.wasm', withMuchCode(directory.read('bare.wasm'), 4e6));
    const words = directory.commandLine(['instrument', '--access', '-o', 'checked.wasm', 'large.wasm']);
    const command = words.map((word) => `'${word}'`).join(' ');
    const shown = execFileSync('script', ['-qefc', command, '/dev/null'], {
      cwd: directory.path,
      encoding: 'utf8',
      // Without V8's compilers, the step takes seconds on every machine.
      env: { ...process.env, NO_COLOR: '1', TERM: 'xterm', SHELL: '/bin/sh', NODE_OPTIONS: '--jitless' },
    }).replaceAll('\r\x1b[K', '␛');
    const counts = [...shown.matchAll(/␛instrumenting large\.wasm \(\d+ of \d{4,5}\) …/g)];
    expect(counts.length, shown).toBeGreaterThan(0);
    // It is taken away before the result is written.
    expect(shown).toMatch(/ …␛Wrote checked\.wasm \(\d+ bytes/);
  });

  it('can be combined in one step', () => {
    expect(directory.heapline(['build', '--instrument', '-o', 'both.wasm', 'program.c']).status).toBe(0);
    expect(directory.heapline(['instrument', '-o', 'again.wasm', 'both.wasm'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('already instrumented'),
    });
    expect(directory.heapline(['run', '--no-pprof', 'both.wasm']).status).toBe(7);
  });

  it('write to standard output for -, so that they can be piped', () => {
    const heapline = directory
      .commandLine([])
      .map((word) => `'${word}'`)
      .join(' ');
    execFileSync(
      'sh',
      ['-c', `${heapline} build -o - library.c | ${heapline} instrument -o - - > piped.wasm`],
      {
        cwd: directory.path,
        env: { ...process.env, HEAPLINE_TOOLCHAIN: 'clang' },
        stdio: 'ignore',
      },
    );
    expect(directory.read('piped.wasm')).toEqual(directory.read('ready.wasm'));
    expect(directory.has('-')).toBe(false);
  });

  it('write the JavaScript of Emscripten modules where heapline run finds it', () => {
    const built = directory.heapline(['build', '--toolchain', 'emscripten', '-o', 'em.wasm', 'program.c']);
    expect(built.status).toBe(0);
    expect(directory.has('em.glue.js')).toBe(true);
    const ran = directory.heapline(['run', '--no-pprof', 'em.wasm', '--', 'x']);
    expect(ran).toMatchObject({ status: 7, stdout: 'arg x\n' });
    const instrumented = directory.heapline(['instrument', 'em.wasm', '-o', 'em.heap.wasm']);
    expect(instrumented.stderr).toContain('Wrote em.heap.glue.js (its JavaScript).');
    const again = directory.heapline(['run', '--no-pprof', 'em.heap.wasm', '--', 'x']);
    expect(again).toMatchObject({ status: 7, stdout: 'arg x\n' });
  });

  it('do not warn of missing debug information when only a little code has it', () => {
    directory.write(
      'tiny.c',
      '#include <stdlib.h>\nstatic void *k;\nint main(void) { k = malloc(3); return 0; }\n',
    );
    for (const toolchain of ['clang', 'embedded', 'emscripten'])
      for (const level of FULL || toolchain === 'clang' ? ['-O0', '-O1', '-O2', '-Os'] : ['-O2']) {
        const { status, stderr } = directory.heapline([
          'run',
          '--no-pprof',
          '--toolchain',
          toolchain,
          level,
          'tiny.c',
        ]);
        expect([status, stderr.match(/.*debug info.*/)]).toEqual([0, null]);
        expect(stderr).toMatch(/main .*tiny\.c:3/);
      }
  });

  it('say once that a module has no debug information, and so does its profile', () => {
    for (const toolchain of FULL ? ['clang', 'embedded'] : ['clang']) {
      directory.heapline(['build', '--toolchain', toolchain, '--cflag=-g0', '-o', 'names.wasm', 'program.c']);
      const { status, stderr } = directory.heapline(['run', 'names.wasm']);
      expect(status).toBe(7);
      expect(stderr.match(/^.*debug info.*$/gm)).toEqual([
        'heapline: names.wasm was built without debug info: its profiles have names only; compile with -g for files and lines',
      ]);
      expect(directory.heapline(['top', 'heap.pb.gz']).stdout).toMatch(
        /^names\.wasm was built without debug/m,
      );
      expect(directory.heapline(['check', 'names.wasm']).stderr).toMatch(/^heapline: names\.wasm was built/m);
      directory.heapline(['build', '--toolchain', toolchain, '-o', 'lines.wasm', 'program.c']);
      expect(directory.heapline(['run', '--no-pprof', 'lines.wasm']).stderr).not.toContain('debug info');
      for (const [name, said] of [
        ['names', true],
        ['lines', false],
      ]) {
        directory.heapline(['instrument', `${name}.wasm`, '-o', 'slots.wasm']);
        const ran = directory.heapline(['run', '--no-pprof', 'slots.wasm']);
        expect([ran.status, ran.stderr.includes('built without debug info')]).toEqual([7, said]);
      }
    }
  });

  it.each<[string, string[], RegExp]>([
    ['no output file', ['build', 'program.c'], /required option '-o/],
    [
      'a limit without instrumenting',
      ['build', '--max-memory', '1M', '-o', 'x.wasm', 'program.c'],
      /--instrument/,
    ],
    ['modules among sources', ['run', 'program.c', 'x.wasm'], /one module, not both/],
    [
      'a file that is no module',
      ['instrument', '-o', 'x.wasm', 'program.c'],
      /^heapline: program\.c: not a WebAssembly module: .*\. A module that .* `heapline build` makes it\.$/m,
    ],
    [
      'a module that is cut short',
      ['instrument', '-o', 'x.wasm', 'cut.wasm'],
      /^heapline: cut\.wasm: unexpected end .* at offset 0x[0-9a-f]+\. A module that /m,
    ],
    ['the same to run', ['run', 'cut.wasm'], /^heapline: cut\.wasm: unexpected end .* A module that /m],
    [
      'a module without the runtime',
      ['instrument', '-o', 'x.wasm', 'foreign.wasm'],
      /^heapline: foreign\.wasm: .* does not export heapline_runtime: link .*heapline-wasi\.o/m,
    ],
    [
      'a module that is instrumented already',
      ['instrument', '-o', 'x.wasm', 'ready.wasm'],
      /^heapline: ready\.wasm is already instrumented\. There is nothing to do: run it as it is\.$/m,
    ],
    [
      'a missing folder to write to',
      ['instrument', '-o', 'no/x.wasm', 'bare.wasm'],
      /^heapline: no\/x\.wasm cannot be written: its directory does not exist; make it first\.$/m,
    ],
    [
      'the module itself to write to',
      ['instrument', '-o', './bare.wasm', 'bare.wasm'],
      /^heapline: \.\/bare\.wasm is the module to read, and would be lost: name another file to write\.$/m,
    ],
    [
      'a source to write to',
      ['build', '-o', './library.c', 'broken.c', 'library.c'],
      /^heapline: \.\/library\.c is a source, and would be lost: name another file to write\.$/m,
    ],
    [
      'standard output for a module and its JavaScript',
      ['build', '--toolchain', 'emscripten', '-o', '-', 'library.c'],
      /^heapline: A module of emscripten needs its JavaScript beside it, .* name a file\.$/m,
    ],
  ])('end with 2 for %s', (_, args, reason) => {
    const { status, stderr } = directory.heapline(args);
    expect(stderr).toMatch(reason);
    expect(status).toBe(2);
  });
});

describe('a signal while C compiles', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s leaves no temporary files behind', async (signal) => {
    const temporary = join(directory.path, `tmp-${signal}`);
    mkdirSync(temporary);
    // A compiler that answers questions at once but takes a while to compile.
    directory.write(
      'slow-clang',
      '#!/bin/sh\ncase "$*" in *-print-*) exec clang "$@" ;; esac\nexec sleep 20\n',
    );
    const compiler = join(directory.path, 'slow-clang');
    chmodSync(compiler, 0o755);
    const [program, ...args] = directory.commandLine(['run', '--toolchain', 'clang', 'library.c']);
    const child = spawn(program!, args, {
      cwd: directory.path,
      stdio: 'ignore',
      env: {
        ...process.env,
        TMPDIR: temporary,
        HEAPLINE_CLANG: compiler,
        HEAPLINE_CACHE: join(directory.path, 'cache'),
      },
    });
    const made = () => readdirSync(temporary).filter((name) => name.startsWith('heapline-'));
    await vi.waitUntil(() => made().length > 0, { timeout: 20_000 });
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([null, signal]);
    expect(made()).toEqual([]);
  });
});
