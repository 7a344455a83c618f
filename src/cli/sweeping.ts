// heapline check --sweep: runs the program again and again, lets each of its allocations fail, and reports those whose
// failure is handled badly.

import { HeaplineError, InvalidArgumentError } from '../errors.ts';
import type { SandboxOptions } from '../index.ts';
import { QUARANTINE } from '../sandbox/sandbox-options.ts';
import { SWEEP_OPTIONS, type SweepReport, sweepOpen } from '../sweep/index.ts';
import type { CheckArguments } from './check.ts';
import { failureText, usageError } from './failure.ts';
import { checkCalls, preparedCall } from './guest.ts';
import { guestOptions, load } from './run.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds of one run, when --timeout does not say otherwise. */
const { default: LONGEST_RUN } = SWEEP_OPTIONS.timeout;

/** Options of the check that have no meaning for a sweep. */
const IDLE = ['suppressions', 'baseline', 'updateBaseline', 'genSuppressions', 'pprof', 'repeat'] as const;

/** Sweeps the program. Null when it fails without any failing allocation, which is printed. */
export async function sweepProgram(
  files: readonly string[],
  given: CheckArguments,
  programArguments: readonly string[],
  terminal: Terminal,
): Promise<SweepReport | null> {
  for (const name of IDLE) {
    if (given[name] === undefined) continue;
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw usageError(option, `${option} has no meaning for --sweep: leave it out.`);
  }
  const options: SandboxOptions = {
    quarantine: QUARANTINE,
    // Most failures that are not looked at become accesses near NULL. Modules are taken as they are.
    ...(files.some((file) => file.endsWith('.wasm')) ? {} : { access: true }),
    ...guestOptions(given, programArguments),
    // Each run reads the same input. Your own can be read once only.
    ...(given.stdin === '-' ? { stdin: '' } : {}),
    hostFrames: 'off',
  };
  const { timeout = LONGEST_RUN, ...others } = options;
  const sandbox = await load(files, given, others, terminal);
  terminal.endProgress();
  try {
    const calls = given.call ?? [];
    checkCalls(sandbox, calls);
    for (const warning of sandbox.warnings) terminal.warn(warning);
    const work = (): unknown =>
      calls.length === 0 ? sandbox.run() : calls.map((call) => preparedCall(sandbox, call)());
    return await sweepOpen(sandbox, work, {
      timeout,
      ...(given.sweepBudget === undefined ? {} : { budget: given.sweepBudget }),
      onProgress: ({ done, total, found }) =>
        terminal.progress(`${done} of ${total} runs, ${found} allocations handled badly`),
    });
  } catch (error) {
    if (!(error instanceof HeaplineError) || error instanceof InvalidArgumentError) throw error;
    terminal.error(failureText(error));
    return null;
  } finally {
    terminal.endProgress();
    sandbox.dispose();
  }
}
