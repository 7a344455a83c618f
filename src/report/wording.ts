// The words that all writers share: names of classes, sums and headlines.

import {
  accessText,
  faultWords,
  type HeapFault,
  hexAddress,
  mismatchText,
  quantity,
  stackOf,
} from '../frames/index.ts';
import type { LeakKind } from './leak-kinds.ts';
import type { FailedAllocation, GrowingPlace, LeakCount, LeakRecord } from './leak-report.ts';
import { wholeOf } from './lost-trees.ts';
import type { ReportStacks } from './stacks.ts';

/** A class as an adjective of "leak" or of "memory". */
export const kindTitles: Readonly<Record<LeakKind, string>> = {
  definite: 'definite leak',
  indirect: 'indirect leak',
  possible: 'possible leak',
  reachable: 'still reachable',
};

/** What each class means, in one sentence. */
export const kindMeanings: Readonly<Record<LeakKind, string>> = {
  definite: 'No pointer to the block is left, so nobody can free it any more.',
  indirect: 'Only lost blocks point to the block.',
  possible: 'Only a pointer into the middle of the block is left.',
  reachable: 'The program can still reach the block, but has not freed it.',
};

/** `96 bytes in 3 blocks`. */
export function amount(of: LeakCount): string {
  return `${quantity(of.bytes, 'byte')} in ${quantity(of.blocks, 'block')}`;
}

/** A record's blocks and what hangs on them: `96 bytes (24 direct, 72 indirect in 3 blocks)`. */
export function recordAmount(record: LeakRecord): string {
  const { blocks, bytes, indirect } = record;
  if (indirect.blocks === 0) return amount(record);
  const direct = `${bytes.toLocaleString('en-US')} direct${blocks === 1 ? '' : ` in ${quantity(blocks, 'block')}`}`;
  const hanging = `${indirect.bytes.toLocaleString('en-US')} indirect in ${quantity(indirect.blocks, 'block')}`;
  return `${quantity(wholeOf(record).bytes, 'byte')} (${direct}, ${hanging})`;
}

/** A record in one line: `definite leak: 96 bytes in 3 blocks allocated in f`. */
export function recordHeadline(record: LeakRecord, stacks: ReportStacks): string {
  const place = stacks.functionOf(stackOf(record, 'frames'));
  return `${kindTitles[record.kind]}: ${recordAmount(record)}${place === '' ? '' : ` allocated in ${place}`}`;
}

/** A heap fault in one line: `double free: 0x00010010 in f`. */
export function faultHeadline(fault: HeapFault, stacks: ReportStacks): string {
  const place = stacks.functionOf(stackOf(fault, 'frames'));
  const { title } = faultWords[fault.kind];
  const { access, mismatch, block, address } = fault;
  const where = place === '' ? '' : ` in ${place}`;
  if (access !== undefined) return `${title}${where}: ${accessText(fault, access)}`;
  if (mismatch === undefined) return `${title}: ${hexAddress(address)}${where}`;
  return `${title}${where}: block of ${quantity(block?.size ?? 0, 'byte')} at ${hexAddress(address)}, ${mismatchText(mismatch)}`;
}

/** Failed allocations in one line: `failed allocation: 500 bytes in f`. */
export function failureHeadline(failed: FailedAllocation, stacks: ReportStacks): string {
  const place = stacks.functionOf(stackOf(failed, 'frames'));
  const sizes =
    failed.smallest === failed.largest
      ? quantity(failed.largest, 'byte')
      : `${failed.smallest.toLocaleString('en-US')} to ${quantity(failed.largest, 'byte')}`;
  const what =
    failed.count === 1
      ? `failed allocation: ${sizes}`
      : `${quantity(failed.count, 'failed allocation')}: ${sizes} each`;
  const consequence = failed.consequence === undefined ? '' : `: ${failed.consequence}`;
  return `${what}${place === '' ? '' : ` in ${place}`}${consequence}`;
}

/** What each call adds: `24 bytes in 1.5 blocks per call`. */
export function perCall({ objectsPerRun, bytesPerRun }: Omit<GrowingPlace, 'frames'>): string {
  return `${rounded(bytesPerRun, 'byte')} in ${rounded(objectsPerRun, 'block')} per call`;
}

function rounded(value: number, unit: string): string {
  return quantity(Number(value.toFixed(value < 10 ? 2 : 1)), unit);
}

/** A place that grows in one line: `growth: 24 bytes in 1 block per call allocated in f`. */
export function growthHeadline(growing: GrowingPlace, stacks: ReportStacks): string {
  const place = stacks.functionOf(stackOf(growing, 'frames'));
  return `growth: ${perCall(growing)}${place === '' ? '' : ` allocated in ${place}`}`;
}

/** How many allocations failed. */
export function failureCount(failed: readonly FailedAllocation[]): number {
  return failed.reduce((sum, { count }) => sum + count, 0);
}
