// Heap faults: what the guest did to its heap that it must not do. There is one type for them and one table of
// words, which errors, reports and the command line share. A fault is recorded by the runtime with the context of
// the misuse, of the block's allocation and of its first free; here these are stacks.

import type { Frame } from './frame.ts';
import { stackOf } from './stack-holders.ts';
import type { Stack } from './stack-tree.ts';
import { messageStack } from './wording.ts';

/** What kind of misuse a heap fault is. */
export type HeapFaultKind =
  | 'double-free'
  | 'interior-free'
  | 'foreign-free'
  | 'unallocated-free'
  | 'realloc-freed'
  | 'realloc-foreign';

/** The block that a heap fault is about. */
export interface FaultyBlock {
  /** First byte of the block. */
  readonly address: number;
  /**
   * Bytes that the program asked for. The size of a freed block is the room that it took, because the runtime does not
   * remember how much of it was asked for.
   */
  readonly size: number;
}

/**
 * One heap fault, with its stacks, innermost frame first. All kinds have these properties. A kind that needs more
 * facts adds a property of its own.
 */
export interface HeapFault {
  /** Which misuse it is. */
  readonly kind: HeapFaultKind;
  /** The address that was misused: of a bad free or realloc, the pointer that was passed. */
  readonly address: number;
  /** The block that the address belongs to; null when it belongs to none. */
  readonly block: FaultyBlock | null;
  /** Where it happened. */
  readonly frames: readonly Frame[];
  /** Where the block was allocated; null when there is no block. */
  readonly allocatedAt: readonly Frame[] | null;
  /** Where the block was freed first; null when it was not freed, or when the place is not known. */
  readonly freedAt: readonly Frame[] | null;
}

/** The words for a kind of heap fault. */
interface FaultWords {
  /** What the guest did, in the terms of C: the title in reports. */
  readonly title: string;
  /** What happened to the pointer: the end of a sentence that begins with it. */
  readonly predicate: string;
}

/** The kinds of heap fault and the words for them, in the order in which lists show them. */
export const faultWords: Readonly<Record<HeapFaultKind, FaultWords>> = {
  'double-free': { title: 'double free', predicate: 'was freed twice' },
  'interior-free': {
    title: 'free of a pointer into the middle of a block',
    predicate: 'points into a block and was freed',
  },
  'foreign-free': {
    title: 'free of a pointer that is not on the heap',
    predicate: 'does not belong to the heap and was freed',
  },
  'unallocated-free': {
    title: 'free of heap memory that was never allocated',
    predicate: 'belongs to no block in use and was freed',
  },
  'realloc-freed': {
    title: 'realloc of a freed block',
    predicate: 'was freed before and passed to realloc',
  },
  'realloc-foreign': {
    title: 'realloc of a pointer that is not the start of a block',
    predicate: 'does not belong to a block and was passed to realloc',
  },
};

/** The properties of a heap fault that are stacks. */
export const faultStackNames = ['frames', 'allocatedAt', 'freedAt'] as const;

/** The stacks of a heap fault under their titles, as far as they are known. */
export function faultStacks(fault: HeapFault): readonly (readonly [string, Stack])[] {
  const stacks: [string, Stack][] = [['here', stackOf(fault, 'frames')]];
  const freed = stackOf(fault, 'freedAt');
  if (freed !== null) stacks.push(['freed before', freed]);
  const allocated = stackOf(fault, 'allocatedAt');
  if (allocated !== null) stacks.push(['allocated', allocated]);
  return stacks;
}

/** The message of an error about a heap fault. */
export function faultMessage(fault: HeapFault): string {
  const allocated = stackOf(fault, 'allocatedAt');
  const freed = stackOf(fault, 'freedAt');
  let message = `Pointer 0x${fault.address.toString(16)} ${faultWords[fault.kind].predicate}`;
  message += messageStack(stackOf(fault, 'frames'));
  if (allocated !== null) {
    message += `\n  The block (${fault.block?.size ?? 0} bytes) was allocated${messageStack(allocated)}`;
  }
  if (freed !== null) message += `\n  It was freed first${messageStack(freed)}`;
  return message;
}
