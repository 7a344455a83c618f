// The programs against the native oracles. What the programs expect is what Valgrind finds, context by context, and
// what LeakSanitizer finds as far as it can. The opening comment of a program names every difference. verdicts.md has
// the table of verdicts.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leakKinds } from '../../src/report/index.ts';
import {
  compareFaults,
  compareLeaks,
  lostLeaks,
  type Program,
  readPrograms,
  unsplit,
} from '../support/leak-programs.ts';
import { buildNative, judgeWithLeakSanitizer, judgeWithValgrind, type NativeVerdict } from './native.ts';

const HEADING = `# Verdicts on the leak programs

Written by native.witness.test.ts. LeakSanitizer is asked only about lost blocks: it knows no possible losses and
reports nothing that is reachable.
`;

const programs = readPrograms();
const names = programs.map((program) => program.name);
let folder: string;
let valgrind: Map<string, NativeVerdict>;
let leakSanitizer: Map<string, NativeVerdict>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heapline-native-'));
  const build = await buildNative(programs, folder);
  [valgrind, leakSanitizer] = await Promise.all([
    judgeWithValgrind(programs, build.plain, folder),
    judgeWithLeakSanitizer(programs, build.sanitized, folder),
  ]);
  // Valgrind takes any word of a native process that happens to be an address within a block for a pointer to the
  // block. Such words differ from run to run; one of them has made the lost block of megabytes possibly lost.
  // Differences that the program itself causes are there in every run.
  for (let again = 0; again < 2 && programs.some(mayBeChance); again++) {
    const second = await judgeWithValgrind(programs, build.plain, folder);
    for (const program of programs.filter(mayBeChance)) valgrind.set(program.name, second.get(program.name)!);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function valgrindDifferences(program: Program): string[] {
  const { records, faults } = valgrind.get(program.name)!;
  return [...compareLeaks(program, records, 64), ...compareFaults(program, faults)];
}

/** True when Valgrind differs and the program does not announce a difference. */
function mayBeChance(program: Program): boolean {
  return !program.differences.has('valgrind') && valgrindDifferences(program).length > 0;
}

function leakSanitizerDifferences(program: Program): string[] {
  const { records, faults } = leakSanitizer.get(program.name)!;
  const merged = program.differences.has('lsan-split');
  const wanted = merged ? unsplit(lostLeaks(program)) : lostLeaks(program);
  const found = merged ? records.map((record) => ({ ...record, kind: 'definite' as const })) : records;
  return [...compareLeaks(wanted, found, 64), ...compareFaults(program, faults)];
}

describe('the suite', () => {
  test('consists of pairs: each program that leaks or misuses the heap has a clean twin', () => {
    const stems = (ending: RegExp) =>
      names.filter((name) => ending.test(name)).map((name) => name.replace(ending, ''));
    expect(stems(/-(leak|bad)$/).sort()).toEqual(stems(/-clean$/).sort());
    for (const program of programs) {
      const isClean = program.leaks.length === 0 && program.faults.length === 0;
      expect([program.name, isClean]).toEqual([program.name, program.name.endsWith('-clean')]);
    }
  });

  test('has programs for every class and for every misuse that C allows', () => {
    const kinds = new Set(programs.flatMap((program) => program.leaks.map((leak) => leak.kind)));
    expect([...kinds].sort()).toEqual([...leakKinds].sort());
    const faults = new Set(programs.flatMap((program) => program.faults.map((fault) => fault.kind)));
    expect([...faults].sort()).toEqual([
      'double-free',
      'foreign-free',
      'interior-free',
      'realloc-foreign',
      'realloc-freed',
    ]);
  });
});

describe('Valgrind agrees on', () => {
  test.each(programs.filter((program) => !program.differences.has('valgrind')))('$name', (program) => {
    expect(valgrindDifferences(program)).toEqual([]);
  });
});

describe('LeakSanitizer agrees on', () => {
  test.each(programs.filter((program) => !program.differences.has('lsan')))('$name', (program) => {
    expect(leakSanitizerDifferences(program)).toEqual([]);
  });
});

describe('an explained difference still exists in', () => {
  test.each(programs.filter((program) => program.differences.size > 0))('$name', (program) => {
    if (program.differences.has('valgrind')) expect(valgrindDifferences(program)).not.toEqual([]);
    if (program.differences.has('lsan')) expect(leakSanitizerDifferences(program)).not.toEqual([]);
    if (program.differences.has('lsan-split')) {
      const { records } = leakSanitizer.get(program.name)!;
      expect(compareLeaks(lostLeaks(program), records, 64)).not.toEqual([]);
    }
  });
});

test('the table of verdicts is up to date', async () => {
  const verdict = (program: Program, checker: string, differences: string[]) =>
    program.differences.get(checker) ?? (differences.length === 0 ? 'agrees' : differences.join('; '));
  const rows = programs.map((program) => {
    const faults = program.faults.map((fault) => `${fault.kind} on line ${fault.line}`);
    const leaks = program.leaks.map(
      (leak) =>
        `${leak.kind} ${leak.blocks ?? '*'} on ${leak.line === null ? 'some line' : `line ${leak.line}`}`,
    );
    const split = program.differences.get('lsan-split');
    return [
      program.name,
      [...faults, ...leaks].join(', ') || 'clean',
      verdict(program, 'valgrind', valgrindDifferences(program)),
      split ?? verdict(program, 'lsan', leakSanitizerDifferences(program)),
    ];
  });
  const table = [['program', 'expected: class and blocks', 'Valgrind', 'LeakSanitizer'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`,
  );
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  await expect(`${HEADING}\n${lines.join('\n')}\n`).toMatchFileSnapshot('verdicts.md');
});
