// V8's own heap as a heap profile. V8 samples allocations at random, one per `interval` bytes on average, keeps a
// sample while its object lives, and scales: a sample of size s stands for 1 / (1 - exp(-s / interval)) objects
// (v8/src/profiler/sampling-heap-profiler.cc, ScaleSample; the inspector then multiplies by the size). In-use bytes
// are V8's figures unchanged. Two things are derived here:
//   - Objects: the inspector gives size times scaled count, and `objectSizes` recovers the size from it.
//   - Allocations: V8 forgets a sample when its object dies, so the samples seen are added up from collection to
//     collection. Samples are numbered, so the number of samples that came and went unseen is known; they are shown
//     as [collected]. The allocated figures of a profile never fall, although the guess of a sample's size may
//     change.
// The sampled heap contains no array buffers and no linear memory, because they lie outside of V8's heap. Array
// buffers and other external memory are added from Node's figures as two nodes. Heapline's own allocations are one
// node, too.

import { LruCache } from '../algorithms/lru-cache.ts';
import { ARRAY_BUFFERS, COLLECTED, EXTERNAL, type Frame, OWN } from '../frames/index.ts';
import {
  DEFAULT_SAMPLE_TYPE,
  HeapProfile,
  ProfileBuilder,
  type ProfileKind,
  SAMPLE_TYPES,
  VERSION,
} from '../profile/index.ts';
import { ownThreadLabel } from '../threads/index.ts';
import { externalMemory } from './external-memory.ts';
import { type CallFrame, InspectorSession } from './inspector.ts';
import { scriptFrame } from './script-frames.ts';
import { isOwn, type Owner, ownerOf } from './script-owners.ts';

/** Most stacks that are kept; allocations in further stacks are counted under the root. */
const MAX_STACKS = 200_000;
/** V8 aligns objects to words of 8 bytes (4 with pointer compression, which Node does not use). */
const WORD = 8;
/** Number of candidate sizes that are tried for one figure from V8. */
const CANDIDATES = 32;
/** Number of reported totals whose sizes are remembered. */
const SIZES_KEPT = 10_000;
/** Number of combinations of sizes that are tried for one node. */
const MAX_STEPS = 20_000;

interface SamplingNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly id: number;
  readonly children: readonly SamplingNode[];
}

interface SamplingProfile {
  readonly head: SamplingNode;
  readonly samples: readonly { size: number; nodeId: number; ordinal: number }[];
}

/** One calling stack of the sampled heap. */
interface Stack {
  readonly parent: Stack | null;
  readonly callFrame: CallFrame;
  readonly children: Map<string, Stack>;
  /** All samples seen so far, by the size that V8 reports for them. */
  readonly seen: Map<number, number>;
  /** The samples that were alive at the last collection, by the size that V8 reports for them. */
  readonly live: Map<number, number>;
  liveBytes: number;
  /** The highest allocated figures that profiles have shown here. They are counters, and counters do not fall. */
  allocObjects: number;
  allocBytes: number;
}

/** The frame to show and the owner of its code; the frame is null when it is not shown. */
interface ShownFrame {
  readonly frame: Frame | null;
  readonly owner: Owner;
}

/** The form that a stack of V8 takes in the profile. */
interface Shown {
  /** The stack in the builder. For Heapline's own frames, it is the caller's stack. */
  readonly stack: number;
  /** Whether allocations here are Heapline's own. */
  readonly ours: boolean;
  /** Whether the stack contains a frame of the user. */
  readonly user: boolean;
}

/** Totals of one profile of V8's heap. */
export interface SampledHeapTotals {
  inUseObjects: number;
  inUseBytes: number;
}

/** V8's sampling profiler, which runs from `open` on. A process has only one; see `shareSampledHeap`. */
export class SampledHeap {
  readonly #root: Stack = newStack(null, {
    functionName: '(root)',
    scriptId: '0',
    url: '',
    lineNumber: -1,
    columnNumber: -1,
  });
  #stacks = 1;
  #lastOrdinal = 0;
  /** Number of samples before other code stopped the sampling. */
  #earlierSamples = 0;
  #seenSamples = 0;
  #seenBytes = 0;
  #seenObjects = 0;
  /** Estimated number of objects that came and went unseen, by the mean size known at each collection. */
  #unseenObjects = 0;
  #taken: SamplingProfile | null = null;
  readonly #frames = new WeakMap<Stack, ShownFrame>();
  #mostArrayBuffers = 0;
  #mostOther = 0;
  /** The size behind each reported size, and the number of samples that support it. */
  readonly #sizes = new LruCache<number, { size: number; votes: number }>(SIZES_KEPT);

  private constructor(
    private readonly session: InspectorSession,
    readonly interval: number,
  ) {}

  /** Starts sampling. */
  static async open(interval: number): Promise<SampledHeap> {
    const session = await InspectorSession.open();
    session.send('HeapProfiler.enable');
    const heap = new SampledHeap(session, interval);
    heap.#startSampling();
    return heap;
  }

  /** Number of stacks that held objects at the last collection. */
  get liveStacks(): number {
    let count = 0;
    const walk = (stack: Stack): void => {
      if (stack.live.size > 0) count++;
      for (const child of stack.children.values()) walk(child);
    };
    walk(this.#root);
    return count;
  }

  /** The heap now. */
  profile(kind: ProfileKind & ('heap' | 'allocs')): HeapProfile {
    this.#collect();
    const builder = new ProfileBuilder({
      kind,
      sampleTypes: SAMPLE_TYPES[kind],
      defaultSampleType: DEFAULT_SAMPLE_TYPE[kind],
      timeNanos: BigInt(Date.now()) * 1_000_000n,
      periodType: { type: 'space', unit: 'bytes' },
      period: this.interval,
      comments: [
        `heapline ${VERSION}`,
        `heap=js: V8's heap, sampled every ${this.interval} bytes, scaled`,
        "heap=external: JavaScript's memory outside of V8's heap, without the guests'; as allocated counts the most so far",
      ],
    });
    const thread = { key: 'thread', text: ownThreadLabel() };
    const labels = builder.labels([{ key: 'heap', text: 'js' }, thread]);
    /** Sums of Heapline's own allocations by the stack of its caller. */
    const ours = new Map<number, number[]>();
    // V8 limits the depth to 64 frames, so recursion is safe.
    const walk = (stack: Stack, caller: Shown): void => {
      const shown = stack === this.#root ? caller : this.#shown(stack, caller, builder);
      if (stack.seen.size > 0) {
        const alloc = this.#scaled(stack.seen);
        const live = this.#scaled(stack.live);
        const bytes = stack.liveBytes;
        stack.allocObjects = Math.max(stack.allocObjects, alloc.objects, live.objects);
        stack.allocBytes = Math.max(stack.allocBytes, alloc.bytes, bytes);
        const values = [stack.allocObjects, stack.allocBytes, live.objects, bytes];
        if (shown.ours) {
          const sum = ours.get(shown.stack);
          if (sum === undefined) ours.set(shown.stack, values);
          else for (const [i, value] of values.entries()) sum[i]! += value;
        } else {
          const size = alloc.objects > 0 ? Math.floor(alloc.bytes / alloc.objects) : 0;
          const at = shown.stack === 0 ? this.#pseudo(builder, '(root)') : shown.stack;
          builder.sample(at, values, size > 0 ? builder.sizedLabels(labels, size) : labels);
        }
      }
      for (const child of stack.children.values()) walk(child, shown);
    };
    walk(this.#root, { stack: 0, ours: false, user: false });
    for (const [caller, values] of ours) {
      const size = values[0]! > 0 ? Math.floor(values[1]! / values[0]!) : 0;
      const at = this.#pseudo(builder, OWN, caller);
      builder.sample(at, values, size > 0 ? builder.sizedLabels(labels, size) : labels);
    }
    this.#addExternal(builder, builder.labels([{ key: 'heap', text: 'external' }, thread]));
    if (this.#unseenSamples > 0) {
      const bytes = this.#unseenSamples * this.interval;
      const objects = Math.round(this.#unseenObjects);
      builder.sample(this.#pseudo(builder, COLLECTED), [objects, bytes, 0, 0], labels);
    }
    return new HeapProfile(builder.finish());
  }

  /** Sums of what is in use. Within one turn of the event loop they come from the same collection. */
  totals(): SampledHeapTotals {
    this.#collect();
    let inUseObjects = 0;
    let inUseBytes = 0;
    const walk = (stack: Stack): void => {
      inUseObjects += this.#scaled(stack.live).objects;
      inUseBytes += stack.liveBytes;
      for (const child of stack.children.values()) walk(child);
    };
    walk(this.#root);
    return { inUseObjects, inUseBytes };
  }

  close(): void {
    try {
      this.session.send('HeapProfiler.stopSampling');
    } finally {
      this.session.close();
    }
  }

  /** Number of samples that came and went between two collections. They have numbers, but were not seen. */
  get #unseenSamples(): number {
    return this.#earlierSamples + this.#lastOrdinal - this.#seenSamples;
  }

  #startSampling(): void {
    this.session.send('HeapProfiler.startSampling', { samplingInterval: this.interval });
  }

  #samplingProfile(): SamplingProfile {
    const get = (): SamplingProfile =>
      this.session.send<{ profile: SamplingProfile }>('HeapProfiler.getSamplingProfile').profile;
    try {
      return get();
    } catch {
      // Another profiler of this process, such as DevTools, stops sampling for all when it is done. The record of
      // what was in use is lost with it. Counting starts again and continues from the earlier figures.
      this.#startSampling();
      this.#earlierSamples += this.#lastOrdinal;
      this.#lastOrdinal = 0;
      return get();
    }
  }

  #pseudo(builder: ProfileBuilder, name: string, caller = 0): number {
    return builder.stack(caller, builder.pseudoLocation(builder.hostMapping(), name));
  }

  /**
   * The form that a stack of V8 takes in the profile. Heapline's own frames do not appear, and neither do frames of
   * the engine and of libraries that work for Heapline: allocations there are Heapline's. When Heapline calls a
   * function of the user, allocations in that function are the user's again.
   */
  #shown(stack: Stack, caller: Shown, builder: ProfileBuilder): Shown {
    const { frame, owner } = this.#frameOf(stack);
    // When no user code leads to Heapline, the engine's frames before it carry no information.
    if (owner === 'heapline' && !caller.ours)
      return { ...caller, stack: caller.user ? caller.stack : 0, ours: true };
    if (frame === null || (owner === 'caller' && caller.ours)) return caller;
    const at = builder.stack(caller.stack, builder.hostLocation(frame));
    return { stack: at, ours: false, user: caller.user || owner === 'user' };
  }

  #frameOf(stack: Stack): ShownFrame {
    let shown = this.#frames.get(stack);
    if (shown === undefined) {
      const { callFrame } = stack;
      // Heapline's own source maps are not read, because they would take more memory than the rest of Heapline.
      const frame = isOwn(callFrame.url) ? null : scriptFrame(callFrame);
      const owner = frame === null ? 'heapline' : ownerOf(callFrame.url, frame.file);
      shown = { frame: owner === 'heapline' ? null : frame, owner };
      this.#frames.set(stack, shown);
    }
    return shown;
  }

  /** Only bytes are known for external memory. The allocated figure is the most that was in use at any time. */
  #addExternal(builder: ProfileBuilder, labels: number): void {
    const { arrayBuffers, other } = externalMemory();
    this.#mostArrayBuffers = Math.max(this.#mostArrayBuffers, arrayBuffers);
    this.#mostOther = Math.max(this.#mostOther, other);
    const outside = this.#pseudo(builder, EXTERNAL);
    builder.sample(
      this.#pseudo(builder, ARRAY_BUFFERS, outside),
      [0, this.#mostArrayBuffers, 0, arrayBuffers],
      labels,
    );
    builder.sample(outside, [0, this.#mostOther, 0, other], labels);
  }

  #collect(): void {
    if (this.#taken !== null) return;
    const profile = this.#samplingProfile();
    this.#taken = profile;
    // Several answers in one turn of the event loop share one collection.
    setImmediate(() => {
      this.#taken = null;
    });
    const stackOf = new Map<number, Stack>();
    const clear = (stack: Stack): void => {
      stack.live.clear();
      stack.liveBytes = 0;
      for (const child of stack.children.values()) clear(child);
    };
    clear(this.#root);
    const nodes: [SamplingNode, Map<number, number>][] = [];
    const samplesOf = new Map<number, Map<number, number>>();
    const walk = (node: SamplingNode, stack: Stack): void => {
      const samples = new Map<number, number>();
      nodes.push([node, samples]);
      samplesOf.set(node.id, samples);
      stackOf.set(node.id, stack);
      stack.liveBytes += node.selfSize;
      for (const child of node.children) walk(child, this.#child(stack, child.callFrame));
    };
    walk(profile.head, this.#root);
    for (const { size, nodeId } of profile.samples) {
      const samples = samplesOf.get(nodeId);
      samples?.set(size, (samples.get(size) ?? 0) + 1);
    }
    for (const [node, samples] of nodes) this.#learnSizes(node.selfSize, samples);
    const unseenBefore = this.#unseenSamples;
    let lastOrdinal = this.#lastOrdinal;
    for (const { size, nodeId, ordinal } of profile.samples) {
      const stack = stackOf.get(nodeId) ?? this.#root;
      stack.live.set(size, (stack.live.get(size) ?? 0) + 1);
      if (ordinal <= this.#lastOrdinal) continue;
      stack.seen.set(size, (stack.seen.get(size) ?? 0) + 1);
      this.#seenSamples++;
      this.#seenBytes += size;
      this.#seenObjects += size / this.#objectSize(size);
      if (ordinal > lastOrdinal) lastOrdinal = ordinal;
    }
    this.#lastOrdinal = lastOrdinal;
    const unseen = this.#unseenSamples - unseenBefore;
    this.#unseenObjects +=
      this.#seenBytes > 0 ? (unseen * this.interval * this.#seenObjects) / this.#seenBytes : unseen;
  }

  /**
   * The sizes must also explain the sum that V8 gives for the node, because V8 scales the number of samples before it
   * rounds. When exactly one choice of sizes explains the sum, that choice is right.
   */
  #learnSizes(selfSize: number, samples: ReadonlyMap<number, number>): void {
    let rest = selfSize;
    const open: { total: number; count: number; sizes: readonly number[]; sums: number[] }[] = [];
    for (const [total, count] of samples) {
      // V8 reports a single sample in the same way whatever its size.
      if (count === 1) rest -= total;
      else {
        const sizes = objectSizes(total, this.interval);
        const sums = sizes.map((size) => Math.floor(count * scale(size, this.interval) + 0.5) * size);
        open.push({ total, count, sizes, sums });
      }
    }
    if (open.length === 0) return;
    open.sort((a, b) => b.count - a.count);
    // The smallest and the largest sums that the entries from each index on can have.
    const least = [0];
    const most = [0];
    for (const { sums } of [...open].reverse()) {
      least.unshift(least[0]! + Math.min(...sums));
      most.unshift(most[0]! + Math.max(...sums));
    }
    const chosen: number[] = [];
    let found: number[] | null = null;
    let several = false;
    let steps = 0;
    const search = (entry: number, left: number): void => {
      if (several || left < least[entry]! || left > most[entry]! || ++steps > MAX_STEPS) return;
      if (entry === open.length) {
        several = found !== null;
        found = [...chosen];
        return;
      }
      for (const [i, sum] of open[entry]!.sums.entries()) {
        chosen[entry] = open[entry]!.sizes[i]!;
        search(entry + 1, left - sum);
      }
    };
    search(0, rest);
    if (found === null || several || steps > MAX_STEPS) return;
    for (const [i, { total, count }] of open.entries()) {
      const known = this.#sizes.get(total);
      if (known !== undefined && known.votes > count) continue;
      this.#sizes.set(total, { size: found[i]!, votes: count });
    }
  }

  #objectSize(total: number): number {
    return this.#sizes.get(total)?.size ?? objectSizes(total, this.interval)[0]!;
  }

  /** V8's own arithmetic: the count of each size is scaled and rounded. */
  #scaled(samples: ReadonlyMap<number, number>): { objects: number; bytes: number } {
    let objects = 0;
    let bytes = 0;
    for (const [total, count] of samples) {
      const size = this.#objectSize(total);
      const scaledCount = Math.floor(count * scale(size, this.interval) + 0.5);
      objects += scaledCount;
      bytes += scaledCount * size;
    }
    return { objects, bytes };
  }

  #child(parent: Stack, callFrame: CallFrame): Stack {
    const { scriptId, lineNumber, columnNumber, functionName } = callFrame;
    const key = `${scriptId}:${lineNumber}:${columnNumber}:${functionName}`;
    let child = parent.children.get(key);
    if (child === undefined) {
      if (this.#stacks >= MAX_STACKS) return parent;
      this.#stacks++;
      child = newStack(parent, callFrame);
      parent.children.set(key, child);
    }
    return child;
  }
}

function newStack(parent: Stack | null, callFrame: CallFrame): Stack {
  return {
    parent,
    callFrame,
    children: new Map(),
    seen: new Map(),
    live: new Map(),
    liveBytes: 0,
    allocObjects: 0,
    allocBytes: 0,
  };
}

function scale(size: number, interval: number): number {
  return 1 / (1 - Math.exp(-size / interval));
}

const candidates = new LruCache<string, readonly number[]>(SIZES_KEPT);

/**
 * The possible sizes of an object whose sample was reported as `total` = size × round(scale), smallest first. A size
 * that divides the interval gives interval + size, so a well chosen interval leaves few possibilities.
 */
export function objectSizes(total: number, interval: number): readonly number[] {
  const key = `${total} ${interval}`;
  return candidates.getOrMake(key, () => findObjectSizes(total, interval));
}

function findObjectSizes(total: number, interval: number): number[] {
  const sizes: number[] = [];
  // round(scale) is at most interval / size + 1 + size / (12 × interval); this limits the size from below.
  const least = Math.max(WORD, (total - interval) * 0.9);
  for (let count = Math.floor(total / least); count >= 1; count--) {
    const size = total / count;
    if (size % WORD === 0 && Math.floor(scale(size, interval) + 0.5) === count) sizes.push(size);
    if (sizes.length === CANDIDATES) break;
  }
  return sizes.length === 0 ? [total] : sizes;
}

const SHARED = Symbol.for('heapline.sampledHeap');
const CLOSED = Symbol.for('heapline.sampledHeapClosed');

interface SharedHeap {
  readonly heap: Promise<SampledHeap>;
  users: number;
}

interface Holder {
  [SHARED]?: SharedHeap;
  /** Resolved when the previous heap has been closed. */
  [CLOSED]?: Promise<void>;
}

/**
 * The process has only one sampling profiler for all users. The first user starts it and chooses the interval; the
 * last user to release it stops it.
 */
export function shareSampledHeap(interval: number): { heap: Promise<SampledHeap>; release(): void } {
  const holder = globalThis as Holder;
  // V8 lets several sessions start its profiler, but the first one to stop it stops it for all. So they take turns.
  holder[SHARED] ??= {
    heap: (holder[CLOSED] ?? Promise.resolve()).then(() => SampledHeap.open(interval)),
    users: 0,
  };
  const shared = holder[SHARED];
  shared.users++;
  shared.heap.catch(() => {
    if (holder[SHARED] === shared) delete holder[SHARED];
  });
  let released = false;
  return {
    heap: shared.heap,
    release() {
      if (released) return;
      released = true;
      if (--shared.users > 0) return;
      if (holder[SHARED] === shared) delete holder[SHARED];
      // The profiler may never have started, or another profiler of this process may have stopped it.
      holder[CLOSED] = shared.heap.then((heap) => heap.close()).catch(() => {});
    },
  };
}
