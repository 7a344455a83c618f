// AddressSanitizer (gcc's) and Valgrind's memcheck as judges of blocks that C++ frees in another way than the one in which
// it allocated them: they complain about the same functions of the same program, and about no other. memcheck does not tell
// which two ways they are. With HEAPLINE_FULL=1 all functions are asked, and memcheck as well.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { FULL } from '../support/full.ts';
import { mismatchCases, mismatchSource } from './mismatch-cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-native-mismatches-'));
const source = join(folder, 'mismatches.cpp');
writeFileSync(source, mismatchSource(true));
afterAll(() => rmSync(folder, { recursive: true }));

function compiled(name: string, ...flags: string[]): string {
  const program = join(folder, name);
  const args = ['-std=gnu++17', '-O0', '-g', '-w', ...flags, source, '-o', program];
  expect(spawnSync('g++', args, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  return program;
}

const asked = mismatchCases.filter(({ size }, index) => FULL || size !== undefined || index % 3 === 0);

it('AddressSanitizer names the same two ways', () => {
  const program = compiled('asan', '-fsanitize=address');
  for (const { name, expected, size } of asked) {
    const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=0:alloc_dealloc_mismatch=1' };
    const { stderr } = spawnSync(program, [name], { env, encoding: 'utf8' });
    if (size !== undefined) {
      expect(stderr).toMatch(/: new-delete-type-mismatch /);
      expect([name, Number(/size of the deallocated type: *(\d+)/.exec(stderr)?.[1])]).toEqual([name, size]);
      continue;
    }
    const ways = /alloc-dealloc-mismatch \((.*) vs (.*)\)/.exec(stderr)?.slice(1);
    const spelt = (way: string): string => way.replace(' []', '[]');
    // It has no word of its own for realloc.
    const wanted = expected?.map((way) => (way === 'realloc' ? 'free' : way));
    expect([name, ways?.map(spelt)]).toEqual([name, wanted]);
  }
}, 60_000);

it.runIf(FULL)(
  'memcheck complains about the same functions',
  () => {
    const program = compiled('plain');
    for (const { name, expected, size } of asked) {
      // Only newer versions compare sizes.
      if (size !== undefined) continue;
      const { stderr } = spawnSync('valgrind', ['-q', program, name], { encoding: 'utf8' });
      expect([
        name,
        /Mismatched free\(\) \/ delete|Mismatched .*(?:free|delete|realloc)/.test(stderr),
      ]).toEqual([name, expected !== null]);
    }
  },
  300_000,
);
