/**
 * The entry `heapline/vitest`: matchers about the heap. Import it in a test or a setup file to add them to `expect`:
 *
 * ```ts
 * await expect(lib).toHaveNoLeaks();
 * await expect(() => lib.exports.handle(request)).not.toLeak(lib);
 * await expect(() => lib.exports.handle(request)).toAllocateAtMost(lib, { bytes: 4096, objects: 10 });
 * await expect(() => lib.exports.handle(request)).toMatchHeapBaseline(lib);
 * await expect(() => lib.exports.handle(request)).not.toGrow(lib);
 * ```
 *
 * @module vitest
 */

import '../node/install.ts';
import '../profile/install-presentation.ts';
import '../serve/join.ts';
import { expect } from 'vitest';
import { InvalidArgumentError } from '../errors.ts';
import type { GrowthOptions } from '../leaks/index.ts';
import { defaultLeakKinds, pointAt } from '../report/index.ts';
import type { AssertLeaksOptions } from '../sandbox/index.ts';
import type { SweepOptions } from '../sweep/index.ts';
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

/** The matchers that heapline/vitest adds. Await them, because the work may be asynchronous. */
export interface HeaplineMatchers {
  /** The sandbox's heap holds no lost blocks, and there was no heap fault. */
  toHaveNoLeaks(options?: AssertLeaksOptions): Promise<void>;
  /** The function leaves lost blocks behind. With `.not`: it leaves none and causes no heap fault. */
  toLeak(lib: WithHeap, options?: AssertLeaksOptions): Promise<void>;
  /** The function allocates no more than this, whether or not it frees the memory. */
  toAllocateAtMost(lib: WithHeap, limits: AllocationLimits): Promise<void>;
  /**
   * The function allocates no more than when the baseline was written, which is kept beside the test file in `__heap__`.
   * New entries are written, except in CI; `vitest -u` writes all of them anew.
   */
  toMatchHeapBaseline(lib: WithHeap, options?: HeapBaselineOptions): Promise<void>;
  /**
   * Each allocation of the function is made to fail, once alone and once with all later ones: nothing traps, loses blocks,
   * misuses the heap or loops for ever. The sandbox is restored before each call, and at the end.
   */
  toSurviveFailedAllocations(lib: WithHeap, options?: SweepOptions): Promise<void>;
  /** The function leaves more behind each time it is called. */
  toGrow(lib: WithHeap, options?: GrowthOptions): Promise<void>;
}

// Vitest's own interface has other type parameters in each major version, and TypeScript merges declarations only
// when all of them agree. Vitest's assertions extend those of Chai in every version, and Chai's have no type
// parameters.
declare global {
  namespace Chai {
    interface Assertion extends HeaplineMatchers {}
  }
}

/** A test, a suite or a file, as far as names need it. */
interface Task {
  readonly type?: string;
  readonly name: string;
  readonly file?: Task;
  readonly tasks?: readonly Task[];
  readonly result?: { readonly retryCount?: number; readonly repeatCount?: number };
}

interface MatcherState {
  readonly isNot: boolean;
  readonly currentTestName?: string;
  readonly testPath?: string;
  /** Vitest's snapshots, whose flag of the command line counts for baselines, too. */
  readonly snapshotState?: object;
  readonly task?: Task;
  /** Chai's assertion, which contains the test's own message. */
  readonly assertion?: unknown;
}

interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** `good`: whether the test wants the finding to be absent, without regard to `.not`. */
function result(
  state: MatcherState,
  pass: boolean,
  verdict: Verdict,
  expected: string,
  good = false,
): MatcherResult {
  // Called only for failures.
  const message = (): string => {
    const bad = good ? !state.isNot : state.isNot;
    if (!bad) return `expected ${expected}: ${verdict.message()}`;
    const { testPath = '', currentTestName = 'test' } = state;
    const text = `expected ${expected}, but\n\n${reported(testPath, currentTestName, verdict)}`;
    // Thrown here, because vitest would build an error from the text and take lines that look like frames for its
    // stack.
    const error = new Error(`${messageOf(state.assertion)}${text}`);
    Error.captureStackTrace(error, message);
    throw pointAt(error, verdict.stack(), verdict.root, { allocates: verdict.leaks?.allocates });
  };
  return { pass, message };
}

/** The message of `expect(lib, 'what is expected')`, with which vitest begins a failure's message. */
function messageOf(assertion: unknown): string {
  const { message } = (assertion as { __flags?: { message?: unknown } } | undefined)?.__flags ?? {};
  return typeof message === 'string' && message !== '' ? `${message}: ` : '';
}

const runs = new WeakMap<object, Map<string, object>>();

/** What vitest knows of the current test. */
function situationOf({ testPath = '', currentTestName, snapshotState, task }: MatcherState): Situation {
  const { _updateSnapshot: update } = (snapshotState ?? {}) as { readonly _updateSnapshot?: unknown };
  const names = task?.file === undefined ? [] : namesIn(task.file, '');
  return {
    testFile: testPath,
    testName: currentTestName ?? null,
    update: update === 'all' || update === 'none' ? update : 'new',
    updateAdvice: 'Run vitest -u to write the baseline anew.',
    // If vitest makes names in another way, they say nothing about entries.
    allTests: currentTestName !== undefined && names.includes(currentTestName) ? names : null,
    run: runOf(task ?? snapshotState ?? expect, task),
  };
}

/** One object for each time that a test runs: a test that is repeated counts its baselines anew. */
function runOf(owner: object, task: Task | undefined): object {
  const { retryCount = 0, repeatCount = 0 } = task?.result ?? {};
  let ofOwner = runs.get(owner);
  if (ofOwner === undefined) {
    ofOwner = new Map();
    runs.set(owner, ofOwner);
  }
  const key = `${retryCount}/${repeatCount}`;
  const run = ofOwner.get(key) ?? {};
  ofOwner.set(key, run);
  return run;
}

function namesIn(task: Task, prefix: string): string[] {
  return (task.tasks ?? []).flatMap((each) => {
    const name = prefix + each.name;
    return each.type === 'suite' ? namesIn(each, `${name} > `) : [name];
  });
}

expect.extend({
  toHaveNoLeaks(this: MatcherState, lib: unknown, options: AssertLeaksOptions = {}): MatcherResult {
    checkSandbox('toHaveNoLeaks', lib);
    const verdict = judgeLeaks('toHaveNoLeaks', lib, options);
    const expected = this.isNot ? 'the heap to have leaks' : 'the heap to have no leaks';
    return result(this, !verdict.found, verdict, expected, true);
  },

  toLeak(this: MatcherState, work: unknown, lib: unknown, options: AssertLeaksOptions = {}) {
    checkWork('toLeak', work);
    checkSandbox('toLeak', lib);
    return after(judgeWork('toLeak', lib, work, options), (verdict) => {
      // A heap fault is not a leak, but the work is not clean either.
      const pass = this.isNot
        ? verdict.found
        : verdict.leaks!.of(options.kinds ?? defaultLeakKinds).length > 0;
      return result(this, pass, verdict, this.isNot ? 'the work not to leak' : 'the work to leak');
    });
  },

  toAllocateAtMost(this: MatcherState, work: unknown, lib: unknown, limits: AllocationLimits) {
    checkWork('toAllocateAtMost', work);
    checkSandbox('toAllocateAtMost', lib);
    return after(judgeAllocations('toAllocateAtMost', lib, work, limits), (verdict) =>
      result(
        this,
        !verdict.found,
        verdict,
        `the work to allocate ${this.isNot ? 'more than' : 'at most'} that`,
        true,
      ),
    );
  },

  toMatchHeapBaseline(this: MatcherState, work: unknown, lib: unknown, options: HeapBaselineOptions = {}) {
    checkWork('toMatchHeapBaseline', work);
    checkSandbox('toMatchHeapBaseline', lib);
    if (this.isNot) {
      throw new InvalidArgumentError('not', 'toMatchHeapBaseline() cannot be negated: leave out .not.');
    }
    const judged = judgeBaseline('toMatchHeapBaseline', lib, work, options, situationOf(this));
    return after(judged, (verdict) =>
      result(this, !verdict.found, verdict, 'the work to allocate no more than its baseline', true),
    );
  },

  async toSurviveFailedAllocations(
    this: MatcherState,
    work: unknown,
    lib: unknown,
    options: SweepOptions = {},
  ) {
    checkWork('toSurviveFailedAllocations', work);
    checkSandbox('toSurviveFailedAllocations', lib);
    const verdict = await judgeSweep(lib, work, options);
    const expected = this.isNot
      ? 'a failure to be handled badly'
      : 'all failed allocations to be handled well';
    return result(this, !verdict.found, verdict, expected, true);
  },

  toGrow(this: MatcherState, work: unknown, lib: unknown, options: GrowthOptions = {}) {
    checkWork('toGrow', work);
    checkSandbox('toGrow', lib);
    return after(judgeGrowth(lib, work, options), (verdict) =>
      result(this, verdict.found, verdict, this.isNot ? 'the heap not to grow' : 'the heap to grow'),
    );
  },
});
