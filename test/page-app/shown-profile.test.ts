// What the page says of the profile that it shows, whatever is filtered.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShownProfile } from '../../src/page-app/shown-profile.ts';
import { arbitraryProfile } from '../support/arbitrary-profile.ts';

const NOTHING = { focus: '', ignore: '', hide: '', labels: [] };

test('filters do not hide that the frames are shown which the profile would leave out', () => {
  fc.assert(
    fc.property(arbitraryProfile, ({ model }) => {
      const shown = (dropFrames: string, filters: Partial<typeof NOTHING>): boolean =>
        new ShownProfile({ ...model, dropFrames }, null, { ...NOTHING, ...filters }, 'inuse_space', 'hidden')
          .showsDropped;
      // An expression that no engine takes.
      for (const filters of [{}, { focus: 'a' }, { ignore: 'main' }, { hide: 'walk' }]) {
        expect([shown('(', filters), shown('malloc', filters)]).toEqual([true, false]);
      }
    }),
    { numRuns: 10 },
  );
});
