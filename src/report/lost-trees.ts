// Arithmetic with records that have parts: sums, the flat form without parts, and the tree that a lost structure
// makes.

import { type Frame, type Stack, stackOf, withStacks } from '../frames/index.ts';
import { typeOfBlocks } from './contents-text.ts';
import type { LeakKind } from './leak-kinds.ts';
import type { LeakCount, LeakPart, LeakRecord } from './leak-report.ts';

/** The sum of blocks and bytes. */
export function sumOf(counts: readonly LeakCount[]): LeakCount {
  let blocks = 0;
  let bytes = 0;
  for (const each of counts) {
    blocks += each.blocks;
    bytes += each.bytes;
  }
  return { blocks, bytes };
}

/** The blocks of a record with all that hangs on them. */
export function wholeOf(record: LeakRecord): LeakCount {
  return sumOf([record, record.indirect]);
}

/** A copy of the record with some of it replaced. The sum of its parts is made anew. */
export function withOther(
  record: LeakRecord,
  other: Partial<Pick<LeakRecord, 'kind' | 'blocks' | 'bytes' | 'parts'>> & { readonly stack?: Stack },
): LeakRecord {
  const { stack = stackOf(record, 'frames'), ...replaced } = other;
  const { kind, blocks, bytes, sample, parts } = { ...fieldsOf(record), ...replaced };
  return withStacks({ kind, blocks, bytes, sample, indirect: sumOf(parts), parts }, { frames: stack });
}

/** A copy of the part with some of it replaced. */
export function partWithOther(
  part: LeakPart,
  {
    stack = stackOf(part, 'frames'),
    under = part.under,
  }: { readonly stack?: Stack; readonly under?: number },
): LeakPart {
  const { blocks, bytes, sample } = part;
  return withStacks({ blocks, bytes, sample, under }, { frames: stack });
}

// A spread of the record itself would spell out its frames.
function fieldsOf({
  kind,
  blocks,
  bytes,
  sample,
  parts,
}: LeakRecord): Omit<LeakRecord, 'frames' | 'indirect'> {
  return { kind, blocks, bytes, sample, parts };
}

/** The records with a record for each part. Blocks of one class and stack are one record. */
export function recordsByContext(records: readonly LeakRecord[]): LeakRecord[] {
  const flat = new Map<LeakKind, Map<Stack, LeakRecord>>();
  const add = (record: LeakRecord): void => {
    const ofKind = flat.get(record.kind) ?? new Map<Stack, LeakRecord>();
    flat.set(record.kind, ofKind);
    const stack = stackOf(record, 'frames');
    const same = ofKind.get(stack);
    ofKind.set(stack, same === undefined ? record : withOther(same, sumOf([same, record])));
  };
  for (const record of records) {
    add(record.parts.length === 0 ? record : withOther(record, { parts: [] }));
    for (const part of record.parts) add(recordOf(part));
  }
  return [...flat.values()].flatMap((ofKind) => [...ofKind.values()]);
}

function recordOf(part: LeakPart): LeakRecord {
  const { blocks, bytes, sample } = part;
  const record = { kind: 'indirect', blocks, bytes, sample, indirect: sumOf([]), parts: [] } as const;
  return withStacks(record, { frames: stackOf(part, 'frames') });
}

/** A place in the tree of a lost structure. */
export interface Branch extends LeakCount {
  /** Where the blocks were allocated; null when nothing is known of it. */
  readonly place: Frame | null;
  /** The type that all of the blocks have; null when it is not known. */
  readonly type: string | null;
  /** What hangs on the blocks, the largest first. */
  readonly branches: readonly Branch[];
}

interface OpenBranch {
  blocks: number;
  bytes: number;
  readonly place: Frame | null;
  /** Undefined before the first part. */
  type: string | null | undefined;
  readonly branches: OpenBranch[];
  readonly outer: OpenBranch | null;
}

/**
 * What hangs on the blocks of a record, as a tree of places. Parts that were allocated in one place are one branch,
 * whatever called that place. A place that comes again further out on the way from the root counts there.
 * @param placeOf the place that a stack is known by
 */
export function branchesOf(record: LeakRecord, placeOf: (stack: Stack) => Frame | null): readonly Branch[] {
  const root: OpenBranch = { blocks: 0, bytes: 0, place: null, type: null, branches: [], outer: null };
  const branchOf: OpenBranch[] = [];
  for (const part of record.parts) {
    const place = placeOf(stackOf(part, 'frames'));
    const branch = branchFor(part.under < 0 ? root : branchOf[part.under]!, place);
    branch.blocks += part.blocks;
    branch.bytes += part.bytes;
    const type = typeOfBlocks(part.sample?.contents, part.blocks, part.bytes);
    branch.type = branch.type === undefined || branch.type === type ? type : null;
    branchOf.push(branch);
  }
  return sorted(root.branches);
}

function branchFor(holder: OpenBranch, place: Frame | null): OpenBranch {
  for (let at: OpenBranch = holder; at.outer !== null; at = at.outer) {
    if (isSamePlace(at.place, place)) return at;
  }
  const known = holder.branches.find((branch) => isSamePlace(branch.place, place));
  if (known !== undefined) return known;
  const branch: OpenBranch = { blocks: 0, bytes: 0, place, type: undefined, branches: [], outer: holder };
  holder.branches.push(branch);
  return branch;
}

function isSamePlace(a: Frame | null, b: Frame | null): boolean {
  if (a === null || b === null) return a === b;
  return a === b || (a.function === b.function && a.file === b.file && a.line === b.line);
}

function sorted(branches: readonly OpenBranch[]): Branch[] {
  return branches
    .map(({ blocks, bytes, place, type = null, branches: inner }) => ({
      blocks,
      bytes,
      place,
      type,
      branches: sorted(inner),
    }))
    .sort((a, b) => b.bytes - a.bytes || b.blocks - a.blocks);
}
