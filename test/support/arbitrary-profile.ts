// Random profiles for property tests: shared outer frames, recursion, inlining, labels, missing files and lines,
// locations without symbols, negative values.

import fc from 'fast-check';
import { HeapProfile, ProfileBuilder, SAMPLE_TYPES, type SampleLabel } from '../../src/profile/index.ts';

const arbitraryLine = fc.record({
  name: fc.constantFrom(
    'main',
    'parse',
    'walk',
    'a_b',
    'Foo<T>::bar',
    '<anonymous>',
    'operator()',
    'malloc',
    'x',
  ),
  systemName: fc.constantFrom('', '_Zx'),
  file: fc.constantFrom('', '/a/b.c', '/a/../c.c', 'rel/d.ts'),
  line: fc.nat({ max: 40 }),
  column: fc.nat({ max: 3 }),
});

const arbitraryLocation = fc.record({
  mapping: fc.integer({ min: -1, max: 1 }),
  address: fc.nat({ max: 5000 }),
  lines: fc.array(arbitraryLine, { maxLength: 3 }),
});

const arbitraryLabels = fc.array(
  fc.oneof(
    fc.record({ key: fc.constantFrom('instance', 'heap'), text: fc.constantFrom('a', 'b', 'é') }),
    fc.record({
      key: fc.constantFrom('size', 'bytes'),
      number: fc.integer({ min: 1, max: 1 << 30 }),
      unit: fc.constant(''),
    }),
  ),
  { maxLength: 2 },
);

const arbitraryValue = fc.oneof(
  fc.nat({ max: 3 }),
  fc.nat({ max: 100_000 }),
  fc.maxSafeNat().map((value) => value % 2 ** 45),
);

const arbitraryShape = fc.record({
  locations: fc.array(arbitraryLocation, { minLength: 1, maxLength: 12 }),
  samples: fc.array(
    fc.record({
      stack: fc.array(fc.nat({ max: 11 }), { maxLength: 8 }),
      values: fc.tuple(arbitraryValue, arbitraryValue, arbitraryValue, arbitraryValue),
      labels: arbitraryLabels,
    }),
    { maxLength: 12 },
  ),
  dropFrames: fc.constantFrom('', 'malloc', 'malloc|x'),
  duration: fc.constantFrom(0n, 0n, 2_500_000_000n),
});

type Shape = typeof arbitraryShape extends fc.Arbitrary<infer S> ? S : never;

function profileOf(shape: Shape): HeapProfile {
  const builder = new ProfileBuilder({
    kind: 'heap',
    sampleTypes: SAMPLE_TYPES.heap,
    defaultSampleType: 'inuse_space',
    timeNanos: 1_700_000_000_123_456_789n,
    durationNanos: shape.duration,
    periodType: { type: 'space', unit: 'bytes' },
    period: 1,
    dropFrames: shape.dropFrames,
    comments: ['made up', '# hidden'],
  });
  const mappings = [builder.moduleMapping('/bin/app.wasm', 10_000, 'abc123'), builder.hostMapping()];
  const locations = shape.locations.map(({ mapping, address, lines }) =>
    builder.location(
      mapping < 0 ? -1 : mappings[mapping]!,
      address,
      lines.map(({ name, systemName, file, line, column }) => ({
        function: builder.function(name, systemName, file, 1),
        line: file === '' ? 0 : line,
        column,
      })),
    ),
  );
  for (const { stack, values, labels } of shape.samples) {
    builder.sample(
      builder.stackOf(stack.map((index) => locations[index % locations.length]!)),
      values,
      builder.labels(labels as SampleLabel[]),
    );
  }
  return new HeapProfile(builder.finish());
}

export const arbitraryProfile = arbitraryShape.map(profileOf);

/** Two profiles that share many stacks. */
export const arbitraryPair = fc
  .tuple(arbitraryShape, arbitraryShape)
  .map(([one, other]) => [profileOf(one), profileOf({ ...other, locations: one.locations })] as const);
