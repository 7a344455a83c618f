// Bad frees and reallocs as people see them: with their stacks, and as an error.

import { type Frame, HeapFaultError, type HeapFaultKind } from '../errors.ts';
import { frameText, ShownStacks, type Stack, stackLines, stackOf, stackOfFrames } from './index.ts';

/** A bad free or realloc, with its stacks, innermost frame first. */
export interface HeapFault {
  readonly kind: HeapFaultKind;
  /** The pointer that was passed. */
  readonly address: number;
  /** The block that the pointer belongs to; null when it belongs to none. Of a freed block, `size` is what it
   * really took: how much of it was asked for is not remembered. */
  readonly block: { readonly address: number; readonly size: number } | null;
  /** Where it happened. */
  readonly frames: readonly Frame[];
  /** Where the block was allocated; null when there is no block. */
  readonly allocatedAt: readonly Frame[] | null;
  /** Where the block was freed first; null when it was not, or that is not known. */
  readonly freedAt: readonly Frame[] | null;
}

/** Frames shown of a stack in a message. */
const FRAMES_SHOWN = 24;

/** The error that says so. */
export function faultError(fault: HeapFault): HeapFaultError {
  const titles = {
    'double-free': 'was freed twice',
    'interior-free': 'points into a block and was freed',
    'foreign-free': 'does not belong to the heap and was freed',
    'unallocated-free': 'belongs to no block in use and was freed',
    'realloc-freed': 'was freed before and passed to realloc',
    'realloc-foreign': 'does not belong to a block and was passed to realloc',
  } as const;
  const frames = stackOf(fault, 'frames');
  const allocated = stackOf(fault, 'allocatedAt');
  const freed = stackOf(fault, 'freedAt');
  let message = `Pointer 0x${fault.address.toString(16)} ${titles[fault.kind]}${formatStack(frames)}`;
  if (allocated !== null) {
    message += `\n  The block (${fault.block?.size ?? 0} bytes) was allocated${formatStack(allocated)}`;
  }
  if (freed !== null) message += `\n  It was freed first${formatStack(freed)}`;
  return new HeapFaultError(
    message,
    fault.kind,
    fault.address,
    fault.frames,
    fault.allocatedAt,
    fault.freedAt,
  );
}

/** A stack, a line for each frame that is shown. */
export function formatFrames(frames: readonly Frame[]): string {
  return formatStack(stackOfFrames(frames));
}

function formatStack(stack: Stack): string {
  const shown = new ShownStacks({ most: FRAMES_SHOWN }).of(stack);
  return stackLines(shown, (frame) => frameText(frame), '    ')
    .map((line) => `\n${line}`)
    .join('');
}
