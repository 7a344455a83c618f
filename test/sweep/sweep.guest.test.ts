// sweep(): each allocation fails once, and then together with all later ones. The report names those that are handled
// badly, and what happened.

import { beforeAll, describe, expect, test } from 'vitest';
import {
  formatGitHub,
  formatJUnit,
  formatSarif,
  loadC,
  type Sandbox,
  StateError,
  type SweepProgress,
  type SweepReport,
  sweep,
  toJson,
} from '../../src/index.ts';
import { sweepOpen } from '../../src/sweep/index.ts';
import { assertSurvivesFailedAllocations, HeapAssertionError } from '../../src/testing/assert.ts';
import { setReportFolder } from '../../src/testing/failure-report.ts';
import '../../src/testing/vitest.ts';

type Functions = {
  make_one(): number;
  patient(): number;
  careful(count: number): number;
  files(): number;
  loses_anyway(): number;
  wrong(): number;
};
type Lib = Sandbox<Functions>;

const source = new URL('programs/fails-badly.c', import.meta.url).pathname;
const load = (options: object = {}) =>
  loadC<Functions>(source, { toolchain: 'clang', flags: ['-O0'], ...options });

const found = (report: SweepReport) =>
  report.findings.map(({ kind, allocation, modes }) => [
    allocation.number,
    kind,
    allocation.frames[0]!.function,
    allocation.frames[0]!.line,
    modes.join(),
  ]);

describe.each(['clang', 'emscripten'])('%s', (toolchain) => {
  test('names the allocations whose failure is handled badly, and what happened', async () => {
    const options = toolchain === 'clang' ? { access: true } : {};
    const report = await sweep(
      () => load({ toolchain, ...options }),
      (lib) => lib.exports.make_one(),
    );
    expect(report.allocations.map(({ frames }) => frames[0]!.line)).toEqual([12, 14, 17, 19, 41]);
    // Without checks of accesses, nobody sees the write through NULL, but what follows when all later ones fail, too.
    const modes = toolchain === 'clang' ? 'once,from-then-on' : 'from-then-on';
    expect(found(report)).toEqual([
      [2, 'leak', 'record_new', 14, 'once,from-then-on'],
      [3, 'fault', 'record_new', 17, modes],
      [4, 'fault', 'record_new', 19, 'once,from-then-on'],
    ]);
    const [leak] = report.findings;
    expect(leak!.consequence).toBe(
      '12 bytes in 1 block are lost, allocated in record_new (fails-badly.c:12)',
    );
    expect(report.findings.at(-1)!.faults[0]!.kind).toBe('double-free');
    expect([report.untried, report.runs]).toEqual([[], 10]);
  });
});

describe('assertions', () => {
  test('toSurviveFailedAllocations and assertSurvivesFailedAllocations', async () => {
    setReportFolder('');
    const lib = await load({ onError: 'throw' });
    const before = lib.heap.stats();
    await expect(() => lib.exports.careful(3)).toSurviveFailedAllocations(lib);
    await expect(() => lib.exports.make_one()).not.toSurviveFailedAllocations(lib);
    const failed = expect(() => lib.exports.make_one()).toSurviveFailedAllocations(lib);
    await expect(failed).rejects.toThrow(
      /handled well, but.*failed allocation: 5 bytes in record_new: when it fails/s,
    );
    await assertSurvivesFailedAllocations(lib, () => lib.exports.careful(3), { budget: '5 s' });
    const thrown = assertSurvivesFailedAllocations(lib, () => lib.exports.make_one());
    await expect(thrown).rejects.toThrow(HeapAssertionError);
    expect(lib.heap.stats()).toEqual(before);
    lib.dispose();
  });
});

describe('a sweep', () => {
  let report: SweepReport;
  beforeAll(async () => {
    report = await sweep(load, (lib) => lib.exports.make_one());
  });

  test('is the same each time', async () => {
    const again = await sweep(load, (lib) => lib.exports.make_one());
    expect(found(again)).toEqual(found(report));
  });

  test('has a report in every format', () => {
    const text = report.toText({ root: new URL('programs', import.meta.url).pathname });
    expect(text).toMatch(
      /failed allocation: 5 bytes in record_new: when it fails, 12 bytes in 1 block are lost/,
    );
    expect(text).toMatch(/fails-badly\.c:14/);
    expect(text).toMatch(/when it fails, pointer 0x\w+ was freed twice in record_new \(fails-badly\.c:23\)/);
    expect(text).toMatch(/5 distinct allocations, 10 runs in .* s: 3 handled badly/);
    const heap = report.toLeakReport();
    const options = { failedAllocations: true };
    expect(toJson(heap).failedAllocations.map(({ consequence }) => consequence)).toHaveLength(3);
    for (const written of [
      formatJUnit(heap, options),
      formatSarif(heap, options),
      formatGitHub(heap, options),
    ]) {
      expect(written).toContain('when it fails, 12 bytes in 1 block are lost');
    }
  });

  test('finds C that tries for ever', async () => {
    const endless = await sweep(load, (lib) => lib.exports.patient(), { timeout: 400 });
    expect(found(endless)).toEqual([[1, 'endless', 'patient', 51, 'from-then-on']]);
    expect(endless.findings[0]!.consequence).toMatch(
      /^the guest was stopped in patient\(\)|^the guest was stopped/,
    );
  });

  test('finds nothing in code that is right, in libc included', async () => {
    const careful = await sweep(load, (lib) => lib.exports.careful(20));
    expect([careful.isClean, careful.allocations.length, careful.runs]).toEqual([true, 2, 4]);
    expect(careful.toText()).toMatch(/2 distinct allocations, 4 runs in .*: no failure is handled badly/);
    const libc = await sweep(load, (lib) => lib.exports.files());
    const names = libc.allocations.map(({ frames }) => frames.map((frame) => frame.function).join());
    expect(names.some((name) => /fopen|fdopen/.test(name)) && names.some((name) => /strdup/.test(name))).toBe(
      true,
    );
    expect(libc.isClean).toBe(true);
  });

  test('does not blame failures for what is lost anyway', async () => {
    const anyway = await sweep(load, (lib) => lib.exports.loses_anyway());
    expect([anyway.allocations.length, found(anyway)]).toEqual([2, []]);
  });

  test('checks the condition of the caller, by its result or its error', async () => {
    const work = (lib: Lib) => lib.exports.wrong();
    const condition = (_: Lib, { result }: { result: unknown }) => result !== 7;
    const wrong = await sweep(load, work, { condition });
    expect(found(wrong)).toEqual([[1, 'condition', 'wrong', 86, 'once,from-then-on']]);
    const thrown = await sweep(load, work, {
      condition: (_, { result }) => expect(result, 'the result').toBeLessThan(7),
    });
    expect(thrown.findings[0]!.consequence).toMatch(/condition is not met: the result/);
    await expect(sweep(load, work, { condition: () => false })).rejects.toThrow(StateError);
  });

  test('stops at the budget and says what was not tried', async () => {
    const little = await sweep(load, (lib) => lib.exports.make_one(), { budget: 0.001 });
    expect(little.runs).toBeLessThan(10);
    expect(little.untried.length + little.runs).toBe(10);
    expect(little.toText()).toMatch(/runs were not made, because the budget was over/);
    await expect(sweep(load, () => 1, { budget: 'soon' })).rejects.toThrow(/10 s/);
  });

  test('tells how far it is', async () => {
    const told: SweepProgress[] = [];
    await sweep(load, (lib) => lib.exports.make_one(), {
      budget: '10 s',
      onProgress: (progress) => told.push(progress),
    });
    expect(told[0]).toEqual({ step: 'sweep', done: 0, total: 10, found: 0 });
  });

  test('ends with the error of a function that is told, and leaves the sandbox as it was', async () => {
    const lib = await load();
    const before = lib.heap.stats();
    const stop = new Error('enough');
    const onProgress = (): never => {
      throw stop;
    };
    await expect(sweepOpen(lib, ({ exports }) => exports.make_one(), { onProgress })).rejects.toBe(stop);
    expect([lib.heap.stats(), lib.exports.make_one()]).toEqual([before, expect.any(Number)]);
    lib.dispose();
  });

  test('takes async work and programs, and leaves a sandbox that is open as it was', async () => {
    const lib = await load();
    lib.exports.careful(3);
    const before = lib.heap.stats();
    const async = await sweepOpen(lib, async ({ exports }) => exports.make_one());
    const program = await sweepOpen(lib, (each) => each.run());
    expect([found(async), found(program)].map((each) => each.map(([, kind]) => kind))).toEqual([
      ['leak', 'fault', 'fault'],
      ['leak', 'fault', 'fault'],
    ]);
    expect([lib.heap.stats(), lib.heap.faults()]).toEqual([before, []]);
    lib.dispose();
  });
});
