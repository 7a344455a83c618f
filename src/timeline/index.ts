// Timelines: how the heap of a guest grew and shrank while it ran.

export type { SavedMoment } from './moments.ts';
export { TimelineRecorder } from './recorder.ts';
export {
  Timeline,
  type TimelineJson,
  type TimelineMoment,
  type TimelinePeak,
  type TimelinePoint,
} from './timeline.ts';
