// The report for people: heap faults, then the largest records with their stacks and first bytes, then the sums. It
// is short and plain unless everything or colour is asked for.

import picocolors from 'picocolors';
import {
  type FaultyAccess,
  faultStacks,
  type HeapFault,
  hexAddress,
  isGap,
  printable,
  quantity,
  type Stack,
  stackLines,
  stackOf,
  wrapperFrames,
} from '../frames/index.ts';
import { readOptions } from '../options/option-table.ts';
import { platform } from '../platform/index.ts';
import { contentsText } from './contents-text.ts';
import { type LeakKind, leakKinds } from './leak-kinds.ts';
import type { BlockSample, LeakRecord, LeakReport } from './leak-report.ts';
import { type Branch, branchesOf, sumOf, wholeOf } from './lost-trees.ts';
import { SHORT_RECORDS, TEXT_OPTIONS } from './report-options.ts';
import { reportView } from './report-view.ts';
import { inText, ReportStacks } from './stacks.ts';
import { amount, failureCount, failureHeadline, faultHeadline, kindTitles, recordAmount } from './wording.ts';

/** Most bytes of a block that are shown, and how many of them make a row. */
const SAMPLE_BYTES = 32;
const ROW_BYTES = 16;

/** How the text is written. */
export interface TextOptions {
  /** Show every record instead of the ten largest. Default false. */
  readonly all?: boolean;
  /** Show no more than this many records, the largest first. Default 10. `all` shows every record. */
  readonly most?: number;
  /** Show only records of these classes. The totals always cover all classes. Default: all classes. */
  readonly kinds?: readonly LeakKind[];
  /** Show what hangs on the blocks of each record, by the places where it was allocated. Default false. */
  readonly tree?: boolean;
  /** Colour the text with ANSI escapes. Default false. The environment variable NO_COLOR overrides true. */
  readonly color?: boolean;
  /** Show paths below this folder relative to it. */
  readonly root?: string;
  /**
   * More functions that allocate for others, besides those that are known by name or by what they do, and behind `!`
   * functions that do not: `*` stands for any text.
   */
  readonly wrappers?: readonly string[];
  /** Show only records whose stacks have a function or file that matches this expression. Totals cover all records. */
  readonly focus?: string;
  /** Leave out records whose stacks have a function or file that matches this expression. */
  readonly ignore?: string;
  /** Leave frames out of stacks whose function or file matches this expression. */
  readonly hide?: string;
  /**
   * Which frames stacks show. Default `'project'`: neighbouring frames that are not below `root`, or in node_modules,
   * are folded into one line.
   */
  readonly frames?: 'project' | 'all';
}

type Colors = ReturnType<typeof picocolors.createColors>;

/** The report as text for a terminal. Every line ends with `\n`. */
export function formatText(report: LeakReport, options: TextOptions = {}): string {
  const settings = readOptions('formatText', options, TEXT_OPTIONS);
  const { all, most, kinds, tree, color, root, wrappers } = settings;
  const colors = picocolors.createColors(color && !noColor());
  const view = reportView(settings);
  const stacks = new ReportStacks(root, inText, wrapperFrames(wrappers, report.allocates), view.reduced);
  const records = report.of(kinds).filter((record) => view.shows(stackOf(record, 'frames')));
  const shown = all ? records : records.slice(0, most);
  const blocks: string[][] = [];
  if (report.damage !== null) blocks.push([`${colors.red('ruined heap:')} ${printable(report.damage)}`]);
  for (const fault of report.errors) blocks.push(faultLines(fault, colors, stacks));
  for (const failed of all ? report.failedAllocations : report.failedAllocations.slice(0, SHORT_RECORDS)) {
    blocks.push([
      colors.yellow(failureHeadline(failed, stacks)),
      ...paintedLines(stackOf(failed, 'frames'), colors, stacks, '  '),
    ]);
  }
  for (const record of shown) {
    blocks.push([
      ...recordLines(record, colors, stacks),
      ...(tree ? branchLines(branchesOf(record, stacks.place), stacks, '  ') : []),
    ]);
  }
  const rest = records.slice(shown.length);
  if (rest.length > 0) blocks.push([restLine(rest)]);
  blocks.push(summaryLines(report, colors));
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

// https://no-color.org: the variable must be present and not empty.
export function noColor(): boolean {
  const value = platform().environment('NO_COLOR');
  return value !== undefined && value !== '';
}

function recordLines(record: LeakRecord, colors: Colors, stacks: ReportStacks): string[] {
  const paint = record.kind === 'definite' || record.kind === 'indirect' ? colors.red : colors.yellow;
  const stack = stackOf(record, 'frames');
  const place = stacks.place(stack);
  // The innermost frame names itself.
  const where = place === null || place === stack.frame ? '' : ` allocated in ${printable(place.function)}`;
  return [
    `${paint(`${kindTitles[record.kind]}:`)} ${colors.bold(`${recordAmount(record)}${where}`)}`,
    ...paintedLines(stack, colors, stacks, '  '),
    ...(record.sample === null ? [] : contentLines(record.sample, record.blocks, colors)),
  ];
}

/** The fields of a block, and its bytes where the fields do not say all. */
function contentLines(sample: BlockSample, blocks: number, colors: Colors): string[] {
  const { contents } = sample;
  if (contents === undefined) return sampleLines(sample, colors);
  const [first, ...more] = contentsText(contents).map(printable);
  const lines = [`  ${blocks === 1 ? '' : 'the first: '}${first}`, ...more.map((line) => `  ${line}`)];
  return contents.whole && contents.left === 0 && contents.offset === 0
    ? lines
    : [...lines, ...sampleLines(sample, colors)];
}

function branchLines(branches: readonly Branch[], stacks: ReportStacks, indent: string): string[] {
  return branches.flatMap((branch, index) => {
    const isLast = index === branches.length - 1;
    const place = branch.place === null ? '(no stack)' : printable(stacks.text(branch.place));
    return [
      `${indent}${isLast ? '└─' : '├─'} ${amount(branch)}${ofType(branch)}: ${place}`,
      ...branchLines(branch.branches, stacks, `${indent}${isLast ? '   ' : '│  '}`),
    ];
  });
}

function ofType({ type }: Branch): string {
  return type === null ? '' : ` of ${printable(type)}`;
}

function faultLines(fault: HeapFault, colors: Colors, stacks: ReportStacks): string[] {
  const lines = [`${colors.red('heap fault:')} ${colors.bold(faultHeadline(fault, stacks))}`];
  for (const [index, [title, stack]] of faultStacks(fault).entries()) {
    if (index > 0) lines.push(`  ${title}`);
    lines.push(...paintedLines(stack, colors, stacks, index > 0 ? '    ' : '  '));
  }
  if (fault.access !== undefined) lines.push(...memoryLines(fault.access, colors));
  return lines;
}

/** The bytes around a wrong access, sixteen a line. Those that belong to no block in use are dim; the bad one is marked. */
function memoryLines({ badAddress, memory }: FaultyAccess, colors: Colors): string[] {
  const { address, bytes, usable } = memory;
  const lines = ['  memory around it, as it was; -- belongs to no block in use'];
  for (let row = 0; row < bytes.length; row += 16) {
    const cells = Array.from(bytes.subarray(row, row + 16), (byte, index) => {
      const at = row + index;
      const cell = usable[at] === 1 ? byte.toString(16).padStart(2, '0') : colors.dim('--');
      return address + at === badAddress ? `[${cell}]` : ` ${cell} `;
    });
    lines.push(`    ${hexAddress(address + row)} ${cells.join('').trimEnd()}`);
  }
  return lines;
}

/** The lines of a stack, one for each frame that is shown. */
export function paintedLines(stack: Stack, colors: Colors, stacks: ReportStacks, indent: string): string[] {
  if (stack.depth === 0) return [`${indent}${colors.dim('(no stack)')}`];
  const shown = stacks.shown(stack);
  return stackLines(shown, stacks.text, '').map((line, index) => {
    const item = shown[index]!;
    const text = printable(line);
    if (isGap(item)) return `${indent}${text}`;
    return `${indent}at ${item.language === 'js' ? colors.dim(text.slice(3)) : text.slice(3)}`;
  });
}

function sampleLines(sample: BlockSample, colors: Colors): string[] {
  const lines: string[] = [];
  const bytes = sample.bytes.subarray(0, SAMPLE_BYTES);
  for (let start = 0; start < bytes.length; start += ROW_BYTES) {
    const row = bytes.subarray(start, start + ROW_BYTES);
    const hex = bytesAsHex(row).padEnd(ROW_BYTES * 3 - 1);
    lines.push(colors.dim(`  ${hexAddress(sample.address + start)}  ${hex}  ${bytesAsText(row)}`));
  }
  return lines;
}

/** Bytes as pairs of hexadecimal digits with blanks between. */
export function bytesAsHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** Bytes as ASCII, with a dot for each byte that is not printable. */
export function bytesAsText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(
    '',
  );
}

function restLine(rest: readonly LeakRecord[]): string {
  return `… and ${quantity(rest.length, 'more record')}: ${amount(sumOf(rest.map(wholeOf)))}`;
}

function summaryLines(report: LeakReport, colors: Colors): string[] {
  const lines: string[] = [];
  const name = report.program === '' ? '' : `${printable(report.program)}: `;
  const failures = failureCount(report.failedAllocations);
  if (report.damage === null && report.errors.length === 0 && report.total.blocks === 0 && failures === 0) {
    lines.push(`${name}${colors.green('no leaks, no heap faults')}`);
  } else {
    const classes = leakKinds
      .filter((kind) => report.totals[kind].blocks > 0)
      .map((kind) => `${kind} ${amount(report.totals[kind])}`);
    if (failures > 0) classes.push(quantity(failures, 'failed allocation'));
    if (report.errors.length > 0) classes.unshift(quantity(report.errors.length, 'heap fault'));
    else if (report.damage === null && report.total.blocks === 0) classes.unshift('no leaks, no heap faults');
    if (report.damage !== null) classes.unshift('the heap could not be searched');
    lines.push(`${name}${classes.join(', ')}`);
  }
  if (report.suppressed.length > 0) {
    lines.push(`suppressed: ${amount(sumOf(report.suppressed.map(({ record }) => wholeOf(record))))}`);
  }
  const known = [
    ...(report.known?.length ? [quantity(report.known.length, 'record')] : []),
    ...(report.knownErrors.length > 0 ? [quantity(report.knownErrors.length, 'heap fault')] : []),
  ];
  if (known.length > 0) lines.push(`known from the baseline: ${known.join(', ')}`);
  for (const unused of report.unusedSuppressions) lines.push(`unused suppression: ${printable(unused)}`);
  for (const note of report.notes) lines.push(`note: ${note}`);
  return lines;
}
