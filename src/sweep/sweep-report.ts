// What a sweep has found: the allocations whose failure is handled badly, and what happened then.

import type { Frame, HeapFault, Stack } from '../frames/index.ts';
import { withStacks } from '../frames/index.ts';
import { type FailedAllocation, formatText, LeakReport, type TextOptions } from '../report/index.ts';

/** Whether an allocation fails alone, or together with all that follow. */
export type SweepMode = 'once' | 'from-then-on';

/**
 * - `trap`: the guest trapped, or a C++ exception that is not std::bad_alloc left it
 * - `fault`: it misused its heap, or accessed memory that is not its own where accesses are checked
 * - `leak`: it lost blocks that it does not lose otherwise
 * - `endless`: it took longer than a run may
 * - `damage`: it has ruined the ledger of its heap
 * - `condition`: the caller's condition is not met
 */
export type SweepFindingKind = 'trap' | 'fault' | 'leak' | 'endless' | 'damage' | 'condition';

/** An allocation in the program. */
export interface SweptAllocation {
  /** Which attempt to allocate it is in a run without failures, from 1. A context that comes again has its first number. */
  readonly number: number;
  /** Bytes that it asks for. */
  readonly size: number;
  /** Where it is, innermost frame first. */
  readonly frames: readonly Frame[];
}

/** What happened when one allocation failed. */
export interface SweepFinding {
  /** Which kind of mishap it is. */
  readonly kind: SweepFindingKind;
  /** The allocation whose failure is handled badly. */
  readonly allocation: SweptAllocation;
  /** How it failed: alone, with all later ones, or in both ways. */
  readonly modes: readonly SweepMode[];
  /** What happened, in one sentence. */
  readonly consequence: string;
  /** The error that came out of the guest; null when there was none. */
  readonly error: Error | null;
  /** The heap faults. */
  readonly faults: readonly HeapFault[];
  /** The blocks that are lost; null unless it is a leak. */
  readonly leaks: LeakReport | null;
}

/** Runs that were not made. */
export interface UntriedAllocation {
  /** The allocation that was to fail. */
  readonly allocation: SweptAllocation;
  /** How it was to fail. */
  readonly mode: SweepMode;
  /** The budget was over, or the run did not come to this allocation. */
  readonly reason: 'budget' | 'not-reached';
}

interface Parts {
  readonly program: string;
  readonly allocations: readonly { readonly number: number; readonly size: number; readonly stack: Stack }[];
  readonly findings: readonly SweepFinding[];
  readonly untried: readonly UntriedAllocation[];
  readonly runs: number;
  readonly milliseconds: number;
}

/** The result of sweep(). */
export class SweepReport {
  /** Name of the module. */
  readonly program: string;
  /** The distinct allocations of the work. */
  readonly allocations: readonly SweptAllocation[];
  /** The allocations whose failure is handled badly, in the order of the program. */
  readonly findings: readonly SweepFinding[];
  /** What was not tried, and why. */
  readonly untried: readonly UntriedAllocation[];
  /** How many runs were made. */
  readonly runs: number;
  /** How long they took. */
  readonly milliseconds: number;

  /** @internal Use sweep(). */
  constructor({ program, allocations, findings, untried, runs, milliseconds }: Parts) {
    this.program = program;
    this.allocations = allocations.map(allocationOf);
    this.findings = findings;
    this.untried = untried;
    this.runs = runs;
    this.milliseconds = milliseconds;
  }

  /** True when nothing was found. What was not tried may still be handled badly. */
  get isClean(): boolean {
    return this.findings.length === 0;
  }

  /**
   * The same as a report of failed allocations, for the functions that write reports: `formatJson(report.toLeakReport())`.
   * Formats that have failures need their option `failedAllocations: true`.
   */
  toLeakReport(): LeakReport {
    return new LeakReport({
      records: [],
      errors: [],
      failedAllocations: this.findings.map(failureOf),
      program: this.program,
      notes: this.#notes(),
    });
  }

  /** The report as text for a terminal. */
  toText(options: TextOptions = {}): string {
    return this.isClean
      ? `${this.summary()}\n${this.#untriedText()}`
      : formatText(this.toLeakReport(), options);
  }

  /** One line: how many allocations were made to fail, and how many are handled badly. */
  summary(): string {
    const bad = new Set(this.findings.map(({ allocation }) => allocation.number)).size;
    const { length } = this.allocations;
    const verdict = bad === 0 ? 'no failure is handled badly' : `${bad} handled badly`;
    const seconds = (this.milliseconds / 1000).toFixed(1);
    return `${length} distinct ${length === 1 ? 'allocation' : 'allocations'}, ${this.runs} runs in ${seconds} s: ${verdict}`;
  }

  #notes(): string[] {
    return [`${this.summary()}.`, ...(this.untried.length === 0 ? [] : [this.#untriedText().trimEnd()])];
  }

  #untriedText(): string {
    if (this.untried.length === 0) return '';
    const late = this.untried.filter(({ reason }) => reason === 'budget').length;
    const missed = this.untried.length - late;
    const parts = [
      ...(late === 0 ? [] : [`${late} runs were not made, because the budget was over: raise it`]),
      ...(missed === 0
        ? []
        : [`${missed} runs did not come to their allocation: the work does not do the same each time`]),
    ];
    return `${parts.join('. ')}.\n`;
  }
}

/** An allocation with its stack. */
export function allocationOf({
  number,
  size,
  stack,
}: {
  readonly number: number;
  readonly size: number;
  readonly stack: Stack;
}): SweptAllocation {
  return withStacks({ number, size }, { frames: stack });
}

const MODES: Readonly<Record<string, string>> = {
  once: 'when it alone fails',
  'from-then-on': 'when it and all later ones fail',
};

function failureOf({ allocation, modes, consequence }: SweepFinding): FailedAllocation {
  const when = modes.length === 2 ? 'when it fails' : MODES[modes[0]!];
  return {
    count: 1,
    smallest: allocation.size,
    largest: allocation.size,
    frames: allocation.frames,
    consequence: `${when}, ${consequence}`,
  };
}
