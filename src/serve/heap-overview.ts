// What the index page shows about the heaps of one thread: a row for each heap, and the sample count of each profile.

import type { Steps } from '../algorithms/steps.ts';
import { formatQuantity } from '../profile/index.ts';
import type { Sandbox, ToolchainInfo } from '../sandbox/index.ts';
import { ownThreadLabel } from '../threads/index.ts';
import { externalMemory } from './external-memory.ts';
import type { HeapEntry } from './index-page.ts';
import type { ProfileSource } from './profiles.ts';
import { inSlices } from './slices.ts';
import type { SampledHeap } from './v8-heap.ts';

/** The heaps of one or more threads. */
export interface HeapOverview {
  readonly heaps: readonly HeapEntry[];
  /** Number of samples by the name of the profile, for the profiles where the number is known. */
  readonly counts: ReadonlyMap<string, number>;
}

/** The heaps of this thread. */
export async function heapOverview(source: ProfileSource): Promise<HeapOverview> {
  const sandboxes = source.sandboxes();
  const sampled = await source.hostHeap();
  const thread = ownThreadLabel();
  const heaps = await inSlices(heapEntries(sandboxes, thread));
  if (sampled !== null) heaps.push(hostEntry(sampled, thread), externalEntry(thread));
  return { heaps, counts: await inSlices(countSamples(sandboxes)) };
}

const EMPTY_HEAP: Omit<HeapEntry, 'thread'> = {
  instance: '',
  toolchain: '',
  inUseObjects: 0,
  inUseBytes: 0,
  allocObjects: null,
  allocBytes: null,
  peakBytes: null,
  contexts: 0,
  memoryBytes: null,
  problem: null,
};

function* heapEntries(sandboxes: readonly Sandbox<object>[], thread: string): Steps<HeapEntry[]> {
  const entries: HeapEntry[] = [];
  for (const sandbox of sandboxes) {
    yield;
    // Somebody may have disposed of the sandbox in the meantime.
    if (!sandbox.disposed) entries.push(heapEntry(sandbox, thread));
  }
  return entries;
}

function heapEntry(sandbox: Sandbox<object>, thread: string): HeapEntry {
  const { instance, toolchain } = sandbox;
  try {
    const { inUseObjects, inUseBytes, allocObjects, allocBytes, peakBytes, contexts, memoryBytes } =
      sandbox.heap.stats();
    return {
      thread,
      instance,
      toolchain: toolchain === null ? '' : compiledBy(toolchain),
      ...{ inUseObjects, inUseBytes, allocObjects, allocBytes, peakBytes, contexts, memoryBytes },
      problem: null,
    };
  } catch (error) {
    return { ...EMPTY_HEAP, thread, instance, problem: (error as Error).message };
  }
}

function hostEntry(sampled: SampledHeap, thread: string): HeapEntry {
  const instance = 'JavaScript (V8)';
  try {
    return {
      ...EMPTY_HEAP,
      thread,
      instance,
      toolchain: `sampled every ${sampled.interval} bytes`,
      ...sampled.totals(),
      contexts: sampled.liveStacks,
      memoryBytes: process.memoryUsage().heapTotal,
    };
  } catch (error) {
    return { ...EMPTY_HEAP, thread, instance, problem: (error as Error).message };
  }
}

function externalEntry(thread: string): HeapEntry {
  const { arrayBuffers, other } = externalMemory();
  return {
    ...EMPTY_HEAP,
    thread,
    instance: "JavaScript (outside V8's heap)",
    toolchain: `array buffers: ${formatQuantity(arrayBuffers, 'bytes')}`,
    inUseBytes: arrayBuffers + other,
  };
}

function compiledBy({ name, version }: ToolchainInfo): string {
  return version.startsWith(name) ? version : `${name} ${version}`;
}

/** The number of samples that each profile of contexts would have. */
function* countSamples(sandboxes: readonly Sandbox<object>[]): Steps<Map<string, number>> {
  const counts = new Map<string, number>();
  const add = (name: string, column: Float64Array): void => {
    let count = counts.get(name) ?? 0;
    for (const value of column) if (value !== 0) count++;
    counts.set(name, count);
  };
  for (const sandbox of sandboxes) {
    yield;
    try {
      const snapshot = sandbox.heap.snapshot();
      add('heap', snapshot.allocObjects);
      add('allocs', snapshot.allocObjects);
      add('delta_heap', snapshot.allocObjects);
      add('lifetime', snapshot.allocObjects);
      add('peak', snapshot.peakObjects);
      add('temporary', snapshot.temporaryObjects);
    } catch {
      // The table of heaps already says what is wrong with this heap.
    }
  }
  return counts;
}
