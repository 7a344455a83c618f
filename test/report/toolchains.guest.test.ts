// Stacks, and with them suppressions and baselines, are the same with every toolchain: a baseline that one has
// written knows the leaks of the others.

import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LeakReport, loadC } from '../../src/index.ts';
import { parseSuppressions, suppress } from '../../src/report/index.ts';
import { applyBaseline, baselineOf, formatBaseline, parseBaseline } from '../../src/report/writers.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const root = fileURLToPath(new URL('.', import.meta.url));

/** The C++ library for `clang` need not be installed. */
const C = ['emscripten', 'clang', 'embedded'] as const;
const CXX = ['emscripten', 'embedded'] as const;

const programs = [
  { name: 'main()', source: 'toolchains.c', flags: [], toolchains: C },
  { name: 'main(argc, argv)', source: 'toolchains.c', flags: ['-DWITH_ARGUMENTS'], toolchains: C },
  { name: 'C++', source: 'toolchains.cpp', flags: [], toolchains: CXX },
] as const;

/** The program's own frames. What libc calls its functions within itself is its own matter. */
function stacks(report: LeakReport): string[] {
  return report.records
    .map(({ bytes, frames }) => {
      const own = frames.filter(
        ({ language, file }) => language === 'c' && basename(file).startsWith('toolchains.'),
      );
      return `${bytes} ${own.map((frame) => `${frame.function}:${frame.line}`).join(' < ')}`;
    })
    .sort();
}

describe.each(programs.flatMap((program) => ['-O0', '-O2'].map((level) => ({ ...program, level }))))(
  '$name $level',
  ({ source, flags, level, toolchains }) => {
    const reports = new Map<string, LeakReport>();
    beforeAll(async () => {
      for (const toolchain of toolchains) reports.set(toolchain, await reportBy(toolchain, level));
    });

    async function reportBy(toolchain: (typeof C)[number], level: string): Promise<LeakReport> {
      using sandbox = await loadC(pathOf(source), { toolchain, flags: [level, ...flags] });
      expect(sandbox.run().exitCode).toBe(0);
      return sandbox.heap.leaks();
    }

    it('has the same stacks, which end at main', () => {
      const [first, ...others] = [...reports.values()].map(stacks);
      expect(first!.length).toBeGreaterThan(1);
      for (const other of others) expect(other).toEqual(first);
      for (const report of reports.values()) {
        for (const { frames } of report.records) {
          const outermost = frames.filter(({ language }) => language === 'c').at(-1)!;
          expect([outermost.function, basename(outermost.file)]).toEqual(['main', source]);
        }
      }
    });

    it.each(toolchains)('has a baseline by %s that knows the leaks of the others', (writer) => {
      const text = formatBaseline(baselineOf(reports.get(writer)!, { root }));
      expect(text).not.toContain('operator new');
      for (const report of reports.values()) {
        const { records, known, errors } = applyBaseline(report, parseBaseline(text, 'baseline.json'), {
          root,
        });
        expect(errors).toEqual([]);
        expect(records.map(({ frames }) => frames.map((frame) => frame.function))).toEqual([]);
        expect(known!.length).toBe(report.records.length);
      }
    });

    it.each(toolchains)(
      'has a baseline by %s that knows the leaks and heap faults at the other level',
      async (writer) => {
        const report = reports.get(writer)!;
        expect(report.errors).toHaveLength(source.endsWith('.c') ? 1 : 0);
        const other = await reportBy(writer, level === '-O0' ? '-O2' : '-O0');
        const text = formatBaseline(baselineOf(other, { root }));
        const after = applyBaseline(report, parseBaseline(text, 'baseline.json'), { root });
        expect(after.records.map(({ frames }) => frames.map((frame) => frame.function))).toEqual([]);
        expect(after.isClean()).toBe(true);
      },
    );

    it('has suppressions for all', () => {
      const rules = parseSuppressions('leak:make\nleak:copy\nleak:chain\nleak:main\n', 'leaks.supp');
      for (const report of reports.values()) expect(suppress(report, rules).records).toEqual([]);
    });
  },
);
