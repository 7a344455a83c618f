// Blocks that libc, the C++ runtime and embind allocate for themselves are not leaks, whichever classes are asked
// for. Blocks that the program asks them for are leaks. The reference is LeakSanitizer on the native build.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';
import { FULL } from '../support/full.ts';

const folder = new URL('kept/', import.meta.url);
const directory = mkdtempSync(join(tmpdir(), 'heapline-kept-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ALL = ['emscripten', 'clang', 'embedded'] as const;
const EMSCRIPTEN = ['emscripten'] as const;

interface Program {
  readonly source: string;
  readonly toolchains: readonly (typeof ALL)[number][];
  readonly flags?: readonly string[];
  readonly link?: readonly string[];
  /** False when the program can be built only with Emscripten. */
  readonly native?: false;
}

const programs: readonly Program[] = [
  { source: 'libc.c', toolchains: ALL },
  { source: 'libc-of-threads.c', toolchains: EMSCRIPTEN },
  { source: 'cxx.cpp', toolchains: ['emscripten', 'embedded'] },
  { source: 'exceptions.cpp', toolchains: EMSCRIPTEN, flags: ['-fexceptions'], link: ['-fexceptions'] },
  { source: 'embind.cpp', toolchains: EMSCRIPTEN, link: ['-lembind'], native: false },
  { source: 'scripts.c', toolchains: EMSCRIPTEN, native: false },
];

const pathOf = (source: string): string => fileURLToPath(new URL(source, folder));

async function leaksOf(
  { source, flags = [], link = [] }: Program,
  toolchain: (typeof ALL)[number],
  level: string,
) {
  using sandbox = await loadC(pathOf(source), { toolchain, flags: [level, ...flags], link });
  expect(sandbox.run().exitCode).toBe(0);
  return sandbox.heap.leaks().records;
}

describe.each(programs)('$source', (program) => {
  const runs = program.toolchains.flatMap((toolchain) =>
    (FULL || toolchain === 'clang' ? ['-O0', '-O2'] : ['-O2']).map((level) => ({ toolchain, level })),
  );
  it.each(runs)('leaves no block of the program behind ($toolchain $level)', async ({ toolchain, level }) => {
    // Static objects belong to the program and are destroyed after the report.
    const records = (await leaksOf(program, toolchain, level)).filter(
      ({ frames }) =>
        !frames.some(
          (frame) => /texts|local/.test(frame.function) || frame.function.startsWith('__cxx_global'),
        ),
    );
    expect(
      records.map(({ kind, bytes, frames }) => [kind, bytes, frames.map((frame) => frame.function)]),
    ).toEqual([]);
  });

  it.runIf(program.native !== false)('leaks nothing natively, says LeakSanitizer', () => {
    const executable = join(directory, program.source.replace('.', '-'));
    const compiler = program.source.endsWith('.cpp') ? 'g++' : 'gcc';
    execFileSync(compiler, ['-g', '-w', '-fsanitize=leak', pathOf(program.source), '-o', executable]);
    execFileSync(executable, { stdio: 'pipe', env: { ...process.env, LSAN_OPTIONS: 'exitcode=23' } });
  });
});

describe('own.c', () => {
  it.each(ALL)('has leaks of its own beside the blocks that libc keeps (%s)', async (toolchain) => {
    const records = await leaksOf({ source: 'own.c', toolchains: ALL }, toolchain, '-O1');
    expect(records.map(({ kind, bytes }) => [kind, bytes]).sort()).toEqual([
      ['definite', 6],
      ['reachable', 6],
    ]);
  });
});
