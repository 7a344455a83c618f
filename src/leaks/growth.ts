// Steady-state growth: does repeated work leave more behind each time? Blocks that are still reachable count here
// (a cache without a bound, a list that is only appended to), so this finds growth that leak classes cannot show.
// The heap is read before the first measured run and after each one. Growing once is not growth: a context counts
// when it holds more at the end than at the start, and more than at half time.

import { type Frame, type Stack, withStacks } from '../frames/index.ts';
import { type ContextStacks, type HeapSnapshot, indicesIn } from '../heap/index.ts';
import { wholeNumber } from '../options/option-rules.ts';
import { type OptionTable, type SettingsOf, withDefault } from '../options/option-table.ts';

/** How often the work is repeated. */
export interface GrowthOptions {
  /** Runs before the measurement, in which caches fill. Default 3. */
  readonly warmup?: number;
  /** Measured runs, at least 2. Default 20. */
  readonly runs?: number;
}

export const GROWTH_OPTIONS = {
  warmup: withDefault(wholeNumber(0), 3),
  runs: withDefault(wholeNumber(2), 20),
} satisfies OptionTable<GrowthOptions>;

/** A calling context that keeps growing. */
export interface GrowingContext {
  /** Blocks that each run adds, on average over the measured runs. */
  readonly objectsPerRun: number;
  /** Bytes that each run adds, on average over the measured runs. */
  readonly bytesPerRun: number;
  /** Blocks that all measured runs have added. */
  readonly objects: number;
  /** Bytes that all measured runs have added. */
  readonly bytes: number;
  /** Where the blocks are allocated, innermost frame first. */
  readonly frames: readonly Frame[];
}

/** What repeated work left behind. */
export interface GrowthReport {
  /** Runs before the measured ones. */
  readonly warmup: number;
  /** Runs that were measured. */
  readonly runs: number;
  /** Blocks that each run adds in all growing contexts together. */
  readonly objectsPerRun: number;
  /** Bytes that each run adds in all growing contexts together. */
  readonly bytesPerRun: number;
  /** Bytes in use before the first measured run, and after each one. */
  readonly inUseBytes: readonly number[];
  /** The growing contexts, the fastest first; empty when the heap is steady. */
  readonly contexts: readonly GrowingContext[];
}

/** How much more the contexts of one stack hold than at the start, and (late) than at half time. */
interface Change {
  objects: number;
  bytes: number;
  lateObjects: number;
  lateBytes: number;
}

/** Compares the heap between runs. */
export class GrowthMeter {
  readonly warmup: number;
  readonly runs: number;
  readonly #inUseBytes: number[] = [];
  #start: HeapSnapshot | null = null;
  #middle: HeapSnapshot | null = null;

  constructor({ warmup, runs }: SettingsOf<typeof GROWTH_OPTIONS>) {
    this.warmup = warmup;
    this.runs = runs;
  }

  /** Call it with 0 before the first measured run, and with its number after each run. */
  observe(run: number, totals: { readonly liveBytes: number }, snapshot: () => HeapSnapshot): void {
    this.#inUseBytes.push(totals.liveBytes);
    const half = this.runs >> 1;
    if (run !== 0 && run !== half) return;
    const sample = snapshot();
    if (run === 0) this.#start = sample;
    if (run === half) this.#middle = sample;
  }

  /** The growth, given the heap after the last run. */
  report(end: HeapSnapshot, contexts: ContextStacks): GrowthReport {
    const start = this.#start!;
    const middle = this.#middle!;
    const sum = { objects: 0, bytes: 0 };
    const inStart = indicesIn(start, end);
    const inMiddle = indicesIn(middle, end);
    // Contexts of the same stack are judged as one, because blocks that move from one to the other are not growth.
    const stacks = new Map<Stack, Change>();
    for (let i = 0; i < end.count; i++) {
      // A context that did not exist yet held nothing.
      const objects = end.liveObjects[i]! - (start.liveObjects[inStart[i]!] ?? 0);
      const bytes = end.liveBytes[i]! - (start.liveBytes[inStart[i]!] ?? 0);
      const lateObjects = end.liveObjects[i]! - (middle.liveObjects[inMiddle[i]!] ?? 0);
      const lateBytes = end.liveBytes[i]! - (middle.liveBytes[inMiddle[i]!] ?? 0);
      if (objects === 0 && bytes === 0 && lateObjects === 0 && lateBytes === 0) continue;
      const stack = contexts.of(end.node[i]!);
      let change = stacks.get(stack);
      if (change === undefined) {
        change = { objects: 0, bytes: 0, lateObjects: 0, lateBytes: 0 };
        stacks.set(stack, change);
      }
      change.objects += objects;
      change.bytes += bytes;
      change.lateObjects += lateObjects;
      change.lateBytes += lateBytes;
    }
    const growing: GrowingContext[] = [];
    for (const [stack, { objects, bytes, lateObjects, lateBytes }] of stacks) {
      if (!((bytes > 0 && lateBytes > 0) || (objects > 0 && lateObjects > 0))) continue;
      sum.objects += objects;
      sum.bytes += bytes;
      const growth = {
        objectsPerRun: objects / this.runs,
        bytesPerRun: bytes / this.runs,
        objects,
        bytes,
      };
      growing.push(withStacks(growth, { frames: stack }));
    }
    growing.sort((a, b) => b.bytes - a.bytes || b.objects - a.objects);
    return {
      warmup: this.warmup,
      runs: this.runs,
      objectsPerRun: sum.objects / this.runs,
      bytesPerRun: sum.bytes / this.runs,
      inUseBytes: this.#inUseBytes,
      contexts: growing,
    };
  }
}
