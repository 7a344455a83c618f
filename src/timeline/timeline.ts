// A timeline as users see it: points in the order of time, the peak, and moments of which every context is known.

import type { HeapProfile } from '../profile/index.ts';

/** The heap at one time. */
export interface TimelinePoint {
  /** Milliseconds since the timeline began. */
  readonly time: number;
  /** Bytes of all allocations so far. */
  readonly allocBytes: number;
  /** Number of all allocations so far. */
  readonly allocObjects: number;
  /** Bytes in use. */
  readonly inUseBytes: number;
  /** Blocks in use. */
  readonly inUseObjects: number;
  /** Calls from JavaScript into the guest so far. */
  readonly calls: number;
}

/**
 * The most bytes that were in use at one time, `inUseBytes`, and the blocks then. These are exact. The peak was reached
 * between the point before and the time that is given here.
 */
export type TimelinePeak = TimelinePoint;

/** A point of which the contexts are known, too. */
export interface TimelineMoment extends TimelinePoint {
  /** The heap as it was then, of the kind `heap`: `a.profile().diff(b.profile())` is what changed in between. */
  profile(): HeapProfile;
}

/** A timeline as plain data. */
export interface TimelineJson {
  /** Version of this shape. */
  readonly version: 1;
  /** When the timeline began, in ISO 8601. */
  readonly startedAt: string;
  /** All points, the oldest first. */
  readonly points: readonly TimelinePoint[];
  /** The peak; null when nothing was ever allocated. */
  readonly peak: TimelinePeak | null;
}

const COLUMNS = ['time', 'allocBytes', 'allocObjects', 'inUseBytes', 'inUseObjects', 'calls'] as const;

/** How the heap of a guest grew and shrank. */
export class Timeline {
  /** @internal Heaps make their own. */
  constructor(
    /** When the timeline began. */
    readonly startedAt: Date,
    /** All points, the oldest first. The last one is the heap when the timeline was asked for. */
    readonly points: readonly TimelinePoint[],
    /** The peak; null when nothing was ever allocated. */
    readonly peak: TimelinePeak | null,
    /** Some of the points with their contexts, the oldest first. */
    readonly moments: readonly TimelineMoment[],
  ) {}

  /** The timeline as plain data, without the contexts. `JSON.stringify(timeline)` uses it. */
  toJSON(): TimelineJson {
    return {
      version: 1,
      startedAt: this.startedAt.toISOString(),
      points: this.points.map(plain),
      peak: this.peak === null ? null : plain(this.peak),
    };
  }

  /** The points as comma-separated values with a line of names. Times are in milliseconds. */
  csv(): string {
    const rows = this.points.map((point) => COLUMNS.map((column) => point[column]).join(','));
    return [COLUMNS.join(','), ...rows, ''].join('\n');
  }
}

function plain(point: TimelinePoint): TimelinePoint {
  return Object.fromEntries(COLUMNS.map((column) => [column, point[column]])) as unknown as TimelinePoint;
}
