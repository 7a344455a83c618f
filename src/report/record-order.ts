// The order of the records in a report: the largest first. It does not depend on the order of the scan, so two
// reports of the same run are equal texts.

import { type Frame, type Stack, stackOf } from '../frames/index.ts';
import { leakKinds } from './leak-kinds.ts';
import type { LeakRecord } from './leak-report.ts';
import { wholeOf } from './lost-trees.ts';

/** Compares two records for sorting. */
export function compareRecords(a: LeakRecord, b: LeakRecord): number {
  const bytes = wholeOf(b).bytes - wholeOf(a).bytes;
  if (bytes !== 0) return bytes;
  if (a.kind !== b.kind) return leakKinds.indexOf(a.kind) - leakKinds.indexOf(b.kind);
  if (a.blocks !== b.blocks) return b.blocks - a.blocks;
  return compareStacks(stackOf(a, 'frames'), stackOf(b, 'frames'));
}

/**
 * Frames that are compared before the depth decides. The stacks of a recursion have thousands of frames in common.
 */
const COMPARED_FIRST = 64;

function compareStacks(a: Stack, b: Stack): number {
  let x = a;
  let y = b;
  for (let i = 0; x.depth > 0 && y.depth > 0 && x !== y; i++, x = x.caller, y = y.caller) {
    if (i === COMPARED_FIRST && a.depth !== b.depth) return a.depth - b.depth;
    const order = compareFrames(x.frame, y.frame);
    if (order !== 0) return order;
  }
  return a.depth - b.depth;
}

function compareFrames(x: Frame, y: Frame): number {
  if (x === y) return 0;
  if (x.file !== y.file) return x.file < y.file ? -1 : 1;
  if (x.line !== y.line) return x.line - y.line;
  if (x.column !== y.column) return x.column - y.column;
  if (x.function !== y.function) return x.function < y.function ? -1 : 1;
  return 0;
}
