// Some points of a timeline with all contexts. They cost a walk over the contexts and memory for each, so there are few
// of them: walking takes a small share of the time at most, and when there are too many or they are too large, every
// second one is dropped and the next ones are twice as far apart.

import { savedArray } from '../algorithms/saved.ts';
import type { HeapSnapshot } from '../heap/index.ts';
import type { TimelinePoint } from './timeline.ts';

/** Most moments that are kept. */
const MOST_MOMENTS = 32;
/** Points from one moment to the next, at first. */
const FIRST_DISTANCE = 32;
/** Most contexts of all moments together. They take 28 bytes each. */
const MOST_CONTEXTS = 2 ** 20;
/** Walking over contexts may take so many milliseconds, and a share of the time beyond them. */
const ALLOWANCE = 0.5;
const SHARE_OF_TIME = 0.003;
/** Milliseconds that a context takes, until there is a measurement. */
const USUAL_CONTEXT = 1e-4;
/** A heap that is larger than at all moments before by this factor is a moment. */
const NEW_PEAK = 1.5;

/** The contexts of a guest at one point: those that have allocated something. */
export interface SavedMoment {
  readonly point: TimelinePoint;
  /** Address of the context, as in HeapSnapshot. */
  readonly node: Uint32Array;
  readonly allocObjects: Float64Array;
  readonly allocBytes: Float64Array;
  readonly liveObjects: Uint32Array;
  readonly liveBytes: Uint32Array;
}

export class Moments {
  readonly #kept: SavedMoment[] = [];
  #distance = FIRST_DISTANCE;
  /** Allocated bytes from which on the next moment is due. */
  #due = 0;
  #largest = 0;
  #contexts = 0;
  /** Milliseconds that walking over contexts has taken. */
  #walked = 0;
  /** The same for each context, as it was last. */
  #perContext = USUAL_CONTEXT;

  all(): readonly SavedMoment[] {
    return this.#kept;
  }

  /** Saves the moments for a snapshot. What walking has taken stays. */
  save(): () => void {
    const kept = savedArray(this.#kept);
    const [distance, due, largest, contexts] = [this.#distance, this.#due, this.#largest, this.#contexts];
    return () => {
      kept();
      this.#distance = distance;
      this.#due = due;
      this.#largest = largest;
      this.#contexts = contexts;
    };
  }

  /**
   * Keeps the contexts of this point if it is time.
   * @param step bytes between two points
   * @param count number of contexts
   */
  offer(point: TimelinePoint, step: number, count: number, contexts: () => HeapSnapshot | null): void {
    const isDue = point.allocBytes >= this.#due || point.inUseBytes > this.#largest * NEW_PEAK;
    const allowed = ALLOWANCE + point.time * SHARE_OF_TIME;
    if (!isDue || this.#walked + count * this.#perContext > allowed) return;
    const began = performance.now();
    const snapshot = contexts();
    if (snapshot !== null) this.#keep(save(point, snapshot), point);
    this.#due = point.allocBytes + this.#distance * step;
    const took = performance.now() - began;
    this.#walked += took;
    // Small heaps say little: most of their time is for the first run of this code.
    if (count > 1000) this.#perContext = took / count;
  }

  #keep(saved: SavedMoment, point: TimelinePoint): void {
    this.#kept.push(saved);
    this.#contexts += saved.node.length;
    this.#largest = Math.max(this.#largest, point.inUseBytes);
    while (this.#kept.length > MOST_MOMENTS || (this.#contexts > MOST_CONTEXTS && this.#kept.length > 1)) {
      this.#halve();
    }
  }

  /** Drops every second moment. The largest one stays. */
  #halve(): void {
    const largest = this.#kept.reduce((a, b) => (b.point.inUseBytes > a.point.inUseBytes ? b : a));
    const kept = this.#kept.filter((moment, i) => i % 2 === 1 || moment === largest);
    // With two of them, of which the second is the largest, one is left. With the first, the second goes.
    if (kept.length === this.#kept.length) kept.pop();
    this.#kept.splice(0, this.#kept.length, ...kept);
    this.#contexts = kept.reduce((sum, { node }) => sum + node.length, 0);
    this.#distance *= 2;
  }
}

function save(point: TimelinePoint, snapshot: HeapSnapshot): SavedMoment {
  const { count, node, allocObjects, allocBytes, liveObjects, liveBytes } = snapshot;
  let used = 0;
  for (let i = 0; i < count; i++) if (allocObjects[i] !== 0) used++;
  const saved: SavedMoment = {
    point,
    node: new Uint32Array(used),
    allocObjects: new Float64Array(used),
    allocBytes: new Float64Array(used),
    liveObjects: new Uint32Array(used),
    liveBytes: new Uint32Array(used),
  };
  for (let i = 0, to = 0; i < count; i++) {
    if (allocObjects[i] === 0) continue;
    saved.node[to] = node[i]!;
    saved.allocObjects[to] = allocObjects[i]!;
    saved.allocBytes[to] = allocBytes[i]!;
    saved.liveObjects[to] = liveObjects[i]!;
    saved.liveBytes[to] = liveBytes[i]!;
    to++;
  }
  return saved;
}
