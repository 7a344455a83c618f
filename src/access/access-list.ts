// The accesses of one check as numbers, so that one call of the function that judges them (judge-functions.ts) is enough.
// A call for each access made the code of large programs more than twice as long. A member has 16 bits, from the lowest:
//
//     6 bits   its offset from the address of the list
//     1 bit    whether it writes
//     3 bits   its size, as the exponent of a power of two
//     6 bits   how far its instruction lies behind that of the member before
//
// Only the first member can be 0, because the instruction of a further one lies behind. So a list ends where only zeros are
// left.

/** One access of a check. `offset` counts from the address in the local. */
export interface CheckedAccess {
  readonly offset: number;
  readonly size: number;
  readonly writes: boolean;
  /** Offset of its instruction, as sites count. */
  readonly site: number;
}

/** The lowest bits of the fields of a member. */
export const Place = { Offset: 0, Writes: 6, Exponent: 7, Delta: 10 } as const;
export const MEMBER_BITS = 16;
const MEMBER_FACTOR = 2 ** MEMBER_BITS;
export const MOST_OFFSET = 63;
export const MOST_DELTA = 63;
/** A list has to be a safe integer. */
const MOST_MEMBERS = 3;

/** Accesses that one call judges. */
export interface AccessList {
  /** What is added to the address in the local. */
  readonly from: number;
  /** Site of the first access. */
  readonly site: number;
  readonly members: number;
}

/** Divides the accesses of a check into parts that go into a list each, in their order. */
export function divideAccesses(accesses: readonly CheckedAccess[]): (readonly CheckedAccess[])[] {
  if (accesses.length === 1) return [accesses];
  const parts: CheckedAccess[][] = [];
  let start = 0;
  for (let end = 1; end <= accesses.length; end += 1) {
    if (end < accesses.length && fits(accesses, start, end)) continue;
    parts.push(accesses.slice(start, end));
    start = end;
  }
  return parts;
}

/** Whether the access number `next` goes into the list that begins with number `start`. */
function fits(accesses: readonly CheckedAccess[], start: number, next: number): boolean {
  const delta = accesses[next]!.site - accesses[next - 1]!.site;
  return next - start < MOST_MEMBERS && delta > 0 && delta <= MOST_DELTA;
}

/** The list of accesses that go into one. */
export function listOf(accesses: readonly CheckedAccess[]): AccessList {
  let [least, most] = [accesses[0]!.offset, accesses[0]!.offset];
  for (const { offset } of accesses) {
    if (offset < least) least = offset;
    else if (offset > most) most = offset;
  }
  // The address as it is takes the fewest bytes.
  const from = least >= 0 && most <= MOST_OFFSET ? 0 : least;
  const first = accesses[0]!.site;
  let members = 0;
  let [factor, site] = [1, first];
  for (const access of accesses) {
    const member =
      ((access.offset - from) << Place.Offset) |
      ((access.writes ? 1 : 0) << Place.Writes) |
      (exponentOf(access.size) << Place.Exponent) |
      ((access.site - site) << Place.Delta);
    members += member * factor;
    factor *= MEMBER_FACTOR;
    site = access.site;
  }
  return { from, site: first, members };
}

/** The exponent of a power of two. */
function exponentOf(size: number): number {
  return 31 - Math.clz32(size);
}
