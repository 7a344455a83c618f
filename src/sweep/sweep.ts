// sweep(): lets each allocation of some work fail, and looks at what happens then. After SQLite's malloc tests, but by
// calling context: a run without failures lists the distinct contexts that allocate, with the number of the first attempt
// in each. Then that attempt fails, once alone and once together with all later ones. Each run begins with the same
// state, to which the sandbox is restored.
//
// Runs of synchronous work are made many at a time within one limit of time, because a limit costs more than a run.

import { isPromise } from '../algorithms/is-promise.ts';
import { type CxxExceptionError, StateError, UnsupportedModuleError } from '../errors.ts';
import { faultMessage, type Stack, shortPlace, stackOf } from '../frames/index.ts';
import { layout } from '../heap/index.ts';
import { readOptions, type SettingsOf } from '../options/option-table.ts';
import { platform } from '../platform/index.ts';
import type { LeakRecord, LeakReport } from '../report/index.ts';
import { type RuntimeFunctions, runtimeFunctions } from '../runtime/index.ts';
import { checkFunction, type Sandbox, type SandboxSnapshot, type Session } from '../sandbox/index.ts';
import { SWEEP_OPTIONS, type SweepOptions, type SweepOutcome } from './sweep-options.ts';
import {
  allocationOf,
  type SweepFinding,
  type SweepFindingKind,
  type SweepMode,
  SweepReport,
  type UntriedAllocation,
} from './sweep-report.ts';

/** What a sweep calls: synchronous or async. */
export type SweepWork<Lib> = (lib: Lib) => unknown;

/** A context that allocates, and its first attempt. */
interface Swept {
  readonly number: number;
  readonly size: number;
  readonly sites: readonly number[];
  readonly stack: Stack;
}

/** One run: which attempts fail. */
interface Run {
  readonly swept: Swept;
  readonly mode: SweepMode;
}

/** What is wrong after a run. */
interface Verdict extends Pick<SweepFinding, 'kind' | 'consequence' | 'error' | 'faults' | 'leaks'> {}

const NEVER = 2 ** 32 - 1;
/** Classes of lost blocks that count. */
const LOST = ['definite', 'indirect'] as const;
/** The clock, which no test's fake timers can stop. */
const now = performance.now.bind(performance);

/**
 * Lets each distinct allocation of the work fail and reports which failures are handled badly.
 * @param load makes the sandbox, which the sweep disposes of
 * @param work what to run, again and again; it is given the sandbox
 */
export async function sweep<Lib extends Sandbox<object>>(
  load: () => Lib | PromiseLike<Lib>,
  work: SweepWork<Lib>,
  options: SweepOptions<Lib> = {},
): Promise<SweepReport> {
  checkFunction('load', load);
  checkFunction('work', work);
  const settings = readOptions('sweep', options, SWEEP_OPTIONS);
  const lib = await load();
  try {
    return await new Sweep(lib, work, settings, options.condition).run();
  } finally {
    if (!lib.disposed) lib.dispose();
  }
}

/** The same in a sandbox that is open, and that is afterwards as it was before. */
export async function sweepOpen<Lib extends Sandbox<object>>(
  lib: Lib,
  work: SweepWork<Lib>,
  options: SweepOptions<Lib> = {},
): Promise<SweepReport> {
  checkFunction('work', work);
  return new Sweep(lib, work, readOptions('sweep', options, SWEEP_OPTIONS), options.condition).run();
}

class Sweep<Lib extends Sandbox<object>> {
  readonly #session: Session;
  readonly #start: SandboxSnapshot;
  readonly #count: RuntimeFunctions['heapline_count_attempts'];
  readonly #found = new Map<string, SweepFinding & { readonly swept: Swept }>();
  readonly #untried: UntriedAllocation[] = [];
  /** Heap faults before the sweep. */
  readonly #faultsBefore: number;
  /** What is lost in a run without failures: blocks by stack. */
  #lostAnyway = new Map<string, number>();
  /** The run that is being made, and when it began. */
  #done = 0;
  #began = 0;
  #told = 0;

  constructor(
    private readonly lib: Lib,
    private readonly work: SweepWork<Lib>,
    private readonly settings: SettingsOf<typeof SWEEP_OPTIONS>,
    private readonly condition: SweepOptions<Lib>['condition'],
  ) {
    this.#session = lib.session;
    const { heapline_count_attempts } = runtimeFunctions(this.#session.guest.exports);
    if (heapline_count_attempts === undefined) {
      throw new UnsupportedModuleError(
        `${lib.name} does not export heapline_count_attempts, which a sweep needs: link it with the flags that ` +
          '`heapline link-flags` prints.',
      );
    }
    this.#count = heapline_count_attempts;
    this.#faultsBefore = this.#session.events.faultCount;
    this.#start = lib.snapshot();
  }

  async run(): Promise<SweepReport> {
    this.#began = now();
    try {
      const { allocations, isAsync } = await this.#runClean();
      const modes: readonly SweepMode[] = ['once', 'from-then-on'];
      const runs = modes.flatMap((mode) => allocations.map((swept): Run => ({ swept, mode })));
      while (this.#done < runs.length && now() - this.#began < this.settings.budget) {
        await this.#tell(runs.length);
        if (isAsync) await this.#runAsync(runs[this.#done++]!);
        else this.#runMany(runs);
      }
      const made = this.#done;
      for (const { swept, mode } of runs.slice(made)) {
        this.#untried.push({ allocation: allocationOf(swept), mode, reason: 'budget' });
      }
      return this.#report(allocations, made);
    } finally {
      this.#count(0, 0, 0);
      this.lib.restore(this.#start);
    }
  }

  #report(allocations: readonly Swept[], runs: number): SweepReport {
    const findings = [...this.#found.values()]
      .sort((a, b) => a.swept.number - b.swept.number)
      .map(({ swept: _, ...finding }): SweepFinding => finding);
    return new SweepReport({
      program: this.lib.name,
      allocations,
      findings,
      untried: this.#untried,
      runs,
      milliseconds: now() - this.#began,
    });
  }

  // Progress, and a turn of the event loop for those who want to see it.
  async #tell(total: number): Promise<void> {
    const { onProgress } = this.settings;
    if (onProgress === undefined || now() - this.#told < 100) return;
    this.#told = now();
    const found = new Set([...this.#found.values()].map(({ swept }) => swept)).size;
    (onProgress as NonNullable<SweepOptions['onProgress']>)({
      step: 'sweep',
      done: this.#done,
      total,
      found,
    });
    await platform().nextTurn();
  }

  /** The run without failures: lists the contexts that allocate. */
  async #runClean(): Promise<{ readonly allocations: readonly Swept[]; readonly isAsync: boolean }> {
    const session = this.#session;
    const { ledger } = session;
    const seen = new Map<
      number,
      { readonly number: number; readonly size: number; readonly sites: readonly number[] }
    >();
    let attempts = 0;
    session.onAttempt = (size, context) => {
      attempts++;
      if (!seen.has(context)) seen.set(context, { number: attempts, size, sites: ledger.sites(context) });
    };
    this.#count(NEVER, NEVER, 1);
    const { timeout } = this.settings;
    let outcome: SweepOutcome;
    let isAsync = false;
    try {
      const result = this.#limited(timeout, () => this.#work());
      isAsync = isPromise(result);
      outcome = {
        result: isAsync ? await this.lib.within({ timeout }, () => result as Promise<unknown>) : result,
        error: undefined,
      };
    } catch (error) {
      outcome = { result: undefined, error };
    } finally {
      session.onAttempt = null;
      this.#count(0, 0, 0);
    }
    this.#checkClean(outcome);
    const stacks = session.stacks.contexts();
    const allocations = [...seen.values()]
      .filter(({ sites }) => sites.some((site) => site < layout.SITE_HOST_FLAG))
      .map((each): Swept => ({ ...each, stack: stacks.ofSites(each.sites) }));
    return { allocations, isAsync };
  }

  /** Throws when the work fails by itself: there would be nothing to compare with. */
  #checkClean(outcome: SweepOutcome): void {
    if (outcome.error !== undefined && !isExit(outcome.error)) throw outcome.error;
    const failed = this.#session.events.faultCount > this.#faultsBefore;
    const leaks = this.lib.heap.leaks();
    this.#lostAnyway = new Map(leaks.of(LOST).map((record) => [keyOf(record), record.blocks]));
    if (failed || !this.#meets(outcome).met) {
      throw new StateError(
        `The work fails without any failing allocation (${failed ? 'a heap fault' : 'the condition is not met'}): correct ` +
          'that first.',
      );
    }
  }

  /** Runs as many as there is time for within half of the limit, so that none has less than that. */
  #runMany(runs: readonly Run[]): void {
    const { timeout, budget } = this.settings;
    const end = Math.min(now() + timeout / 2, this.#began + budget);
    try {
      this.#limited(timeout, () => {
        do {
          const run = runs[this.#done]!;
          this.#prepare(run);
          const outcome = this.#outcome();
          this.#count(0, 0, 0);
          this.#judge(run, outcome);
          this.#done++;
        } while (this.#done < runs.length && now() < end);
      });
    } catch (error) {
      if (codeOf(error) !== 'HEAPLINE_TIMEOUT') throw error;
      this.#judge(runs[this.#done]!, { result: undefined, error });
      this.#done++;
    }
  }

  /** The work is called as a function, because stacks would show a method. */
  #work(): unknown {
    const { work, lib } = this;
    return work(lib);
  }

  #outcome(): SweepOutcome {
    try {
      return { result: this.#work(), error: undefined };
    } catch (error) {
      return { result: undefined, error };
    }
  }

  async #runAsync(run: Run): Promise<void> {
    this.#prepare(run);
    let outcome: SweepOutcome;
    try {
      const { timeout } = this.settings;
      outcome = { result: await this.#limited(timeout, () => this.#work()), error: undefined };
    } catch (error) {
      outcome = { result: undefined, error };
    }
    this.#count(0, 0, 0);
    this.#judge(run, outcome);
  }

  #limited<T>(timeout: number, work: () => T): T {
    if (platform().atMost === null) return work();
    return this.lib.within({ timeout }, work);
  }

  #prepare({ swept: { number }, mode }: Run): void {
    this.lib.restore(this.#start);
    this.#count(number, mode === 'once' ? number : NEVER - 1, 0);
  }

  #judge(run: Run, outcome: SweepOutcome): void {
    let verdict: Verdict | null;
    try {
      if (!this.#reached(run.swept)) {
        this.#untried.push({ allocation: allocationOf(run.swept), mode: run.mode, reason: 'not-reached' });
        return;
      }
      verdict = this.#verdict(outcome);
    } catch (error) {
      if (codeOf(error) !== 'HEAPLINE_CORRUPT_LEDGER') throw error;
      verdict = {
        kind: 'damage',
        consequence: 'the heap is ruined',
        error: error as Error,
        faults: [],
        leaks: null,
      };
    }
    if (verdict === null) return;
    const key = `${run.swept.number} ${verdict.kind}`;
    const known = this.#found.get(key);
    this.#found.set(
      key,
      known === undefined
        ? { ...verdict, swept: run.swept, allocation: allocationOf(run.swept), modes: [run.mode] }
        : { ...known, modes: [...known.modes, run.mode] },
    );
  }

  /** Whether the first allocation that failed was the one that should. */
  #reached({ sites }: Swept): boolean {
    const path = this.#session.events.firstFailure();
    if (path === null) return false;
    if ('node' in path) return true;
    // The JavaScript around it may be another one.
    const [here, there] = [path, sites].map((all) => all.filter((site) => site < layout.SITE_HOST_FLAG));
    return here!.join() === there!.join();
  }

  #verdict(outcome: SweepOutcome): Verdict | null {
    const { error } = outcome;
    const none = { error: null, faults: [], leaks: null };
    if (this.#session.events.faultCount > this.#faultsBefore) {
      const faults = this.#session.stacks.faults(this.#faultsBefore);
      const [first] = faults;
      if (first !== undefined) {
        const consequence = `${decapitalised(firstLine(faultMessage(first)))}${shortPlace(stackOf(first, 'frames'))}`;
        return { ...none, kind: 'fault', consequence, faults, error: error instanceof Error ? error : null };
      }
    }
    const kind = failureKind(error);
    if (kind !== null) {
      return {
        ...none,
        kind,
        consequence: decapitalised(firstLine((error as Error).message)),
        error: error as Error,
      };
    }
    const leaks = isExit(error) ? null : this.#newLeaks();
    if (leaks !== null) return { ...none, kind: 'leak', consequence: lossOf(leaks), leaks };
    const { met, reason } = this.#meets(outcome);
    return met ? null : { ...none, kind: 'condition', consequence: reason };
  }

  /** What is lost now and is not lost in a run without failures. */
  #newLeaks(): LeakReport | null {
    if (this.#lostAnyway.size === 0 && !this.lib.heap.mayLeak(LOST)) return null;
    const report = this.lib.heap.leaks();
    const records = report
      .of(LOST)
      .filter((record) => record.blocks > (this.#lostAnyway.get(keyOf(record)) ?? 0));
    return records.length === 0 ? null : report.with({ records });
  }

  #meets(outcome: SweepOutcome): { readonly met: boolean; readonly reason: string } {
    try {
      const met = this.condition?.(this.lib, outcome) !== false;
      return { met, reason: 'the condition is not met' };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { met: false, reason: `the condition is not met: ${firstLine(text)}` };
    }
  }
}

/**
 * What it means that the work threw this; null when that is a way to handle the failure. The sandbox may come from another
 * bundle of this package, so its errors are known by their codes.
 */
function failureKind(error: unknown): SweepFindingKind | null {
  switch (codeOf(error)) {
    case 'HEAPLINE_TIMEOUT':
      return 'endless';
    case 'HEAPLINE_CORRUPT_LEDGER':
      return 'damage';
    // C++ says in this way that there is no memory.
    case 'HEAPLINE_CXX_EXCEPTION':
      return /bad_alloc/.test((error as CxxExceptionError).type) ? null : 'trap';
    case 'HEAPLINE_TRAP':
    case 'HEAPLINE_STACK_OVERFLOW':
      return 'trap';
    default:
      return null;
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null | undefined)?.code;
}

/** exit() leaves calls of which nobody knows what they held. */
function isExit(error: unknown): boolean {
  return codeOf(error) === 'HEAPLINE_EXIT';
}

function keyOf(record: LeakRecord): string {
  return `${record.kind} ${record.frames.map(({ function: name, file, line, column }) => `${name} ${file}:${line}:${column}`).join('\n')}`;
}

function lossOf(leaks: LeakReport): string {
  const records = leaks.of(LOST);
  const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
  const blocks = records.reduce((sum, record) => sum + record.blocks, 0);
  const where = shortPlace(stackOf(records[0]!, 'frames'));
  const more = records.length === 1 ? '' : ' and elsewhere';
  return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'} in ${blocks} ${blocks === 1 ? 'block' : 'blocks'} are lost, allocated${where}${more}`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}

function decapitalised(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
