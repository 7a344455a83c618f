// The programs, compiled to WebAssembly and judged by Heapline. It must find the classes, blocks, bytes and lines
// that the programs expect (Valgrind finds the same natively: native.witness.test.ts) and the misuses with all three
// stacks. Every program runs with a WASI toolchain at -O0, and every sixth at -O2, too. Emscripten and the embedded
// toolchain take a second or more for each program. Emscripten gets every fortieth program and three in C++, the embedded
// one gets some. With HEAPLINE_FULL=1, all run everywhere.
// Differences that a toolchain's libc causes are listed here.

import { describe, expect, test, vi } from 'vitest';
import {
  type Frame,
  formatSuppressions,
  type LeakReport,
  leakKinds,
  loadC,
  parseSuppressions,
  type Sandbox,
  suppress,
} from '../../src/index.ts';
import { QUARANTINE } from '../../src/sandbox/sandbox-options.ts';
import { FULL } from '../support/full.ts';
import {
  compareFaults,
  compareLeaks,
  type FoundFault,
  type FoundLeak,
  type Program,
  readPrograms,
} from '../support/leak-programs.ts';

type Toolchain = 'clang' | 'clang-22' | 'emscripten' | 'embedded';

const programs = readPrograms();

const lastPath =
  'wasi-libc keeps a pointer to the relative part of the path that was opened last, so the path is possibly lost';
const deadStore =
  'the store of the pointer into a block that nobody reads is optimised away, so the block is definite';

/** Programs whose results a toolchain changes: by toolchain and optimisation, with the reason. */
const differences: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'file-error-leak': { 'clang -O0': lastPath, 'clang -O2': lastPath, 'embedded -O1': lastPath },
  'indirect-interior-leak': { 'clang -O2': deadStore },
  'shared-child-leak': { 'clang -O2': deadStore },
};

/** Line of the program that called the outermost of libc's functions; 0 when no line of the program did. */
function programLine(program: Program, frames: readonly Frame[]): number {
  // By the whole path, because libc has files named asprintf.c and strdup.c, too.
  return frames.find((frame) => frame.file === program.path)?.line ?? 0;
}

function found(program: Program, report: LeakReport): { leaks: FoundLeak[]; faults: FoundFault[] } {
  const lineOf = (frames: readonly Frame[] | null) => (frames === null ? null : programLine(program, frames));
  return {
    leaks: report.records.flatMap(({ kind, blocks, bytes, frames, indirect, parts }): FoundLeak[] => [
      { kind, blocks, bytes, line: programLine(program, frames), hanging: indirect.bytes },
      ...parts.map((part) => ({
        kind: 'indirect' as const,
        blocks: part.blocks,
        bytes: part.bytes,
        line: programLine(program, part.frames),
        hanging: 0,
      })),
    ]),
    faults: report.errors.map(({ kind, frames, allocatedAt, freedAt }) => ({
      kind,
      line: programLine(program, frames),
      allocatedLine: lineOf(allocatedAt),
      freedLine: lineOf(freedAt),
    })),
  };
}

/** What the suppressions that Heapline writes for its own report leave of it. */
function notSuppressed(report: LeakReport): string[] {
  const suppressions = formatSuppressions(report, { kinds: leakKinds });
  const left = suppress(report, parseSuppressions(suppressions, 'generated.supp'));
  return [...left.records.map(({ kind }) => `a ${kind} record is left`), ...left.unusedSuppressions];
}

async function load(program: Program, toolchain: Toolchain, flags: readonly string[]): Promise<Sandbox> {
  const options = {
    flags: [...flags, '-w'],
    define: program.fixed ? { FIXED: true } : {},
    quarantine: QUARANTINE,
  };
  if (toolchain !== 'clang-22') return loadC(program.path, { toolchain, ...options });
  vi.stubEnv('HEAPLINE_CLANG', toolchain);
  try {
    return await loadC(program.path, { toolchain: 'clang', ...options });
  } finally {
    vi.unstubAllEnvs();
  }
}

async function judge(program: Program, toolchain: Toolchain, flags: readonly string[]): Promise<string[]> {
  using lib = await load(program, toolchain, flags);
  lib.run();
  const report = lib.heap.leaks();
  const { leaks, faults } = found(program, report);
  return [...compareLeaks(program, leaks, 32), ...compareFaults(program, faults), ...notSuppressed(report)];
}

describe.each<[Toolchain, string, readonly Program[]]>([
  // Debian's wasi-libc has no setjmp, and a C++ library only for clang 22.
  ['clang', '-O0', programs.filter((program) => program.needs.length === 0)],
  ['clang-22', '-O0', programs.filter(({ needs }) => needs.includes('c++'))],
  [
    'clang',
    '-O2',
    programs.filter(
      ({ name, needs }, index) => needs.length === 0 && (FULL || index % 6 === 0 || name in differences),
    ),
  ],
  [
    'emscripten',
    '-O1',
    programs.filter(
      ({ name }, index) =>
        FULL || index % 40 === 0 || /^(?:array-delete|shared-pointer|virtual-base)-(?!clean)/.test(name),
    ),
  ],
  [
    'embedded',
    '-O1',
    programs.filter((program, index) => FULL || index % 40 === 0 || program.needs.includes('setjmp')),
  ],
])('%s %s', (toolchain, optimisation, chosen) => {
  test.each(chosen)('$name', async (program) => {
    const differs = differences[program.name]?.[`${toolchain} ${optimisation}`];
    const verdict = await judge(program, toolchain, [optimisation]);
    if (differs === undefined) expect(verdict).toEqual([]);
    else expect(verdict, differs).not.toEqual([]);
  });
});
