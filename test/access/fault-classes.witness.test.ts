// Which tools find which classes of faults: Heapline, AddressSanitizer (gcc) and Valgrind's memcheck with the same program.
// The native tools are asked with HEAPLINE_FULL=1.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadC, TrapError } from '../../src/index.ts';
import { FULL } from '../support/full.ts';
import { classesSource, classesTable, faultClasses, type Tool } from './fault-classes.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-classes-'));
const source = join(folder, 'classes.c');
writeFileSync(source, classesSource());
afterAll(() => rmSync(folder, { recursive: true }));

/** The classes that a tool finds, by what it says of each program. */
const foundBy = (tool: Tool): string[] =>
  Object.entries(faultClasses).flatMap(([name, { found }]) => (found.includes(tool) ? [name] : []));

function native(compiler: readonly string[], runner: readonly string[], env: NodeJS.ProcessEnv): string[] {
  const program = join(folder, `classes${runner.length}`);
  const [command, ...flags] = [...compiler, '-O0', '-g', '-w', '-fno-builtin', source, '-o', program];
  expect(spawnSync(command!, flags, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  return Object.keys(faultClasses).filter((name) => {
    const [first, ...args] = [...runner, program, name];
    return spawnSync(first!, args, { env: { PATH: process.env.PATH, ...env } }).status !== 0;
  });
}

it('Heapline finds what docs/memory-errors.md says', async () => {
  const found: string[] = [];
  for (const name of Object.keys(faultClasses)) {
    using lib = await loadC(source, { toolchain: 'clang', flags: ['-O0', '-w'], checks: true, args: [name] });
    try {
      lib.run();
    } catch (error) {
      if (!(error instanceof TrapError)) throw error;
      found.push(name);
      continue;
    }
    if (lib.heap.faults().length > 0 || lib.heap.mayLeak(['definite'])) found.push(name);
  }
  expect(found).toEqual(foundBy('Heapline'));
});

it.runIf(FULL)(
  'AddressSanitizer finds what docs/memory-errors.md says',
  () => {
    expect(native(['gcc', '-fsanitize=address'], [], {})).toEqual(foundBy('AddressSanitizer'));
  },
  120_000,
);

it.runIf(FULL)(
  'memcheck finds what docs/memory-errors.md says',
  () => {
    const runner = [
      'valgrind',
      '-q',
      '--error-exitcode=9',
      '--leak-check=full',
      '--errors-for-leak-kinds=definite',
    ];
    expect(native(['gcc'], runner, {})).toEqual(foundBy('memcheck'));
  },
  300_000,
);

it('docs/memory-errors.md has the table', () => {
  const page = readFileSync(new URL('../../docs/memory-errors.md', import.meta.url), 'utf8');
  expect(page.includes(classesTable())).toBe(true);
});
