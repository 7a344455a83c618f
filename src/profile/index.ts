// Heap profiles: the model, its sources (context trees, leaks, files, differences, merges) and its written forms.

export { ProfileBuilder, type ProfileHeader } from './builder.ts';
export { difference, sum } from './combine.ts';
export {
  buildProfile,
  type ContextCounters,
  ContextProfileBuilder,
  type ContextProfileKind,
  type ProfileInput,
} from './context-profile.ts';
export { hasUnusedExpression, viewOf, withListedFrames } from './drop-frames.ts';
export { encodeMessage } from './encode.ts';
export { type FilterOptions, filtered, samplesOf } from './filter.ts';
export type { FoldedOptions } from './folded.ts';
export { headerOf, WRITTEN_BY } from './header.ts';
export {
  type DecodeOptions,
  type EncodeOptions,
  HeapProfile,
  type ProfileSample,
} from './heap-profile.ts';
export { importLocations, importStacks } from './import-profile.ts';
export type { ProfileJson, ProfileJsonFrame, ProfileJsonSample } from './json.ts';
export { type AddedLeaks, LeakProfileBuilder, type LeaksOfProgram } from './leak-profile.ts';
export {
  DEFAULT_SAMPLE_TYPE,
  type ProfileFunction,
  type ProfileKind,
  type ProfileLine,
  type ProfileLocation,
  type ProfileMapping,
  type ProfileModel,
  SAMPLE_TYPES,
  type SampleLabel,
  type Samples,
  type SampleType,
} from './model.ts';
export { type HtmlOptions, usePageWriter } from './page-writer.ts';
export { DEFAULT_LEVEL, inlineForms, profileKinds } from './profile-options.ts';
export { formatQuantity, formatShare } from './quantity.ts';
export type { SpeedscopeOptions } from './speedscope.ts';
export type { Granularity, TopOptions, TopRow } from './top-rows.ts';
export { VERSION } from './version.ts';
