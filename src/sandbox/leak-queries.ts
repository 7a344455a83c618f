// Questions about leaks: of the whole run, or since a mark. A capture of the heap becomes a report together with the
// faults and the failed allocations of the same time.

import { HeapMark, type LeakCapture } from '../leaks/index.ts';
import type { SettingsOf } from '../options/option-table.ts';
import { type LeakKind, type LeakReport, type Suppression, suppress } from '../report/index.ts';
import type { ALL_LEAKS_OPTIONS } from './heap-options.ts';
import type { Session } from './session.ts';

/**
 * The leaks as the program left them, or the present leaks once the heap or the held pointers have changed.
 * @param when whether the end of main counts as the end of the program, or its exit
 */
export function leaksNow(
  session: Session,
  { suppressions, when }: SettingsOf<typeof ALL_LEAKS_OPTIONS>,
): LeakReport {
  const { leaks, stacks, requests } = session;
  const capture = when === 'exit' ? leaks.capture() : captureNow(session);
  const report = suppress(leaks.report(capture, stacks.faults(), stacks.failures()), suppressions);
  return requests.filtered(report);
}

/**
 * Whether leaksNow() has to be asked. When this is false, it would find no heap fault and no leak of these classes. No
 * stack is read for the answer, so blocks of libc count, too.
 */
export function mayFind(session: Session, kinds: readonly LeakKind[]): boolean {
  if (session.events.faults.length > 0) return true;
  return kinds.length > 0 && captureNow(session).groups.some(({ kind }) => kinds.includes(kind));
}

function captureNow({ leaks, program }: Session): LeakCapture {
  const atEnd = program.atEnd?.leaks ?? null;
  return atEnd !== null && atEnd.heldVersion === leaks.held.version ? atEnd : leaks.capture();
}

/** The leaks among the blocks that were allocated since the mark. */
export function leaksAfter(
  session: Session,
  mark: HeapMark,
  suppressions: readonly Suppression[],
): LeakReport {
  const { leaks, stacks, requests } = session;
  const capture = leaks.capture(mark.allocObjects);
  const failures = stacks.failures(mark.failures);
  const report = suppress(leaks.report(capture, stacks.faults(mark.faults), failures), suppressions);
  return requests.filtered(report);
}

/** Remembers this moment. */
export function markNow(session: Session): HeapMark {
  const { allocObjects, allocBytes, liveObjects, liveBytes } = session.ledger.totals();
  const { events, leaks } = session;
  return new HeapMark(
    session,
    allocObjects,
    allocBytes,
    liveObjects,
    liveBytes,
    events.faults.length,
    leaks.traps,
    events.mark(),
  );
}
