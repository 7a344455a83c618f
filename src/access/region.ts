// The accesses of a stretch of code without branches and calls, grouped by the bases of their addresses. One check
// covers a group. It stands before the first access of the group, because nothing can free a block before the last.

import { SHADOW_GRANULE } from '../runtime/layout.ts';
import { type CheckedAccess, granulesOf, MOST_GRANULES, type Window } from './check-code.ts';

/** Accesses that one check covers. */
export interface Group {
  readonly base: number;
  /** File offset of the first access. */
  readonly position: number;
  /** Offset from the base of the address that the first access takes from the stack: the address in the local. */
  readonly first: number;
  /** Types of the operands above the first access's address. */
  readonly above: readonly number[];
  /** Checked bytes, in offsets from the base. */
  from: number;
  to: number;
  /** An access whose alignment is the largest one: its offset from the base, and its alignment. */
  aligned: number;
  alignment: number;
  readonly accesses: CheckedAccess[];
}

/** An access to be checked. */
export interface NewAccess {
  readonly base: number;
  /** Offset of its first byte from the base. */
  readonly offset: number;
  readonly size: number;
  readonly writes: boolean;
  readonly alignment: number;
  /** What the instruction adds to the address on the stack. */
  readonly immediate: number;
  readonly position: number;
  readonly site: number;
  readonly above: readonly number[];
}

/** The alignment of the byte at `from`, when the byte at `aligned` is at a multiple of `alignment`. */
function alignmentAt(from: number, aligned: number, alignment: number): number {
  const distance = Math.abs(from - aligned);
  const common = distance === 0 ? alignment : Math.min(alignment, distance & -distance);
  return Math.min(common, SHADOW_GRANULE);
}

/** The window of a group, in offsets from the address in the local. */
export function windowOf({ from, to, first, aligned, alignment }: Group): Window {
  return { from: from - first, to: to - first, alignment: alignmentAt(from, aligned, alignment) };
}

/** The groups of one stretch, in the order of their first accesses. */
export class Region {
  readonly groups: Group[] = [];
  /** The latest group of each base. */
  readonly #latest = new Map<number, Group>();

  /** Puts an access into a group. */
  add(access: NewAccess): void {
    const { base, offset, size, writes, site } = access;
    const group = this.#latest.get(base);
    const end = offset + size;
    if (group === undefined || !extend(group, access)) {
      const started = startGroup(access);
      this.groups.push(started);
      this.#latest.set(base, started);
      return;
    }
    const from = offset - group.first;
    const known = group.accesses.some(
      (each) => each.offset <= from && from + size <= each.offset + each.size,
    );
    if (known) return;
    group.from = Math.min(group.from, offset);
    group.to = Math.max(group.to, end);
    group.accesses.push({ offset: from, size, writes, site });
  }

  clear(): void {
    if (this.groups.length === 0) return;
    this.groups.length = 0;
    this.#latest.clear();
  }
}

function startGroup({
  base,
  offset,
  size,
  writes,
  alignment,
  immediate,
  position,
  site,
  above,
}: NewAccess): Group {
  return {
    base,
    position,
    first: offset - immediate,
    above,
    from: offset,
    to: offset + size,
    aligned: offset,
    alignment,
    accesses: [{ offset: immediate, size, writes, site }],
  };
}

/** Makes the alignment of a group that of an access, if one load of the shadow still covers all. */
function extend(group: Group, { offset, size, alignment }: NewAccess): boolean {
  const better = alignment > group.alignment;
  const aligned = better ? offset : group.aligned;
  const most = better ? alignment : group.alignment;
  const from = Math.min(group.from, offset);
  const to = Math.max(group.to, offset + size);
  if (granulesOf({ from, to, alignment: alignmentAt(from, aligned, most) }) > MOST_GRANULES) return false;
  group.aligned = aligned;
  group.alignment = most;
  return true;
}
