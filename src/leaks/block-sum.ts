// Sums of blocks that were allocated in one context. A sum knows its oldest block, of which reports show the bytes.

/** Blocks of one context. */
export interface BlockSum {
  /** Address of the context's node. */
  readonly node: number;
  blocks: number;
  /** Requested bytes. */
  bytes: number;
  /** Address, requested size and age (in allocations since) of the block that was allocated first. */
  address: number;
  size: number;
  age: number;
}

/** The sum of no blocks. */
export function noBlocks(node: number): BlockSum {
  return { node, blocks: 0, bytes: 0, address: 0, size: 0, age: -1 };
}

/** Counts a block in. */
export function countBlock(sum: BlockSum, address: number, size: number, age: number): void {
  sum.blocks++;
  sum.bytes += size;
  if (age <= sum.age) return;
  sum.age = age;
  sum.address = address;
  sum.size = size;
}
