// What a page carries: the writer of pages and the code in the page agree on these types.

import type { LeakJson } from '../report/index.ts';
import type { TimelineJson } from '../timeline/index.ts';

/** Id of the element that has the data, as JSON. */
export const DATA_ELEMENT = 'heapline-data';

/** A profile in the page. */
export interface PageProfile {
  /** Short name, unique in the page, such as `heap` or `peak`. */
  readonly name: string;
  /** What the page calls it. */
  readonly label: string;
  /** The profile in pprof's format, in base64. */
  readonly pprof: string;
}

/** A moment of the timeline with all its contexts. */
export interface PageMoment {
  readonly time: number;
  readonly allocBytes: number;
  readonly calls: number;
  readonly pprof: string;
}

/** The timeline of the page. */
export interface PageTimeline extends TimelineJson {
  readonly moments: readonly PageMoment[];
}

/** Where a live page gets its profiles from. */
export interface PageSource {
  /** URL of the profiles, relative to the page, such as `../`. */
  readonly profiles: string;
  /** Milliseconds between two questions. */
  readonly every: number;
}

/** Everything in a page. */
export interface PageData {
  readonly version: 1;
  readonly title: string;
  readonly profiles: readonly PageProfile[];
  /** The earlier profile that the first one is compared with. */
  readonly base: PageProfile | null;
  readonly timeline: PageTimeline | null;
  readonly report: LeakJson | null;
  /** Texts of source files by path, gzipped and in base64. */
  readonly sources: Readonly<Record<string, string>>;
  /** Why the texts of other source files are not there, by path. */
  readonly missing: Readonly<Record<string, string>>;
  /** When sources were changed that are newer than the profile, in milliseconds since 1970, by path. */
  readonly changed: Readonly<Record<string, number>>;
  /** Paths below this folder are shown from there on; '' for none. */
  readonly root: string;
  readonly live: PageSource | null;
}
