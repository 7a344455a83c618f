// Differences and sums of profiles, checked against plain sums over spelled-out stacks.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { HeapProfile, ProfileBuilder, SAMPLE_TYPES } from '../../src/profile/index.ts';
import { arbitraryPair } from '../support/arbitrary-profile.ts';
import { CONTEXTS, frame, sampleProfile, snapshotOf } from '../support/sample-heap.ts';

/** Adds values by stack and labels, times `sign`, to `sums`. The average block size tells no samples apart. */
function addUp(
  profile: HeapProfile,
  sign: number,
  sums = new Map<string, number[]>(),
): Map<string, number[]> {
  for (const { frames, values, labels } of profile.samples()) {
    const { bytes: _, ...kept } = labels;
    const spelled = frames.map((one) => [
      one.function,
      one.linkageName,
      one.file,
      one.line,
      one.column,
      one.inlined,
    ]);
    const key = JSON.stringify([spelled, Object.entries(kept).sort()]);
    const sum = sums.get(key) ?? values.map(() => 0);
    sums.set(
      key,
      sum.map((value, i) => value + sign * values[i]!),
    );
  }
  return sums;
}

const withoutZeros = (sums: Map<string, number[]>) =>
  [...sums].filter(([, values]) => values.some((value) => value !== 0)).sort();

describe('before.diff(after)', () => {
  it('is after − before for every stack, without unchanged stacks', () => {
    const [before, after] = [
      sampleProfile(),
      sampleProfile({
        snapshot: snapshotOf(CONTEXTS.map((context, i) => (i === 4 ? [1, 0x30, 9, 216, 4, 96] : context))),
      }),
    ];
    expect([...before.diff(after).samples()]).toMatchObject([
      {
        values: [4, 96, 4, 96],
        frames: [
          { function: 'node_new' },
          { function: 'list_push' },
          { function: 'parse' },
          { function: 'main' },
        ],
      },
    ]);
    expect(before.diff(before).sampleCount).toBe(0);
    expect([...after.diff(before).samples()][0]!.values).toEqual([-4, -96, -4, -96]);
  });

  it('equals plain subtraction for profiles of all shapes', () => {
    fc.assert(
      fc.property(arbitraryPair, ([before, after]) => {
        // Locations without symbols differ by their addresses; spelled out they look the same.
        fc.pre(before.model.locations.every(({ lines }) => lines.length > 0));
        const expected = withoutZeros(addUp(before, -1, addUp(after, 1)));
        const difference = before.diff(after);
        expect(withoutZeros(addUp(difference, 1))).toEqual(expected);
        expect(difference.sampleCount).toBeLessThanOrEqual(
          expected.length + difference.model.mappings.length * 20,
        );
        const again = HeapProfile.decode(difference.encode());
        expect(withoutZeros(addUp(again, 1))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('matches stacks by their frames when the code has moved', () => {
    const moved = sampleProfile({
      module: { name: 'app.c', path: '/elsewhere/app.c', codeSize: 0x9000, buildId: 'new' },
    });
    expect(sampleProfile().diff(moved).sampleCount).toBe(0);
  });

  it('covers the time between the two profiles', () => {
    const later = { ...snapshotOf(), takenAt: snapshotOf().takenAt + 2500 };
    expect(sampleProfile().diff(sampleProfile({ snapshot: later })).duration).toBe(2.5);
    expect(sampleProfile({ snapshot: later }).diff(sampleProfile()).duration).toBe(0);
  });

  it('rejects profiles that count different things', () => {
    expect(() => sampleProfile().diff(sampleProfile({ kind: 'peak' }))).toThrow(InvalidArgumentError);
    expect(() => sampleProfile().diff(sampleProfile({ kind: 'peak' }))).toThrow(
      /peak_space\/bytes.*inuse_space\/bytes/,
    );
  });
});

describe('HeapProfile', () => {
  it('rejects values that are not profiles', () => {
    const profile = sampleProfile();
    for (const wrong of [undefined, null, 5, profile.encode(), {}] as never[]) {
      expect(() => profile.diff(wrong)).toThrow(InvalidArgumentError);
    }
    for (const wrong of [undefined, null, 5, 'heap.pb.gz', {}] as never[]) {
      expect(() => HeapProfile.decode(wrong)).toThrow(InvalidArgumentError);
    }
  });
});

describe('HeapProfile.merge', () => {
  it('adds up stacks and keeps labels apart', () => {
    const one = sampleProfile({ labels: { instance: 'one' } });
    const two = sampleProfile({ labels: { instance: 'two' } });
    const merged = HeapProfile.merge([one, two, two]);
    expect(merged.total()).toBe(3 * one.total());
    expect(merged.sampleCount).toBe(2 * one.sampleCount);
    expect(withoutZeros(addUp(merged, 1))).toEqual(withoutZeros(addUp(two, 1, addUp(two, 1, addUp(one, 1)))));
    expect(merged.model.mappings.length).toBe(2);
  });

  it('gives different modules different addresses', () => {
    const other = sampleProfile({
      module: { name: 'other.c', path: '/other.c', codeSize: 0x2000 },
      symbols: { frames: (site) => [frame(`other_${site}`, 1)] },
    });
    const { mappings } = HeapProfile.merge([sampleProfile(), other]).model;
    const ranges = mappings
      .map(({ start, limit }) => [Number(start), Number(limit)])
      .sort(([a], [b]) => a! - b!);
    expect(ranges.length).toBe(3);
    for (let i = 1; i < ranges.length; i++) expect(ranges[i]![0]).toBeGreaterThanOrEqual(ranges[i - 1]![1]!);
  });

  it('moves code beyond 2^53 without rounding', () => {
    const kernel = (start: bigint, offset: bigint) => {
      const builder = new ProfileBuilder({
        kind: 'heap',
        sampleTypes: SAMPLE_TYPES.heap,
        defaultSampleType: 'inuse_space',
      });
      const mapping = builder.mapping({
        ...sampleProfile().model.mappings[0]!,
        start,
        limit: start + 0x100000n,
        file: '[kernel.kallsyms]',
      });
      builder.sample(builder.stackOf([builder.location(mapping, start + offset, [])]), [1, 1, 1, 1]);
      return new HeapProfile(builder.finish());
    };
    const one = kernel(0xffffffff81000000n, 0x123n);
    const both = HeapProfile.merge([
      one,
      kernel(0xffffffffa2000000n, 0x123n),
      kernel(0xffffffff00000000n, 0x124n),
    ]);
    expect(both.model.locations.map(({ address }) => address)).toEqual([
      0xffffffff81000123n,
      0xffffffff81000124n,
    ]);
    expect(both.sampleCount).toBe(2);
  });

  it('rejects an empty list, and values that are not profiles', () => {
    for (const wrong of [[], [sampleProfile(), undefined], null, sampleProfile()] as never[]) {
      expect(() => HeapProfile.merge(wrong)).toThrow(InvalidArgumentError);
    }
  });
});
