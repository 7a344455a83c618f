// Starts the timeline of a guest. The code that records timelines is loaded when the first sandbox asks for one.

import { UnsupportedModuleError } from '../errors.ts';
import { type HeapSnapshot, indicesIn, type Ledger } from '../heap/index.ts';
import type { ContextCounters } from '../profile/index.ts';
import type { RuntimeFunctions } from '../runtime/index.ts';
import type { SavedMoment, TimelineRecorder } from '../timeline/index.ts';

let timelines: typeof import('../timeline/index.ts') | null = null;

/** Loads the code that records timelines if it will be needed. Call it, and wait, before there is a sandbox. */
export async function loadTimelines(needed: boolean): Promise<void> {
  if (needed) timelines ??= await import('../timeline/index.ts');
}

/** Starts a timeline. */
export function startTimeline(ledger: Ledger, runtime: Partial<RuntimeFunctions>): TimelineRecorder {
  const { heapline_set_timeline: start } = runtime;
  if (start === undefined) {
    throw new UnsupportedModuleError(
      'the module does not export heapline_set_timeline, which timelines need: link it with the flags that ' +
        '`heapline link-flags` prints, or leave out the option timeline',
    );
  }
  return new timelines!.TimelineRecorder(ledger, start);
}

/** The counters of a moment, for a profile of the kind `heap`. The contexts are those that the guest has now. */
export function countersAt(moment: SavedMoment, now: HeapSnapshot, takenAt: number): ContextCounters {
  const column = (): Float64Array => new Float64Array(now.count);
  const [allocObjects, allocBytes, liveObjects, liveBytes] = [column(), column(), column(), column()];
  // Contexts are never taken away, so each one of the moment is among those of now.
  for (const [context, at] of indicesIn(moment, now).entries()) {
    if (at === -1) continue;
    allocObjects[context] = moment.allocObjects[at]!;
    allocBytes[context] = moment.allocBytes[at]!;
    liveObjects[context] = moment.liveObjects[at]!;
    liveBytes[context] = moment.liveBytes[at]!;
  }
  const none = column();
  const { count, parent, site } = now;
  const used = { allocObjects, allocBytes, liveObjects, liveBytes };
  const unused = {
    peakObjects: none,
    peakBytes: none,
    temporaryObjects: none,
    temporaryBytes: none,
    lifetime: none,
  };
  return { count, parent, site, ...used, ...unused, takenAt };
}
