// Frames, places and stacks in words, the same for every report and message.

import type { Frame } from '../errors.ts';
import { type Gap, isGap, type ShownFrame } from './shown.ts';

/** `1 block`, `1,024 blocks`. */
export function quantity(amount: number, noun: string): string {
  return `${amount.toLocaleString('en-US')} ${noun}${amount === 1 ? '' : 's'}`;
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

/** `the same 5 frames 1,000 times more`, `9,900 frames left out`. */
export function gapText({ omitted, period }: Gap): string {
  if (period === 0) return `${quantity(omitted, 'frame')} left out`;
  return `the same ${period === 1 ? '' : `${period} frames `}${quantity(omitted / period, 'time')} more`;
}

/** A gap as a frame, for JSON: its function is the gap in words, in brackets. */
export function gapFrame(gap: Gap): Frame & { readonly omitted: number } {
  const words = `[${gapText(gap)}]`;
  const nowhere = { file: '', line: 0, column: 0, startLine: 0, inlined: false, language: 'c' } as const;
  return { function: words, linkageName: words, ...nowhere, omitted: gap.omitted };
}

/**
 * What is shown of a stack, a line for each frame and gap.
 * @param text of a frame
 */
export function stackLines(
  shown: readonly ShownFrame[],
  text: (frame: Frame) => string,
  indent: string,
): string[] {
  return shown.map((item) => `${indent}${isGap(item) ? `… ${gapText(item)}` : `at ${text(item)}`}`);
}
