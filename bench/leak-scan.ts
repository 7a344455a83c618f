// How fast the leak scan is: heaps of a million small blocks and of hundreds of megabytes, reachable and lost, searched
// by `heap.leaks()` (scan in C, classes read, report made). The bar is 500 MB of live heap a second.
// Usage: tsx bench/leak-scan.ts [--quick]

import { fileURLToPath } from 'node:url';
import { loadC } from '../src/index.ts';

/** One heap that was searched. */
export interface LeakScanResult {
  readonly name: string;
  readonly blocks: number;
  /** Bytes in use. */
  readonly bytes: number;
  /** Median of the whole of heap.leaks(), in milliseconds. */
  readonly milliseconds: number;
  /** Megabytes (10^6) in use, searched per second. */
  readonly megabytesPerSecond: number;
}

interface Heap {
  readonly name: string;
  readonly blocks: number;
  readonly size: number;
  readonly keep: boolean;
}

const HEAPS: readonly Heap[] = [
  { name: '1,000,000 blocks of 64 bytes, reachable', blocks: 1_000_000, size: 64, keep: true },
  { name: '1,000,000 blocks of 64 bytes, lost', blocks: 1_000_000, size: 64, keep: false },
  { name: '1,000,000 blocks of 256 bytes, reachable', blocks: 1_000_000, size: 256, keep: true },
  { name: '100,000 blocks of 4,096 bytes, reachable', blocks: 100_000, size: 4096, keep: true },
  { name: '500 blocks of 1 MiB, reachable', blocks: 500, size: 2 ** 20, keep: true },
];

const source = fileURLToPath(new URL('kernels/leak-heaps.c', import.meta.url));

/** Measures all heaps, each in a sandbox of its own. */
export async function measureLeakScan(quick = false): Promise<LeakScanResult[]> {
  const results: LeakScanResult[] = [];
  for (const { name, blocks, size, keep } of HEAPS) {
    using lib = await loadC<{ build(blocks: number, size: number, keep: number): number }>(source, {
      flags: ['-O2'],
    });
    const scaled = quick ? Math.ceil(blocks / 10) : blocks;
    const bytes = lib.exports.build(scaled, size, keep ? 1 : 0);
    if (bytes === 0) throw new Error(`there is no memory for ${name}`);
    const times: number[] = [];
    for (let round = 0; round < (quick ? 3 : 7); round++) {
      const start = performance.now();
      const { total } = lib.heap.leaks();
      times.push(performance.now() - start);
      if (total.bytes !== bytes) throw new Error(`${name}: ${total.bytes} bytes found of ${bytes}`);
    }
    const milliseconds = times.sort((a, b) => a - b)[times.length >> 1]!;
    results.push({
      name,
      blocks: scaled,
      bytes,
      milliseconds,
      megabytesPerSecond: bytes / 1e3 / milliseconds,
    });
  }
  return results;
}

async function main(): Promise<void> {
  const results = await measureLeakScan(process.argv.includes('--quick'));
  for (const { name, milliseconds, megabytesPerSecond } of results) {
    console.log(
      `${name.padEnd(45)} ${milliseconds.toFixed(1).padStart(8)} ms ${megabytesPerSecond.toFixed(0).padStart(7)} MB/s`,
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
