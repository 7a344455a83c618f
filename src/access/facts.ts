// Which bytes were checked on every way to a place. The facts of a place are a list, the newest first; what was known before
// comes behind. Lists share their ends, so the facts of a place are kept without copying them, and where control flow joins
// only the beginnings are compared that differ.

/** Bytes from `from` up to `to` around the base of an address were checked; `before` has what was known before. */
export interface Fact {
  readonly base: number;
  readonly from: number;
  readonly to: number;
  readonly before: Fact | null;
  /** How many facts there are, this one included. */
  readonly count: number;
}

/** The newest fact; null when nothing is known. */
export type Facts = Fact | null;

/** Gaps of checked bytes up to this length count as checked: both sides lie in one block. */
const LEAST_GAP = 16;
/** Older facts than so many are not asked. */
const MOST_ASKED = 64;
/** The most pairs of facts that are compared where control flow joins. */
const MOST_PAIRS = 4096;

function known(facts: Facts, base: number, from: number, to: number): Fact {
  return { base, from, to, before: facts, count: facts === null ? 1 : facts.count + 1 };
}

/** Whether the bytes from `from` up to `to` were checked. */
export function isChecked(facts: Facts, base: number, from: number, to: number): boolean {
  let fact = facts;
  for (let left = MOST_ASKED; fact !== null && left > 0; left -= 1) {
    if (fact.base === base && fact.from <= from && to <= fact.to) return true;
    fact = fact.before;
  }
  return false;
}

/** The facts when these bytes were checked as well. */
export function withChecked(facts: Facts, base: number, from: number, to: number): Fact {
  let first = from;
  let last = to;
  let fact = facts;
  for (let left = MOST_ASKED; fact !== null && left > 0; left -= 1) {
    if (fact.base === base && fact.from < last + LEAST_GAP && first < fact.to + LEAST_GAP) {
      first = Math.min(first, fact.from);
      last = Math.max(last, fact.to);
    }
    fact = fact.before;
  }
  return known(facts, base, first, last);
}

/** What both lists say. */
export function factsOfBoth(one: Facts, other: Facts): Facts {
  let common = one;
  let behind = other;
  while (common !== behind) {
    const [left, right] = [common?.count ?? 0, behind?.count ?? 0];
    if (left >= right) common = common!.before;
    if (right >= left) behind = behind!.before;
  }
  const shared = common?.count ?? 0;
  const pairs = ((one?.count ?? 0) - shared) * ((other?.count ?? 0) - shared);
  let both = common;
  if (pairs === 0 || pairs > MOST_PAIRS) return both;
  for (let mine = one; mine !== common; mine = mine!.before) {
    for (let theirs = other; theirs !== common; theirs = theirs!.before) {
      if (mine!.base !== theirs!.base) continue;
      const from = Math.max(mine!.from, theirs!.from);
      const to = Math.min(mine!.to, theirs!.to);
      if (from < to) both = known(both, mine!.base, from, to);
    }
  }
  return both;
}
