// onProgress: which steps a loading tells, and what becomes of an error that it throws.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { type LoadCOptions, loadC, loadWasm, type Progress, ToolchainError } from '../../src/index.ts';
import { programPath } from '../support/guest-programs.ts';

const cacheDir = mkdtempSync(join(tmpdir(), 'heapline-progress-'));
afterAll(() => rmSync(cacheDir, { recursive: true }));

const program = programPath('library.c');
const name = basename(program);
const options: LoadCOptions = { toolchain: 'clang', flags: ['-DPROGRESS'], cacheDir };

/** The beginnings of steps. A slow machine is also told that they go on. */
function begun(steps: readonly Progress[]): Progress[] {
  return steps.filter(
    ({ step, detail }, i) => step !== steps[i - 1]?.step || detail !== steps[i - 1]?.detail,
  );
}

/** Loads the program. Returns the sandbox and the steps, which grow later. */
async function told(more: LoadCOptions = {}) {
  const steps: Progress[] = [];
  const lib = await loadC(program, { ...options, ...more, onProgress: (step) => steps.push(step) });
  return { lib, steps };
}

const instrument = { step: 'instrument', detail: name } as const;

test('what is in the cache is not told, and symbols are when somebody asks for stacks', async () => {
  const first = await told();
  expect(begun(first.steps)).toEqual([
    { step: 'compile', detail: program, done: 0, total: 1 },
    { step: 'link' },
    instrument,
  ]);
  first.steps.length = 0;
  first.lib.heap.profile();
  first.lib.heap.leaks();
  expect(begun(first.steps)).toEqual([{ step: 'read symbols', detail: name }]);
  first.lib.dispose();

  // Another limit makes another module of the same linked one.
  const second = await told({ maxMemory: 2 ** 25 });
  expect(begun(second.steps)).toEqual([instrument]);
  second.lib.dispose();
  const third = await told({ maxMemory: 2 ** 25 });
  expect(third.steps).toEqual([]);
  third.lib.dispose();
});

test('checks of accesses are told as the other ways to instrument are', async () => {
  const first = await told({ access: true });
  expect(begun(first.steps).map(({ step }) => step)).toEqual(['compile', 'link', 'instrument']);
  first.lib.dispose();
});

test('steps that wait for nothing tell that they go on, and checks how many functions they have checked', async () => {
  // Each look at the clock takes long.
  let time = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (time += 200));
  onTestFinished(() => clock.mockRestore());
  const { lib, steps } = await told({ access: true, maxMemory: 2 ** 27 });
  const instrumenting = steps.filter(({ step }) => step === 'instrument');
  expect(instrumenting[0]).toEqual(instrument);
  const counts = instrumenting.flatMap(({ done, total }) => (total === undefined ? [] : [{ done, total }]));
  const { total } = counts[0]!;
  expect(counts.length).toBeGreaterThan(10);
  expect(counts.map(({ done }) => done)).toEqual(counts.map(({ done }) => done).sort((a, b) => a! - b!));
  expect(counts.every((count) => count.total === total && count.done! < total)).toBe(true);
  steps.length = 0;
  const profile = lib.heap.profile();
  expect(steps.length).toBeGreaterThan(1);
  expect(new Set(steps.map(({ step, detail }) => `${step} ${detail}`))).toEqual(
    new Set([`read symbols ${name}`]),
  );
  clock.mockRestore();
  expect(lib.heap.profile().topRows()).toEqual(profile.topRows());
  lib.dispose();
});

test('an error that it throws ends the loading, whatever it is, and later loadings succeed', async () => {
  const stop = new ToolchainError('clang', 'not of a toolchain');
  const failAt = (at: Progress['step']) => (progress: Progress) => {
    if (progress.step === at) throw stop;
  };
  const flags = ['-DPROGRESS=2'];
  const limit = { maxMemory: 2 ** 26 };
  for (const at of ['compile', 'link', 'instrument'] as const) {
    // With `auto`, an error of a toolchain would be a reason to try the next one.
    const toolchain = at === 'compile' ? 'auto' : 'clang';
    const failing = loadC(program, { ...options, ...limit, flags, toolchain, onProgress: failAt(at) });
    await expect(failing).rejects.toBe(stop);
  }
  const lib = await loadC(program, { ...options, ...limit, flags, onProgress: failAt('read symbols') });
  expect(() => lib.heap.profile()).toThrow(stop);
  expect(() => lib.heap.leaks()).toThrow(stop);
  lib.dispose();
});

test('loadWasm() tells nothing of bytes that are no module', async () => {
  const steps: Progress[] = [];
  const loading = loadWasm(new Uint8Array(8), { onProgress: (step) => steps.push(step) });
  await expect(loading).rejects.toThrow();
  expect(steps).toEqual([]);
});
