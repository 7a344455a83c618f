// Blocks that libc, the C++ runtime and embind register for themselves are not leaks, whatever classes are asked for;
// what the program has asked them for is. LeakSanitizer on the native build is the reference.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadC } from '../../src/index.ts';

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
  /** False where the program is for Emscripten alone. */
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
    ['-O0', '-O2'].map((level) => ({ toolchain, level })),
  );
  it.each(runs)(
    'leaves nothing behind that is the program’s ($toolchain $level)',
    async ({ toolchain, level }) => {
      // Static objects are the program's, and destroyed after the report.
      const records = (await leaksOf(program, toolchain, level)).filter(
        ({ frames }) =>
          !frames.some(
            (frame) => /texts|local/.test(frame.function) || frame.function.startsWith('__cxx_global'),
          ),
      );
      expect(
        records.map(({ kind, bytes, frames }) => [kind, bytes, frames.map((frame) => frame.function)]),
      ).toEqual([]);
    },
  );

  it.runIf(program.native !== false)('leaks nothing natively, says LeakSanitizer', () => {
    const executable = join(directory, program.source.replace('.', '-'));
    const compiler = program.source.endsWith('.cpp') ? 'g++' : 'gcc';
    execFileSync(compiler, ['-g', '-w', '-fsanitize=leak', pathOf(program.source), '-o', executable]);
    execFileSync(executable, { stdio: 'pipe', env: { ...process.env, LSAN_OPTIONS: 'exitcode=23' } });
  });
});

describe('own.c', () => {
  it.each(ALL)('has leaks of its own beside what libc keeps (%s)', async (toolchain) => {
    const records = await leaksOf({ source: 'own.c', toolchains: ALL }, toolchain, '-O1');
    expect(records.map(({ kind, bytes }) => [kind, bytes]).sort()).toEqual([
      ['definite', 6],
      ['reachable', 6],
    ]);
  });
});
