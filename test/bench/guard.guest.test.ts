// The regression guard of the benchmark: compares its instruction counts with counts made by hand, and tests its
// verdicts.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COUNTER, countingModule } from '../../bench/counting.ts';
import { judge } from '../../bench/guard.ts';

const source = `(module
  (memory 1)
  (global $calls (mut i32) (i32.const 0))
  (func $note
    (global.set $calls (i32.add (global.get $calls) (i32.const 1))))    ;; 3
  (func (export "straight") (result i32)
    (i32.mul (i32.add (i32.const 1) (i32.const 2)) (i32.const 3)))      ;; 2
  (func (export "loop") (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))        ;; 1 a round
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) ;; 2 a round
    (local.get $sum))
  (func (export "either") (param $which i32) (result i32)
    (if (result i32) (local.get $which)                                 ;; 1
      (then (call $note) (call $note) (global.get $calls))              ;; 2 × (1 + 3) + 1
      (else (i32.popcnt (i32.const 7)))))                               ;; 1
  (func (export "table") (param $which i32) (result i32)
    (block $two (block $one (block $zero
      (br_table $zero $one $two (local.get $which)))                    ;; 1
      (return (i32.clz (i32.const 1))))                                 ;; 2
      (return (i32.clz (i32.clz (i32.const 1)))))                       ;; 3
    (i32.ctz (i32.ctz (i32.ctz (i32.const 1)))))                        ;; 3
  (func (export "fill") (param $length i32)
    (memory.fill (i32.const 0) (i32.const 1) (local.get $length))))     ;; 1 + length / 16
`;

describe('counted instructions', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'heapline-counting-'));
  let module: WebAssembly.Module;
  beforeAll(() => {
    writeFileSync(path.join(folder, 'counted.wat'), source);
    execFileSync('wat2wasm', ['counted.wat', '-o', 'counted.wasm'], { cwd: folder });
    module = new WebAssembly.Module(countingModule(readFileSync(path.join(folder, 'counted.wasm'))));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = (name: string, ...args: number[]): [result: number | undefined, count: number] => {
    const { exports } = new WebAssembly.Instance(module);
    const result = (exports[name] as (...values: number[]) => number | undefined)(...args);
    return [result, Number((exports[COUNTER] as WebAssembly.Global).value)];
  };

  it('are those that make machine code', () => {
    expect(run('straight')).toEqual([9, 2]);
  });

  it('are counted once each time a loop goes round', () => {
    expect(run('loop', 1)).toEqual([1, 3]);
    expect(run('loop', 10)).toEqual([55, 30]);
  });

  it('cover the branch that is taken, including its callees', () => {
    expect(run('either', 1)).toEqual([2, 10]);
    expect(run('either', 0)).toEqual([3, 2]);
  });

  it('end where a function returns early', () => {
    expect(run('table', 0)).toEqual([31, 3]);
    expect(run('table', 1)).toEqual([27, 4]);
    expect(run('table', 2)).toEqual([5, 4]);
  });

  it('grow with the length of a bulk instruction', () => {
    expect(run('fill', 0)).toEqual([undefined, 1]);
    expect(run('fill', 1000)).toEqual([undefined, 63]);
  });
});

describe('the verdict of the guard', () => {
  const verdicts = (before: Record<string, number>, now: Record<string, number>): string[] =>
    judge(before, now, 1.1).map((j) => j.verdict);

  it('lets a value move within its margin in both directions', () => {
    expect(verdicts({ a: 1, b: 1 }, { a: 1.09, b: 0.92 })).toEqual(['yes', 'yes']);
  });

  it('distinguishes worse values from better ones', () => {
    expect(verdicts({ a: 1, b: 1 }, { a: 1.11, b: 0.9 })).toEqual(['NO', 'better']);
  });

  it('notices values that are missing in the baseline or in the run', () => {
    expect(verdicts({ gone: 1 }, { fresh: 1 })).toEqual(['gone', 'unknown']);
  });
});
