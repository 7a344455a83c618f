// Chooses the blocks of a leak report whose contents are looked at: those that were lost, and the largest of the others. A
// block that has changed since the heap was searched is left out, because its fields would not be those of then.

import type { BlockContents, BlockSample, LeakKind } from '../report/index.ts';
import { type AllocationTypes, type ContentsMemory, contentsOf } from './heap-contents.ts';

/** Most blocks of one report that are looked at, and most of those that the program can still reach. */
const MOST_LOST = 500;
const MOST_REACHABLE = 20;

/** Blocks of one context, of which one is known. */
export interface SampledSum {
  /** What tells the context from others. */
  readonly node: number;
  readonly address: number;
  readonly size: number;
  readonly sample: BlockSample;
}

/** Blocks of one class, and what hangs on them. */
export interface SampledGroup extends SampledSum {
  readonly kind: LeakKind;
  readonly bytes: number;
  readonly parts: readonly SampledSum[];
}

/** What the sampled blocks contain. @param sitesOf the call sites of a context, innermost first */
export function contentsOfGroups(
  groups: readonly SampledGroup[],
  allocations: AllocationTypes,
  memory: ContentsMemory,
  sitesOf: (node: number) => readonly number[],
): ReadonlyMap<SampledSum, BlockContents> {
  const sorted = [...groups].sort((a, b) => b.bytes - a.bytes);
  const isLost = ({ kind }: SampledGroup): boolean => kind !== 'reachable';
  const lost = sorted.filter(isLost).flatMap((group) => [group, ...group.parts]);
  const reachable = sorted.filter((group) => !isLost(group));
  const sums = [...lost.slice(0, MOST_LOST), ...reachable.slice(0, MOST_REACHABLE)].filter((sum) =>
    isUnchanged(sum, memory),
  );
  const blocks = sums.map(({ address, size, node }) => ({
    address,
    size,
    context: node,
    sites: sitesOf(node),
  }));
  const found = new Map<SampledSum, BlockContents>();
  contentsOf(blocks, allocations, memory).forEach((contents, index) => {
    if (contents !== null) found.set(sums[index]!, contents);
  });
  return found;
}

function isUnchanged({ address, size, node, sample }: SampledSum, memory: ContentsMemory): boolean {
  const block = memory.blockAt(address);
  if (block === null || block.freed || block.address !== address) return false;
  if (block.size !== size || block.context !== node) return false;
  return sample.bytes.every((byte, index) => byte === memory.bytes[address + index]);
}
