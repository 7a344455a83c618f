// Each function of the allocation family, and each libc and C++ function built on it, is counted at the line of its call.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';
import { FULL } from '../support/full.ts';

const SOURCE = `#include <malloc.h>
#include <stdlib.h>
#include <string.h>
void *reallocarray(void *, size_t, size_t);
void *memalign(size_t, size_t);
void *valloc(size_t);
static void *kept[16];
int main(void) {
  kept[0] = malloc(1001);
  kept[1] = calloc(1, 1002);
  kept[2] = realloc(NULL, 1003);
  kept[3] = reallocarray(NULL, 1, 1004);
  kept[4] = aligned_alloc(64, 1024);
  kept[5] = memalign(64, 1006);
  if (posix_memalign(&kept[6], 64, 1007)) return 1;
  kept[7] = valloc(1008);
  kept[8] = strdup("a text of 22 characters");
  return 0;
}
`;

const directory = mkdtempSync(join(tmpdir(), 'heapline-family-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const LEVELS = ['-O0', '-O1', '-O2', '-O3', '-Os'];
/** Every toolchain and every level; with HEAPLINE_FULL=1 each of both. */
const EVERY_DAY = { embedded: ['-O2'], clang: ['-O1', '-O3'], emscripten: ['-O0', '-Os'] };

describe.each(['embedded', 'clang', 'emscripten'] as const)('%s', (toolchain) => {
  it.each(FULL ? LEVELS : EVERY_DAY[toolchain])('counts each call at its line at %s', async (level) => {
    const file = join(directory, 'family.c');
    writeFileSync(file, SOURCE);
    const lib = await loadC(file, { toolchain, flags: [level] });
    expect(lib.run().exitCode).toBe(0);
    const found = new Map<number, number>();
    for (const block of lib.heap.blocks()) {
      const frame = lib.heap.contextFrames(block.context).find((each) => each.file === file);
      if (frame) found.set(frame.line, block.size);
    }
    expect(Object.fromEntries(found)).toEqual({
      9: 1001,
      10: 1002,
      11: 1003,
      12: 1004,
      13: 1024,
      14: 1006,
      15: 1007,
      16: 1008,
      17: 24,
    });
    lib[Symbol.dispose]();
  });
});

it('a host whose frames are off shows only where it allocated itself', async () => {
  const file = join(directory, 'family.c');
  writeFileSync(file, SOURCE);
  const lib = await loadC(file, { toolchain: 'clang', hostFrames: 'off' });
  lib.run();
  expect(lib.heap.profile().folded()).not.toContain('[host]');
  lib.heap.malloc(77);
  expect(lib.heap.profile().folded()).toMatch(/^\[host\] 77$/m);
  lib[Symbol.dispose]();
});
