// Every written profile is read back unchanged, by Heapline and by an independent protobuf implementation.

import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeapProfile, ProfileBuilder, SAMPLE_TYPES } from '../../src/profile/index.ts';
import { arbitraryProfile } from '../support/arbitrary-profile.ts';
import { protobufDecode } from '../support/profile-oracles.ts';
import { sampleProfile } from '../support/sample-heap.ts';

describe('encode and decode', () => {
  it('return the same profile', () => {
    fc.assert(
      fc.property(arbitraryProfile, fc.constantFrom(0, 1, 6), (profile, level) => {
        const again = HeapProfile.decode(profile.encode({ level }));
        expect([...again.samples()]).toEqual([...profile.samples()]);
        expect(again.top()).toBe(profile.top());
        expect(again.model.timeNanos).toBe(profile.model.timeNanos);
        expect(again.model.durationNanos).toBe(profile.model.durationNanos);
        expect(again.model.mappings).toEqual(profile.model.mappings);
        expect(again.comments).toEqual(profile.comments);
      }),
      { numRuns: 200 },
    );
  });

  it('agree with protobufjs on every sample', () => {
    fc.assert(
      fc.property(arbitraryProfile, (profile) => {
        const decoded = protobufDecode(profile.encode());
        const locations = new Map(decoded.location.map((location) => [location.id, location]));
        const functions = new Map(decoded.function.map((fn) => [fn.id, fn]));
        const spelled = decoded.sample.map(({ locationId, value, label }) => ({
          values: value,
          frames: locationId.flatMap((id) =>
            locations
              .get(id)!
              .line.map(({ functionId, line, column }) => [functions.get(functionId)!.name, line, column]),
          ),
          labels: Object.fromEntries(label.map(({ key, str, num }) => [key, str === '' ? num : str])),
        }));
        expect(spelled).toEqual(
          [...profile.samples()].map(({ values, frames, labels }) => ({
            values,
            frames: frames.map((frame) => [frame.function, frame.line, frame.column]),
            labels,
          })),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('keep negative and very large values and addresses', () => {
    const values = [-1, -(2 ** 40), 2 ** 53 - 1, 2 ** 62];
    const builder = new ProfileBuilder({
      kind: 'heap',
      sampleTypes: SAMPLE_TYPES.heap,
      defaultSampleType: 'inuse_space',
    });
    const kernel = {
      ...sampleProfile().model.mappings[0]!,
      start: 0xffffffffff600000n,
      limit: 0xffffffffff601000n,
    };
    const location = builder.location(builder.mapping(kernel), 0xffffffffff600abcn, []);
    // The greatest int64 is 2^63 when it is read as a number.
    const greatest = 2 ** 63;
    const labels = [{ key: 'limit', number: greatest, unit: 'bytes' }];
    builder.sample(builder.stackOf([location]), values, builder.labels(labels));
    const again = HeapProfile.decode(new HeapProfile(builder.finish()).encode());
    expect([...again.samples()][0]!.values).toEqual(values);
    expect([...again.samples()][0]!.labels).toEqual({ limit: greatest });
    expect(again.model.locations[0]!.address).toBe(0xffffffffff600abcn);
    expect(again.model.mappings[0]).toEqual(kernel);
  });

  it('write the same bytes for the same profile', () => {
    expect(sampleProfile().encode()).toEqual(sampleProfile().encode());
  });

  it('compress as much as the level says', () => {
    const profile = sampleProfile();
    const raw = profile.encode({ level: 0 });
    expect(Uint8Array.from(gunzipSync(profile.encode({ level: 9 })))).toEqual(Uint8Array.from(raw));
    expect(() => profile.encode({ level: 10 })).toThrow(/0 to 9/);
  });
});
