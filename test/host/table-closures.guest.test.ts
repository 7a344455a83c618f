// Functions that the glue puts into the table, and functions that the glue calls without the table: stacks show who
// called whom, with the lines of the source.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';

const directory = fileURLToPath(new URL('table-closures/', import.meta.url));

/** The stacks of all allocations, by size: `function:line`, innermost first, without the test runner's frames. */
async function stacksOf(source: string, link: readonly string[]): Promise<Record<number, string>> {
  using sandbox = await loadC(join(directory, source), {
    toolchain: 'emscripten',
    flags: ['-O1', '-g'],
    link: [...link],
  });
  expect(sandbox.run().exitCode).toBe(0);
  await sandbox.finished();
  const stacks: Record<number, string> = {};
  for (const { values, frames } of sandbox.heap.profile().samples()) {
    stacks[values[1]!] = frames
      .filter(({ file }) => file.startsWith(directory))
      .map(({ function: name, line }) => `${name}:${line}`)
      .join(' ');
  }
  return stacks;
}

it('knows the callers of closures and exports in the table', async () => {
  const link = [
    '-sALLOW_TABLE_GROWTH',
    '-sEXPORTED_RUNTIME_METHODS=addFunction',
    '-sDEFAULT_LIBRARY_FUNCS_TO_INCLUDE=$getWasmTableEntry',
  ];
  expect(await stacksOf('program.c', link)).toEqual({
    22: 'grab:7 closure:15 main:23',
    24: 'own:18 call_back:16 main:24',
    25: 'grab:7 call_back:16 main:25',
  });
});

it('knows the callers in builds with -sDYNCALLS, and keeps their dynCall functions out of stacks', async () => {
  expect(await stacksOf('dyn-calls.c', ['-sDYNCALLS=1', '-sEXIT_RUNTIME=0'])).toEqual({
    10: 'deeper:12 call_back:16 directly:8 main:21',
    11: 'deeper:13 call_back:16 directly:8 main:21',
    12: 'call_back:17 directly:8 main:21',
    20: 'deeper:12 call_back:16 main:22',
    21: 'deeper:13 call_back:16 main:22',
    22: 'call_back:17 main:22',
    30: 'deeper:12 call_back:16',
    31: 'deeper:13 call_back:16',
    32: 'call_back:17',
  });
});
