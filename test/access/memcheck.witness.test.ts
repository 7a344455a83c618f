// Valgrind as the second oracle: its memcheck finds the same wrong accesses in the same functions, compiled natively, with
// the same direction, distance from the block and line. docs/access-verdicts.md has the verdicts of all judges.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accessCases, accessSource, lineOf } from './cases.ts';
import { verdictTable } from './verdict-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-memcheck-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Verdict {
  readonly access: string;
  /** `0 past 20`, as of the first byte that must not be touched. */
  readonly distance: string;
}

/** The first error of each function, by the line on which it stands; other lines are those of functions that it calls. */
const verdicts = new Map<number, Verdict>();

/** Turns memcheck's words about the address of an access into those about its first wrong byte. */
function distanceOf(words: string, size: number): string {
  const [, at, where, of, state] =
    /is ([\d,]+) bytes (inside|after|before) a block of size ([\d,]+) (alloc'd|free'd)/.exec(words) ?? [];
  if (at === undefined) return words;
  const [distance, block] = [Number(at.replaceAll(',', '')), Number(of!.replaceAll(',', ''))];
  if (where === 'after') return `${distance} past ${block}`;
  if (where === 'before') return `${distance} before ${block}`;
  if (state === "free'd") return `${distance} into ${block}`;
  // An access that begins inside of a block in use goes past its end.
  return distance + size > block ? `0 past ${block}` : words;
}

beforeAll(() => {
  const source = join(folder, 'cases.c');
  const program = join(folder, 'cases');
  const report = join(folder, 'report.xml');
  writeFileSync(source, accessSource(true, true));
  const flags = ['-O0', '-g', '-w', '-fno-inline', '-fno-builtin'];
  expect(spawnSync('gcc', [...flags, source, '-o', program], { encoding: 'utf8' }).stderr).toBe('');
  const valgrind = ['--leak-check=no', '--undef-value-errors=no', '--xml=yes', `--xml-file=${report}`];
  const { status } = spawnSync('valgrind', [...valgrind, program], { encoding: 'utf8' });
  expect(status).toBe(0);
  for (const [, error] of readFileSync(report, 'utf8').matchAll(/<error>(.*?)<\/error>/gs)) {
    const [, direction, size] = /<what>Invalid (read|write) of size (\d+)/.exec(error!) ?? [];
    const [stack] = /<stack>.*?<\/stack>/s.exec(error!)!;
    const line = Number(/<file>cases\.c<\/file>\s*<line>(\d+)/.exec(stack)?.[1]);
    const [, words] = /<auxwhat>(Address .*?)<\/auxwhat>/.exec(error!) ?? [];
    if (direction === undefined || verdicts.has(line)) continue;
    verdicts.set(line, {
      access: direction,
      distance: distanceOf(words!.replaceAll('&apos;', "'"), Number(size)),
    });
  }
});

const asked = accessCases.filter(({ memcheck }) => memcheck === undefined);

it.each(asked.map((each) => [each.name, each] as const))('memcheck agrees on %s', (name, each) => {
  const [, distance, side, size] = /^([\d,]+) bytes? (past|before|into).* block of ([\d,]+) bytes?$/.exec(
    each.position,
  )!;
  expect(verdicts.get(lineOf(name))).toEqual({
    access: each.access,
    distance: [distance!.replaceAll(',', ''), side, size!.replaceAll(',', '')].join(' '),
  });
});

it('docs/access-verdicts.md has the verdicts', () => {
  expect(readFileSync('docs/access-verdicts.md', 'utf8')).toBe(verdictTable());
});
