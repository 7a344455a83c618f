// The program of the tests of toolchains: it includes headers of headers, has arguments, and allocates twice on
// neighbouring lines.

import { mkdirSync } from 'node:fs';
import { afterAll } from 'vitest';
import { sourceTree } from '../support/source-tree.ts';

const PROGRAM = `#include <stdio.h>
#include <stdlib.h>
#include "inner/shape.h"

static int hidden(int n) { return n * 2; }

void said_at_exit(void) { puts("bye"); }

int twice(int n) { return hidden(n) + SHAPE; }

void *grab(int choose, size_t n) {
  if (choose)
    return malloc(n);
  else
    return malloc(n);
}

int main(int argc, char **argv) {
  atexit(said_at_exit);
  char *text = malloc(32);
  snprintf(text, 32, "%d:%s", argc, argc > 1 ? argv[1] : "none");
  puts(text);
  free(text);
  if (argc > 2) exit(9);
  return 3;
}
`;
const SHAPE =
  '#include "../base.h"\n#define SHAPE (BASE + 1)\nstatic inline int area(int a) { return a * a; }\n';

/** A directory with program.c and its headers, and an empty cache, which a test file has until it ends. */
export function programTree() {
  const tree = sourceTree({ 'program.c': PROGRAM, 'base.h': '#define BASE 100\n' });
  for (const folder of ['inner', 'cache']) mkdirSync(tree.file(folder));
  tree.write('inner/shape.h', SHAPE);
  afterAll(() => tree[Symbol.dispose]());
  return { tree, cacheDir: tree.file('cache') };
}
