// A page that is served by a running program: asks for its heap again and again, keeps the timeline of what it saw, and
// some of the profiles, so that a span can be chosen. It asks only while the page can be seen.

import { HeapProfile, type ProfileModel } from '../profile/index.ts';
import type { TimelinePeak, TimelinePoint } from '../timeline/index.ts';
import { type LoadedPage, readProfile, type ShownMoment } from './loaded-page.ts';
import type { PageSource } from './page-data.ts';

const MOST_POINTS = 1024;
const MOST_MOMENTS = 16;

export interface LivePage {
  /** The page as it is now. */
  readonly page: LoadedPage;
  readonly model: ProfileModel;
}

/** Starts to ask. Returns what ends it. */
export function watch(
  source: PageSource,
  page: LoadedPage,
  isPaused: () => boolean,
  seen: (live: LivePage) => void,
  failed: (error: Error) => void,
): () => void {
  const began = performance.now();
  const ended = new AbortController();
  let points: TimelinePoint[] = [];
  let moments: ShownMoment[] = [];
  let peak: TimelinePeak | null = null;
  let timer = 0;
  const ask = async (): Promise<void> => {
    try {
      if (!isPaused() && document.visibilityState === 'visible') {
        const answer = await fetch(`${source.profiles}heap`, { signal: ended.signal, cache: 'no-store' });
        if (!answer.ok) throw new Error(`the program answered ${answer.status} ${answer.statusText}`);
        const model = await readProfile(new Uint8Array(await answer.arrayBuffer()));
        const point = pointOf(model, performance.now() - began);
        points = [...(points.length >= MOST_POINTS ? points.filter((_, i) => i % 2 === 0) : points), point];
        moments = [
          ...(moments.length >= MOST_MOMENTS ? moments.filter((_, i) => i % 2 === 0) : moments),
          { ...point, model: async () => model },
        ];
        if (peak === null || point.inUseBytes > peak.inUseBytes) peak = point;
        seen({
          model,
          page: {
            ...page,
            profiles: [{ name: 'heap', label: 'heap', model: async () => model }],
            timeline: { points, peak, moments },
          },
        });
      }
    } catch (error) {
      if (ended.signal.aborted) return;
      failed(error as Error);
    }
    timer = window.setTimeout(ask, source.every);
  };
  void ask();
  return () => {
    ended.abort();
    clearTimeout(timer);
  };
}

function pointOf(model: ProfileModel, time: number): TimelinePoint {
  const profile = new HeapProfile(model);
  return {
    time,
    allocBytes: profile.total('alloc_space'),
    allocObjects: profile.total('alloc_objects'),
    inUseBytes: profile.total('inuse_space'),
    inUseObjects: profile.total('inuse_objects'),
    calls: 0,
  };
}
