// The programs, compiled to WebAssembly and judged by Heapline: the classes, blocks, bytes and lines that the programs
// expect, which are those that Valgrind finds natively (native.witness.test.ts), and the misuses with all three stacks.
// Every program in C runs with a WASI toolchain, at -O0 and at -O2. Of the toolchains that take a second or more for
// each, Emscripten gets one in five and those in C++ that have something to find, the embedded one gets some, and both
// all of them with HEAPLINE_FULL=1. Differences of a toolchain's libc are named here.

import { describe, expect, test } from 'vitest';
import { type Frame, loadC, type Sandbox } from '../../src/index.ts';
import {
  compareFaults,
  compareLeaks,
  type FoundFault,
  type FoundLeak,
  type Program,
  readPrograms,
} from '../support/leak-programs.ts';

type Toolchain = 'clang' | 'emscripten' | 'embedded';

const programs = readPrograms();
const full = process.env.HEAPLINE_FULL === '1';

const lastPath =
  'wasi-libc keeps a pointer to the relative part of the path that was opened last, so the path is possibly lost';
const deadStore =
  'the store of the pointer into a block that nobody reads is optimised away, so the block is definite';

/** Programs that a toolchain makes differ, by toolchain and optimisation, and why. */
const differences: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'file-error-leak': { 'clang -O0': lastPath, 'clang -O2': lastPath, 'embedded -O1': lastPath },
  'indirect-interior-leak': { 'clang -O2': deadStore },
  'shared-child-leak': { 'clang -O2': deadStore },
};

/** Line of the program on which the outermost of libc's functions was called, 0 when it was none. */
function programLine(program: Program, frames: readonly Frame[]): number {
  // By the whole path, because libc has files named asprintf.c and strdup.c, too.
  return frames.find((frame) => frame.file === program.path)?.line ?? 0;
}

function found(program: Program, lib: Sandbox): { leaks: FoundLeak[]; faults: FoundFault[] } {
  const report = lib.heap.leaks();
  const lineOf = (frames: readonly Frame[] | null) => (frames === null ? null : programLine(program, frames));
  return {
    leaks: report.records.map(({ kind, blocks, bytes, frames }) => ({
      kind,
      blocks,
      bytes,
      line: programLine(program, frames),
    })),
    faults: report.errors.map(({ kind, frames, allocatedAt, freedAt }) => ({
      kind,
      line: programLine(program, frames),
      allocatedLine: lineOf(allocatedAt),
      freedLine: lineOf(freedAt),
    })),
  };
}

async function judge(program: Program, toolchain: Toolchain, flags: readonly string[]): Promise<string[]> {
  const define = program.fixed ? { FIXED: true } : {};
  using lib = await loadC(program.path, { toolchain, flags: [...flags, '-w'], define });
  lib.run();
  const { leaks, faults } = found(program, lib);
  return [...compareLeaks(program, leaks, 32), ...compareFaults(program, faults)];
}

describe.each<[Toolchain, string, readonly Program[]]>([
  // Debian's wasi-libc has no setjmp, and there is no C++ library for it.
  ['clang', '-O0', programs.filter((program) => program.needs.length === 0)],
  ['clang', '-O2', programs.filter((program) => program.needs.length === 0)],
  [
    'emscripten',
    '-O1',
    programs.filter(
      (program, index) =>
        full || index % 5 === 0 || (program.needs.includes('c++') && !program.name.endsWith('-clean')),
    ),
  ],
  [
    'embedded',
    '-O1',
    programs.filter((program, index) => full || index % 20 === 0 || program.needs.includes('setjmp')),
  ],
])('%s %s', (toolchain, optimisation, chosen) => {
  test.each(chosen)('$name', async (program) => {
    const differs = differences[program.name]?.[`${toolchain} ${optimisation}`];
    const verdict = await judge(program, toolchain, [optimisation]);
    if (differs === undefined) expect(verdict).toEqual([]);
    else expect(verdict, differs).not.toEqual([]);
  });
});
