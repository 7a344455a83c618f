// Programs that ruin their heap: `check` exits with 3 and writes as much as it can, `run` keeps the program's status,
// and a trap is always shown first.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layout as L } from '../../src/heap/index.ts';
import { loadC } from '../../src/index.ts';
import { HeapProfile } from '../../src/profile/index.ts';
import { CommandDirectory } from '../support/command-directory.ts';

const directory = new CommandDirectory();
const heapline = (...args: string[]) => directory.heapline(args, { env: { GITHUB_ACTIONS: '' } });

beforeAll(() => {
  directory.write(
    'over.c',
    `int main(void) {
  volatile int a[4];
  volatile int *p = a;
  for (;;) *p++ = 0x43;
}
`,
  );
  directory.write('trap.c', 'int main(void) {\n  volatile int *p = (int *)0xfffffff0u;\n  *p = 1;\n}\n');
  directory.write(
    'underrun.c',
    `#include <stdint.h>
#include <stdlib.h>
int main(void) {
  char *twice = malloc(8);
  free(twice);
  free(twice);
  if (malloc((size_t)-2)) return 1;
  void *kept[200];
  for (int i = 0; i < 200; i++) kept[i] = malloc(8 + i % 7 * 8);
  unsigned *p = (unsigned *)((uintptr_t)kept[151] & ~7u);
  for (int k = 1; k <= 65536 / 8; k++) {
    p[-2 * k] = (unsigned)(uintptr_t)p - 65536;
    p[-2 * k + 1] = 8;
  }
  return 0;
}
`,
  );
  directory.write(
    'stray.c',
    `#include <stdlib.h>
static void *kept[100];
int main(int argc, char **argv) {
  for (int i = 0; i < 100; i++) kept[i] = malloc(40);
  if (argc > 1) *(unsigned *)strtoul(argv[1], 0, 0) = 0;
  return 0;
}
`,
  );
});
afterAll(() => directory.dispose());

describe('check', () => {
  test('shows the trap first with its line and writes every report, and each report says what is missing', () => {
    const formats = ['text', 'json', 'junit', 'sarif', 'github'];
    const outputs = formats.flatMap((format) => ['--format', `${format}=over.${format}`]);
    const { status, stderr } = heapline('check', ...outputs, '--pprof', 'over.pb.gz', 'over.c');
    expect(status).toBe(3);
    expect(stderr).toMatch(/^heapline: The guest trapped in main\(\): .*\n {4}at main \(.*over\.c:4:\d+\)/);
    for (const format of formats)
      expect(directory.read(`over.${format}`).toString()).toContain('missing here');
    const json = JSON.parse(directory.read('over.json').toString());
    expect([json.damage, json.records]).toEqual([expect.stringContaining('leaks'), []]);
    const junit = directory.read('over.junit').toString();
    expect(junit).toContain('failures="1"');
    expect(junit).not.toContain('no definite leaks');
    const [run] = JSON.parse(directory.read('over.sarif').toString()).runs;
    expect(run.invocations[0].executionSuccessful).toBe(false);
    expect(directory.read('over.text').toString()).toContain('over.c: the heap could not be searched');
    expect(directory.read('over.github').toString()).toMatch(/^::error .*ruined heap/);
    expect(HeapProfile.decode(directory.read('over.pb.gz')).comments.join()).toContain('missing here');
  });

  test('reports as usual after a trap that ruined nothing', () => {
    const { status, stderr } = heapline('check', '--format', 'json=trap.json', 'trap.c');
    expect(status).toBe(3);
    expect(stderr).toMatch(/^heapline: The guest trapped in main\(\): .*\n {4}at main \(.*trap\.c:3:\d+\)/);
    expect(JSON.parse(directory.read('trap.json').toString()).damage).toBe(null);
  });

  test('ends with 3 when the program ruins its heap and ends well, and reports earlier events', () => {
    const { status, stderr } = heapline(
      'check',
      '--format',
      'text',
      '--format',
      'json=under.json',
      'underrun.c',
    );
    expect(status).toBe(3);
    expect(stderr).toContain('underrun.c: the heap could not be searched, 1 heap fault, 1 failed allocation');
    const { errors, failedAllocations, damage } = JSON.parse(directory.read('under.json').toString());
    expect(damage).toContain('written outside its own blocks');
    expect(errors[0].stack[0]).toMatchObject({ function: 'main', line: 6 });
    expect(errors[0].freed[0]).toMatchObject({ function: 'main', line: 5 });
    expect(failedAllocations[0].stack[0]).toMatchObject({ function: 'main', line: 7 });
  });

  test('ends where libc would loop over overwritten data', () => {
    // The data of Emscripten's libc are below the heap. They include the list of files that fflush() walks.
    const args = ['--toolchain', 'emscripten', '--format', 'json=looping.json', 'underrun.c'];
    expect(heapline('check', ...args).status).toBe(3);
    expect(JSON.parse(directory.read('looping.json').toString()).damage).toContain('leaks');
  });

  test('writes no baseline of a heap that it could not search', () => {
    const { status, stderr } = heapline(
      'check',
      '--baseline',
      'none.json',
      '--update-baseline',
      'underrun.c',
    );
    expect(status).toBe(3);
    expect(stderr).toContain('none.json is not written');
    expect(directory.has('none.json')).toBe(false);
  });
});

describe('run', () => {
  test('shows the trap first and keeps its status', () => {
    const { status, stderr } = heapline('run', 'over.c');
    expect(status).toBe(134);
    expect(stderr).toMatch(/^heapline: The guest trapped in main\(\): .*\n {4}at main \(.*over\.c:4:\d+\)/);
    expect(stderr).toContain('heap.pb.gz is not written');
    expect(directory.has('heap.pb.gz')).toBe(false);
  });

  test('ends with 134 and the reason when a program ruined its heap and ended well', () => {
    const { status, stdout } = heapline('run', '--json', '--no-pprof', 'underrun.c');
    const { exitCode, error, stats, profile, faults, failedAllocations } = JSON.parse(stdout);
    expect([status, exitCode, stats, profile]).toEqual([134, 134, null, null]);
    expect(error).toContain('written outside its own blocks');
    expect([faults.length, failedAllocations.length]).toEqual([1, 1]);
  });
});

test('check and run answer or fail at once when a word of a span is zero', async () => {
  const source = join(directory.path, 'stray.c');
  using sandbox = await loadC(source, { toolchain: 'clang' });
  sandbox.run();
  const words = new Uint32Array(sandbox.memory.buffer);
  const chunk = words[words.indexOf(L.MAGIC) + L.RUNTIME_FIRST_SPAN_CHUNK / 4]!;
  const used = words[(chunk + L.CHUNK_USED) / 4]!;
  const span = Array.from({ length: used }, (_, index) => chunk + L.CHUNK_ENTRIES + index * L.SPAN_SIZE).find(
    (address) =>
      words[(address + L.SPAN_STATE) / 4] === L.SPAN_STATE_SMALL &&
      words[(address + L.SPAN_BLOCK_SIZE) / 4] === 48,
  )!;
  const address = String(span + L.SPAN_PAGES);
  expect(words[(span + L.SPAN_PAGES) / 4]).toBeGreaterThan(0);
  expect(heapline('check', 'stray.c').status).toBe(0);
  expect(heapline('check', 'stray.c', '--', address).status).toBe(3);
  expect(heapline('run', '--no-pprof', 'stray.c', '--', address).status).toBe(134);
});

describe('allocations that failed', () => {
  const source = `#include <stdlib.h>
int main(void) {
  char *p = malloc((size_t)-2);
  if (p) free(p);
  for (int i = 1; i < 4; i++)
    if (calloc(0x10000, 0x10000 * i)) return 1;
  return 0;
}
`;
  beforeAll(() => void directory.write('refused.c', source));

  test('are listed with their lines and are no failures', () => {
    const { status, stderr } = heapline('check', '--format', 'text', '--format', 'junit=r.xml', 'refused.c');
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^failed allocation: 4,294,967,294 bytes in main\n {2}at main \(refused\.c:3:\d+\)/m,
    );
    expect(stderr).toMatch(
      /^3 failed allocations: 4,294,967,296 to 12,884,901,888 bytes each in main\n {2}at main \(refused\.c:6:\d+\)/m,
    );
    expect(stderr).toContain('refused.c: no leaks, no heap faults, 4 failed allocations');
    expect(directory.read('r.xml').toString()).toMatch(/failures="0"[\s\S]*<system-out>failed allocation/);
  });

  test('are failures in every format with --fail-on-failed-allocations', () => {
    const formats = ['json', 'junit', 'sarif', 'github'].flatMap((format) => [
      '--format',
      `${format}=r.${format}`,
    ]);
    const { status } = heapline('check', '--fail-on-failed-allocations', ...formats, 'refused.c');
    expect(status).toBe(1);
    expect(directory.read('r.junit').toString()).toContain('failures="2"');
    expect(
      directory
        .read('r.github')
        .toString()
        .match(/^::error /gm),
    ).toHaveLength(2);
    const { failedAllocations } = JSON.parse(directory.read('r.json').toString());
    expect(failedAllocations.map((failed: { count: number }) => failed.count)).toEqual([1, 3]);
    const { results } = JSON.parse(directory.read('r.sarif').toString()).runs[0];
    expect(results.map(({ ruleId, level }: { ruleId: string; level: string }) => [ruleId, level])).toEqual([
      ['failed-allocation', 'error'],
      ['failed-allocation', 'error'],
    ]);
    expect(heapline('check', '--fail-on-failed-allocations', 'trap.c').status).toBe(3);
  });

  test('are reported by run, too', () => {
    const { status, stderr } = heapline('run', '--no-pprof', 'refused.c');
    expect(status).toBe(0);
    expect(stderr).toContain('no memory for 4,294,967,294 bytes in main (refused.c:3)');
    expect(stderr).toContain('no memory for 12,884,901,888 bytes, 3 times in main (refused.c:6)');
  });
});
