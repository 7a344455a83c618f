// The accesses of a stretch of code without branches and calls, grouped by the bases of their addresses. One check
// covers a group. It stands before the first access of the group, because nothing can free a block before the last.
// Groups of other bases join a check before them when a local has their address at its place already: one branch less.

import { SHADOW_GRANULE } from '../runtime/layout.ts';
import type { CheckedAccess } from './access-list.ts';
import { granulesIn, MOST_GRANULES, MOST_JOINED_GRANULES, type Window } from './check-code.ts';
import type { AccessReader } from './memory-instructions.ts';

/** Accesses that one check covers. */
export interface Group {
  readonly base: number;
  /** File offset of the first access. */
  readonly position: number;
  /** Offset from the base of the address that the first access takes from the stack: the address in the local. */
  readonly first: number;
  /** A local of the function that has this address, too; null when none is known. */
  readonly held: number | null;
  /** Whether the first access is in a loop. */
  readonly inLoop: boolean;
  /** Types of the operands above the first access's address. */
  readonly above: readonly number[];
  /** Checked bytes, in offsets from the base. */
  from: number;
  to: number;
  /** An access whose alignment is the largest one: its offset from the base, and its alignment. */
  aligned: number;
  alignment: number;
  readonly accesses: CheckedAccess[];
  /** Groups that the check of this one covers as well. All of them have a local with their address. */
  readonly joined: Group[];
  /** Whether this is such a group of another one. */
  readonly isJoined: boolean;
}

/** The alignment of the byte at `from`, when the byte at `aligned` is at a multiple of `alignment`. */
function alignmentAt(from: number, aligned: number, alignment: number): number {
  const distance = Math.abs(from - aligned);
  const common = distance === 0 ? alignment : Math.min(alignment, distance & -distance);
  return Math.min(common, SHADOW_GRANULE);
}

/** The window of a group, in offsets from the address in the local. */
export function windowOf({ from, to, first, aligned, alignment, inLoop }: Group): Window {
  return { from: from - first, to: to - first, alignment: alignmentAt(from, aligned, alignment), inLoop };
}

/** Only so many groups are tried, from the latest one on. */
const MOST_TRIED = 16;
/** Groups that one check covers besides its own. */
const MOST_JOINED = 3;

/** The groups of one stretch, in the order of their first accesses. */
export class Region {
  readonly groups: Group[] = [];

  /**
   * Puts an access into a group.
   * @param reader has read the access
   * @param base of its address
   * @param offset of its first byte from the base
   * @param held a local that has the address
   * @param heldFrom where this local was set last
   * @param inLoop whether the access is in a loop
   */
  add(
    reader: AccessReader,
    base: number,
    offset: number,
    position: number,
    site: number,
    held: number | null,
    heldFrom: number,
    inLoop: boolean,
  ): void {
    const { access, alignment, immediate } = reader;
    const { size, writes } = access;
    const group = this.#latest(base);
    if (group === null || !extend(group, offset, size, alignment)) {
      const first = held === null ? null : this.#before(heldFrom);
      const added: Group = {
        base,
        position,
        first: offset - immediate,
        held,
        inLoop,
        above: access.above,
        from: offset,
        to: offset + size,
        aligned: offset,
        alignment,
        accesses: [{ offset: immediate, size, writes, site }],
        joined: [],
        isJoined: first !== null,
      };
      this.groups.push(added);
      first?.joined.push(added);
      return;
    }
    const from = offset - group.first;
    for (const each of group.accesses) {
      if (each.offset <= from && from + size <= each.offset + each.size) return;
    }
    group.from = Math.min(group.from, offset);
    group.to = Math.max(group.to, offset + size);
    group.accesses.push({ offset: from, size, writes, site });
  }

  /** The latest group of a base. */
  #latest(base: number): Group | null {
    const { groups } = this;
    const least = Math.max(0, groups.length - MOST_TRIED);
    for (let index = groups.length - 1; index >= least; index -= 1) {
      if (groups[index]!.base === base) return groups[index]!;
    }
    return null;
  }

  /** The latest group whose check stands where a local has been set already, and can be joined. */
  #before(heldFrom: number): Group | null {
    const { groups } = this;
    const least = Math.max(0, groups.length - MOST_TRIED);
    for (let index = groups.length - 1; index >= least; index -= 1) {
      const group = groups[index]!;
      if (group.position <= heldFrom) return null;
      if (group.isJoined || group.joined.length === MOST_JOINED) continue;
      if (granulesOf(group) <= MOST_JOINED_GRANULES) return group;
    }
    return null;
  }

  clear(): void {
    this.groups.length = 0;
  }
}

function granulesOf({ from, to, aligned, alignment }: Group): number {
  return granulesIn(from, to, alignmentAt(from, aligned, alignment));
}

/** Makes the alignment of a group that of an access, if one load of the shadow still covers all. */
function extend(group: Group, offset: number, size: number, alignment: number): boolean {
  const better = alignment > group.alignment;
  const aligned = better ? offset : group.aligned;
  const most = better ? alignment : group.alignment;
  const from = Math.min(group.from, offset);
  const to = Math.max(group.to, offset + size);
  const isAlone = !group.isJoined && group.joined.length === 0;
  const room = isAlone ? MOST_GRANULES : MOST_JOINED_GRANULES;
  if (granulesIn(from, to, alignmentAt(from, aligned, most)) > room) return false;
  group.aligned = aligned;
  group.alignment = most;
  return true;
}
