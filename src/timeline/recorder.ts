// Writes the timeline of one guest down while it runs. The runtime asks for a point where allocating is slow anyway
// (csrc/timeline.c), and the gate at entries from JavaScript.
//
// The points are in a table of fixed length. When it is full, every second point is dropped, and from then on points are
// as far apart as those that are left. So the table covers the whole run, however long it is.

import type { HeapTotals, Ledger, TimelineTotals } from '../heap/index.ts';
import type { HeapProfile } from '../profile/index.ts';
import { Moments, type SavedMoment } from './moments.ts';
import { Timeline, type TimelineMoment, type TimelinePeak, type TimelinePoint } from './timeline.ts';

/** Most points that are kept. */
const MOST_POINTS = 1024;
/** Bytes between two points at first. */
const FIRST_STEP = 256;
/** The runtime takes steps of 31 bits. */
const LARGEST_STEP = 2 ** 31 - 1;
/** Points that may be taken as fast as the runtime asks. Later ones are at least so many milliseconds apart. */
const QUICK_POINTS = 128;
const LEAST_TIME = 1;
/** Milliseconds between two points in which nothing was allocated, at first. */
const FIRST_PAUSE = 1;

type Column = keyof TimelinePoint;

/** A table of points, by columns. */
class Points {
  count = 0;
  readonly columns: Readonly<Record<Column, Float64Array>> = {
    time: new Float64Array(MOST_POINTS),
    allocBytes: new Float64Array(MOST_POINTS),
    allocObjects: new Float64Array(MOST_POINTS),
    inUseBytes: new Float64Array(MOST_POINTS),
    inUseObjects: new Float64Array(MOST_POINTS),
    calls: new Float64Array(MOST_POINTS),
  };

  add(point: TimelinePoint): void {
    const { columns, count } = this;
    columns.time[count] = point.time;
    columns.allocBytes[count] = point.allocBytes;
    columns.allocObjects[count] = point.allocObjects;
    columns.inUseBytes[count] = point.inUseBytes;
    columns.inUseObjects[count] = point.inUseObjects;
    columns.calls[count] = point.calls;
    this.count++;
  }

  /** Drops every second point. The first one stays. */
  halve(): void {
    const kept = Math.ceil(this.count / 2);
    for (const column of Object.values(this.columns)) {
      for (let i = 1; i < kept; i++) column[i] = column[2 * i]!;
    }
    this.count = kept;
  }

  save(): () => void {
    const { count, columns } = this;
    const saved = Object.entries(columns).map(([name, column]) => [name, column.slice(0, count)] as const);
    return () => {
      this.count = count;
      for (const [name, column] of saved) columns[name as Column].set(column);
    };
  }

  all(): TimelinePoint[] {
    const { columns } = this;
    return Array.from({ length: this.count }, (_, i) => ({
      time: columns.time[i]!,
      allocBytes: columns.allocBytes[i]!,
      allocObjects: columns.allocObjects[i]!,
      inUseBytes: columns.inUseBytes[i]!,
      inUseObjects: columns.inUseObjects[i]!,
      calls: columns.calls[i]!,
    }));
  }
}

/** Writes down the timeline of one guest. */
export class TimelineRecorder {
  readonly #ledger: Ledger;
  readonly #began = performance.now();
  readonly #startedAt = new Date();
  readonly #points = new Points();
  readonly #moments = new Moments();
  #step = FIRST_STEP;
  #pause = FIRST_PAUSE;
  #calls = 0;
  #taken = 0;
  #last: TimelinePoint;
  #peak: TimelinePeak | null = null;

  /** @param start asks the runtime for the first point after so many bytes */
  constructor(ledger: Ledger, start: (step: number) => void) {
    this.#ledger = ledger;
    this.#last = this.#now(ledger.timelineTotals());
    this.#points.add(this.#last);
    start(this.#step);
  }

  /** The runtime asks for a point. Returns how many bytes are to be allocated until the next one. */
  point(): number {
    const { time, allocBytes } = this.#last;
    this.#take(this.#ledger.timelineTotals());
    if (this.#taken < QUICK_POINTS) return this.#step;
    const passed = this.#last.time - time;
    if (passed >= LEAST_TIME) return this.#step;
    // As many bytes as will probably be allocated until the next point may be taken.
    const bytes = (this.#last.allocBytes - allocBytes) * (LEAST_TIME / Math.max(passed, LEAST_TIME / 100));
    return Math.min(Math.max(this.#step, Math.ceil(bytes)), LARGEST_STEP);
  }

  /** The host enters the guest, no function of which is running. */
  entered(): void {
    this.#calls++;
    const totals = this.#ledger.timelineTotals();
    const { allocBytes, inUseObjects, time } = this.#last;
    const allocated = totals.allocBytes - allocBytes;
    if (allocated === 0 && totals.liveObjects === inUseObjects) return;
    if (allocated < this.#step && performance.now() - this.#began - time < this.#pause) return;
    this.#take(totals);
  }

  /** The guest is complete. What its constructors took were no calls. */
  ready(): void {
    this.#calls = 0;
  }

  /** Saves the timeline for a snapshot. The clock goes on when it is restored. */
  save(): () => void {
    const points = this.#points.save();
    const moments = this.#moments.save();
    const [step, pause, calls, last, peak] = [this.#step, this.#pause, this.#calls, this.#last, this.#peak];
    return () => {
      points();
      moments();
      this.#step = step;
      this.#pause = pause;
      this.#calls = calls;
      this.#last = last;
      this.#peak = peak;
    };
  }

  /**
   * What was written down, and the heap as these sums have it. `profileOf` makes the profile of a moment. The last moment
   * is now.
   */
  read(
    totals: HeapTotals,
    profileOf: (moment: SavedMoment, takenAt: number) => HeapProfile,
    profileNow: () => HeapProfile,
  ): Timeline {
    const now = this.#now(totals);
    this.#notePeak(now, totals);
    const points = this.#points.all();
    const { allocBytes, inUseObjects } = points.at(-1)!;
    if (points.length === 1 || allocBytes !== now.allocBytes || inUseObjects !== now.inUseObjects) {
      points.push(now);
    }
    const moments: TimelineMoment[] = this.#moments.all().map((moment) => ({
      ...moment.point,
      profile: () => profileOf(moment, this.#startedAt.getTime() + moment.point.time),
    }));
    moments.push({ ...points.at(-1)!, profile: profileNow });
    return new Timeline(this.#startedAt, points, this.#peak, moments);
  }

  #now(totals: TimelineTotals): TimelinePoint {
    return {
      time: performance.now() - this.#began,
      allocBytes: totals.allocBytes,
      allocObjects: totals.allocObjects,
      inUseBytes: totals.liveBytes,
      inUseObjects: totals.liveObjects,
      calls: this.#calls,
    };
  }

  #take(totals: TimelineTotals): void {
    const point = this.#now(totals);
    this.#taken++;
    this.#last = point;
    this.#notePeak(point, totals);
    if (this.#points.count === MOST_POINTS) {
      this.#points.halve();
      // At least as far apart as those that are left, which may be further apart than they had to be.
      const { count } = this.#points;
      this.#step = Math.min(Math.max(this.#step * 2, Math.ceil(point.allocBytes / count)), LARGEST_STEP);
      this.#pause = Math.max(this.#pause * 2, point.time / count);
    }
    this.#points.add(point);
    this.#moments.offer(point, this.#step, totals.contexts, () => this.#ledger.uncheckedSnapshot());
  }

  // The first of equal peaks counts, as in the runtime.
  #notePeak(point: TimelinePoint, { peakBytes, peakObjects }: TimelineTotals): void {
    if (peakBytes <= (this.#peak?.inUseBytes ?? 0)) return;
    this.#peak = { ...point, inUseBytes: peakBytes, inUseObjects: peakObjects };
  }
}
