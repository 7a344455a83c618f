// The trailer of `debug=1`: the lines of Go's `# runtime.MemStats`, each with what comes closest to it here, and
// then what only this process has. Readers skip it; people do not.
// Reference: runtime/pprof/pprof.go, writeHeapInternal.

import type { Sandbox } from '../sandbox.ts';

/** The lines after the records. */
export function statisticsText(sandboxes: readonly Sandbox<object>[], hostHeap: boolean): string {
  const sum = {
    inUseObjects: 0,
    inUseBytes: 0,
    allocObjects: 0,
    allocBytes: 0,
    peakBytes: 0,
    heapBytes: 0,
    metadataBytes: 0,
    memoryBytes: 0,
    contexts: 0,
    failedAllocations: 0,
    faults: 0,
  };
  for (const sandbox of sandboxes) {
    let stats: Record<string, number>;
    try {
      stats = sandbox.heap.stats() as unknown as Record<string, number>;
    } catch {
      continue;
    }
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += stats[key] ?? 0;
  }
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
  text += `# Sandboxes = ${sandboxes.length}\n`;
  if (hostHeap) {
    const { heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
    text += `\n# process.memoryUsage\n# HeapTotal = ${heapTotal}\n# HeapUsed = ${heapUsed}\n`;
    text += `# External = ${external}\n# ArrayBuffers = ${arrayBuffers}\n`;
  }
  // As Go on Linux; maxRSS is given in kilobytes.
  return `${text}# MaxRSS = ${process.resourceUsage().maxRSS * 1024}\n`;
}
