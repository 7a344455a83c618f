// Heap faults: what the guest did to its heap that it must not do. There is one type for them and one table of
// words, which errors, reports and the command line share. A fault is recorded by the runtime with the context of
// the misuse, of the block's allocation and of its first free; here these are stacks.

import type { Frame } from './frame.ts';
import { stackOf } from './stack-holders.ts';
import type { Stack } from './stack-tree.ts';
import { hexAddress, messageStack, quantity } from './wording.ts';

/** What kind of misuse a heap fault is. */
export type HeapFaultKind =
  | 'double-free'
  | 'interior-free'
  | 'foreign-free'
  | 'unallocated-free'
  | 'realloc-freed'
  | 'realloc-foreign'
  | 'heap-buffer-overflow'
  | 'heap-use-after-free'
  | 'null-access'
  | 'wild-access'
  | 'use-after-poison'
  | 'stack-buffer-overflow'
  | 'stack-buffer-underflow'
  | 'dynamic-stack-buffer-overflow'
  | 'stack-use-after-scope'
  | 'global-buffer-overflow'
  | 'alloc-dealloc-mismatch'
  | 'new-delete-type-mismatch'
  | 'unknown-pool';

/** The block that a heap fault is about. */
export interface FaultyBlock {
  /** First byte of the block. */
  readonly address: number;
  /**
   * Bytes that the program asked for. Of a freed block that has left the quarantine it is the room that the block took,
   * because the runtime does not remember how much of it was asked for.
   */
  readonly size: number;
}

/** Bytes of memory as they were at a fault. */
export interface MemoryAround {
  /** Address of the first of them. */
  readonly address: number;
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** For each byte what the program may do: 1 use it, 0 not use it, because it belongs to no block in use. */
  readonly usable: Uint8Array;
}

/** The variable that a wrong access missed. */
export interface FaultyVariable {
  /** Its name, as the compiler writes it; '' for memory that `alloca` gave, and for a variable-length array. */
  readonly name: string;
  /** First byte of the variable. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  /** Line of its declaration; null when it is not known. */
  readonly line: number | null;
  /** The function whose stack frame it is in; null for a global variable, and when it is not known. */
  readonly function: string | null;
}

/** What was read or written where it must not be. */
export interface FaultyAccess {
  /** Whether the bytes were read or written. */
  readonly kind: 'read' | 'write';
  /** Bytes that were read or written. */
  readonly size: number;
  /** Address of the first of them that must not be touched. */
  readonly badAddress: number;
  /** Where this byte is: `3 bytes past the end of a block of 13 bytes`, for example. */
  readonly position: string;
  /** The bytes around it. */
  readonly memory: MemoryAround;
  /** The variable that was missed, when it was one on the stack or a global one. */
  readonly variable?: FaultyVariable;
}

/** How a block was allocated, and how it is freed. In C++ they must fit together. */
export interface MismatchedWays {
  /** What allocated the block. `malloc` stands for all of C's functions. */
  readonly allocatedBy: 'malloc' | 'operator new' | 'operator new[]';
  /** What frees it. */
  readonly freedBy: 'free' | 'realloc' | 'operator delete' | 'operator delete[]';
  /** The wrong size that `operator delete` is given, when it is the size that does not fit. */
  readonly freedSize?: number;
}

/** A wrong access without the bytes around it. */
export function withoutMemory({
  kind,
  size,
  position,
  variable,
}: FaultyAccess): Omit<FaultyAccess, 'memory' | 'badAddress'> {
  return { kind, size, position, ...(variable === undefined ? {} : { variable }) };
}

/**
 * One heap fault, with its stacks, innermost frame first. All kinds have these properties. A kind that needs more
 * facts adds a property of its own.
 */
export interface HeapFault {
  /** Which misuse it is. */
  readonly kind: HeapFaultKind;
  /**
   * The address that was misused: of a bad free or realloc, the pointer that was passed; of a wrong access, the first byte
   * that was read or written.
   */
  readonly address: number;
  /** The block that the address belongs to, or that a wrong access missed; null when there is none. */
  readonly block: FaultyBlock | null;
  /** Of a wrong access, what was read or written. */
  readonly access?: FaultyAccess;
  /** Of a block that is freed in another way than the one in which it was allocated, or with another size, the two ways. */
  readonly mismatch?: MismatchedWays;
  /** Where it happened. */
  readonly frames: readonly Frame[];
  /** Where the block was allocated; null when there is no block. */
  readonly allocatedAt: readonly Frame[] | null;
  /** Where the block was freed first; null when it was not freed, or when the place is not known. */
  readonly freedAt: readonly Frame[] | null;
}

/** What the rules of a report say of a kind. */
const BAD_POINTER = 'The allocator was given a pointer that it must not be given.';

/** The words for a kind of heap fault. */
interface FaultWords {
  /** What the guest did, in the terms of C: the title in reports. */
  readonly title: string;
  /** What happened to the pointer: the end of a sentence that begins with it. */
  readonly predicate: string;
  /** What it means, in a sentence. */
  readonly meaning: string;
}

/** The kinds of heap fault and the words for them, in the order in which lists show them. */
export const faultWords: Readonly<Record<HeapFaultKind, FaultWords>> = {
  'double-free': { title: 'double free', predicate: 'was freed twice', meaning: BAD_POINTER },
  'interior-free': {
    title: 'free of a pointer into the middle of a block',
    predicate: 'points into a block and was freed',
    meaning: BAD_POINTER,
  },
  'foreign-free': {
    title: 'free of a pointer that is not on the heap',
    predicate: 'does not belong to the heap and was freed',
    meaning: BAD_POINTER,
  },
  'unallocated-free': {
    title: 'free of heap memory that was never allocated',
    predicate: 'belongs to no block in use and was freed',
    meaning: BAD_POINTER,
  },
  'realloc-freed': {
    title: 'realloc of a freed block',
    predicate: 'was freed before and passed to realloc',
    meaning: BAD_POINTER,
  },
  'realloc-foreign': {
    title: 'realloc of a pointer that is not the start of a block',
    predicate: 'does not belong to a block and was passed to realloc',
    meaning: BAD_POINTER,
  },
  // AddressSanitizer's names, because its users look for them.
  'heap-buffer-overflow': {
    title: 'heap-buffer-overflow',
    predicate: 'is beside a block and was accessed',
    meaning: 'The program read or wrote beside a block of the heap.',
  },
  'heap-use-after-free': {
    title: 'heap-use-after-free',
    predicate: 'is in a freed block and was accessed',
    meaning: 'The program read or wrote a block that it had freed.',
  },
  'null-access': {
    title: 'null-pointer access',
    predicate: 'is near address 0 and was accessed',
    meaning: 'The program read or wrote through a null pointer.',
  },
  'wild-access': {
    title: 'wild access',
    predicate: 'is in heap memory without a block and was accessed',
    meaning: 'The program read or wrote heap memory that belongs to no block.',
  },
  'use-after-poison': {
    title: 'use-after-poison',
    predicate: 'is in memory that the program has closed and was accessed',
    meaning: 'The program read or wrote memory that it had closed itself.',
  },
  'stack-buffer-overflow': {
    title: 'stack-buffer-overflow',
    predicate: 'is behind a variable on the stack and was accessed',
    meaning: 'The program read or wrote beside a variable on the stack.',
  },
  'stack-buffer-underflow': {
    title: 'stack-buffer-underflow',
    predicate: 'is before the variables of a function and was accessed',
    meaning: 'The program read or wrote before the first variable of a function.',
  },
  'dynamic-stack-buffer-overflow': {
    title: 'dynamic-stack-buffer-overflow',
    predicate: 'is beside a variable-length array and was accessed',
    meaning: 'The program read or wrote beside a variable-length array, or beside memory of alloca.',
  },
  'stack-use-after-scope': {
    title: 'stack-use-after-scope',
    predicate: 'is in a variable whose block has ended and was accessed',
    meaning: 'The program read or wrote a variable after the block in which it is declared.',
  },
  'global-buffer-overflow': {
    title: 'global-buffer-overflow',
    predicate: 'is beside a global variable and was accessed',
    meaning: 'The program read or wrote beside a global variable.',
  },
  'alloc-dealloc-mismatch': {
    title: 'alloc-dealloc-mismatch',
    predicate: 'was freed in another way than the one in which it was allocated',
    meaning: 'The program freed a block in another way than the one in which it allocated the block.',
  },
  'new-delete-type-mismatch': {
    title: 'new-delete-type-mismatch',
    predicate: 'was deleted with another size than its own',
    meaning: 'The program deleted an object as one of another type, whose size is another one.',
  },
  'unknown-pool': {
    title: 'client request for a pool that does not exist',
    predicate: 'names no pool: it was destroyed before, or never created',
    meaning: 'A client request names a pool that was destroyed before, or that was never created.',
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

/** What a wrong access did: `write of 4 bytes at 0x00010010, 0 bytes past the end of a block of 13 bytes`. */
export function accessText({ address }: HeapFault, { kind, size, position }: FaultyAccess): string {
  return `${kind} of ${quantity(size, 'byte')} at ${hexAddress(address)}, ${position}`;
}

/** The two ways in words: `allocated by operator new[] and freed by operator delete`. */
export function mismatchText({ allocatedBy, freedBy, freedSize }: MismatchedWays): string {
  const size = freedSize === undefined ? '' : `, which was told ${quantity(freedSize, 'byte')}`;
  return `allocated by ${allocatedBy} and freed by ${freedBy}${size}`;
}

/** Where a byte is that must not be touched. */
export function faultPosition(kind: HeapFaultKind, address: number, block: FaultyBlock | null): string {
  if (block === null) {
    if (kind === 'use-after-poison') return 'in memory that the program has closed';
    if (kind === 'wild-access') return 'in heap memory that belongs to no block';
    return kind === 'null-access' ? 'near address 0' : 'beside a variable that is not known';
  }
  const of = `block of ${quantity(block.size, 'byte')}`;
  const inside = address - block.address;
  if (inside < 0) return `${quantity(-inside, 'byte')} before a ${of}`;
  if (inside >= block.size) return `${quantity(inside - block.size, 'byte')} past the end of a ${of}`;
  const into = `${quantity(inside, 'byte')} into a`;
  return kind === 'use-after-poison' ? `${into} closed part of a ${of}` : `${into} freed ${of}`;
}

/** The compiler's names of string literals. */
const LITERAL = /^(?:\.L)?\.str(?:\.\d+)?$|^<string literal>$/;

/** Where a byte is that misses a variable. */
export function variablePosition(kind: HeapFaultKind, address: number, variable: FaultyVariable): string {
  const { name, size, line, function: owner } = variable;
  const bytes = quantity(size, 'byte');
  const facts = line === null ? bytes : `${bytes}, line ${line}`;
  const place = owner === null ? '' : ` in ${owner}`;
  const global = kind === 'global-buffer-overflow' ? 'global ' : '';
  const what = LITERAL.test(name)
    ? `a string literal of ${bytes}`
    : name === ''
      ? `an alloca or variable-length array of ${bytes}`
      : `the ${global}variable '${name}' (${facts})${place}`;
  const inside = address - variable.address;
  if (inside < 0) return `${quantity(-inside, 'byte')} before ${what}`;
  return inside < size
    ? `${quantity(inside, 'byte')} into ${what}`
    : `${quantity(inside - size, 'byte')} past the end of ${what}`;
}

function faultSentence(fault: HeapFault): string {
  const { title, predicate } = faultWords[fault.kind];
  if (fault.access !== undefined) return `${title}: ${accessText(fault, fault.access)}`;
  const pointer = `Pointer 0x${fault.address.toString(16)}`;
  return fault.mismatch === undefined
    ? `${pointer} ${predicate}`
    : `${pointer} was ${mismatchText(fault.mismatch)}`;
}

/** The message of an error about a heap fault. */
export function faultMessage(fault: HeapFault): string {
  const allocated = stackOf(fault, 'allocatedAt');
  const freed = stackOf(fault, 'freedAt');
  let message = faultSentence(fault);
  message += messageStack(stackOf(fault, 'frames'));
  if (allocated !== null) {
    message += `\n  The block (${fault.block?.size ?? 0} bytes) was allocated${messageStack(allocated)}`;
  }
  if (freed !== null) message += `\n  It was freed first${messageStack(freed)}`;
  return message;
}
