// What every heap profile of one kind says about itself, whoever writes it: a scrape that is compared with a file
// must not differ in anything but its samples.

import { DROP_FRAMES } from '../frames/index.ts';
import type { ProfileHeader } from './builder.ts';
import { DEFAULT_SAMPLE_TYPE, type ProfileKind, SAMPLE_TYPES } from './model.ts';
import { VERSION } from './version.ts';

/** The first comment of each profile. Readers show each comment on a line of its own. */
export const WRITTEN_BY = `heapline ${VERSION}`;

/** The header of a profile of this kind, without the time and further comments. */
export function headerOf(kind: Exclude<ProfileKind, 'other'>): ProfileHeader {
  return {
    kind,
    sampleTypes: SAMPLE_TYPES[kind],
    defaultSampleType: DEFAULT_SAMPLE_TYPE[kind],
    periodType: { type: 'space', unit: 'bytes' },
    period: 1,
    dropFrames: DROP_FRAMES,
    comments: [WRITTEN_BY],
  };
}

/**
 * The average size of a sample's blocks as Go gives it: rounded down; 0, which means no label, when there are none.
 */
export function averageSize(objects: number, bytes: number): number {
  return objects > 0 ? Math.floor(bytes / objects) : 0;
}
