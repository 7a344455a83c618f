// Frames and stacks in words, the same for every report and message.

import { type Frame, namedFrame } from './frame.ts';
import { fileName, position } from './places.ts';
import { type Gap, isGap, type ShownFrame, ShownStacks } from './shown.ts';
import { stackOfFrames } from './stack-holders.ts';
import type { Stack } from './stack-tree.ts';

/** Frames shown of a stack in the message of an error. */
const FRAMES_IN_MESSAGE = 24;

/** `1 block`, `1,024 blocks`. */
export function quantity(amount: number, noun: string): string {
  return `${amount.toLocaleString('en-US')} ${noun}${amount === 1 ? '' : 's'}`;
}

/** An address of linear memory as eight hexadecimal digits. */
export function hexAddress(address: number): string {
  return `0x${(address >>> 0).toString(16).padStart(8, '0')}`;
}

/** `function (file:line:column) [inlined]`. */
export function frameText(frame: Frame, root?: string): string {
  const place = position(frame, root);
  return `${frame.function}${place === '' ? '' : ` (${place})`}${frame.inlined ? ' [inlined]' : ''}`;
}

/** The innermost frame of a stack for a line about it: ` in function (file.c:12)`, '' for the empty stack. */
export function shortPlace(stack: Stack): string {
  if (stack.depth === 0) return '';
  const { function: name, file, line } = stack.frame;
  return file === '' ? ` in ${name}` : ` in ${name} (${fileName(file)}:${line})`;
}

/** `the same 5 frames 1,000 times more`, `9,900 frames left out`. */
export function gapText({ omitted, period }: Gap): string {
  if (period === 0) return `${quantity(omitted, 'frame')} left out`;
  return `the same ${period === 1 ? '' : `${period} frames `}${quantity(omitted / period, 'time')} more`;
}

/** A gap as a frame, for JSON: its function is the gap in words, in brackets. */
export function gapFrame(gap: Gap): Frame & { readonly omitted: number } {
  return { ...namedFrame(`[${gapText(gap)}]`), omitted: gap.omitted };
}

/**
 * The shown part of a stack as text, with a line for each frame and gap.
 * @param text writes a frame
 */
export function stackLines(
  shown: readonly ShownFrame[],
  text: (frame: Frame) => string,
  indent: string,
): string[] {
  return shown.map((item) => `${indent}${isGap(item) ? `… ${gapText(item)}` : `at ${text(item)}`}`);
}

/** A stack for the message of an error: a line break and a line for each frame that is shown. */
export function messageStack(stack: Stack): string {
  const shown = new ShownStacks({ most: FRAMES_IN_MESSAGE }).of(stack);
  return stackLines(shown, (frame) => frameText(frame), '    ')
    .map((line) => `\n${line}`)
    .join('');
}

/** The same for a list of frames, innermost first. */
export function messageFrames(frames: readonly Frame[]): string {
  return messageStack(stackOfFrames(frames));
}
