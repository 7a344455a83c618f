// The page's data as models: profiles are decoded when they are first shown.

import { atOnce } from '../algorithms/steps.ts';
import { relativePath } from '../frames/index.ts';
import { decodeProfile } from '../profile/decode.ts';
import { type ProfileModel, sum } from '../profile/index.ts';
import type { TimelinePeak, TimelinePoint } from '../timeline/index.ts';
import { decompressed, fromBase64 } from './bytes.ts';
import { DATA_ELEMENT, type PageData } from './page-data.ts';

/** The label by which samples of two compared profiles are told apart. */
export const SIDE = 'heapline::side';

type GetModel = () => Promise<ProfileModel>;

/** A profile that can be shown. */
export interface NamedProfile {
  readonly name: string;
  readonly label: string;
  readonly model: GetModel;
}

/** A moment of the timeline with its profile. */
export interface ShownMoment extends Pick<TimelinePoint, 'time' | 'allocBytes' | 'calls'> {
  readonly model: GetModel;
}

export interface ShownTimeline {
  readonly points: readonly TimelinePoint[];
  readonly peak: TimelinePeak | null;
  readonly moments: readonly ShownMoment[];
}

/** What a page shows: its profiles are decoded when they are asked for, once. */
export interface LoadedPage {
  readonly title: string;
  readonly profiles: readonly NamedProfile[];
  readonly base: NamedProfile | null;
  readonly timeline: ShownTimeline | null;
  readonly report: PageData['report'];
  /** Whether a running program gives the profiles. */
  readonly isLive: boolean;
  /** A path as it is shown. */
  shownPath(path: string): string;
  /** The text of a source file; null when it is not in the page. */
  source(path: string): Promise<string | null>;
  /** Why a source file is not in the page. */
  missing(path: string): string;
  /** When a source file was changed that is newer than the profile; null for others. */
  changed(path: string): Date | null;
}

/** Reads a profile of any tool. Throws InvalidProfileError. */
export async function readProfile(bytes: Uint8Array): Promise<ProfileModel> {
  const plain = await decompressed(bytes);
  return decodeProfile(plain, Number.POSITIVE_INFINITY, 'any');
}

/** The data that the writer of the page has put into it. */
export function dataOf(document: Document): PageData {
  const text = document.getElementById(DATA_ELEMENT)?.textContent;
  if (text === null || text === undefined || text === '') throw new Error('This page has no data.');
  return JSON.parse(text) as PageData;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

const fromText = (pprof: string): GetModel => once(() => readProfile(fromBase64(pprof)));

/** The page that its data describe. */
export function loadPage(data: PageData): LoadedPage {
  const named = ({ name, label, pprof }: PageData['profiles'][number]): NamedProfile => ({
    name,
    label,
    model: fromText(pprof),
  });
  return {
    title: data.title,
    profiles: data.profiles.map(named),
    base: data.base && named(data.base),
    timeline: data.timeline && {
      points: data.timeline.points,
      peak: data.timeline.peak,
      moments: data.timeline.moments.map(({ pprof, ...moment }) => ({ ...moment, model: fromText(pprof) })),
    },
    report: data.report,
    isLive: data.live !== null,
    shownPath: (path) => relativePath(path, data.root),
    async source(path) {
      if (!Object.hasOwn(data.sources, path)) return null;
      return new TextDecoder().decode(await decompressed(fromBase64(data.sources[path]!)));
    },
    changed: (path) => (Object.hasOwn(data.changed, path) ? new Date(data.changed[path]!) : null),
    missing: (path) => (Object.hasOwn(data.missing, path) ? data.missing[path]! : 'it is not in this page'),
  };
}

/** A page of one profile, such as a file that was dropped onto the page. The sources of the page stay. */
export function pageOfFile(page: LoadedPage, label: string, model: ProfileModel): LoadedPage {
  const profile = { name: 'file', label, model: async () => model };
  return { ...page, title: label, profiles: [profile], base: null, timeline: null, report: null };
}

/** Both profiles in one model. A label says of each sample to which it belongs. */
export function together(before: ProfileModel, after: ProfileModel): ProfileModel {
  return atOnce(sum([tagged(before, 'base'), tagged(after, 'new')]));
}

function tagged(model: ProfileModel, side: string): ProfileModel {
  const labelSets = model.samples.labelSets.map((labels) => [
    ...labels.filter(({ key }) => key !== SIDE),
    { key: SIDE, text: side },
  ]);
  return { ...model, samples: { ...model.samples, labelSets } };
}
