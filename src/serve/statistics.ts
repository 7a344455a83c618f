// The trailer of `debug=1`: the lines of Go's `# runtime.MemStats`, each with the closest figure that exists here,
// and then the lines that only this process has. Programs skip the trailer; people read it.
// Reference: runtime/pprof/pprof.go, writeHeapInternal.

import type { Steps } from '../algorithms/steps.ts';
import type { HeapStats, Sandbox } from '../sandbox/index.ts';

/** The figures behind the lines, added up over sandboxes. */
export type Sums = Record<(typeof SUMMED)[number] | 'sandboxes', number>;

const SUMMED = [
  'inUseObjects',
  'inUseBytes',
  'allocObjects',
  'allocBytes',
  'peakBytes',
  'heapBytes',
  'metadataBytes',
  'memoryBytes',
  'contexts',
  'failedAllocations',
  'faults',
] as const satisfies readonly (keyof HeapStats)[];

/** The sums over no sandbox. */
export function emptySums(): Sums {
  return Object.fromEntries([...SUMMED, 'sandboxes'].map((key) => [key, 0])) as Sums;
}

/** The sums over these sandboxes. */
export function* sumsOf(sandboxes: readonly Sandbox<object>[]): Steps<Sums> {
  const sums = emptySums();
  sums.sandboxes = sandboxes.length;
  for (const sandbox of sandboxes) {
    yield;
    let stats: HeapStats;
    try {
      stats = sandbox.heap.stats();
    } catch {
      continue;
    }
    for (const key of SUMMED) sums[key] += stats[key];
  }
  return sums;
}

/** The lines after the records. `threads` has the lines about other threads, if there are any. */
export function statisticsText(sum: Sums, hostHeap: boolean, threads: readonly string[] = []): string {
  const lines: [string, string | number][] = [
    ['Alloc', sum.inUseBytes],
    ['TotalAlloc', sum.allocBytes],
    ['Sys', sum.memoryBytes],
    ['Lookups', 0],
    ['Mallocs', sum.allocObjects],
    ['Frees', sum.allocObjects - sum.inUseObjects],
    ['HeapAlloc', sum.inUseBytes],
    ['HeapSys', sum.heapBytes],
    ['HeapIdle', Math.max(0, sum.heapBytes - sum.inUseBytes)],
    ['HeapInuse', Math.min(sum.inUseBytes, sum.heapBytes)],
    ['HeapReleased', 0],
    ['HeapObjects', sum.inUseObjects],
    ['OtherSys', sum.metadataBytes],
    ['HeapPeak', sum.peakBytes],
    ['Contexts', sum.contexts],
    ['FailedAllocations', sum.failedAllocations],
    ['HeapFaults', sum.faults],
  ];
  let text = '\n# runtime.MemStats\n';
  for (const [name, value] of lines) text += `# ${name} = ${value}\n`;
  text += `# Sandboxes = ${sum.sandboxes}\n`;
  for (const line of threads) text += `# ${line}\n`;
  if (hostHeap) {
    const { heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
    text += `\n# process.memoryUsage\n# HeapTotal = ${heapTotal}\n# HeapUsed = ${heapUsed}\n`;
    text += `# External = ${external}\n# ArrayBuffers = ${arrayBuffers}\n`;
  }
  // As Go does on Linux; Node gives maxRSS in kilobytes.
  return `${text}# MaxRSS = ${process.resourceUsage().maxRSS * 1024}\n`;
}
