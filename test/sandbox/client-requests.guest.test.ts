// Client requests as the host sees them: pools in profiles, growth and leak reports, leak checks that the program asks for,
// and mistakes in requests.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LeakReport, loadC, type Sandbox } from '../../src/index.ts';
import { sourceTree } from '../support/source-tree.ts';

const POOL = `#include <stdlib.h>
#include <valgrind/memcheck.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#include <heapline.h>

struct cell {
  struct cell *next;
  char data[60];
};
static struct cell *free_cells;

__attribute__((noinline)) void *pool_alloc(void) {
  if (!free_cells) {
    struct cell *chunk = malloc(64 * sizeof *chunk);
    for (int i = 0; i < 64; i++) {
      chunk[i].next = free_cells;
      free_cells = &chunk[i];
    }
  }
  struct cell *cell = free_cells;
  free_cells = cell->next;
  VALGRIND_MALLOCLIKE_BLOCK(cell, sizeof *cell, 0, 0);
  return cell;
}

__attribute__((noinline)) void pool_free(void *p) {
  struct cell *cell = p;
  VALGRIND_FREELIKE_BLOCK(cell, 0);
  VALGRIND_MAKE_MEM_DEFINED(&cell->next, sizeof cell->next);
  cell->next = free_cells;
  free_cells = cell;
}

void handle(void) {
  char *a = pool_alloc(), *b = pool_alloc();
  a[20] = b[20] = 1;
  pool_free(a);
}

char use_after_free(void) {
  char *a = pool_alloc();
  pool_free(a);
  return a[30];
}

/* The places were right before they were closed, in the same function. */
void used_before(void) {
  volatile char *cell = pool_alloc();
  cell[30] = 1;
  pool_free((void *)cell);
  cell[30] = 2;
  volatile char *block = malloc(64);
  block[8] = 1;
  ASAN_POISON_MEMORY_REGION(block, 16);
  block[8] = 2;
  ASAN_UNPOISON_MEMORY_REGION(block, 16);
  free((void *)block);
}

static char *closed;
int close_memory(void) {
  closed = malloc(64);
  ASAN_POISON_MEMORY_REGION(closed + 16, 20);
  return __asan_address_is_poisoned(closed + 15) * 4 + __asan_address_is_poisoned(closed + 16) * 2 +
         (__asan_region_is_poisoned(closed, 64) == closed + 16);
}
char read_at(int place) { return closed[place]; }
void open_memory(void) { ASAN_UNPOISON_MEMORY_REGION(closed + 16, 20); }

void destroy_twice(void *pool) {
  VALGRIND_CREATE_MEMPOOL(pool, 0, 0);
  VALGRIND_DESTROY_MEMPOOL(pool);
  VALGRIND_DESTROY_MEMPOOL(pool);
}

void mistakes(void) {
  for (int i = 0; i < 3; i++) VALGRIND_DO_CLIENT_REQUEST_STMT(0x7777, 0, 0, 0, 0, 0);
  __lsan_ignore_object(&closed);
  __lsan_enable();
}

void leak(void) { *(volatile char *)malloc(10) = 1; }
void leak_checks(void) {
  unsigned long counts[4];
  VALGRIND_DO_QUICK_LEAK_CHECK;
  VALGRIND_DO_LEAK_CHECK;
  VALGRIND_COUNT_LEAKS(counts[0], counts[1], counts[2], counts[3]);
  if (counts[0] != 10 || counts[3] != 0) abort();
}
void ignored_leak(void) { HEAPLINE_IGNORE_LEAK(malloc(33)); }
`;

const tree = sourceTree({
  'pool.c': POOL,
  'off.c': `#include <stdlib.h>
    int __lsan_is_turned_off(void) { return 1; }
    void leak(void) { *(volatile char *)malloc(10) = 1; }`,
});
afterAll(() => tree[Symbol.dispose]());

const lineOf = (text: string): number => POOL.split('\n').findIndex((line) => line.includes(text)) + 1;

describe('a pool that tells what it hands out', () => {
  const reports: LeakReport[] = [];
  const open = (access = false): Promise<Sandbox> =>
    loadC(tree.file('pool.c'), {
      toolchain: 'clang',
      flags: ['-O1'],
      access,
      onLeakCheck: (report) => reports.push(report),
    });
  let lib: Sandbox;
  beforeAll(async () => {
    lib = await open();
  });
  afterAll(() => lib.dispose());

  it('shows in a leak report which caller has lost a cell', () => {
    const { leaks } = lib.heap.scope(() => void lib.exports.handle!());
    const [record] = leaks.records;
    expect(leaks.totals.total).toEqual({ blocks: 1, bytes: 64 });
    expect(record!.frames.slice(0, 2).map(({ function: name, line }) => [name, line])).toEqual([
      ['pool_alloc', lineOf('VALGRIND_MALLOCLIKE_BLOCK')],
      ['handle', lineOf('char *a = pool_alloc()')],
    ]);
  });

  it('shows how much each call adds', () => {
    const growth = lib.heap.growth(() => void lib.exports.handle!());
    expect(growth.contexts.map(({ bytesPerRun, objectsPerRun }) => [bytesPerRun, objectsPerRun])).toEqual([
      [64, 1],
    ]);
  });

  it('counts its memory once in profiles and among the blocks', () => {
    const { inUseBytes, inUseObjects } = lib.heap.stats();
    const chunks = Math.ceil((inUseObjects - 1) / 64);
    expect(inUseBytes % (64 * 64)).toBe(0);
    expect(chunks).toBeGreaterThan(0);
    const blocks = [...lib.heap.blocks()];
    expect(blocks.length).toBe(inUseObjects);
    expect(blocks.reduce((sum, { size }) => sum + size, 0)).toBe(inUseBytes);
    expect(lib.heap.profile().total('inuse_space')).toBe(inUseBytes);
  });

  it('makes reports mention requests that could not be followed, each once', () => {
    lib.exports.mistakes!();
    expect(lib.heap.leaks().notes).toEqual([
      'The program has made a client request that Heapline does not know (0x7777): it was ignored.',
      expect.stringMatching(
        /^A request of the program was ignored: __lsan_ignore_object: there is no block at 0x/,
      ),
      'A request of the program was ignored: __lsan_enable without __lsan_disable.',
    ]);
    expect(lib.heap.faults()).toEqual([]);
  });

  it('makes a pool that is destroyed twice a heap error', () => {
    lib.exports.destroy_twice!(4096);
    const [fault] = lib.heap.faults();
    expect(fault).toMatchObject({ kind: 'unknown-pool', address: 4096, block: null });
    expect(fault!.frames[0]).toMatchObject({ function: 'destroy_twice', file: tree.file('pool.c') });
  });

  it('answers leak checks with counts, and gives the host their reports', async () => {
    using fresh = await open();
    reports.length = 0;
    fresh.exports.leak!();
    fresh.exports.ignored_leak!();
    fresh.exports.leak_checks!();
    expect(reports.map(({ totals }) => totals.definite)).toEqual([{ blocks: 1, bytes: 10 }]);
    expect(fresh.heap.leaks().totals.total).toEqual({ blocks: 1, bytes: 10 });
  });

  it('closes what it has taken back and what the program closes, where accesses are checked', async () => {
    using checked = await open(true);
    const { exports, heap } = checked;
    exports.handle!();
    expect(heap.faults()).toEqual([]);
    exports.use_after_free!();
    expect(heap.faults()[0]).toMatchObject({
      kind: 'heap-use-after-free',
      block: { size: 64 },
      access: { kind: 'read', size: 1, position: '30 bytes into a freed block of 64 bytes' },
    });
    expect(heap.faults()[0]!.freedAt![0]).toMatchObject({ function: 'pool_free' });
    expect(exports.close_memory!()).toBe(3);
    for (const place of [0, 15, 32, 63]) exports.read_at!(place);
    expect(heap.faults()).toHaveLength(1);
    exports.read_at!(16);
    expect(heap.faults()[1]).toMatchObject({
      kind: 'use-after-poison',
      access: { position: '16 bytes into a closed part of a block of 64 bytes' },
    });
    exports.open_memory!();
    exports.read_at!(20);
    expect(heap.faults()).toHaveLength(2);
  });

  it('finds what is used again after it was closed, although it was open before in the same function', async () => {
    using checked = await open(true);
    checked.exports.used_before!();
    expect(checked.heap.faults().map(({ kind }) => kind)).toEqual([
      'heap-use-after-free',
      'use-after-poison',
    ]);
  });
});

it('a program can turn its leak reports off', async () => {
  using lib = await loadC(tree.file('off.c'), { toolchain: 'clang' });
  lib.exports.leak!();
  const report = lib.heap.leaks();
  expect(report.records).toEqual([]);
  expect(report.notes).toEqual([expect.stringContaining('__lsan_is_turned_off')]);
});
