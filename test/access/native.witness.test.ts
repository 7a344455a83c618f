// AddressSanitizer as the oracle: the same functions, compiled natively, get the same verdicts from it. It finds each
// wrong access with the same kind, direction, size, distance and line, and nothing in the functions without the fault.
// With HEAPLINE_FULL=1 all functions are asked at two levels of optimisation.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FULL } from '../support/full.ts';
import { type AccessCase, accessCases, accessSource, lineOf } from './cases.ts';
import { type VariableCase, variableCases } from './variable-cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-native-access-'));
const source = join(folder, 'cases.c');
writeFileSync(source, accessSource(true));
afterAll(() => rmSync(folder, { recursive: true }));

/** What AddressSanitizer's report says, in the words of ours. */
function verdict(report: string) {
  const [, kind] = /AddressSanitizer: ([\w-]+) on address/.exec(report) ?? [];
  const [, direction, size] = /^(READ|WRITE) of size (\d+)/m.exec(report) ?? [];
  const place =
    /is located (\d+) bytes? (to the right of|to the left of|after|before|inside of) (\d+)-byte region/.exec(
      report,
    );
  // The stack of the access comes before those of the block.
  const line = new RegExp(`^ *#\\d+ 0x[0-9a-f]+ in \\w+ ${source}:(\\d+)`, 'm').exec(report)?.[1];
  return {
    kind,
    access: direction?.toLowerCase(),
    size: Number(size),
    distance: place && `${place[1]} ${sides[place[2]!]} ${place[3]}`,
    line: Number(line),
  };
}

const sides: Readonly<Record<string, string>> = {
  'to the right of': 'past',
  after: 'past',
  'to the left of': 'before',
  before: 'before',
  'inside of': 'into',
};

/** The same of what is expected of us: `0 past 20`. */
function distanceOf(position: string): string {
  const [, distance, side, size] = /^([\d,]+) bytes? (past|before|into).* block of ([\d,]+) bytes?$/.exec(
    position,
  )!;
  return [distance!.replaceAll(',', ''), side, size!.replaceAll(',', '')].join(' ');
}

/** What the report says of the variables that may have been missed, in words such as `v 0 past 20`. */
function variablesIn(report: string): string[] {
  const onStack = /\[(\d+), (\d+)\) '([^']*)'.*<== Memory access at offset (\d+)/.exec(report);
  if (onStack !== null) {
    const [start, end, at] = [Number(onStack[1]), Number(onStack[2]), Number(onStack[4])];
    const size = end - start;
    if (at < start) return [`${onStack[3]} ${start - at} before ${size}`];
    const inside = /stack-use-after-scope/.test(report);
    return [
      inside
        ? `${onStack[3]} ${at - start} into ${size}`
        : `${onStack[3]} ${Math.max(0, at - end)} past ${size}`,
    ];
  }
  const globals = report.matchAll(
    /is located (\d+) bytes? (to the right of|to the left of|after|before|inside of) global variable '([^']*)'.* of size (\d+)/g,
  );
  return [...globals].map(
    ([, distance, side, name, size]) =>
      `${name!.replace(/^\*\.LC\d+$/, '')} ${distance} ${sides[side!]} ${size}`,
  );
}

const askedOfVariables = variableCases.filter((_, index) => FULL || index % 4 === 0);
const asked = accessCases.filter(({ differs }, index) => differs === undefined && (FULL || index % 4 === 0));

describe.each(FULL ? ['-O0', '-Og'] : ['-O0'])('AddressSanitizer at %s', (level) => {
  const program = join(folder, `cases${level}`);
  const run = (...args: string[]): string =>
    spawnSync(program, args, {
      encoding: 'utf8',
      env: { ASAN_OPTIONS: 'detect_leaks=0', PATH: process.env.PATH },
    }).stderr;

  beforeAll(() => {
    const flags = [level, '-g', '-w', '-fsanitize=address', '-fno-inline', '-fno-builtin'];
    const { status, stderr } = spawnSync('gcc', [...flags, source, '-o', program], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it.each(asked.map((each) => [each.name, each] as const))('agrees on %s', (name, each: AccessCase) => {
    expect(run(name, 'good')).toBe('');
    const found = verdict(run(name));
    expect(found).toEqual({
      kind: each.kind,
      access: each.access,
      size: each.size === 0 ? found.size : each.size,
      distance: distanceOf(each.position),
      line: lineOf(name),
    });
  });

  it.each(askedOfVariables.map((each) => [each.name, each] as const))(
    'agrees on %s, beside a variable',
    (name, each: VariableCase) => {
      expect(run(name, 'good')).toBe('');
      const report = run(name);
      const { kind, access, size, line } = verdict(report);
      expect({ kind, access, line }).toEqual({
        kind: each.native ?? each.kind,
        access: each.access,
        line: lineOf(name),
      });
      if (each.size !== 0) expect(size).toBe(each.size);
      // It says nothing of memory of alloca.
      if (each.kind === 'dynamic-stack-buffer-overflow') return;
      expect(variablesIn(report)).toContain(`${each.variable} ${each.place.join(' ')}`);
    },
  );
});
