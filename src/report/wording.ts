// The words that all writers share: names of classes and faults, counts with their nouns, frames and paths.

import type { Frame, HeapFaultKind } from '../errors.ts';
import type { FailedAllocation, HeapFaultRecord, LeakCount, LeakKind, LeakRecord } from './leak-report.ts';

/** A class as an adjective of "leak" or of "memory". */
export const kindTitles: Readonly<Record<LeakKind, string>> = {
  definite: 'definite leak',
  indirect: 'indirect leak',
  possible: 'possible leak',
  reachable: 'still reachable',
};

/** What each class means, in one sentence. */
export const kindMeanings: Readonly<Record<LeakKind, string>> = {
  definite: 'No pointer to the block is left: nobody can free it any more.',
  indirect: 'Only blocks that are lost themselves point to the block.',
  possible: 'Only a pointer into the middle of the block is left.',
  reachable: 'The program can still reach the block, but has not freed it.',
};

/** What the guest did, in the words of C. */
export const faultTitles: Readonly<Record<HeapFaultKind, string>> = {
  'double-free': 'double free',
  'interior-free': 'free of a pointer into the middle of a block',
  'foreign-free': 'free of a pointer that is not on the heap',
  'unallocated-free': 'free of heap memory that was never allocated',
  'realloc-freed': 'realloc of a freed block',
  'realloc-foreign': 'realloc of a pointer that is not the start of a block',
};

/** `1 block`, `1,024 blocks`. */
export function quantity(amount: number, noun: string): string {
  return `${amount.toLocaleString('en-US')} ${noun}${amount === 1 ? '' : 's'}`;
}

/** `96 bytes in 3 blocks`. */
export function amount(of: LeakCount): string {
  return `${quantity(of.bytes, 'byte')} in ${quantity(of.blocks, 'block')}`;
}

/** An address of linear memory as eight hexadecimal digits. */
export function hexAddress(address: number): string {
  return `0x${(address >>> 0).toString(16).padStart(8, '0')}`;
}

/**
 * The place that a tool can point at: of the frames whose source line is known the innermost one of C below `root`,
 * since nobody has the sources of a libc before them; else the innermost one of C; else any. Null when there is none.
 */
export function sourceFrame(frames: readonly Frame[], root?: string): Frame | null {
  const known = frames.filter((frame) => frame.file !== '' && frame.line > 0);
  const c = known.filter((frame) => frame.language === 'c');
  return c.find((frame) => isBelow(frame.file, root)) ?? c[0] ?? known[0] ?? null;
}

/** Whether a file lies below the root. */
export function isBelow(file: string, root: string | undefined): boolean {
  return relativePath(file, root) !== relativePath(file, undefined);
}

/** A path with forward slashes, relative to `root` when it lies below it. */
export function relativePath(file: string, root: string | undefined): string {
  const path = file.replaceAll('\\', '/');
  if (root === undefined || root === '') return path;
  const base = root.replaceAll('\\', '/').replace(/\/+$/, '');
  return path.startsWith(`${base}/`) ? path.slice(base.length + 1) : path;
}

/** `file:line:column` as far as it is known, '' when it is not. */
export function position(frame: Frame, root?: string): string {
  if (frame.file === '') return '';
  const path = relativePath(frame.file, root);
  if (frame.line === 0) return path;
  return frame.column === 0 ? `${path}:${frame.line}` : `${path}:${frame.line}:${frame.column}`;
}

/** `function (file:line:column) [inlined]`. */
export function frameText(frame: Frame, root?: string): string {
  const place = position(frame, root);
  return `${frame.function}${place === '' ? '' : ` (${place})`}${frame.inlined ? ' [inlined]' : ''}`;
}

/** Equal lines that a fold takes: fewer are as short as the words about them. */
const LEAST_FOLD = 4;

/** Lines of a stack, in which equal ones in a row (a recursion may be thousands deep) are one and their number. */
export function foldRecursion(lines: readonly string[]): string[] {
  const folded: string[] = [];
  for (let start = 0, end = 0; start < lines.length; start = end) {
    const line = lines[start]!;
    while (end < lines.length && lines[end] === line) end++;
    if (end - start < LEAST_FOLD) folded.push(...lines.slice(start, end));
    else folded.push(line, `${/^ */.exec(line)![0]}… the same ${quantity(end - start - 1, 'time')} more`);
  }
  return folded;
}

/** A stack, a frame to a line. */
export function stackText(frames: readonly Frame[], root: string | undefined, indent: string): string {
  return foldRecursion(frames.map((frame) => `${indent}at ${frameText(frame, root)}`)).join('\n');
}

/** A record in one line: `definite leak: 96 bytes in 3 blocks allocated in f`. */
export function recordHeadline(record: LeakRecord, root?: string): string {
  const place = sourceFrame(record.frames, root) ?? record.frames[0];
  return `${kindTitles[record.kind]}: ${amount(record)}${place ? ` allocated in ${place.function}` : ''}`;
}

/** A fault in one line: `double free of 0x00010010 in f`. */
export function faultHeadline(fault: HeapFaultRecord, root?: string): string {
  const place = sourceFrame(fault.frames, root) ?? fault.frames[0];
  return `${faultTitles[fault.kind]}: ${hexAddress(fault.address)}${place ? ` in ${place.function}` : ''}`;
}

/** Allocations that failed, in one line: `failed allocation: 500 bytes in f`. */
export function failureHeadline(failed: FailedAllocation, root?: string): string {
  const place = sourceFrame(failed.frames, root) ?? failed.frames[0];
  const sizes =
    failed.smallest === failed.largest
      ? quantity(failed.largest, 'byte')
      : `${failed.smallest.toLocaleString('en-US')} to ${quantity(failed.largest, 'byte')}`;
  const what =
    failed.count === 1
      ? `failed allocation: ${sizes}`
      : `${quantity(failed.count, 'failed allocation')}: ${sizes} each`;
  return `${what}${place ? ` in ${place.function}` : ''}`;
}

/** How many allocations failed. */
export function failureCount(failed: readonly FailedAllocation[]): number {
  return failed.reduce((sum, { count }) => sum + count, 0);
}

/** The three stacks of a fault under their titles, as far as they are known. */
export function faultStacks(fault: HeapFaultRecord): readonly (readonly [string, readonly Frame[]])[] {
  const stacks: [string, readonly Frame[]][] = [['here', fault.frames]];
  if (fault.freedAt !== null) stacks.push(['freed before', fault.freedAt]);
  if (fault.allocatedAt !== null) stacks.push(['allocated', fault.allocatedAt]);
  return stacks;
}
