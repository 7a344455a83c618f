// Linker flags that meet Heapline's own, with the installed emcc: each one is used in a link, and the module is run and
// measured.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { isSince } from '../../src/compile/emscripten-versions.ts';
import { InvalidArgumentError, loadC, type Sandbox } from '../../src/index.ts';
import { EMCC_VERSION } from '../support/emcc.ts';
import { sourceTree } from '../support/source-tree.ts';

const PROGRAM = `#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
#include <setjmp.h>

struct link { struct link *next; char room[24]; };
static inline struct link *push(struct link *list) {
  struct link *link = malloc(sizeof *link);
  link->next = list;
  return link;
}

struct link *list;
int64_t wide(int64_t n) { return n + 1; }
volatile char *kept;
int deep(int n) { char room[1024]; kept = room; *kept = 0; return (n == 0 ? 0 : deep(n - 1)) + *kept + room[0]; }
int most(int mega) { void *p = malloc((size_t)mega << 20); int got = p != NULL; free(p); return got; }
int jumps(void) { jmp_buf back; int n = setjmp(back); if (n < 3) longjmp(back, n + 1); return n; }

int main(int argc, char **argv) {
  char text[16] = "none";
  FILE *in = fopen("/in", "r");
  if (in != NULL) fgets(text, sizeof text, in);
  printf("%s %s %s\\n", argv[1], getenv("WHO"), text);
  list = push(list);
  return argc;
}
`;
const tree = sourceTree({ 'program.c': PROGRAM });
const [allocation, caller] = [8, 25];
afterAll(() => tree[Symbol.dispose]());
afterEach(() => vi.unstubAllEnvs());
// Some flags need acorn, which Debian's Emscripten lacks.
const acorn = createRequire(import.meta.url).resolve('acorn/package.json');
const withAcorn = () => vi.stubEnv('NODE_PATH', path.join(acorn, '..', '..'));

const load = (...link: string[]): Promise<Sandbox> =>
  loadC(tree.file('program.c'), {
    toolchain: 'emscripten',
    link,
    args: ['word'],
    env: { WHO: 'me' },
    files: { '/in': 'file' },
  });

/** Checks that the program runs and that its one remaining allocation has the right lines, even in the inlined frame. */
function expectWhole(sandbox: Sandbox): void {
  expect(sandbox.exports.wide!(2n ** 40n)).toBe(2n ** 40n + 1n);
  expect(sandbox.exports.jumps!()).toBe(3);
  expect(sandbox.run()).toMatchObject({ exitCode: 2, stdout: 'word me file\n', stderr: '' });
  const snapshot = sandbox.heap.snapshot();
  const stacks = Array.from({ length: snapshot.count }, (_, i) => i)
    .filter((i) => snapshot.liveBytes[i] === 28)
    .map((i) =>
      sandbox.heap.contextFrames(snapshot.node[i]!).map((frame) => `${frame.function}:${frame.line}`),
    );
  expect(stacks).toEqual([expect.arrayContaining([`push:${allocation}`, `main:${caller}`])]);
  // Newer versions must not warn the user about settings that only older versions need.
  expect(sandbox.warnings).toEqual([]);
}

describe('a linker flag of Emscripten’s', () => {
  it.each<{ link: string[]; acorn?: boolean }>([
    { link: [] },
    { link: ['-sSTRICT'] },
    { link: ['-sASSERTIONS'] },
    { link: ['-sASSERTIONS=2'], acorn: true },
    { link: ['-sSTACK_OVERFLOW_CHECK=2'] },
    { link: ['-sMODULARIZE=0', '-sEXPORT_ES6', '-sSINGLE_FILE', '-sENVIRONMENT=web', '-sEXPORT_NAME=other'] },
    { link: ['-sFILESYSTEM=0', '-sMALLOC=emmalloc', '-sWASM_BIGINT=0', '-sEVAL_CTORS'] },
    { link: ['-O3', '-g0', '-gsource-map', '-gseparate-dwarf', '--closure=1'] },
    { link: ['-sEXPORTED_RUNTIME_METHODS=ccall,UTF8ToString', '-sEXPORTED_FUNCTIONS=_main,_wide'] },
    { link: ['-sINCOMING_MODULE_JS_API=onExit', '-sWASM_ASYNC_COMPILATION=0'] },
    { link: ['-sTOTAL_MEMORY=32MB'] },
    { link: ['-sALLOW_MEMORY_GROWTH=0'] },
  ])('keeps the program working and its stacks right: $link', async ({ link, acorn = false }) => {
    if (acorn) withAcorn();
    using sandbox = await load(...link);
    expectWhole(sandbox);
  });

  it('makes the stack larger under both names', async () => {
    using small = await load();
    expect(() => small.exports.deep!(2000)).toThrow();
    for (const name of ['STACK_SIZE', 'TOTAL_STACK']) {
      using large = await load(`-s${name}=4MB`);
      expect(large.exports.deep!(2000)).toBe(0);
    }
  });

  it('limits the memory', async () => {
    using free = await load();
    expect(free.exports.most!(100)).toBe(1);
    expect(free.memory.buffer.byteLength).toBeGreaterThan(100 * 2 ** 20);
    using fixed = await load('-sALLOW_MEMORY_GROWTH=0');
    expect(fixed.exports.most!(100)).toBe(0);
    expect(fixed.exports.most!(1)).toBe(1);
    using more = await load('-sINITIAL_MEMORY=64MB');
    expect(more.memory.buffer.byteLength).toBe(64 * 2 ** 20);
    if (isSince(EMCC_VERSION.number, '3.1.56')) {
      using heap = await load('-sINITIAL_HEAP=64MB');
      expect(heap.memory.buffer.byteLength).toBeGreaterThan(64 * 2 ** 20);
    }
  });

  it('embeds a file at the given path, even a file that would be fetched at the start', async () => {
    const file = tree.write('embedded.txt', 'embedded');
    for (const flag of ['--embed-file', '--preload-file']) {
      const link = [flag, `${file}@/in`];
      using sandbox = await loadC(tree.file('program.c'), { toolchain: 'emscripten', link, args: ['word'] });
      expect(sandbox.run().stdout).toBe('word (null) embedded\n');
    }
    tree.write('embedded.txt', 'another');
    const link = ['--embed-file', `${file}@/in`];
    using changed = await loadC(tree.file('program.c'), { toolchain: 'emscripten', link, args: ['word'] });
    expect(changed.run().stdout).toBe('word (null) another\n');
  });

  it('adds JavaScript, and a change of the JavaScript is noticed', async () => {
    const script = tree.write('before.js', 'var said = 5;');
    tree.write(
      'said.c',
      '#include <emscripten.h>\nint said(void) { return EM_ASM_INT({ return said; }); }\n',
    );
    for (const link of [['--pre-js', script], [`--pre-js=${script}`]]) {
      for (const number of [5, 6]) {
        tree.write('before.js', `var said = ${number};`);
        using sandbox = await loadC(tree.file('said.c'), { toolchain: 'emscripten', link });
        expect(sandbox.exports.said!()).toBe(number);
      }
    }
  });

  it('in the environment variable is treated like one of the caller’s', async () => {
    vi.stubEnv('EMCC_CFLAGS', '-sEXPORT_ES6 -sSINGLE_FILE -O2 -DUNUSED=1');
    using sandbox = await load();
    expectWhole(sandbox);
  });

  it('is rejected before anything is compiled if Heapline cannot run the module', async () => {
    const broken = tree.write('broken.c', 'int f(void) { return }\n');
    for (const flag of ['-sWASM=0', '-sSTANDALONE_WASM', '-sWASMFS', '-sMINIMAL_RUNTIME']) {
      const error = await loadC(broken, { toolchain: 'emscripten', link: [flag] }).catch(
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect((error as Error).message).toContain(`linker flag ${flag} cannot be used`);
    }
  });

  it('does not make the module start with more than 16 MiB, so that maxMemory of 16 MiB works', async () => {
    using sandbox = await loadC(tree.file('program.c'), { toolchain: 'emscripten', maxMemory: 2 ** 24 });
    expect(sandbox.memory.buffer.byteLength).toBeLessThanOrEqual(2 ** 24);
    expect(sandbox.exports.most!(17)).toBe(0);
  });
});

describe('C++', () => {
  beforeAll(() => {
    writeFileSync(
      tree.file('throws.cc'),
      `#include <stdexcept>
#include <string>
extern "C" int tried(int n) {
  try {
    if (n > 0) throw std::runtime_error(std::string(100, 'x'));
  } catch (const std::exception &e) {
    return (int)std::string(e.what()).size();
  }
  return 0;
}
`,
    );
  });

  it.each(['-fexceptions', '-fwasm-exceptions'])('catches with %s', async (flag) => {
    using sandbox = await loadC(tree.file('throws.cc'), {
      toolchain: 'emscripten',
      flags: [flag],
      link: [flag],
    });
    expect(sandbox.exports.tried!(1)).toBe(100);
    expect(sandbox.exports.tried!(0)).toBe(0);
    expect(sandbox.heap.leaks().totals.definite).toEqual({ blocks: 0, bytes: 0 });
  });
});
