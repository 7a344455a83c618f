// The files that the commands write, read by go tool pprof.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HeapProfile } from '../../src/profile/index.ts';
import { CommandDirectory } from '../support/command-directory.ts';
import { sampleProfile } from '../support/sample-heap.ts';

const directory = new CommandDirectory();

beforeAll(() => {
  directory.write(
    'leaky.c',
    `#include <stdlib.h>
static void *kept;
static void lose(int size) {
  void *volatile lost = malloc(size);
  lost = NULL;
}
static void *keep(int size) {
  return malloc(size);
}
int main(void) {
  lose(30);
  kept = keep(1000);
  free(malloc(5000));
  exit(0);
}
`,
  );
});
afterAll(() => directory.dispose());

function pprof(file: string, ...args: string[]): string {
  return execFileSync('go', ['tool', 'pprof', '-nodefraction=0', ...args, join(directory.path, file)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

test('heapline run writes a profile that pprof reads, taken before the C library cleaned up', () => {
  directory.heapline(['run', '--pprof', 'written.pb.gz', 'leaky.c']);
  expect(pprof('written.pb.gz', '-list=^keep$')).toMatch(/1000B +1000B +8: {2,}return malloc\(size\);/);
  const profile = HeapProfile.decode(directory.read('written.pb.gz'));
  expect(profile.total('alloc_space')).toBeGreaterThanOrEqual(profile.total('inuse_space') + 5000);
  expect(profile.comments.join()).toContain('toolchain: clang');
});

test('heapline check writes a profile that pprof reads, with the class as a label', () => {
  const check = (...args: string[]) =>
    directory.heapline(['check', ...args, '--pprof', 'leaks.pb.gz', 'leaky.c'], {
      env: { GITHUB_ACTIONS: '' },
    });
  check('--leak-kinds', 'all');
  expect(pprof('leaks.pb.gz', '-top')).toMatch(/1000B.*keep[\s\S]*30B.*lose/);
  expect(pprof('leaks.pb.gz', '-top', '-tagfocus=leak=definite')).not.toContain('1000B');
  // Blocks that are reachable are no leaks: only those who ask for them get them.
  check();
  expect(pprof('leaks.pb.gz', '-top')).toMatch(/30B.*lose/);
  expect(pprof('leaks.pb.gz', '-top')).not.toContain('1000B');
});

test('heapline text prints a form that pprof reads', () => {
  directory.write('heap.pb.gz', sampleProfile().encode());
  directory.write('heap.txt', directory.heapline(['text', 'heap.pb.gz']).stdout);
  expect(pprof('heap.txt', '-top', '-sample_index=inuse_space')).toContain('of 101.24kB total');
});
