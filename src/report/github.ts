// Annotations for GitHub Actions: workflow commands on standard output, which the runner turns into marks beside the
// source lines. Text is escaped as in the runner's own toolkit (actions/toolkit, core/src/command.ts).

import { type Frame, faultStacks, quantity, relativePath, stackOf, wrapperFrames } from '../frames/index.ts';
import { flag, text } from '../options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../options/option-table.ts';
import { anyLeakKinds, defaultLeakKinds, type LeakKind } from './leak-kinds.ts';
import type { LeakReport } from './leak-report.ts';
import { wrapperNames } from './report-options.ts';
import { inText, ReportStacks } from './stacks.ts';
import { failureHeadline, faultHeadline, growthHeadline, kindTitles, recordHeadline } from './wording.ts';

/** A step shows at most ten error annotations. The last one counts the annotations that have no room. */
const ANNOTATION_LIMIT = 10;

/** How the annotations are written. */
export interface GitHubOptions {
  /** Classes that fail. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** The work tree (GITHUB_WORKSPACE). Paths below it are relative to it, as GitHub wants them. */
  readonly root?: string;
  /**
   * More functions that allocate for others, besides those that are known by name or by what they do, and behind `!`
   * functions that do not: `*` stands for any text.
   */
  readonly wrappers?: readonly string[];
  /** Write every annotation, not only the ten that GitHub shows. Default false. */
  readonly all?: boolean;
  /** Make failed allocations errors instead of warnings. Default false. */
  readonly failedAllocations?: boolean;
}

interface Annotation {
  readonly level?: 'warning';
  readonly place: Frame | null;
  readonly title: string;
  readonly message: string;
}

const OPTIONS = {
  kinds: withDefault(anyLeakKinds, defaultLeakKinds),
  root: text,
  wrappers: wrapperNames,
  all: withDefault(flag, false),
  failedAllocations: withDefault(flag, false),
} satisfies OptionTable<GitHubOptions>;

/** The report as workflow commands, one per line; '' when nothing failed. */
export function formatGitHub(report: LeakReport, options: GitHubOptions = {}): string {
  const { kinds, root, wrappers, all, failedAllocations } = readOptions('formatGitHub', options, OPTIONS);
  const stacks = new ReportStacks(root, inText, wrapperFrames(wrappers, report.allocates));
  // An annotation is made only when it is shown.
  const annotations: (() => Annotation)[] = [];
  const { damage } = report;
  if (damage !== null) {
    annotations.push(() => ({ place: null, title: 'Memory: ruined heap', message: damage }));
  }
  for (const fault of report.errors) {
    annotations.push(() => {
      const texts = faultStacks(fault).map(([title, stack]) => `${title}\n${stacks.lines(stack, '  ')}`);
      return {
        place: stacks.place(stackOf(fault, 'frames')),
        title: `Heap fault: ${fault.kind}`,
        message: `${faultHeadline(fault, stacks)}\n${texts.join('\n')}`,
      };
    });
  }
  const failed = report.failedAllocations.map((failure) => (): Annotation => {
    const stack = stackOf(failure, 'frames');
    return {
      ...(failedAllocations ? {} : { level: 'warning' }),
      place: stacks.place(stack),
      title: 'Memory: failed allocation',
      message: `${failureHeadline(failure, stacks)}\n${stacks.lines(stack, '  ')}`,
    };
  });
  if (failedAllocations) annotations.push(...failed);
  for (const record of report.of(kinds)) {
    annotations.push(() => {
      const stack = stackOf(record, 'frames');
      return {
        place: stacks.place(stack),
        title: `Memory: ${kindTitles[record.kind]}`,
        message: `${recordHeadline(record, stacks)}\n${stacks.lines(stack, '  ')}`,
      };
    });
  }
  for (const growing of report.growth?.contexts ?? []) {
    annotations.push(() => {
      const stack = stackOf(growing, 'frames');
      return {
        place: stacks.place(stack),
        title: 'Memory: growth',
        message: `${growthHeadline(growing, stacks)}\n${stacks.lines(stack, '  ')}`,
      };
    });
  }
  if (!failedAllocations) annotations.push(...failed);
  const shown =
    all || annotations.length <= ANNOTATION_LIMIT ? annotations : annotations.slice(0, ANNOTATION_LIMIT - 1);
  const lines = shown.map((annotation) => command(annotation(), root));
  const rest = annotations.length - shown.length;
  if (rest > 0) {
    const message = `and ${quantity(rest, 'more finding')}`;
    lines.push(command({ place: null, title: 'Memory', message }, root));
  }
  return lines.map((line) => `${line}\n`).join('');
}

function command({ level, place, title, message }: Annotation, root: string | undefined): string {
  const properties: string[] = [];
  if (place !== null) {
    properties.push(`file=${property(relativePath(place.file, root))}`, `line=${place.line}`);
    if (place.column > 0) properties.push(`col=${place.column}`);
  }
  properties.push(`title=${property(title)}`);
  return `::${level ?? 'error'} ${properties.join(',')}::${message.replace(/[%\r\n]/g, percent)}`;
}

function property(text: string): string {
  return text.replace(/[%\r\n:,]/g, percent);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
