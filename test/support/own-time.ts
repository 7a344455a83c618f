// The time that work takes, whatever else the machine does: the processor time of this thread alone. Wall time would count
// the other programs of a busy machine, and the time of the process other threads.

import { threadTime } from '../../bench/clock.ts';

/** The milliseconds of this thread's processor time that `work` takes, which does not wait for anything. */
export function ownTime(work: () => void): number {
  const before = threadTime();
  work();
  return (threadTime() - before) / 1e6;
}
