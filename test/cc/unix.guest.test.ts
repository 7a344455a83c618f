// What programs find of Unix beside wasi-libc, compared with the same program on this machine.

import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { BuildDirectory } from '../support/build-directory.ts';

const build = new BuildDirectory();
afterAll(() => build.dispose());
const source = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const built = { status: 0, stderr: '' };
/** Runs a program in a shell, which reports a signal that ended it as a status. */
const run = (program: string) => build.start('sh', ['-c', `./${program}; echo "status $?"`]);

test('temporary files, signals, pipes and the process are as they are natively', () => {
  expect(build.cc('-Wall', '-Wextra', '-Werror', source('unix.c'), '-o', 'unix')).toMatchObject(built);
  expect(build.start('gcc', ['-w', source('unix.c'), '-o', 'native']).status).toBe(0);
  const native = run('native');
  expect(native.stdout).toContain('status 143');
  expect(run('unix').stdout).toBe(native.stdout);
  const who = build.start('./unix', ['who']);
  expect(who.stdout).toBe(`${who.pid} ${process.pid} ${process.getuid!()} ${process.getgid!()}\n`);
});

test('processes, sockets and timers link and fail with ENOSYS', () => {
  expect(build.cc(source('absent.c'), '-o', 'absent')).toMatchObject(built);
  expect(build.start('./absent', [])).toMatchObject({ status: 0, stdout: '', stderr: '' });
});

test("C++ finds its library, and a leak of `new` is reported at the program's line", () => {
  expect(build.heapline('c++', source('library.cc'), '-o', 'library')).toMatchObject(built);
  const { status, stdout, stderr } = build.start('./library', []);
  expect(stdout).toBe('caught 1 1\n');
  expect(status).toBe(23);
  expect(stderr).toMatch(/main \(\S*library\.cc:25:/);
});

test('the headers compile with every standard of C', () => {
  const headers = [
    'aio',
    'arpa/inet',
    'dlfcn',
    'errno',
    'fcntl',
    'ftw',
    'limits',
    'math',
    'net/if',
    'netdb',
    'pwd',
    'grp',
    'setjmp',
    'signal',
    'spawn',
    'stdio',
    'stdlib',
    'poll',
    'sched',
    'sys/msg',
    'sys/random',
    'sys/resource',
    'sys/sem',
    'sys/shm',
    'sys/socket',
    'sys/statfs',
    'sys/sysmacros',
    'sys/un',
    'sys/wait',
  ];
  const text = [...headers, 'syslog', 'termios', 'time', 'ucontext', 'ulimit', 'unistd', 'utmpx', 'wordexp']
    .map((name) => `#include <${name}.h>\n`)
    .join('');
  build.write('headers.c', `${text}int main(void) { return 0; }\n`);
  for (const standard of ['c89', 'c99', 'gnu23']) {
    const strict = [`-std=${standard}`, '-Wall', '-Werror', '-pedantic', '-fsyntax-only'];
    expect(build.cc(...strict, 'headers.c')).toMatchObject(built);
  }
});

test('C recurses as deep as natively, and without an end it is stopped like a native program', () => {
  build.write(
    'deep.c',
    '#include <stdlib.h>\nvolatile int sink;\n' +
      'int deep(int n) { char frame[64]; frame[n & 63] = n; sink += frame[0]; return n ? deep(n - 1) + frame[3] : 0; }\n' +
      'int main(int argc, char **argv) { (void)argc; return deep(atoi(argv[1])) & 0; }\n',
  );
  expect(build.cc('-O1', '-w', 'deep.c', '-o', 'deep')).toMatchObject(built);
  expect(build.start('./deep', ['30000']).status).toBe(0);
  expect(build.start('./deep', ['100000000']).status).toBe(139);
});
