/**
 * The entry `heapline/assert`: the checks for every test runner that treats a thrown error as a failure, such as
 * node:test, jest and mocha. When the work is an async function, the assertion returns a promise: await it.
 *
 * @module assert
 */

import '../node/install.ts';
import '../profile/install-presentation.ts';
import '../serve/join.ts';
import { fileURLToPath } from 'node:url';
import { HeaplineError, InvalidArgumentError } from '../errors.ts';
import type { GrowthOptions } from '../leaks/index.ts';
import { callback } from '../options/option-rules.ts';
import { type OptionTable, readOptions } from '../options/option-table.ts';
import { LeakError, pointAt } from '../report/index.ts';
import { ASSERT_LEAKS_OPTIONS, type AssertLeaksOptions } from '../sandbox/index.ts';
import type { SweepOptions } from '../sweep/index.ts';
import { AutoCheck } from './auto-check.ts';
import { reported } from './failure-report.ts';
import { type HeapBaselineOptions, judgeBaseline, type Situation } from './judge-baseline.ts';
import {
  type AllocationLimits,
  after,
  checkSandbox,
  checkWork,
  judgeAllocations,
  judgeGrowth,
  judgeLeaks,
  judgeSweep,
  judgeWork,
  type Verdict,
  type WithHeap,
} from './judgements.ts';

export type {
  AllocationLimits,
  AssertLeaksOptions,
  GrowthOptions,
  HeapBaselineOptions,
  SweepOptions,
  WithHeap,
};
export { LeakError };

/** An expectation about the heap was not met. For leaks, the error is a LeakError. */
export class HeapAssertionError extends HeaplineError {
  readonly code = 'HEAPLINE_ASSERTION';

  /** @internal */
  override name = 'HeapAssertionError';
}

/** What an assertion returns: nothing for synchronous work, a promise for async work. */
export type Done<T> = T extends PromiseLike<unknown> ? Promise<undefined> : undefined;

type AnyFunction = (...args: never[]) => unknown;

/** Asserts that the heap holds no lost blocks, and that there was no heap fault. */
export function assertNoLeaks(lib: WithHeap, options: AssertLeaksOptions = {}): void {
  checkSandbox('assertNoLeaks', lib);
  const verdict = judgeLeaks('assertNoLeaks', lib, options);
  if (verdict.found) fail([verdict], assertNoLeaks);
}

/** Asserts that the work leaves no lost blocks behind and causes no heap fault. */
export function assertDoesNotLeak<T>(
  lib: WithHeap,
  work: () => T,
  options: AssertLeaksOptions = {},
): Done<T> {
  checkSandbox('assertDoesNotLeak', lib);
  checkWork('assertDoesNotLeak', work);
  return after(judgeWork('assertDoesNotLeak', lib, work, options), (verdict) => {
    if (verdict.found) fail([verdict], assertDoesNotLeak);
    return undefined;
  }) as Done<T>;
}

/** Asserts that the work leaves lost blocks behind: for tests of a known leak. */
export function assertLeaks<T>(lib: WithHeap, work: () => T, options: AssertLeaksOptions = {}): Done<T> {
  checkSandbox('assertLeaks', lib);
  checkWork('assertLeaks', work);
  return after(judgeWork('assertLeaks', lib, work, options), ({ leaks }) => {
    if (leaks!.of(options.kinds ?? ['definite', 'indirect']).length > 0) return undefined;
    throw traced(new HeapAssertionError('The work was expected to leak, and it did not.'), assertLeaks);
  }) as Done<T>;
}

/** Asserts that the work allocates no more than this, whether or not it frees the memory. */
export function assertAllocatesAtMost<T>(lib: WithHeap, work: () => T, limits: AllocationLimits): Done<T>;
/** @deprecated The limits go last, like the options of the other assertions: (lib, work, limits). */
export function assertAllocatesAtMost<T>(lib: WithHeap, limits: AllocationLimits, work: () => T): Done<T>;
export function assertAllocatesAtMost<T>(
  lib: WithHeap,
  second: (() => T) | AllocationLimits,
  third: AllocationLimits | (() => T),
): Done<T> {
  const old = typeof third === 'function' && typeof second !== 'function';
  if (old) warnOfOldOrder();
  const [work, limits] = (old ? [third, second] : [second, third]) as [() => T, AllocationLimits];
  checkSandbox('assertAllocatesAtMost', lib);
  checkWork('assertAllocatesAtMost', work);
  return after(judgeAllocations('assertAllocatesAtMost', lib, work, limits), (verdict) => {
    if (verdict.found) fail([verdict], assertAllocatesAtMost);
    return undefined;
  }) as Done<T>;
}

let warnedOfOldOrder = false;

function warnOfOldOrder(): void {
  if (warnedOfOldOrder) return;
  warnedOfOldOrder = true;
  process.emitWarning(
    'assertAllocatesAtMost(lib, limits, work) has another order now: assertAllocatesAtMost(lib, work, limits).',
    { type: 'DeprecationWarning', code: 'HEAPLINE_ARGUMENT_ORDER' },
  );
}

/**
 * Asserts that the work allocates no more than when the baseline was written. The baseline of a test file is kept beside
 * it, in `__heap__`. New entries are written, except in CI. The test runner's flag for snapshots (`jest -u`,
 * `node --test-update-snapshots`) or HEAPLINE_UPDATE_BASELINES=1 writes them anew. Outside of jest and vitest, give
 * the entry a name.
 */
export function assertMatchesHeapBaseline<T>(
  lib: WithHeap,
  work: () => T,
  options: HeapBaselineOptions = {},
): Done<T> {
  checkSandbox('assertMatchesHeapBaseline', lib);
  checkWork('assertMatchesHeapBaseline', work);
  const situation = situationAt(placeOf(assertMatchesHeapBaseline));
  const judged = judgeBaseline('assertMatchesHeapBaseline', lib, work, options, situation);
  return after(judged, (verdict) => {
    if (verdict.found) fail([verdict], assertMatchesHeapBaseline);
    return undefined;
  }) as Done<T>;
}

/** What jest says about the current test. Vitest says the same. */
interface ExpectState {
  readonly testPath?: string;
  readonly currentTestName?: string;
  readonly snapshotState?: { readonly _updateSnapshot?: unknown };
}

/** What is known about the current test: from jest, otherwise from the place of the assertion and the command line. */
function situationAt({ file }: Place): Situation {
  const { expect } = globalThis as { readonly expect?: { readonly getState?: () => ExpectState } };
  const { testPath, currentTestName, snapshotState } = expect?.getState?.() ?? {};
  const testFile = testPath ?? file;
  if (testFile === '') {
    throw new InvalidArgumentError(
      'lib',
      'assertMatchesHeapBaseline() cannot know the test file here: call it from a function of that file.',
    );
  }
  const flag = snapshotState?._updateSnapshot;
  return {
    testFile,
    testName: testPath === undefined ? null : (currentTestName ?? null),
    update: flag === 'all' || flag === 'none' ? flag : updateByEnvironment(),
    updateAdvice:
      testPath === undefined
        ? 'Set HEAPLINE_UPDATE_BASELINES=1 to write the baseline anew.'
        : "Use the test runner's flag -u to write the baseline anew.",
    allTests: null,
    run: snapshotState ?? globalThis,
  };
}

function updateByEnvironment(): Situation['update'] {
  const { CI, HEAPLINE_UPDATE_BASELINES } = process.env;
  const flags = [...process.execArgv, ...process.argv.slice(2)];
  if (HEAPLINE_UPDATE_BASELINES === '1' || flags.includes('--test-update-snapshots')) return 'all';
  return CI === undefined || CI === '' || CI === 'false' ? 'new' : 'none';
}

/** Asserts that the work, repeated, does not leave more behind each time. */
export function assertDoesNotGrow<T>(lib: WithHeap, work: () => T, options: GrowthOptions = {}): Done<T> {
  checkSandbox('assertDoesNotGrow', lib);
  checkWork('assertDoesNotGrow', work);
  return after(judgeGrowth(lib, work, options), (verdict) => {
    if (verdict.found) fail([verdict], assertDoesNotGrow);
    return undefined;
  }) as Done<T>;
}

/** Asserts that the work, repeated, leaves more behind each time. */
export function assertGrows<T>(lib: WithHeap, work: () => T, options: GrowthOptions = {}): Done<T> {
  checkSandbox('assertGrows', lib);
  checkWork('assertGrows', work);
  return after(judgeGrowth(lib, work, options), (verdict) => {
    if (verdict.found) return undefined;
    throw traced(new HeapAssertionError(`Growth was expected, but ${verdict.message()}.`), assertGrows);
  }) as Done<T>;
}

/**
 * Asserts that nothing traps, loses blocks, misuses the heap or loops for ever when an allocation of the work fails, once
 * alone and once with all later ones. The sandbox is restored before each call of the work, and at the end.
 */
export async function assertSurvivesFailedAllocations(
  lib: WithHeap,
  work: () => unknown,
  options: SweepOptions = {},
): Promise<void> {
  checkSandbox('assertSurvivesFailedAllocations', lib);
  checkWork('assertSurvivesFailedAllocations', work);
  const place = placeOf(assertSurvivesFailedAllocations);
  const verdict = await judgeSweep(lib, work, options);
  if (verdict.found) fail([verdict], assertSurvivesFailedAllocations, place);
}

/** The hooks of a test runner, and the leaks that fail a test. */
export interface AutoCheckHooks extends AssertLeaksOptions {
  /** The test runner's own function of this name. */
  readonly beforeEach: (hook: () => void) => unknown;
  /** The test runner's own function of this name. */
  readonly afterEach: (hook: () => void) => unknown;
}

const AUTO_CHECK_OPTIONS = {
  ...ASSERT_LEAKS_OPTIONS,
  beforeEach: callback(),
  afterEach: callback(),
} satisfies OptionTable<AutoCheckHooks>;

/**
 * Checks every sandbox at the end of each test. A sandbox that the test opened is checked as a whole; a sandbox that
 * was open before is checked for the allocations of the test. Call it once per test file, with the runner's hooks:
 * `autoCheck({ beforeEach, afterEach })`.
 * It checks in an `afterEach` hook, which should run last: in node:test, jest and mocha this is the hook that is
 * registered last on the outermost level, in vitest the one that is registered first.
 */
export function autoCheck(hooks: AutoCheckHooks): void {
  const { beforeEach, afterEach, ...settings } = readOptions('autoCheck', hooks, AUTO_CHECK_OPTIONS);
  if (beforeEach === undefined || afterEach === undefined) {
    throw new InvalidArgumentError(
      'hooks',
      "autoCheck() needs the test runner's hooks: autoCheck({ beforeEach, afterEach }).",
    );
  }
  // In a hook, the stack has no frame of the test file.
  const place = placeOf(autoCheck);
  // Tests of node:test may contain tests. Runners that tell hooks the name of the test tell both hooks the same name.
  const open: { readonly test: unknown; readonly check: AutoCheck }[] = [];
  // These are rest parameters because mocha and jest wait for a callback when a hook names a parameter.
  beforeEach((...[test]: unknown[]) => {
    open.push({ test, check: new AutoCheck(settings) });
  });
  afterEach((...[test]: unknown[]) => {
    const at = open.findLastIndex((entry) => entry.test === test);
    const verdicts = at < 0 ? [] : open.splice(at, 1)[0]!.check.end();
    if (verdicts.length > 0) fail(verdicts, autoCheck, { ...place, test: nameOf(test) });
  });
}

/** The place of an assertion. */
interface Place {
  /** '' when the file is unknown. */
  readonly file: string;
  /** The line, or the name of the test. */
  readonly test: string;
}

function fail(verdicts: readonly Verdict[], caller: AnyFunction, place: Place = placeOf(caller)): never {
  const text = verdicts.map((verdict) => reported(place.file, place.test, verdict)).join('\n\n');
  const { leaks } = verdicts[0]!;
  const error = leaks === null ? new HeapAssertionError(capitalised(text)) : new LeakError(leaks);
  // Without the frames of the test runner.
  if (leaks !== null) error.message = `the heap is not clean\n\n${text}`;
  throw pointAt(traced(error, caller), verdicts[0]!.stack(), verdicts[0]!.root, {
    assertion: caller !== autoCheck,
    allocates: verdicts[0]!.leaks?.allocates,
  });
}

// The stack starts with the message and the caller of the assertion.
function traced<E extends Error>(error: E, caller: AnyFunction): E {
  Error.captureStackTrace(error, caller);
  return error;
}

function placeOf(caller: AnyFunction): Place {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, caller);
  const frame = holder.stack?.split('\n').find((line) => /:\d+:\d+\)?$/.test(line) && !/node:/.test(line));
  const match = /^\s*at (?:async )?(?:.*? \()?(.+?):(\d+):\d+\)?$/.exec(frame ?? '');
  if (match === null) return { file: '', test: 'assertion' };
  const [, file, line] = match as unknown as [string, string, string];
  return { file: file.startsWith('file:') ? fileURLToPath(file) : file, test: line };
}

/** The name of the test, which node:test passes to its hooks; '' for other runners. */
function nameOf(test: unknown): string {
  const { name } = (test ?? {}) as { name?: unknown };
  return typeof name === 'string' ? name : '';
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
