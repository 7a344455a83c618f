// V8's heap next to C's: its figures are scaled as V8 defines it and compared with allocations of known number and
// size, and neither heap is counted in the other.

import { Session } from 'node:inspector';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HeapProfile, type Sandbox } from '../../src/index.ts';
import { pprofHandler } from '../../src/serve/index.ts';
import { ownerOf } from '../../src/serve/script-owners.ts';
import { objectSizes } from '../../src/serve/v8-heap.ts';
import { FULL } from '../support/full.ts';
import { loadService, type Served, type Service, serve } from '../support/served.ts';

const kept: unknown[] = [];
let lib: Sandbox<Service>;
let served: Served;
beforeEach(async () => {
  lib = await loadService();
  served = await serve({ sandboxes: [lib], host: { samplingInterval: 20_160 } });
  await served.ask('/debug/pprof/');
});
afterEach(async () => {
  kept.length = 0;
  await served[Symbol.asyncDispose]();
  lib.dispose();
});

const heap = async (target = '/debug/pprof/heap?gc=1'): Promise<HeapProfile> =>
  HeapProfile.decode((await served.ask(target)).body);

/** Sums of the samples of one heap, or of the samples with this function on their stack. */
function sums(profile: HeapProfile, which: { heap?: string; function?: string }): number[] {
  const result = [0, 0, 0, 0];
  for (const { labels, frames, values } of profile.samples()) {
    if (which.heap !== undefined && labels.heap !== which.heap) continue;
    if (which.function !== undefined && !frames.some((frame) => frame.function === which.function)) continue;
    for (const [i, value] of values.entries()) result[i]! += value;
  }
  return result;
}

/** Makes `kept` grow now, so that it does not grow during a measurement. */
function roomFor(count: number): void {
  for (let i = 0; i < count; i++) kept.push(null);
  kept.length = 0;
}

function allocateObjects(count: number): void {
  for (let i = 0; i < count; i++) kept.push({ a: i, b: i, c: i, d: i, e: i });
}

function allocateArrays(count: number, length: number): void {
  for (let i = 0; i < count; i++) kept.push(new Array(length).fill(i));
}

function allocateBuffers(): void {
  kept.push(new ArrayBuffer(50_000_000), Buffer.alloc(50_000_000), new WebAssembly.Memory({ initial: 800 }));
}

describe("V8's heap", () => {
  test('shows large objects with their exact number and size', async () => {
    await served[Symbol.asyncDispose]();
    served = await serve({ sandboxes: [lib], host: true });
    await served.ask('/debug/pprof/');
    roomFor(6000);
    allocateArrays(6000, 1000);
    const [, , objects, bytes] = sums(await heap(), { function: 'allocateArrays' });
    // An array of 1000 elements takes a header and 8 bytes for each element. About ninety arrays are sampled. Now and
    // then a header is sampled, too; it then stands for thousands of objects and hardly any bytes.
    expect(objects! / 6000).toBeGreaterThan(0.55);
    expect(bytes! / objects!).toBeLessThan(8200);
    expect(bytes! / (6000 * 8048)).toBeGreaterThan(0.55);
    expect(bytes! / (6000 * 8048)).toBeLessThan(1.45);
  });

  test('shows small objects with their number and size, scaled up from the sampled ones', async () => {
    roomFor(200_000);
    allocateObjects(200_000);
    const frames = sums(await heap(), { function: 'allocateObjects' });
    // An object takes three words of header and a word for each property; the array that keeps it takes 8 bytes more.
    const size = 3 * 8 + 5 * 8;
    expect(frames[3]! / (200_000 * size)).toBeGreaterThan(0.85);
    expect(frames[3]! / (200_000 * (size + 24))).toBeLessThan(1.1);
    expect(frames[2]! / 200_000).toBeGreaterThan(0.8);
    expect(frames[2]! / 200_000).toBeLessThan(1.3);
  });

  test('has the same bytes as V8 reports', async () => {
    roomFor(500);
    allocateArrays(500, 1000);
    const profile = await heap();
    const session = new Session();
    session.connect();
    let reported = 0;
    session.post('HeapProfiler.getSamplingProfile', (_error, { profile: tree }) => {
      const walk = (node: typeof tree.head, below: boolean): void => {
        const within = below || node.callFrame.functionName === 'allocateArrays';
        if (within) reported += node.selfSize;
        for (const child of node.children) walk(child, within);
      };
      walk(tree.head, false);
    });
    session.disconnect();
    expect(sums(profile, { heap: 'js', function: 'allocateArrays' })[3]).toBe(reported);
  });

  test('also counts allocations that are dropped', async () => {
    allocateArrays(2000, 1000);
    kept.length = 0;
    // The number of the last living sample tells how many samples were taken.
    allocateArrays(30, 1000);
    const [allocObjects, allocBytes] = sums(await heap('/debug/pprof/allocs'), { heap: 'js' });
    const after = sums(await heap(), { heap: 'js' });
    // Each unseen sample counts for one interval. Objects as large as these stand for more.
    expect(allocBytes).toBeGreaterThan(0.75 * 2000 * 8048);
    expect(after[0]).toBeGreaterThanOrEqual(allocObjects!);
    expect(after[1]).toBeGreaterThanOrEqual(allocBytes!);
    expect(sums(await heap(), { function: 'allocateArrays' })[3]).toBeLessThan(0.2 * 2000 * 8048);
  });

  test('never takes back allocations that it has reported, even as it learns more sizes', async () => {
    let before = [0, 0];
    for (let round = 0; round < (FULL ? 30 : 12); round++) {
      // A few samples of each size are taken, and most of them are gone before they are seen.
      for (let i = 0; i < 40; i++) allocateArrays(5, 10 + ((round * 40 + i) % 97) * 11);
      kept.length = round % 3 === 0 ? 0 : kept.length;
      const after = sums(await heap(), { heap: 'js' });
      expect(after[0]).toBeGreaterThanOrEqual(before[0]!);
      expect(after[1]).toBeGreaterThanOrEqual(before[1]!);
      before = after;
    }
  });

  test('contains no array buffers and no linear memory', async () => {
    const before = sums(await heap(), { heap: 'js' })[3]!;
    allocateBuffers();
    lib.exports.keep(50_000_000);
    const profile = await heap();
    expect(sums(profile, { heap: 'js' })[3]! - before).toBeLessThan(5_000_000);
    expect(sums(profile, { heap: 'c' })[3]).toBe(50_000_000);
  });

  test('and the heap of C, together with memory outside, add up to the whole', async () => {
    lib.exports.contexts(5);
    allocateArrays(100, 1000);
    const profile = await heap();
    const c = sums(profile, { heap: 'c' });
    const js = sums(profile, { heap: 'js' });
    const external = sums(profile, { heap: 'external' });
    const alone = lib.heap.profile();
    for (const [i, { type }] of profile.sampleTypes.entries()) {
      expect(c[i]).toBe(alone.total(type));
      expect(c[i]! + js[i]! + external[i]!).toBe(profile.total(type));
    }
  });

  test('appears at its lines of TypeScript', async () => {
    allocateArrays(100, 1000);
    for (const { frames } of (await heap()).samples()) {
      const frame = frames.find(({ function: name }) => name === 'allocateArrays');
      if (frame !== undefined) expect(frame.file).toBe(import.meta.filename);
    }
  });

  test('never has more memory in use than was allocated', async () => {
    allocateObjects(20_000);
    for (const { values } of (await heap()).samples()) {
      expect(values[0]).toBeGreaterThanOrEqual(values[2]!);
      expect(values[1]).toBeGreaterThanOrEqual(values[3]!);
    }
  });

  test('gc=1 collects objects that nothing refers to', async () => {
    allocateArrays(2000, 1000);
    expect(sums(await heap('/debug/pprof/heap'), { function: 'allocateArrays' })[3]).toBeGreaterThan(
      10_000_000,
    );
    kept.length = 0;
    expect(sums(await heap('/debug/pprof/heap?gc=1'), { function: 'allocateArrays' })[3]).toBeLessThan(
      1_000_000,
    );
  });

  test('is sampled once for all handlers, until the last handler closes', async () => {
    const second = await serve({ sandboxes: [], host: true });
    allocateArrays(500, 1000);
    const profile = HeapProfile.decode((await second.ask('/debug/pprof/heap')).body);
    expect(profile.comments.join()).toContain('sampled every 20160 bytes');
    await second[Symbol.asyncDispose]();
    expect(sums(await heap(), { function: 'allocateArrays' })[3]).toBeGreaterThan(0.8 * 500 * 8048);
  });

  test('is sampled for a handler that is made just after another one has closed', async () => {
    await served[Symbol.asyncDispose]();
    pprofHandler({ host: true }).close();
    served = await serve({ sandboxes: [lib], host: { samplingInterval: 20_160 } });
    await served.ask('/debug/pprof/');
    allocateArrays(500, 1000);
    expect(sums(await heap(), { function: 'allocateArrays' })[3]).toBeGreaterThan(0.8 * 500 * 8048);
  });
});

describe("Heapline's own part of V8's heap", () => {
  const src = new URL('../../src/', import.meta.url).pathname;

  test('is one node below the user code that called it, and its frames are not shown', async () => {
    // Profiles that somebody keeps are Heapline's objects.
    const keepProfiles = (): void => {
      for (let i = 0; i < 120; i++) kept.push(HeapProfile.decode(lib.heap.profile().encode()));
    };
    // Bytes of the objects that V8 has sampled and that are still alive.
    const sampled = (): number => {
      const session = new Session();
      session.connect();
      let bytes = 0;
      session.post('HeapProfiler.getSamplingProfile', (_error, { profile: tree }) => {
        const walk = (node: typeof tree.head): void => {
          bytes += node.selfSize;
          for (const child of node.children) walk(child);
        };
        walk(tree.head);
      });
      session.disconnect();
      return bytes;
    };
    lib.exports.contexts(9);
    keepProfiles();
    const before = sampled();
    const profile = await heap();
    let own = 0;
    for (const { frames, values } of profile.samples()) {
      for (const [i, frame] of frames.entries()) {
        if (frame.language !== 'js') continue;
        expect(frame.file.startsWith(src), frame.file).toBe(false);
        expect(frame.file).not.toMatch(/node_modules\/(?:@jridgewell|pprof-format)\//);
        if (frame.function === '[heapline]') expect(i).toBe(0);
      }
      if (frames[0]?.function !== '[heapline]' || !frames.some((f) => f.function === 'keepProfiles'))
        continue;
      own += values[3]!;
    }
    expect(own).toBeGreaterThan(500_000);
    // Sampling continues while the profile is made, which allocates itself.
    expect(sums(profile, { heap: 'js' })[3]! / before).toBeGreaterThan(0.8);
    expect(sums(profile, { heap: 'js' })[3]! / sampled()).toBeLessThan(1.2);
  });

  test('does not hide allocations of user code that it calls', async () => {
    const allocateInScope = (): void => {
      lib.heap.scope(() => allocateArrays(300, 1000));
    };
    allocateInScope();
    const profile = await heap();
    let found = 0;
    for (const { frames, values } of profile.samples()) {
      const names = frames.map((frame) => frame.function);
      const at = names.indexOf('allocateArrays');
      if (at < 0 || values[3] === 0) continue;
      found += values[3]!;
      expect(names).toContain('allocateInScope');
      expect(names).not.toContain('[heapline]');
    }
    expect(found / (300 * 8048)).toBeGreaterThan(0.7);
  });

  test('is told from other code by its files', () => {
    const url = (path: string): string => new URL(path, import.meta.url).href;
    for (const [file, owner] of [
      [url('../../src/serve/service.ts'), 'heapline'],
      ['file:///app/node_modules/heapline/dist/index.js', 'heapline'],
      ['heapline:emscripten-glue.js', 'heapline'],
      ['file:///app/node_modules/@jridgewell/trace-mapping/dist/trace-mapping.mjs', 'caller'],
      ['file:///app/node_modules/.pnpm/a@1/node_modules/@jridgewell/sourcemap-codec/dist/x.mjs', 'caller'],
      ['node:internal/timers', 'caller'],
      ['', 'caller'],
      [import.meta.url, 'user'],
      ['file:///app/node_modules/express/index.js', 'user'],
      ['file:///app/node_modules/heapline-plugin/dist/index.js', 'user'],
      ['file:///app/src/heapline.ts', 'user'],
    ] as const)
      expect([file, ownerOf(file, file)]).toEqual([file, owner]);
    // The code is bundled, and the source map says where it came from.
    expect(ownerOf('file:///app/bundle.js', '/app/node_modules/heapline/dist/chunk.js')).toBe('heapline');
  });
});

describe("memory outside V8's heap", () => {
  const external = async (): Promise<{ buffers: number; all: number }> => {
    const profile = await heap();
    return {
      buffers: sums(profile, { function: '[array buffers]' })[3]!,
      all: sums(profile, { function: '[external]' })[3]!,
    };
  };

  test('has a node for array buffers and a node for all of it', async () => {
    const before = await external();
    kept.push(Buffer.alloc(50_000_000));
    const buffers = await external();
    expect((buffers.buffers - before.buffers) / 50_000_000).toBeGreaterThan(0.9);
    expect((buffers.buffers - before.buffers) / 50_000_000).toBeLessThan(1.1);
    expect((buffers.all - before.all) / 50_000_000).toBeGreaterThan(0.9);
    // This WebAssembly memory does not belong to a sandbox.
    kept.push(new WebAssembly.Memory({ initial: 800 }));
    const memory = await external();
    expect((memory.all - buffers.all) / (800 * 65_536)).toBeGreaterThan(0.9);
    expect((memory.all - buffers.all) / (800 * 65_536)).toBeLessThan(1.1);
    expect(memory.buffers - buffers.buffers).toBeLessThan(5_000_000);
  });

  test('contains no linear memory of a guest, whether the guest is open or waits to be collected', async () => {
    const before = await external();
    const others = await Promise.all(Array.from({ length: 20 }, () => loadService()));
    for (const other of others) other.exports.keep(10_000_000);
    const open = await external();
    expect(open.all - before.all).toBeLessThan(10_000_000);
    for (const other of others) other.dispose();
    const answer = await served.ask('/debug/pprof/heap');
    const disposed = sums(HeapProfile.decode(answer.body), { function: '[external]' })[3]!;
    expect(disposed - before.all).toBeLessThan(10_000_000);
    // Nothing is subtracted twice.
    expect(disposed - before.all).toBeGreaterThan(-10_000_000);
  });

  test('has a row on the index page', async () => {
    const { text } = await served.ask('/debug/pprof/');
    expect(text).toContain('<td>JavaScript (outside V8&#39;s heap)</td>');
    expect(text).toMatch(/array buffers: [\d.]+[kM]B/);
  });
});

describe('another sampler of the same heap that stops', () => {
  const stopSampling = async (): Promise<void> => {
    const other = new Session();
    other.connect();
    const post = (method: string): Promise<void> =>
      new Promise((resolve, reject) => {
        other.post(method, (error) => (error === null ? resolve() : reject(error)));
      });
    await post('HeapProfiler.enable');
    await post('HeapProfiler.startSampling');
    await post('HeapProfiler.stopSampling');
    other.disconnect();
  };

  test('does not end our sampling, and earlier allocations stay counted', async () => {
    allocateArrays(500, 1000);
    const before = sums(await heap(), { function: 'allocateArrays' });
    await stopSampling();
    expect((await served.ask('/debug/pprof/')).status).toBe(200);
    allocateArrays(500, 1000);
    const after = sums(await heap(), { function: 'allocateArrays' });
    // What was in use before is now unknown.
    expect(after[3]).toBeGreaterThan(0.8 * 500 * 8048);
    expect(after[3]).toBeLessThan(1.2 * 500 * 8048);
    expect(after[1]).toBeGreaterThan(before[1]! + 0.8 * 500 * 8048);
  });

  test('does not make close() fail', async () => {
    await stopSampling();
    served.handler.close();
    // Otherwise there would be an unhandled rejection in a later turn.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await served.ask('/debug/pprof/heap')).status).toBe(200);
  });
});

describe('the size of an object', () => {
  // V8: size × round(1 / (1 − exp(−size / interval))).
  const reported = (size: number, interval: number): number =>
    size * Math.floor(1 / (1 - Math.exp(-size / interval)) + 0.5);

  test('is found exactly when it divides the sampling interval', () => {
    for (const interval of [20_160, 524_160]) {
      for (const size of [8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 96, 112, 120, 144, 160, 240, 504]) {
        if (interval % size === 0)
          expect([size, objectSizes(reported(size, interval), interval)[0]]).toEqual([size, size]);
      }
    }
  });

  test('is one of the sizes that are tried, and all of these give the totals that V8 reported', () => {
    for (let size = 8; size < 600_000; size += 8 * (1 + Math.floor(size / 4096))) {
      const total = reported(size, 524_160);
      const found = objectSizes(total, 524_160);
      if (found.length < 32) expect(found).toContain(size);
      for (const candidate of found) expect(reported(candidate, 524_160)).toBe(total);
    }
  });

  test('is the reported size for objects much larger than the interval', () => {
    expect(objectSizes(10_433_688, 524_160)).toEqual([10_433_688]);
  });
});
