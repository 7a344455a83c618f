// Functions of libc that are used as the standard allows, with blocks that are exactly as large as they have to be: no
// access is wrong, and the program prints what it prints without checks.

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';
import { FULL } from '../support/full.ts';

const builds = [
  ['clang', '-O0'],
  ['clang', '-O2'],
  ['embedded', '-O1'],
  ['emscripten', '-O1'],
  ...(FULL
    ? ([
        ['emscripten', '-O3'],
        ['embedded', '-O0'],
      ] as const)
    : []),
] as const;

it.each(builds)(
  'nothing that libc does is a fault: %s %s',
  async (toolchain, level) => {
    const run = async (checks: boolean) => {
      using lib = await loadC(join(import.meta.dirname, 'libc.c'), {
        toolchain,
        flags: [level, '-D_GNU_SOURCE', '-w', '-fno-builtin'],
        checks,
      });
      const { exitCode, stdout } = lib.run();
      const faults = lib.heap
        .faults()
        .map(({ access, frames }) => [access?.position, ...frames.map((each) => each.function)]);
      return { exitCode, stdout, faults };
    };
    const checked = await run(true);
    expect(checked.faults).toEqual([]);
    expect(checked).toEqual(await run(false));
    expect(checked.exitCode).toBe(0);
  },
  120_000,
);
