// Lost structures against Valgrind: ten random graphs of blocks, with trees, shared blocks, cycles and pointers into
// blocks. Each block has a line of its own. The roots, their direct and indirect bytes, and the lines of the indirectly
// lost blocks must be Valgrind's. All sizes are those of arrays of pointers, so that they can be compared.
// Valgrind goes by addresses, and in a new process they have the order of the allocations, by which Heapline goes.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadC } from '../../src/index.ts';
import type { LeakKind } from '../../src/report/index.ts';
import { randomFrom } from '../support/random.ts';
import { parseValgrind } from './native.ts';

const GRAPHS = 10;
const LARGEST = 24;

/** A C program that allocates the graphs, connects their blocks, and forgets them all. */
function programOf(random: (below: number) => number): string {
  const allocations: string[] = [];
  const pointers: string[] = [];
  for (let graph = 0; graph < GRAPHS; graph++) {
    const first = allocations.length;
    const count = 2 + random(LARGEST - 1);
    const pointersPerTen = 3 + random(13);
    const words = Array.from({ length: count }, () => 1 + random(4));
    words.forEach((size, i) => {
      allocations.push(`  b[${first + i}] = calloc(${size}, sizeof(void *));`);
    });
    words.forEach((size, i) => {
      for (let word = 0; word < size; word++) {
        if (random(10 * size) >= pointersPerTen) continue;
        const target = random(count);
        const into = random(10) === 0 ? random(words[target]!) : 0;
        pointers.push(`  b[${first + i}][${word}] = b[${first + target}] + ${into};`);
      }
    });
  }
  return `#include <stdlib.h>
#include <string.h>
static void **b[${allocations.length}];
static void allocate(void) {
${allocations.join('\n')}
}
static void connect(void) {
${pointers.join('\n')}
}
int main(void) {
  allocate();
  connect();
  memset(b, 0, sizeof b);
  return 0;
}
`;
}

/** What hangs on the blocks of a line, and of which class they are. Sizes are in pointers. */
interface Found {
  readonly line: number;
  readonly kind: LeakKind;
  readonly direct: number;
  readonly indirect: number;
}

const byLine = (found: readonly Found[]) => [...found].sort((a, b) => a.line - b.line);

test('roots, direct and indirect bytes of ten random graphs are those of Valgrind', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const folder = mkdtempSync(join(tmpdir(), 'heapline-graphs-'));
  try {
    const path = join(folder, 'graphs.c');
    writeFileSync(path, programOf(randomFrom(seed)));
    const program = join(folder, 'graphs');
    execFileSync('gcc', ['-g', '-O0', '-o', program, path]);
    const xml = join(folder, 'valgrind.xml');
    const options = ['--leak-check=full', '--show-leak-kinds=all', '--error-limit=no', '--xml=yes'];
    execFileSync('valgrind', [...options, `--xml-file=${xml}`, program]);
    const { records } = parseValgrind(readFileSync(xml, 'utf8'), { name: 'graphs', path });
    const theirs = records.map(({ line, kind, bytes, hanging = 0 }): Found => {
      return { line, kind, direct: bytes / 8, indirect: hanging / 8 };
    });

    using lib = await loadC(path, { toolchain: 'clang', flags: ['-O0'] });
    lib.run();
    const ours = lib.heap.leaks().records.flatMap(({ frames, kind, bytes, indirect, parts }): Found[] => [
      { line: frames[0]!.line, kind, direct: bytes / 4, indirect: indirect.bytes / 4 },
      ...parts.map((part) => {
        return { line: part.frames[0]!.line, kind: 'indirect', direct: part.bytes / 4, indirect: 0 } as const;
      }),
    ]);
    expect(theirs.filter(({ kind }) => kind === 'definite').length).toBeGreaterThanOrEqual(GRAPHS);
    expect(byLine(ours), `seed ${seed}`).toEqual(byLine(theirs));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
