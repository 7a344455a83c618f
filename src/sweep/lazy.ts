// sweep() for programs that may never call it: its code is loaded at the first call.

import type { sweep as swept } from './sweep.ts';

/**
 * Lets each distinct allocation of the work fail, once alone and once with all later ones, and reports which failures are
 * handled badly: traps, heap faults, leaks, endless loops, and a condition of yours that is not met.
 * @param load makes the sandbox, which the sweep disposes of
 * @param work what to run, again and again; it is given the sandbox
 */
export const sweep: typeof swept = async (...args) => (await import('./sweep.ts')).sweep(...args);
