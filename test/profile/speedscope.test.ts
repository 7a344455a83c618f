// The form for speedscope. readers.witness.test.ts opens it in speedscope itself.

import { expect, it } from 'vitest';
import { HeapProfile } from '../../src/profile/index.ts';
import { sampleProfile } from '../support/sample-heap.ts';
import { readSpeedscope } from '../support/speedscope-file.ts';

it('a difference becomes two profiles, because there are no negative weights', () => {
  const more = sampleProfile();
  const none = HeapProfile.merge([more]).diff(more);
  expect(readSpeedscope(none.speedscope()).profiles.every(({ weights }) => weights.length === 0)).toBe(true);
  const shrunk = readSpeedscope(more.diff(none).speedscope({ sampleType: 'inuse_space' }));
  expect(shrunk.profiles.map(({ name, endValue }) => [name, endValue])).toEqual([
    ['inuse_space', 0],
    ['inuse_space (shrunk)', more.total('inuse_space')],
  ]);
});
