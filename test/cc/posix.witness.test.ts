// The headers of POSIX against those of this machine: what glibc declares when a program asks for POSIX.1-2008 alone is
// there for programs of `heapline cc` too, by name, and links. The few names that are not there are listed with a reason.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BuildDirectory } from '../support/build-directory.ts';

/** The headers of POSIX.1-2008. */
const HEADERS = `
  aio arpa/inet assert complex cpio ctype dirent dlfcn errno fcntl fenv float fmtmsg fnmatch ftw glob grp iconv inttypes
  iso646 langinfo libgen limits locale math monetary mqueue net/if netdb netinet/in netinet/tcp nl_types poll pthread pwd regex sched
  search semaphore setjmp signal spawn stdarg stdbool stddef stdint stdio stdlib string strings sys/ipc sys/mman sys/msg
  sys/resource sys/select sys/sem sys/shm sys/socket sys/stat sys/statvfs sys/time sys/times sys/types sys/uio sys/un
  sys/utsname sys/wait syslog tar termios time ulimit unistd utime utmpx wchar wctype wordexp`
  .trim()
  .split(/\s+/);

/** Names that glibc has beyond POSIX, or by which it has something that others have by another kind of name. */
const BEYOND: readonly RegExp[] = [
  /^_/,
  /^(?:AF|PF|SOL|MSG|SO|SCM|SOCK|IPPROTO|IPV6|TCP)_(?!(?:UNSPEC|INET6?|UNIX|SOCKET|ACCEPTCONN|BROADCAST|DEBUG|DONTROUTE|ERROR|KEEPALIVE|LINGER|OOBINLINE|RCV|REUSEADDR|SND|TYPE|CTRUNC|EOR|OOB|NOSIGNAL|PEEK|TRUNC|WAITALL|RIGHTS|DGRAM|RAW|SEQPACKET|STREAM|IP|ICMP|TCP|UDP|NODELAY)$)/,
  /^SOL_RAW$/,
  // Errors of Linux.
  /^E(?:ADV|BAD[ERQS]|BADRQC|BADSLT|BFONT|CHRNG|DOTDOT|HWPOISON|ISNAM|KEY|L2|L3|LIB|LNRNG|NAVAIL|NOANO|NOCSI|NOKEY|NOPKG|NOTNAM|NOTUNIQ|REMCHG|RFKILL|SRMNT|STRPIPE|UNATCH|XFULL)/,
  // Members of structs that glibc renames.
  /^(?:si|st|sigev|s6|sched)_\w+$/,
  /^(?:SEGV|ILL|FPE|BUS|TRAP|SI|SS|CLD|SIGEV)_(?:MTE|BND|BADI|PKU|ADI|ACCADI|COND|FLTUNK|MCEERR|HWBK|BRANCH|UNK|DETHREAD|SIGIO|ASYNCNL|KERNEL|TKILL|THREAD_ID)/,
  /^(?:B[1-4]?[05]00000|B576000|B1152000|IUCLC|OLCUC|VSWTC)$/,
  /^(?:CLOCK_(?:TAI|\w+_ALARM)|RTLD_(?:BINDING_MASK|DEEPBIND)|SHM_(?:REMAP|EXEC|LOCK|UNLOCK)|F_(?:SH|EX)LCK|O_FSYNC)$/,
  /^(?:REG_(?:ESIZE|EEND|ERPAREN|NOERROR|STARTEND)|FNM_EXTMATCH|XATTR_\w+|RTSIG_MAX|AIO_PRIO_DELTA_MAX)$/,
  /^(?:LC_(?:ADDRESS|IDENTIFICATION|MEASUREMENT|NAME|PAPER|TELEPHONE)\w*|RLIM(?:IT)?_(?:NLIMITS|LOCKS|SIGPENDING|OFILE|MSGQUEUE|RT\w+|NICE))$/,
];

/** Names of POSIX that are not there, with the reason. */
const ABSENT: Readonly<Record<string, string>> = {
  readdir_r: 'a struct dirent of WASI has no room for a name',
  gets: 'C11 has removed it',
  SIG_HOLD: 'obsolescent: sighold() does it',
  S_TYPEISMQ: 'there are no such files',
  S_TYPEISSEM: 'there are no such files',
  S_TYPEISSHM: 'there are no such files',
  ...Object.fromEntries(
    [
      ...['pthread_exit', 'pthread_cancel', 'pthread_setschedparam', 'pthread_getschedparam'],
      ...['schedparam', 'stackaddr'].flatMap((name) => [
        `pthread_attr_get${name}`,
        `pthread_attr_set${name}`,
      ]),
      ...['pthread_rwlockattr_getkind_np', 'pthread_rwlockattr_setkind_np'],
    ].map((name) => [name, 'there are no other threads']),
  ),
  ...Object.fromEntries(
    ['INVALID', 'OVERFLOW', 'UNDERFLOW', 'DIVBYZERO', 'INEXACT', 'DOWNWARD', 'UPWARD', 'TOWARDZERO'].map(
      (name) => [`FE_${name}`, 'WebAssembly has one rounding mode and no exceptions of arithmetic'],
    ),
  ),
};

/** Functions that clang compiles calls of and nothing else. Another test jumps. */
const ONLY_CALLED = ['setjmp', 'longjmp', 'sigsetjmp', 'siglongjmp', '_setjmp', '_longjmp'];

const build = new BuildDirectory();
afterAll(() => build.dispose());

const includes = HEADERS.map((name) => `#include <${name}.h>\n`).join('');
const expects = (name: string): boolean => !(name in ABSENT) && !BEYOND.some((pattern) => pattern.test(name));

let macros: readonly string[];
let functions: readonly string[];

beforeAll(() => {
  build.write('all.c', includes);
  const strict = ['-std=c99', '-D_XOPEN_SOURCE=700', '-w', '-x', 'c'];
  const gcc = (...args: string[]) =>
    execFileSync('gcc', [...strict, ...args], { cwd: build.path, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const defined = (file: string) =>
    [...gcc('-E', '-dM', file).matchAll(/^#define (\w+)/gm)].map(([, name]) => name!);
  const own = new Set(defined('/dev/null'));
  macros = defined('all.c').filter((name) => !own.has(name) && expects(name));
  gcc('-fsyntax-only', '-aux-info', 'declared.txt', 'all.c');
  const declared = readFileSync(join(build.path, 'declared.txt'), 'utf8');
  functions = [
    ...new Set([...declared.matchAll(/^.*? extern .*?\b(\w+) \(/gm)].map(([, name]) => name!)),
  ].filter(expects);
});

test('every macro of POSIX is there, as a macro or by another kind of name', () => {
  expect(macros.length).toBeGreaterThan(1000);
  // A name that is no macro has to be one that can be declared: as a function, a constant or a type.
  const uses = macros.map((name) => `#ifndef ${name}\n(void)sizeof(${name});\n#endif\n`).join('');
  build.write('macros.c', `${includes}void all(void) {\n${uses}}\n`);
  const { status, stderr } = build.cc(
    '-D_GNU_SOURCE',
    '-ferror-limit=0',
    '-w',
    '-c',
    'macros.c',
    '-o',
    'macros.o',
  );
  expect([...stderr.matchAll(/undeclared identifier '(\w+)'/g)].map(([, name]) => name)).toEqual([]);
  expect([status, stderr]).toEqual([0, '']);
});

test('every function of POSIX is declared, and a program that calls it links', () => {
  expect(functions.length).toBeGreaterThan(900);
  const named = functions.filter((name) => !ONLY_CALLED.includes(name));
  const uses = named.map((name) => `  (any)${name},\n`).join('');
  build.write(
    'functions.c',
    `${includes}typedef void (*any)(void);\nvolatile any functions[] = {\n${uses}};\nint main(void) { return functions[0] == 0; }\n`,
  );
  const { status, stderr } = build.cc(
    '-D_GNU_SOURCE',
    '-ferror-limit=0',
    '-w',
    'functions.c',
    '-o',
    'functions',
  );
  const missing = [...stderr.matchAll(/undeclared identifier '(\w+)'|undefined symbol: (\w+)/g)];
  expect(missing.map(([, undeclared, undefinedName]) => undeclared ?? undefinedName)).toEqual([]);
  expect([status, stderr]).toEqual([0, '']);
  expect(build.start('./functions', [])).toMatchObject({ status: 0, stderr: '' });
});
