// What repeated calls leave behind, as text: each place that grows, with what a call adds there, and its stack.

import picocolors from 'picocolors';
import { type Frame, printable, quantity, stackOf, wrapperFrames } from '../frames/index.ts';
import { readOptions } from '../options/option-table.ts';
import type { LeakGrowth } from './leak-report.ts';
import { TEXT_OPTIONS } from './report-options.ts';
import { inText, ReportStacks } from './stacks.ts';
import { noColor, paintedLines, type TextOptions } from './text.ts';
import { perCall } from './wording.ts';

/** Growth as text for a terminal. Every line ends with `\n`. */
export function formatGrowth(
  growth: LeakGrowth,
  options: Pick<TextOptions, 'all' | 'most' | 'color' | 'root' | 'wrappers'> = {},
): string {
  return growthText(growth, options);
}

/**
 * The same for a growth in a report.
 * @param allocates whether a frame is a call by which a function allocates for its caller, by what the function does
 */
export function growthText(
  growth: LeakGrowth,
  options: Pick<TextOptions, 'all' | 'most' | 'color' | 'root' | 'wrappers'>,
  allocates?: (frame: Frame) => boolean,
): string {
  const { all, most, color, root, wrappers } = readOptions('formatGrowth', options, TEXT_OPTIONS);
  const colors = picocolors.createColors(color && !noColor());
  const stacks = new ReportStacks(root, inText, wrapperFrames(wrappers, allocates));
  const { contexts, runs } = growth;
  if (contexts.length === 0) return `${colors.green('no growth')} in ${quantity(runs, 'call')}\n`;
  const shown = all ? contexts : contexts.slice(0, most);
  const blocks = shown.map((place) => {
    const stack = stackOf(place, 'frames');
    const at = stacks.place(stack);
    const where = at === null || at === stack.frame ? '' : ` in ${printable(at.function)}`;
    return [
      `${colors.red('growth:')} ${colors.bold(`${perCall(place)}${where}`)}`,
      ...paintedLines(stack, colors, stacks, '  '),
    ].join('\n');
  });
  const rest = contexts.length - shown.length;
  if (rest > 0) blocks.push(`… and ${quantity(rest, 'more place')}`);
  blocks.push(`growth in ${quantity(runs, 'call')}: ${perCall(growth)}`);
  return `${blocks.join('\n\n')}\n`;
}
