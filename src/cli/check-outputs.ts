// The reports of `heapline check`: to the terminal, to standard output and into files.

import { FileError } from '../errors.ts';
import type { LeakKind } from '../index.ts';
import { encodeLeakProfile, type LeakReport, leakKinds, type ReportFormat } from '../report/index.ts';
import { formatReport, formatSuppressions, type ReportOptions } from '../report/writers.ts';
import type { CheckArguments, Output } from './check.ts';
import { failureText } from './failure.ts';
import { writeOutput } from './output-files.ts';
import type { Terminal } from './terminal.ts';

/** What a check makes of a report. */
export interface Verdict {
  /** The leak classes that make the check fail. */
  readonly failing: readonly LeakKind[];
  readonly fails: boolean;
  /** The bytes that --max-bytes tolerates; null when it tolerates none of them. */
  readonly tolerated: number | null;
}

/**
 * The files of a check. The run may have taken an hour, so a file that cannot be written does not prevent the other
 * reports.
 */
export class WrittenFiles {
  readonly #files: string[] = [];
  readonly #apart: string[] = [];
  readonly #unwritten: FileError[] = [];

  /** Whether a file could not be written. */
  get failed(): boolean {
    return this.#unwritten.length > 0;
  }

  /** Writes a file. False when that fails. */
  write(path: string, content: string | Uint8Array): boolean {
    try {
      writeOutput(path, content);
      return true;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#unwritten.push(error);
      return false;
    }
  }

  /** Remembers what was written, for tell(): in one line with others, or apart from them. */
  add(text: string, line: 'together' | 'apart' = 'together'): void {
    (line === 'apart' ? this.#apart : this.#files).push(text);
  }

  /** Says what was written and what was not. */
  tell(terminal: Terminal): void {
    if (this.#files.length > 0) terminal.say(terminal.colors.dim(`Wrote ${this.#files.join(', ')}.`));
    for (const text of this.#apart) terminal.say(terminal.colors.dim(`Wrote ${text}.`));
    for (const error of this.#unwritten) terminal.error(failureText(error));
  }
}

/** A check that has come to its end. */
interface Checked {
  readonly report: LeakReport;
  readonly verdict: Verdict;
  readonly outputs: readonly Output[];
  readonly given: CheckArguments;
  readonly written: WrittenFiles;
  readonly terminal: Terminal;
  /** Whether standard output carries a report. */
  readonly aside: boolean;
  /** Writes a page of the heap with the report; null when none was asked for. */
  readonly page: ((report: LeakReport) => string) | null;
}

/** Writes everything that a check gives. */
export function writeReports(checked: Checked): void {
  const { report, verdict, given, written, terminal } = checked;
  for (const output of checked.outputs) writeReport(checked, output);
  annotate(checked);
  if (given.genSuppressions) {
    const text = formatSuppressions(report, { root: process.cwd(), kinds: given.leakKinds }).trimEnd();
    if (text !== '') terminal.say(text);
  }
  if (verdict.tolerated !== null) {
    terminal.say(`Tolerated: ${verdict.tolerated} bytes, of ${given.maxBytes} that --max-bytes allows.`);
  }
  if (given.pprof !== undefined && written.write(given.pprof, leakProfile(report, given))) {
    written.add(given.pprof);
  }
}

function writeReport(checked: Checked, { format, file }: Output): void {
  const { verdict, given, written, terminal } = checked;
  // The text shows the kinds that the user asked about, tolerated or not.
  const kinds = format === 'text' ? given.leakKinds : verdict.failing;
  const text =
    format === 'html'
      ? checked.page!(checked.report)
      : terminal.during('writing the report', () => formatted(checked, format, kinds, file === null));
  if (file !== null) {
    if (written.write(file, text)) written.add(file);
  } else if (format === 'text') terminal.say(text.trimEnd());
  else terminal.data(text);
}

/** Annotations for GitHub Actions, unless the user asked for them. */
function annotate(checked: Checked): void {
  const { outputs, verdict, terminal, aside } = checked;
  const isAsked = outputs.some(({ format }) => format === 'github');
  if (process.env.GITHUB_ACTIONS !== 'true' || isAsked) return;
  const annotations = formatted(checked, 'github', verdict.failing, true).trimEnd();
  if (annotations === '') return;
  // The runner reads both streams, and standard output may carry a report.
  if (aside) terminal.say(annotations);
  else terminal.lines(annotations);
}

// Reachable blocks are no leaks, so only those who ask for them get them.
function leakProfile(report: LeakReport, { leakKinds: asked, inlines }: CheckArguments): Uint8Array {
  const kinds = leakKinds.filter((kind) => kind !== 'reachable' || asked.includes(kind));
  return encodeLeakProfile(report, { kinds, takenAt: Date.now(), inlines });
}

/** What the text shows of stacks. */
function viewOf({ focus, ignore, hide, frames }: CheckArguments): NonNullable<ReportOptions['view']> {
  return {
    frames,
    ...(focus === undefined ? {} : { focus }),
    ...(ignore === undefined ? {} : { ignore }),
    ...(hide === undefined ? {} : { hide }),
  };
}

function formatted(
  { report, given, terminal }: Checked,
  format: ReportFormat,
  kinds: readonly LeakKind[],
  printed: boolean,
): string {
  return formatReport(report, format, {
    root: process.cwd(),
    workspace: process.env.GITHUB_WORKSPACE,
    kinds,
    failedAllocations: given.failOnFailedAllocations === true,
    all: given.all === true,
    tree: given.tree === true,
    wrappers: given.wrappers ?? [],
    color: printed && terminal.colors.isColorSupported,
    view: viewOf(given),
  });
}
