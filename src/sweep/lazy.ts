// sweep() for programs that may never call it: its code is loaded at the first call.

import type { Sandbox } from '../sandbox/index.ts';
import type { SweepWork } from './sweep.ts';
import type { SweepOptions } from './sweep-options.ts';
import type { SweepReport } from './sweep-report.ts';

/**
 * Lets each distinct allocation of the work fail, once alone and once with all later ones, and reports which failures are
 * handled badly: traps, heap faults, leaks, endless loops, and a condition of yours that is not met.
 * @param load makes the sandbox, which the sweep disposes of
 * @param work what to run, again and again; it is given the sandbox
 */
export async function sweep<Lib extends Sandbox<object>>(
  load: () => Lib | PromiseLike<Lib>,
  work: SweepWork<Lib>,
  options: SweepOptions<Lib> = {},
): Promise<SweepReport> {
  const swept = await import('./sweep.ts');
  return swept.sweep(load, work, options);
}
