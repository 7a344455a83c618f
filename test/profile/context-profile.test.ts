// Profiles that are built from contexts, read by an independent protobuf implementation.

import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { buildProfile, type ContextProfileKind, VERSION } from '../../src/profile/index.ts';
import { type DecodedProfile, protobufDecode } from '../support/profile-oracles.ts';
import { CONTEXTS, frame, sampleInput, sampleProfile, snapshotOf } from '../support/sample-heap.ts';

/** Stacks spelled out, outermost frame first. */
function stacks(decoded: DecodedProfile): string[] {
  const functions = new Map(decoded.function.map((fn) => [fn.id, fn]));
  const locations = new Map(decoded.location.map((location) => [location.id, location]));
  return decoded.sample.map(({ locationId, value }) => {
    const frames = locationId
      .flatMap((id) => locations.get(id)!.line)
      .map((line) => `${functions.get(line.functionId)!.name}:${line.line}`);
    return `${frames.reverse().join(' ')} = ${value.join(' ')}`;
  });
}

const kinds: [ContextProfileKind, string[], string][] = [
  [
    'heap',
    ['alloc_objects/count', 'alloc_space/bytes', 'inuse_objects/count', 'inuse_space/bytes'],
    'inuse_space',
  ],
  [
    'allocs',
    ['alloc_objects/count', 'alloc_space/bytes', 'inuse_objects/count', 'inuse_space/bytes'],
    'alloc_space',
  ],
  ['peak', ['peak_objects/count', 'peak_space/bytes'], 'peak_space'],
  ['temporary', ['temporary_objects/count', 'temporary_space/bytes'], 'temporary_space'],
  ['lifetime', ['alloc_objects/count', 'lifetime/bytes'], 'lifetime'],
];

describe('buildProfile', () => {
  it('writes one sample for each context that has values, with callers outermost', () => {
    expect(stacks(protobufDecode(sampleProfile().encode()))).toEqual([
      'main:40 parse:21 = 10 1000 4 400',
      'main:40 parse:21 = 1 64 1 64',
      'main:40 parse:25 list_push:12 node_new:7 = 5 120 0 0',
      'main:40 walk:33 = 2 32 2 32',
      'main:40 walk:33 walk:33 = 2 32 2 32',
      'main:40 walk:33 walk:33 walk:33 = 2 32 1 16',
      '<anonymous>:90 handle:5 parse:21 = 3 3072 3 3072',
      '[host]:0 = 1 8 1 8',
      'main:40 walk:33 walk:33 walk:33 [truncated]:0 Foo<T>::bar(int):50 = 1 100000 1 100000',
      '<anonymous>:90 handle:5 <anonymous>:60 = 1 50 1 50',
    ]);
  });

  it.each(kinds)('writes the sample types of the kind %s', (kind, types, standard) => {
    const decoded = protobufDecode(sampleProfile({ kind }).encode());
    expect(decoded.sampleType.map(({ type, unit }) => `${type}/${unit}`)).toEqual(types);
    expect(decoded.defaultSampleType).toBe(standard);
    expect(decoded.periodType).toEqual({ type: 'space', unit: 'bytes' });
    expect(decoded.period).toBe(1);
    expect(decoded.durationNanos).toBe(0);
    expect(decoded.timeNanos).toBe(Date.UTC(2026, 0, 2, 15, 4, 5) * 1e6);
  });

  it('takes the values of each kind from its own counters', () => {
    const sums = (kind: ContextProfileKind) => {
      const profile = sampleProfile({ kind });
      return profile.sampleTypes.map(({ type }) => profile.total(type));
    };
    expect(sums('heap')).toEqual([28, 104_410, 16, 103_674]);
    expect(sums('peak')).toEqual([16, 103_674]);
    expect(sums('temporary')).toEqual([12, 736]);
    expect(sums('lifetime')).toEqual([28, 28_000]);
  });

  it('gives every call site an address in the module, and JavaScript a mapping of its own', () => {
    const { location, mapping } = protobufDecode(sampleProfile().encode());
    expect(mapping.map(({ filename }) => filename)).toEqual(['/src/app/app.c', '[javascript]']);
    for (const one of mapping) {
      expect(one).toMatchObject({
        hasFunctions: true,
        hasFilenames: true,
        hasLineNumbers: true,
        hasInlineFrames: true,
      });
    }
    for (const { mappingId, address } of location) {
      const { memoryStart, memoryLimit } = mapping[mappingId - 1] as {
        memoryStart: number;
        memoryLimit: number;
      };
      expect(address).toBeGreaterThanOrEqual(memoryStart);
      expect(address).toBeLessThan(memoryLimit);
    }
    const offsets = location
      .filter(({ mappingId }) => mappingId === 1)
      .map(({ address }) => address % 2 ** 32);
    expect(offsets).toEqual([0x10, 0x20, 0x24, 0x30, 0x40, 0x1000, 0x50, 0x60]);
  });

  it('writes names so that nobody takes them for mangled ones', () => {
    const { function: functions } = protobufDecode(sampleProfile().encode());
    for (const { name, systemName } of functions) expect(systemName).not.toBe(name);
    expect(functions.find(({ name }) => name === 'Foo<T>::bar(int)')?.systemName).toBe('_ZN3FooI1TE3barEi');
  });

  it('labels samples with their average block size and with labels of the caller', () => {
    const { sample } = protobufDecode(sampleProfile({ labels: { instance: 'a' } }).encode());
    expect(sample[0]!.label).toEqual([
      { key: 'instance', str: 'a', num: 0, numUnit: '' },
      { key: 'bytes', str: '', num: 100, numUnit: '' },
    ]);
  });

  it('says in the comments what wrote it', () => {
    expect(protobufDecode(sampleProfile().encode()).comment).toEqual([
      `heapline ${VERSION}`,
      'toolchain: clang 14',
    ]);
  });

  it('keeps line, column and declaration of every frame', () => {
    const decoded = protobufDecode(sampleProfile().encode());
    const inlined = decoded.location.find(({ line }) => line.length === 3)!;
    expect(inlined.line.map(({ line, column }) => [line, column])).toEqual([
      [7, 5],
      [12, 5],
      [25, 5],
    ]);
    expect(decoded.function.find(({ name }) => name === 'main')?.startLine).toBe(37);
  });

  it('symbolises each call site once, and only call sites that are shown', () => {
    const asked: number[] = [];
    const input = sampleInput({
      kind: 'temporary',
      symbols: {
        frames(site) {
          asked.push(site);
          return [frame(`f${site}`, 1)];
        },
      },
    });
    buildProfile(input);
    expect(asked).toEqual([0x10, 0x20, 0x30, 0x40]);
  });

  it('shows allocations without a known context', () => {
    const [root, ...rest] = CONTEXTS;
    const snapshot = snapshotOf([[root![0], root![1], 1, 16, 1, 16], ...rest]);
    expect(stacks(protobufDecode(sampleProfile({ snapshot }).encode()))[0]).toBe('[unknown]:0 = 1 16 1 16');
  });

  it('makes a valid profile of a heap that was never used', () => {
    const profile = sampleProfile({ snapshot: snapshotOf(CONTEXTS.slice(0, 1)) });
    expect(profile.sampleCount).toBe(0);
    expect(protobufDecode(profile.encode()).sample).toEqual([]);
    expect(profile.top()).toContain('of 0 total');
    expect(profile.folded()).toBe('');
  });

  it('rejects a kind that does not exist', () => {
    expect(() => sampleProfile({ kind: 'cpu' as ContextProfileKind })).toThrow(InvalidArgumentError);
  });

  it('cuts the middle out of very deep stacks and says so', () => {
    const deep: (typeof CONTEXTS)[number][] = [[-1, 0, 0, 0, 0, 0]];
    for (let depth = 0; depth < 2000; depth++) deep.push([depth, 0x40, 1, 16, 1, 16]);
    deep.push([deep.length - 1, 0x20, 1, 7, 1, 7]);
    const profile = sampleProfile({ snapshot: snapshotOf(deep) });
    const bytes = profile.encode({ level: 0 });
    expect(bytes.length).toBeLessThan(2 * 2 ** 20);
    const stack = stacks(protobufDecode(bytes)).at(-1)!.split(' = ')[0]!.split(' ');
    expect(stack.length).toBe(512);
    expect(stack.at(-1)).toBe('parse:21');
    expect(stack.filter((name) => name === '[truncated]:0').length).toBe(1);
    expect(profile.total('inuse_space')).toBe(2000 * 16 + 7);
    expect(profile.topRows().find((row) => row.function === 'walk')?.cum).toBe(2000 * 16 + 7);
  });
});
