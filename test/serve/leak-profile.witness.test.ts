// One pprof writer: the leaks that a server gives and those that a report is written with are the same profile.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeLeakProfile, HeapProfile, loadC, type Sandbox } from '../../src/index.ts';
import { serve } from '../support/served.ts';

/** Leaks of three classes, inlined ones and those of a recursion among them, and a block that stays in use. */
const LEAKY = `
#include <stdlib.h>
#include <string.h>
void *kept, *middle;
static inline __attribute__((always_inline)) void lose(int size) {
  void *volatile lost = malloc(size);
  lost = 0;
}
void inlined(void) { lose(24); lose(40); lose(40); }
void deep(int n) { lose(n + 1); if (n > 0) deep(n - 1); }
void chain(void) { void **a = malloc(16); *a = strdup("indirect"); void *volatile lost = a; lost = 0; }
void inside(void) { middle = (char *)malloc(100) + 10; }
void keep(void) { kept = malloc(1000); }
`;

let folder: string;
let lib: Sandbox;
let served: Uint8Array;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heapline-one-writer-'));
  writeFileSync(join(folder, 'leaky.c'), LEAKY);
  lib = await loadC(join(folder, 'leaky.c'), { toolchain: 'clang' });
  const { inlined, deep, chain, inside, keep } = lib.exports;
  inlined!();
  deep!(5);
  chain!();
  inside!();
  keep!();
  await using server = await serve({ sandboxes: [lib] });
  served = (await server.ask('/debug/pprof/leaks')).body;
});
afterAll(() => {
  lib?.dispose();
  rmSync(folder, { recursive: true });
});

function save(name: string, bytes: Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

function pprof(...options: string[]): string {
  const env = { ...process.env, PPROF_TMPDIR: folder };
  return execFileSync('go', ['tool', 'pprof', ...options], { encoding: 'utf8', env, stdio: 'pipe' });
}

/** The labels by which a server tells heaps apart. */
const labels = () => ({ heap: 'c', instance: lib.instance, thread: 'main' });

test('the served leaks have every class except reachable', () => {
  const classes = new Set([...HeapProfile.decode(served).samples()].map((sample) => sample.labels.leak));
  expect([...classes].sort()).toEqual(['definite', 'indirect', 'possible']);
});

test.each(['functions', 'lines', 'files', 'addresses'])(
  'the difference of the written and the served leaks is empty for %s',
  (granularity) => {
    const written = save('written.pb.gz', encodeLeakProfile(lib.heap.leaks()));
    const scraped = save('served.pb.gz', served);
    const shown = ['-top', `-${granularity}`, '-nodefraction=0', '-unit=B'];
    for (const type of ['leaked_space', 'leaked_objects']) {
      const whole = pprof(...shown, `-sample_index=${type}`, scraped);
      expect(whole).toContain(granularity === 'files' ? 'leaky.c' : 'deep');
      const both = [
        [written, scraped],
        [scraped, written],
      ] as const;
      for (const [base, profile] of both) {
        const table = pprof(...shown, `-sample_index=${type}`, `-diff_base=${base}`, profile);
        expect(table).toMatch(/Showing nodes accounting for 0, +0% of [1-9]\d*B? total/);
        expect(table.trimEnd().split('\n').at(-1)).toMatch(/flat\s+flat%\s+sum%\s+cum\s+cum%$/);
      }
    }
  },
);

test('samples, locations, mappings, labels and comments are the same when the written file has the labels of a server', () => {
  const profile = HeapProfile.decode(served);
  const takenAt = profile.time!.getTime();
  const written = encodeLeakProfile(lib.heap.leaks(), { labels: labels(), takenAt });
  expect(HeapProfile.decode(written).model).toEqual(profile.model);
  const difference = pprof('-raw', `-base=${save('same.pb.gz', written)}`, save('served.pb.gz', served));
  expect(difference).toMatch(/Samples:\n\S+.*\nLocations\n/);
});
