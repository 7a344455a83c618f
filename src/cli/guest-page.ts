// The page that `run --html` and `check --format html` write: everything that is known of a guest's heap.

import type { ContextProfileKind, LeakReport, Sandbox } from '../index.ts';
import { type PageContents, pageText, reportProfiles } from '../page/index.ts';

/** The profiles of a page, in their order. */
const KINDS: readonly ContextProfileKind[] = ['heap', 'peak', 'temporary', 'lifetime'];

/** What a page needs of a guest: it is read before the guest goes. */
export function guestContents(sandbox: Sandbox, first: ContextProfileKind = 'heap'): PageContents {
  const kinds = [first, ...KINDS.filter((kind) => kind !== first)];
  return {
    title: sandbox.name,
    profiles: kinds.map((kind) => ({ name: kind, label: kind, profile: sandbox.heap.profile({ kind }) })),
    timeline: sandbox.heap.timeline(),
  };
}

/** The page with the report. @param sources whether it has the sources */
export function guestPage(contents: PageContents, report: LeakReport | null, sources: boolean): string {
  if (report === null) return pageText({ ...contents, sources });
  const profiles = [...contents.profiles, ...reportProfiles(report, undefined)];
  return pageText({ ...contents, profiles, report, sources });
}
