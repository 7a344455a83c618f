// The pprof form of a report, read by Heapline. leak-profile.witness.test.ts reads it with Go's pprof.

import { expect, test } from 'vitest';
import { HeapProfile } from '../../src/profile/index.ts';
import { encodeLeakProfile } from '../../src/report/index.ts';
import { sampleReport } from '../support/sample-report.ts';

test('blocks that are reachable are in the profile only when they are asked for', () => {
  const classes = (bytes: Uint8Array) =>
    [...HeapProfile.decode(bytes).samples()].map(({ labels }) => labels.leak).sort();
  expect(classes(encodeLeakProfile(sampleReport()))).toEqual(['definite', 'indirect', 'possible']);
  expect(classes(encodeLeakProfile(sampleReport(), { kinds: ['reachable'] }))).toEqual(['reachable']);
});

test('equal reports give equal bytes', () => {
  expect(encodeLeakProfile(sampleReport())).toEqual(encodeLeakProfile(sampleReport()));
});
