// heapline check: its exit statuses, every format, suppressions, baselines, tolerances, and its messages when
// something is wrong.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandDirectory } from '../support/command-directory.ts';

const directory = new CommandDirectory();
const check = (args: readonly string[], env: Record<string, string> = {}) =>
  directory.heapline(['check', ...args], { env: { GITHUB_ACTIONS: '', ...env } });

beforeAll(() => {
  directory.write('clean.c', '#include <stdlib.h>\nint main(void) { free(malloc(10)); return 0; }\n');
  directory.write(
    'leaky.c',
    `#include <stdio.h>
#include <stdlib.h>
static void *kept;
static void lose(int size) {
  void *volatile lost = malloc(size);
  lost = NULL;
}
int main(int argc, char **argv) {
  puts("from the program");
  lose(30);
  kept = malloc(1000);
  if (argc > 1) lose(atoi(argv[1]));
  return argc > 2 ? 5 : 0;
}
`,
  );
  directory.write(
    'twice.c',
    '#include <stdlib.h>\nint main(void) {\n  char *p = malloc(8);\n  free(p);\n  free(p);\n  return 0;\n}\n',
  );
  directory.write(
    'deep.c',
    `#include <stdlib.h>
#include <string.h>
int deep(int n) {
  char frame[1024];
  memset(frame, n, sizeof frame);
  return n == 0 ? frame[5] : deep(n - 1) + frame[7];
}
int main(int argc, char **argv) { return deep(atoi(argv[1])) & 0; }
`,
  );
  directory.write('trap.c', 'int main(void) { __builtin_trap(); }\n');
  directory.write(
    'library.c',
    '#include <stdlib.h>\nvoid lose(const char *text, int size) {\n  void *volatile lost = malloc(size);\n  lost = NULL;\n}\nint fine(int n) { return n; }\n',
  );
});
afterAll(() => directory.dispose());

describe('--repeat', () => {
  beforeAll(() => {
    directory.write(
      'grows.c',
      `#include <stdlib.h>
static void *list, *cache[4], *once;
static int calls;
static void *xmalloc(size_t size) {
  void *block = malloc(size);
  if (!block) abort();
  return block;
}
void handle(int size) {
  if (calls < 3) cache[calls] = xmalloc(1000);
  calls++;
  void **node = xmalloc(size);
  *node = list;
  list = node;
  free(xmalloc(50));
}
void steady(const char *text) {
  if (!once) once = malloc(77);
  free(malloc(text[0]));
}
`,
    );
  });

  test('tells what each call adds, and where, and fails', () => {
    const formats = ['text', 'json=growth.json', 'junit=growth.xml'].flatMap((format) => [
      '--format',
      format,
    ]);
    const grows = check(['--call', 'handle(24)', '--repeat', '40', ...formats, 'grows.c']);
    expect(grows.status).toBe(1);
    expect(grows.stderr).toContain('growth: 24 bytes in 1 block per call in handle');
    expect(grows.stderr).toMatch(/at handle \(grows\.c:12:\d+\)/);
    expect(grows.stderr).toContain('growth in 40 calls: 24 bytes in 1 block per call');
    expect(grows.stderr.match(/growth:/g)).toHaveLength(1);
    expect(JSON.parse(directory.read('growth.json').toString()).growth.places).toMatchObject([
      { bytesPerCall: 24, blocksPerCall: 1, place: { function: 'handle', line: 12 } },
    ]);
    expect(directory.read('growth.xml').toString()).toContain('<failure type="growth"');
  });

  test('does not take what is allocated once for growth', () => {
    const steady = check(['--call', 'steady("text")', '--repeat', '10', 'grows.c']);
    expect(steady.stderr).toContain('no growth in 10 calls');
    expect(steady.status).toBe(0);
  });

  test('needs calls, and two of them at least', () => {
    expect(check(['--repeat', '5', 'clean.c']).stderr).toContain('--repeat repeats the calls of --call');
    const few = check(['--call', 'steady("text")', '--repeat', '1', 'grows.c']);
    expect([few.status, few.stderr]).toEqual([2, expect.stringContaining('at least 2, not 1')]);
  });
});

describe('the status', () => {
  test('names a stack overflow, which --stack-size moves', () => {
    const overflow = check(['-O0', 'deep.c', '--', '2000']);
    expect(overflow.status).toBe(3);
    expect(overflow.stderr).toMatch(
      /trapped in deep\(\): stack overflow: the C stack of 1 MiB .*--stack-size/,
    );
    expect(overflow.stderr).toMatch(/deep\.c:\d+/);
    expect(check(['-O0', '--stack-size', '4MB', 'deep.c', '--', '2000']).status).toBe(0);
    expect(check(['-O0', '--stack-size', '64k', 'deep.c', '--', '100']).stderr).toContain(
      'the C stack of 64 KiB',
    );
  });

  test('is 0 for a clean program', () => {
    const { status, stdout, stderr } = check(['clean.c']);
    expect([status, stdout]).toEqual([0, '']);
    expect(stderr).toContain('clean.c: no leaks, no heap faults');
  });

  test('is 1 for a leak, whose line is shown, and the output of the program passes through', () => {
    const { status, stdout, stderr } = check(['leaky.c']);
    expect([status, stdout]).toEqual([1, 'from the program\n']);
    expect(stderr).toMatch(/definite leak: 30 bytes in 1 block\n {2}at lose \(leaky\.c:5:\d+\)/);
    expect(stderr).not.toContain('still reachable:');
  });

  test('is 1 for a heap fault, which is shown with its three stacks', () => {
    const { status, stderr } = check(['twice.c']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /double free.*\n.*twice\.c:5.*\n.*freed before\n.*twice\.c:4.*\n.*allocated\n.*twice\.c:3/,
    );
  });

  test('is 2 for wrong usage, unreadable files and C that does not compile', () => {
    directory.write('broken.c', 'int main(void) { return missing; }\n');
    for (const args of [
      [],
      ['none.c'],
      ['broken.c'],
      ['library.c'],
      ['--nonsense', 'clean.c'],
      ['--call', 'lose(', 'library.c'],
      ['--update-baseline', 'clean.c'],
      ['--max-bytes', 'many', 'clean.c'],
      ['--format', 'xml', 'clean.c'],
      ['--format', 'json=', 'clean.c'],
      ['--format', 'json', '--format', 'sarif', 'clean.c'],
      ['--format', 'json=none/such/file', 'clean.c'],
      ['--pprof', 'none/such/file', 'clean.c'],
    ]) {
      const { status, stderr } = check(args);
      expect([args, status]).toEqual([args, 2]);
      expect(stderr).not.toBe('');
    }
  });

  test('is 3 when the program itself failed, and its heap is still reported', () => {
    const ended = check(['leaky.c', '--', '1', '2']);
    expect(ended.status).toBe(3);
    expect(ended.stderr).toContain('The program ended with status 5.');
    expect(ended.stderr).toContain('definite leak');
    const trapped = check(['trap.c']);
    expect(trapped.status).toBe(3);
    expect(trapped.stderr).toContain('The guest trapped in main()');
  });
});

describe('--leak-kinds', () => {
  test('chooses the classes that fail', () => {
    expect(check(['--leak-kinds', 'possible', 'leaky.c']).status).toBe(0);
    const { status, stderr } = check(['--leak-kinds', 'reachable,possible', 'leaky.c']);
    expect(status).toBe(1);
    expect(stderr).toContain('still reachable: 1,000 bytes');
    expect(stderr).not.toContain('definite leak:');
    expect(check(['--leak-kinds', 'all', 'leaky.c']).stderr).toContain('definite leak:');
  });

  test('rejects a class that does not exist', () => {
    const { status, stderr } = check(['--leak-kinds', 'definite,lost', 'leaky.c']);
    expect([status, stderr]).toEqual([
      2,
      'heapline: unknown leak class "lost": use definite, indirect, possible, reachable or all\n',
    ]);
  });
});

describe('--call', () => {
  test('calls functions instead of main, and strings that it passes are no leaks', () => {
    const { status, stderr } = check(['--call', 'lose("text", 12)', '--call', 'fine(3)', 'library.c']);
    expect(status).toBe(1);
    expect(stderr).toContain('library.c: definite 12 bytes in 1 block\n');
    expect(check(['--leak-kinds', 'all', '--call', 'fine(3)', 'library.c']).status).toBe(0);
  });
});

describe('--format', () => {
  test('json goes to standard output, and the program writes to standard error', () => {
    const { status, stdout, stderr } = check(['--format', 'json', 'leaky.c']);
    expect(status).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.version).toBe(2);
    expect(report.records.map(({ kind, bytes }: { kind: string; bytes: number }) => [kind, bytes])).toEqual([
      ['reachable', 1000],
      ['definite', 30],
    ]);
    expect(report.records[1].stack[0]).toMatchObject({ function: 'lose', file: 'leaky.c', line: 5 });
    expect(stderr).toBe('from the program\n');
  });

  test('can be given several times with files', () => {
    const formats = ['junit=leaks.xml', 'sarif=leaks.sarif', 'json-v1=leaks.json', 'text=leaks.txt', 'text'];
    const { stderr } = check([...formats.flatMap((format) => ['--format', format]), 'leaky.c']);
    expect(stderr).toContain('definite leak');
    expect(stderr).toContain('Wrote leaks.xml, leaks.sarif, leaks.json, leaks.txt.');
    expect(directory.read('leaks.txt').toString()).toContain('definite leak');
    expect(directory.read('leaks.xml').toString()).toMatch(/failures="1"/);
    expect(JSON.parse(directory.read('leaks.sarif').toString()).runs[0].results).toHaveLength(2);
    expect(JSON.parse(directory.read('leaks.json').toString())).toMatchObject({
      version: 1,
      program: 'leaky.c',
    });
  });

  test('github prints annotations, and GitHub Actions gets them without the option', () => {
    const annotation = /^::error file=leaky\.c,line=5,col=\d+,title=Memory%3A definite leak::/m;
    expect(check(['--format', 'github', 'leaky.c']).stdout).toMatch(annotation);
    expect(check(['leaky.c'], { GITHUB_ACTIONS: 'true' }).stdout).toMatch(annotation);
    expect(check(['leaky.c']).stdout).not.toMatch(annotation);
    const besides = check(['--format', 'json', 'leaky.c'], { GITHUB_ACTIONS: 'true' });
    expect(besides.stderr).toMatch(annotation);
    expect(() => JSON.parse(besides.stdout)).not.toThrow();
    expect(check(['clean.c'], { GITHUB_ACTIONS: 'true' }).stdout).toBe('');
  });

  test('annotations and text start on a new line after output without a newline', () => {
    directory.write(
      'open.c',
      `#include <stdio.h>
#include <stdlib.h>
int main(void) {
  void *volatile lost = malloc(9);
  lost = NULL;
  printf("no end");
  fprintf(stderr, "nor here");
  return 0;
}
`,
    );
    const { stdout, stderr } = check(['open.c'], { GITHUB_ACTIONS: 'true' });
    expect(stdout).toMatch(/^no end\n::error file=open\.c,line=4,/);
    expect(stderr).toMatch(/^nor here\ndefinite leak: 9 bytes/);
    const besides = check(['--format', 'json', 'open.c'], { GITHUB_ACTIONS: 'true' });
    expect(besides.stderr).toMatch(/\n::error file=open\.c,line=4,/);
  });

  test('annotations point into the program even where libc allocates', () => {
    directory.write(
      'copy.c',
      '#include <string.h>\nint main(void) {\n  char *volatile lost = strdup("four");\n  lost = 0;\n  return 0;\n}\n',
    );
    for (const toolchain of ['clang', 'emscripten']) {
      const { stdout } = check(['--toolchain', toolchain, '--format', 'github', 'copy.c']);
      expect(stdout).toMatch(/^::error file=copy\.c,line=3,col=25,.*allocated in main/);
    }
  });

  test('--all prints records that are otherwise only counted', () => {
    const lines = Array.from({ length: 12 }, (_, i) => `  lost = malloc(${100 + i});`).join('\n');
    directory.write(
      'many.c',
      `#include <stdlib.h>\nint main(void) {\n  void *volatile lost;\n${lines}\n  lost = 0;\n  return 0;\n}\n`,
    );
    const short = check(['many.c']).stderr;
    expect(short.match(/definite leak:/g)).toHaveLength(10);
    expect(short).toContain('… and 2 more records: 201 bytes in 2 blocks');
    expect(check(['--all', 'many.c']).stderr.match(/definite leak:/g)).toHaveLength(12);
  });
});

describe('suppressions', () => {
  test('leave out the leaks that they match, and are named when they match nothing', () => {
    directory.write('leaks.supp', '# known\nleak:^lose$\nleak:nothing_like_it\n');
    const { status, stderr } = check(['--suppressions', 'leaks.supp', 'leaky.c']);
    expect(status).toBe(0);
    expect(stderr).toContain('suppressed: 30 bytes in 1 block');
    expect(stderr).toContain('unused suppression: leaks.supp:3: leak:nothing_like_it');
  });

  test('are rejected with file and line before the program runs when they are malformed', () => {
    directory.write('bad.supp', 'leak:fine\nrace:nothing\n');
    const { status, stdout, stderr } = check(['--suppressions', 'bad.supp', 'leaky.c']);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('bad.supp:2: unknown suppression type "race"');
    expect(check(['--suppressions', 'none.supp', 'leaky.c']).stderr).toContain('there is no such file');
  });

  test('are written for the leaks that are found', () => {
    const suppression = 'leak:^lose$\n';
    const { status, stdout } = check(['--format', 'suppressions=all.supp', '--leak-kinds', 'all', 'leaky.c']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: 'from the program\n' });
    expect(directory.read('all.supp').toString()).toContain(suppression);
    expect(check(['--suppressions', 'all.supp', '--leak-kinds', 'all', 'leaky.c']).status).toBe(0);
    const { stderr } = check(['--gen-suppressions', 'leaky.c']);
    expect(stderr).toMatch(
      /leaky\.c: .*\n# definite leak: 30 bytes in 1 block allocated in lose, leaky\.c:5\nleak:\^lose\$\n$/,
    );
    expect(check(['--gen-suppressions', 'clean.c']).stderr).not.toContain('leak:');
  });
});

describe('a baseline', () => {
  test('lets known leaks pass and makes new ones fail', () => {
    const update = check(['--baseline', 'base.json', '--update-baseline', 'leaky.c']);
    expect([update.status, directory.has('base.json')]).toEqual([0, true]);
    expect(check(['--baseline', 'base.json', 'leaky.c']).status).toBe(0);
    const { status, stderr } = check(['--baseline', 'base.json', 'leaky.c', '--', '44']);
    expect(status).toBe(1);
    expect(stderr).toContain('definite leak: 44 bytes');
    expect(stderr).not.toContain('definite leak: 30 bytes');
  });

  test('is rejected with file and line when it is malformed or missing', () => {
    directory.write(
      'bad.json',
      '{\n  "format": "heapline-leak-baseline",\n  "version": 99,\n  "leaks": []\n}\n',
    );
    expect(check(['--baseline', 'bad.json', 'leaky.c']).stderr).toContain('bad.json:3:');
    directory.write('worse.json', '{\n  "format":\n');
    const worse = check(['--baseline', 'worse.json', 'leaky.c']);
    expect([worse.status, /worse\.json:\d/.test(worse.stderr)]).toEqual([2, true]);
    const none = check(['--baseline', 'none.json', 'leaky.c']);
    expect(none.status).toBe(2);
    expect(none.stderr).toContain('--update-baseline');
  });
});

test('a leak of zero bytes is a leak', () => {
  directory.write(
    'zero.c',
    '#include <stdlib.h>\nint main(void) {\n  void *volatile lost = malloc(0);\n  lost = 0;\n  return 0;\n}\n',
  );
  const { status, stderr } = check(['zero.c']);
  expect(stderr).toContain('definite leak: 0 bytes in 1 block');
  expect(stderr).not.toContain('Tolerated');
  expect(status).toBe(1);
  expect(check(['--max-bytes', '1', 'zero.c']).status).toBe(0);
});

test('blocks that main itself loses are found even without debug information', () => {
  directory.write(
    'bare.c',
    '#include <stdlib.h>\nint main(void) {\n  void *volatile lost = malloc(7);\n  lost = 0;\n  return 0;\n}\n',
  );
  for (const toolchain of ['clang', 'embedded']) {
    const { status, stderr } = check([
      '--toolchain',
      toolchain,
      '--cflag=-g0',
      '--leak-kinds',
      'all',
      'bare.c',
    ]);
    expect(stderr).toContain('definite 7 bytes in 1 block');
    expect(stderr).not.toContain('reachable');
    expect(status).toBe(1);
  }
});

test('--max-bytes tolerates leaks up to this size and no heap faults', () => {
  const tolerated = check(['--max-bytes', '30', '--format', 'text', '--format', 'junit=ok.xml', 'leaky.c']);
  expect(tolerated.status).toBe(0);
  expect(tolerated.stderr).toContain('Tolerated: 30 bytes');
  expect(directory.read('ok.xml').toString()).toContain('failures="0"');
  expect(check(['--max-bytes', '29', 'leaky.c']).status).toBe(1);
  expect(check(['--max-bytes', '1M', 'twice.c']).status).toBe(1);
});

test('a module that was linked elsewhere is checked, and one without the runtime is rejected', () => {
  expect(directory.heapline(['build', '--toolchain', 'clang', '-o', 'leaky.wasm', 'leaky.c']).status).toBe(0);
  expect(check(['leaky.wasm']).stderr).toContain('definite leak: 30 bytes');
  directory.write('plain.wasm', Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const { status, stderr } = check(['plain.wasm']);
  expect(status).toBe(2);
  expect(stderr).toMatch(/runtime/);
});

test.each([
  [
    'a report',
    ['--format', 'sarif=nowhere/leaks.sarif'],
    'nowhere/leaks.sarif',
    /its directory does not exist/,
  ],
  ['a profile', ['--pprof', '.'], '.', /it is a directory/],
  [
    'a baseline',
    ['--baseline', 'leaky.c/x.json', '--update-baseline'],
    'leaky.c/x.json',
    /not a directory|ENOTDIR/,
  ],
])('%s that cannot be written is reported before the program runs', (_, args, path, reason) => {
  directory.write('says.c', '#include <stdio.h>\nint main(void) { puts("it runs"); }\n');
  const { status, stdout, stderr } = check([...args, '--format', 'json=besides.json', 'says.c']);
  expect(stderr).toContain(`heapline: ${path} cannot be written: `);
  expect(stderr).toMatch(reason);
  expect(stdout).toBe('');
  expect(directory.has('besides.json')).toBe(false);
  expect(status).toBe(2);
});

test.skipIf(!existsSync('/dev/full'))('a file that cannot be written prevents no other report', () => {
  const args = ['--format', 'sarif=/dev/full', '--format', 'text', '--format', 'json=besides.json'];
  const { status, stderr } = check([...args, '--pprof', '/dev/full', 'leaky.c']);
  expect(stderr).toContain('definite leak: 30 bytes');
  expect(stderr.match(/\/dev\/full cannot be written: the disk is full/g)).toHaveLength(2);
  expect(directory.has('besides.json')).toBe(true);
  expect(status).toBe(2);
});

test.skipIf(!existsSync('/dev/full'))('the status is 2, with a reason, when output cannot be written', () => {
  const [program, ...args] = directory.commandLine(['check', '--format', 'json', 'clean.c']);
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(program!, args, {
    cwd: directory.path,
    encoding: 'utf8',
    stdio: ['ignore', full, 'pipe'],
    env: { ...process.env, HEAPLINE_TOOLCHAIN: 'clang', GITHUB_ACTIONS: '' },
  });
  closeSync(full);
  expect(stderr).toBe('heapline: Standard output cannot be written: the disk is full.\n');
  expect(status).toBe(2);
});
