// Pages to look at profiles and leak reports: one HTML file each, with nothing to install. The code in them is
// src/page-app. Here the data are put together: profiles, the timeline, a report, and the sources that they name.

import { InvalidArgumentError } from '../errors.ts';
import { fileName, JAVASCRIPT, relativePath } from '../frames/index.ts';
import { flag, rule, text, textNotEmpty } from '../options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../options/option-table.ts';
import type { PageData, PageProfile, PageSource, PageTimeline } from '../page-app/page-data.ts';
import { decodeProfile } from '../profile/decode.ts';
import { HeapProfile, type HtmlOptions, withListedFrames } from '../profile/index.ts';
import { encodeLeakProfile, type LeakReport, toJson } from '../report/index.ts';
import type { Timeline } from '../timeline/index.ts';
import { documentText, policyOf } from './document.ts';
import type { ReportHtmlOptions } from './format-html.ts';
import { pageScript } from './page-script.ts';
import { carry, filesOfProfile, filesOfReport } from './sources.ts';

export type { ReportHtmlOptions } from './format-html.ts';

/** What a page shows. */
export interface PageContents {
  readonly title: string;
  /** Profiles by name and label. The first one is shown at first. */
  readonly profiles: readonly {
    readonly name: string;
    readonly label: string;
    readonly profile: HeapProfile;
  }[];
  /** What the first profile is compared with. */
  readonly base?: HeapProfile | undefined;
  readonly timeline?: Timeline | undefined;
  readonly report?: LeakReport | undefined;
  /** Put the sources that are named into the page. Default true. */
  readonly sources?: boolean;
  /** Folder at which relative paths begin. */
  readonly root?: string;
  /** Where a live page gets its profiles from. */
  readonly live?: PageSource;
}

const isProfile = (value: unknown): value is HeapProfile =>
  typeof (value as HeapProfile | null | undefined)?.model === 'object';

const profileRule = rule<HeapProfile>(isProfile, 'a HeapProfile');

const HTML_OPTIONS = {
  title: textNotEmpty(),
  base: profileRule,
  sources: withDefault(flag, true),
  root: text,
} satisfies OptionTable<HtmlOptions>;

const REPORT_OPTIONS = {
  title: textNotEmpty(),
  profile: profileRule,
  timeline: rule<Timeline>(
    (value) => Array.isArray((value as Timeline | null | undefined)?.points),
    'what heap.timeline() returns',
  ),
  sources: withDefault(flag, true),
  root: text,
} satisfies OptionTable<ReportHtmlOptions>;

/** The page of one profile. */
export function profilePage(profile: HeapProfile, options: HtmlOptions): string {
  const { title = titleOf(profile), base, ...rest } = readOptions('profile.html', options, HTML_OPTIONS);
  // Throws now rather than in the page when the two cannot be compared.
  base?.diff(profile);
  return pageText({ title, profiles: [{ name: profile.kind, label: profile.kind, profile }], base, ...rest });
}

/** The page of a leak report. */
export function reportPage(report: LeakReport, options: ReportHtmlOptions): string {
  if (!Array.isArray((report as Partial<LeakReport> | null)?.records)) {
    throw new InvalidArgumentError('report', 'formatHtml() takes what heap.leaks() returns, a LeakReport.');
  }
  const settings = readOptions('formatHtml', options, REPORT_OPTIONS);
  const { title = report.program || 'leaks', profile, timeline, ...rest } = settings;
  return pageText({ title, profiles: reportProfiles(report, profile), timeline, report, ...rest });
}

/** The profiles of a page with a report: that of the leaks, which may have none, and that of the heap. */
export function reportProfiles(
  report: LeakReport,
  profile: HeapProfile | undefined,
): PageContents['profiles'] {
  const leaks = new HeapProfile(decodeProfile(encodeLeakProfile(report, { takenAt: Date.now() })));
  return [
    { name: 'leaks', label: 'leaks', profile: leaks },
    ...(profile === undefined ? [] : [{ name: profile.kind, label: profile.kind, profile }]),
  ];
}

/** The whole page as text. */
export function pageText(contents: PageContents): string {
  return documentText(pageData(contents), { script: pageScript(), connects: contents.live !== undefined });
}

/** The policy that a server sends with a live page. */
export function livePolicy(): string {
  return policyOf({ script: pageScript(), connects: true });
}

function pageData(contents: PageContents): PageData {
  const { title, profiles, base, timeline, report, sources = true, root = process.cwd(), live } = contents;
  const json = report === undefined ? null : toJson(report);
  const files = new Set<string>();
  for (const { profile } of profiles) for (const file of filesOfProfile(profile.model)) files.add(file);
  if (base !== undefined) for (const file of filesOfProfile(base.model)) files.add(file);
  if (json !== null) for (const file of filesOfReport(json)) files.add(file);
  const takenAt = profiles[0]?.profile.time?.getTime() ?? Number.POSITIVE_INFINITY;
  const carried = sources
    ? carry(files, root, takenAt)
    : { sources: {}, missing: withoutSources(files), changed: {} };
  return {
    version: 1,
    title,
    profiles: profiles.map(({ name, label, profile }) => encoded(name, label, profile)),
    base: base === undefined ? null : encoded('base', 'base', base),
    timeline: timeline === undefined ? null : pageTimeline(timeline),
    report: json,
    ...carried,
    // A folder that no file is in is nobody's business.
    root: [...files].some((file) => relativePath(file, root) !== file) ? root : '',
    live: live ?? null,
  };
}

function withoutSources(files: Iterable<string>): Record<string, string> {
  const missing: Record<string, string> = Object.create(null);
  for (const file of files) missing[file] = 'the page was written without sources';
  return missing;
}

function encoded(name: string, label: string, profile: HeapProfile): PageProfile {
  return { name, label, pprof: base64(profile) };
}

function base64(profile: HeapProfile): string {
  const shown = new HeapProfile(withListedFrames(profile.model));
  return Buffer.from(shown.encode({ level: 6 })).toString('base64');
}

function pageTimeline(timeline: Timeline): PageTimeline {
  const moments = timeline.moments.map((moment) => ({
    time: moment.time,
    allocBytes: moment.allocBytes,
    calls: moment.calls,
    pprof: base64(moment.profile()),
  }));
  return { ...timeline.toJSON(), moments };
}

/** The name of the module that a profile is about. */
export function titleOf({ model }: HeapProfile): string {
  const file = model.mappings.find((mapping) => mapping.file !== '' && mapping.file !== JAVASCRIPT)?.file;
  return file === undefined ? 'profile' : fileName(file);
}
