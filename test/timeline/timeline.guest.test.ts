// The timeline of a guest: its points are sums of the heap at their time, it covers every run with a bounded number of
// points, the peak is exact, and the profiles of moments add up to their points.

import { afterEach, describe, expect, test } from 'vitest';
import { type LoadCOptions, loadC, type Sandbox, StateError, type Timeline } from '../../src/index.ts';

const open: Sandbox[] = [];

afterEach(() => {
  for (const sandbox of open.splice(0)) sandbox.dispose();
});

async function waves(options: LoadCOptions = { timeline: true }): Promise<Sandbox> {
  const sandbox = await loadC(`${import.meta.dirname}/waves.c`, {
    toolchain: 'clang',
    flags: ['-O1'],
    ...options,
  });
  open.push(sandbox);
  return sandbox;
}

/** Every point is later than the one before it, and possible. */
function expectSound({ points, peak }: Timeline): void {
  for (const [i, point] of points.entries()) {
    expect(point.inUseBytes).toBeLessThanOrEqual(point.allocBytes);
    expect(point.inUseObjects).toBeLessThanOrEqual(point.allocObjects);
    expect(point.inUseBytes).toBeLessThanOrEqual(peak?.inUseBytes ?? 0);
    if (i === 0) continue;
    for (const column of ['time', 'allocBytes', 'allocObjects', 'calls'] as const) {
      expect(point[column]).toBeGreaterThanOrEqual(points[i - 1]![column]);
    }
  }
  expect(points.length).toBeLessThanOrEqual(1025);
}

describe('the timeline of a program', () => {
  test('has its waves, its peak and its end', async () => {
    const sandbox = await waves();
    expect(sandbox.run().exitCode).toBe(0);
    const timeline = sandbox.heap.timeline();
    expectSound(timeline);
    const { points, peak } = timeline;
    const stats = sandbox.heap.stats();
    expect(points.at(-1)).toMatchObject({
      allocBytes: stats.allocBytes,
      inUseBytes: stats.inUseBytes,
      inUseObjects: stats.inUseObjects,
    });
    expect(peak).toMatchObject({ inUseBytes: stats.peakBytes, inUseObjects: stats.peakObjects });
    // Each wave is higher than the one before, and between two of them hardly anything is in use.
    const heights = points.map(({ inUseBytes }) => inUseBytes);
    for (let wave = 1; wave <= 4; wave++) {
      expect(heights.some((height) => Math.abs(height - wave * 100_000) < 60_000)).toBe(true);
    }
    expect(heights.filter((height, i) => i > 0 && height < heights[i - 1]! / 2).length).toBeGreaterThan(2);
    // The peak lies in the last wave.
    expect(peak!.allocBytes).toBeGreaterThan(600_000);
  });

  test('has profiles of moments, whose sums are those of the points', async () => {
    const sandbox = await waves();
    sandbox.run();
    const { moments, points, startedAt } = sandbox.heap.timeline();
    expect(moments.length).toBeGreaterThan(1);
    for (const moment of moments) {
      const profile = moment.profile();
      expect(profile.total('inuse_space')).toBe(moment.inUseBytes);
      expect(profile.total('inuse_objects')).toBe(moment.inUseObjects);
      expect(profile.total('alloc_space')).toBe(moment.allocBytes);
      expect(Math.abs(profile.time!.getTime() - startedAt.getTime() - moment.time)).toBeLessThan(100);
    }
    const [first, last] = [moments[0]!, moments.at(-1)!];
    const change = first.profile().diff(last.profile());
    expect(last).toMatchObject(points.at(-1)!);
    expect(change.total('alloc_space')).toBe(last.allocBytes - first.allocBytes);
    expect(change.topRows({ sampleType: 'alloc_space', granularity: 'functions' })[0]!.function).toBe('fill');
  });

  test('is written as JSON and as CSV', async () => {
    const sandbox = await waves();
    sandbox.run();
    const timeline = sandbox.heap.timeline();
    const json = JSON.parse(JSON.stringify(timeline));
    expect(json).toEqual({
      version: 1,
      startedAt: timeline.startedAt.toISOString(),
      points: timeline.points,
      peak: timeline.peak,
    });
    const [header, ...rows] = timeline.csv().trimEnd().split('\n');
    expect(header).toBe('time,allocBytes,allocObjects,inUseBytes,inUseObjects,calls');
    expect(rows).toHaveLength(timeline.points.length);
    expect(rows.at(-1)!.split(',').map(Number)).toEqual(Object.values(timeline.points.at(-1)!));
  });
});

describe('the timeline of a library', () => {
  test('counts calls, and shows what small and few allocations leave between them', async () => {
    const { exports, heap } = await waves();
    for (let i = 1; i <= 5; i++) {
      exports.append!(1000);
      const until = performance.now() + 2;
      while (performance.now() < until);
    }
    const { points } = heap.timeline();
    expect(points.at(-1)).toMatchObject({ calls: 5, inUseBytes: 5000 });
    for (let i = 1; i < 5; i++)
      expect(points).toContainEqual(expect.objectContaining({ inUseBytes: i * 1000 }));
  });

  test('covers a long run with at most so many points, and shows memory that is only freed', async () => {
    const { exports, heap } = await waves();
    for (let round = 0; round < 40; round++) {
      exports.fill!(4096, 4096);
      exports.drain!(4096);
    }
    exports.churn!(100_000);
    exports.fill!(3000, 300);
    const before = heap.timeline();
    expectSound(before);
    expect(before.points.length).toBeGreaterThan(150);
    // No part of the run is missing. Points are 0.5 ms apart at least, in which a busy processor may do much.
    const total = before.points.at(-1)!.allocBytes;
    for (const [i, { allocBytes }] of before.points.entries()) {
      if (i > 0) expect(allocBytes - before.points[i - 1]!.allocBytes).toBeLessThan(total / 10);
    }
    exports.drain!(3000);
    expect(heap.timeline().points.at(-1)).toMatchObject({ inUseBytes: 0, inUseObjects: 0 });
    expect(heap.timeline().moments.length).toBeLessThanOrEqual(33);
  });

  test('keeps its peak while a scope measures one of its own', async () => {
    const { exports, heap } = await waves();
    exports.fill!(1000, 1000);
    exports.drain!(1000);
    heap.scope(() => exports.fill!(10, 50_000));
    expect(heap.timeline().peak).toMatchObject({ inUseBytes: 1_000_000, inUseObjects: 1000 });
  });

  test('is not recorded unless it is asked for', async () => {
    const { heap } = await waves({});
    expect(() => heap.timeline()).toThrow(StateError);
    expect(() => heap.timeline()).toThrow(/timeline: true/);
  });
});
