// Wrong accesses where stacks are unusual: in a constructor of static data, in C++, and after a trap. Each is reported once,
// with the right stack.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadC, TrapError } from '../../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-access-places-'));
const source = join(folder, 'places.cpp');
writeFileSync(
  source,
  `#include <stdlib.h>
#include <memory>
#include <vector>
static int *volatile table;
struct Registry {
  Registry() { table = new int[3]; table[3] = 1; }
  ~Registry() { delete[] table; }
};
static Registry registry;
struct Node { int value; Node *next; };
extern "C" {
int deleted() { auto *node = new Node{7, nullptr}; Node *volatile kept = node; delete node; return kept->value; }
int vector_past(int at) { std::vector<int> all(5); int *volatile first = all.data(); return first[at]; }
int descend(int depth) { return depth == 0 ? deleted() : descend(depth - 1) + 1; }
void stop() { volatile char *lost = (char *)malloc(10); lost[0] = 1; __builtin_trap(); }
}
`,
);
afterAll(() => rmSync(folder, { recursive: true }));

type Functions = Record<'deleted' | 'vector_past' | 'descend' | 'stop', (n?: number) => number>;

it('names them in C++, in a constructor and after a trap', async () => {
  using lib = await loadC<Functions>(source, { toolchain: 'embedded', flags: ['-O0', '-w'], checks: true });
  const seen = (from: number) =>
    lib.heap
      .faults()
      .slice(from)
      .map(({ kind, access, frames }) => ({
        kind,
        position: access!.position,
        stack: frames.filter(({ file }) => file === source).map(({ function: name, line }) => [name, line]),
      }));
  // The function that runs the constructors has no line of its own.
  expect(seen(0).map((each) => ({ ...each, stack: each.stack.slice(0, 2) }))).toEqual([
    {
      kind: 'heap-buffer-overflow',
      position: '0 bytes past the end of a block of 12 bytes',
      stack: [
        [expect.stringMatching(/Registry/), 6],
        [expect.stringMatching(/__cxx_global_var_init|registry/), 9],
      ],
    },
  ]);
  lib.exports.vector_past(4);
  expect(seen(1)).toEqual([]);
  lib.exports.vector_past(5);
  expect(seen(1)).toMatchObject([
    {
      kind: 'heap-buffer-overflow',
      position: '0 bytes past the end of a block of 20 bytes',
      stack: [['vector_past', 13]],
    },
  ]);
  expect(() => lib.exports.stop()).toThrow(TrapError);
  lib.exports.descend(3);
  expect(seen(2)).toEqual([
    {
      kind: 'heap-use-after-free',
      position: '0 bytes into a freed block of 8 bytes',
      stack: [['deleted', 12], ...Array.from({ length: 4 }, () => ['descend', 14])],
    },
  ]);
  // Once is enough for each place.
  lib.exports.deleted();
  expect(seen(3)).toEqual([]);
});
