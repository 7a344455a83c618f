// Finds out what blocks of the heap contain. The type of a block is known from where its address went when it was
// allocated: the result of malloc is followed out of wrappers, through the functions on the stack of the allocation, as long
// as each returns it to the next. Blocks of which nothing is known that way have the type of the pointers that lead to them
// from blocks whose type is known.

import {
  ADDRESS_BYTES,
  type ModuleTypes,
  sizeOf,
  type ViewedBlock,
  type ViewedMemory,
} from '../c-types/index.ts';
import { DwarfError, InvalidModuleError, UnsupportedModuleError } from '../errors.ts';
import type { BlockContents } from '../report/index.ts';
import { type ChosenType, chooseType } from './choose-type.ts';
import { describeBlock } from './describe.ts';
import { NO_USES, type Pointed, type ResultUses, walkFrom } from './result-walk.ts';
import { arrayOf, pointedAt } from './values.ts';

/** A block of which the contents are wanted. */
export interface WantedBlock {
  readonly address: number;
  readonly size: number;
  /** What tells the context of its allocation from others. */
  readonly context: number;
  /** The call sites of that context, innermost first. */
  readonly sites: readonly number[];
}

/** Most frames through which a result is followed. */
const MOST_FRAMES = 12;
/** Most bytes of code that are walked through for one module: a megabyte takes about a second. */
const MOST_CODE = 3_000_000;
/** Most pointers of one block that are followed. */
const MOST_POINTERS = 64;

/** What is known about the allocations of one module. */
export class AllocationTypes {
  readonly #types: ModuleTypes;
  readonly #uses = new Map<number, ResultUses>();
  /** Bytes of code that may still be walked through. */
  #left = MOST_CODE;

  constructor(types: ModuleTypes) {
    this.#types = types;
  }

  /** What the pointers point to that blocks of this stack were first given to, nearest to the allocation first. */
  *levels(sites: readonly number[]): Generator<readonly Pointed[], void, undefined> {
    let moved = 0;
    const behind = ({ type, shift }: Pointed): Pointed => ({ type, shift: shift + moved });
    for (const site of sites.slice(0, MOST_FRAMES)) {
      const { targets, results, returned } = this.#usesAt(site);
      yield targets.map(behind);
      for (const result of results) yield [behind(result)];
      if (returned === null) return;
      moved += returned;
    }
  }

  #usesAt(site: number): ResultUses {
    let uses = this.#uses.get(site);
    if (uses === undefined) {
      uses = tolerant(NO_USES, () => {
        const walk = walkFrom(site, this.#types, this.#left);
        if (walk === null) return NO_USES;
        this.#left -= walk.length;
        return walk.uses();
      });
      this.#uses.set(site, uses);
    }
    return uses;
  }
}

/** The memory of a guest with its blocks. */
export interface ContentsMemory extends ViewedMemory {
  blockAt(address: number): (ViewedBlock & { readonly context: number }) | null;
}

/** What blocks contain, in their order; null where it is not known. */
export function contentsOf(
  blocks: readonly WantedBlock[],
  allocations: AllocationTypes,
  memory: ContentsMemory,
): readonly (BlockContents | null)[] {
  const chosen = new Map<WantedBlock, ChosenType>();
  const unknown = new Map<number, WantedBlock>();
  for (const block of blocks) {
    const type = tolerant(null, () => chooseType(allocations.levels(block.sites), block.size));
    if (type === null) unknown.set(block.context, block);
    else chosen.set(block, type);
  }
  // The map grows while it is gone through: blocks that get a type lead on to others.
  for (const [block, type] of chosen) {
    if (unknown.size === 0) break;
    for (const { context, size, ...pointed } of pointersFrom(block, type, memory)) {
      const found = tolerant(null, () => chooseType([[pointed]], size));
      const wanted = unknown.get(context);
      // Of a pointer into the middle of a block it is only certain what is there.
      if (found === null || wanted?.size !== size || (found.shift > 0 && found.extent !== 'whole')) continue;
      unknown.delete(context);
      chosen.set(wanted, found);
    }
  }
  return blocks.map((block) => {
    const type = chosen.get(block);
    return type === undefined
      ? null
      : tolerant(null, () => describeBlock(type, block.address, block.size, memory));
  });
}

interface PointedBlock extends Pointed {
  readonly size: number;
  readonly context: number;
}

/** The pointers in a block to other blocks. */
function* pointersFrom(
  { address, size }: WantedBlock,
  { type, shift, extent }: ChosenType,
  memory: ContentsMemory,
): Generator<PointedBlock, void, undefined> {
  const end = Math.min(extent === 'first' ? sizeOf(type) : size - shift, MOST_POINTERS * ADDRESS_BYTES);
  const values = arrayOf(type);
  for (let offset = 0; offset + ADDRESS_BYTES <= end; offset += ADDRESS_BYTES) {
    const value = memory.data.getUint32(address + shift + offset, true);
    if (value === 0) continue;
    const target = tolerant(null, () => pointedAt(values, offset));
    const block = target === null ? null : memory.blockAt(value);
    if (target === null || block === null || block.freed) continue;
    const { context, size: length, address: start } = block;
    yield { type: target, shift: value - start, size: length, context };
  }
}

// Debug information and code come from outside. What cannot be read tells nothing about a block, and a report without
// contents is better than none.
function tolerant<T>(instead: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (
      error instanceof DwarfError ||
      error instanceof InvalidModuleError ||
      error instanceof UnsupportedModuleError
    )
      return instead;
    throw error;
  }
}
