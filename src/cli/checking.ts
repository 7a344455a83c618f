// What `heapline check` does: runs the program, judges its heap, and has the reports written (check-outputs.ts).

import { BaselineError, type CorruptLedgerError, FileError, SuppressionError } from '../errors.ts';
import { foldStacks, stackOf } from '../frames/index.ts';
import type { GrowthReport, Sandbox, SandboxOptions } from '../index.ts';
import { formatGrowth, LeakReport, parseSuppressions, type Suppression, suppress } from '../report/index.ts';
import {
  applyBaseline,
  type Baseline,
  baselineOf,
  formatBaseline,
  parseBaseline,
} from '../report/writers.ts';
import { loadViews } from '../sandbox/index.ts';
import { loadShapes } from '../sandbox/module-wrappers.ts';
import { QUARANTINE } from '../sandbox/sandbox-options.ts';
import { readInput } from './arguments.ts';
import type { CheckArguments, Output } from './check.ts';
import { type Verdict, WrittenFiles, writeReports } from './check-outputs.ts';
import { failureText, STATUS, usageError } from './failure.ts';
import { checkCalls, enterGuest, readable } from './guest.ts';
import { Interrupted } from './interruption.ts';
import { checkWritable } from './output-files.ts';
import { guestOptions, load, READING_STACKS } from './run.ts';
import { type Terminal, WRITING_PAGE } from './terminal.ts';

/** Exit statuses of `check`. Set-up errors have the same status in every command. */
const CHECK_STATUS = { clean: 0, found: 1, programFailed: 3 } as const;

/** Checks a program. Returns the exit status. `programArguments` are the arguments after `--`. */
export async function check(
  files: readonly string[],
  given: CheckArguments,
  programArguments: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const outputs = given.format ?? [{ format: 'text', file: null }];
  checkOutputs(outputs, given);
  if (given.sweep) return sweep(files, given, programArguments, outputs, terminal);
  const suppressions = (given.suppressions ?? []).flatMap(readSuppressions);
  const known = given.baseline === undefined || given.updateBaseline ? null : readBaseline(given.baseline);
  // Standard output carries one report, or else what the program prints.
  const aside = outputs.some(printsData);
  const [{ sandbox, exitCode, failure, growth }] = await Promise.all([
    run(files, given, programArguments, aside, terminal),
    loadShapes(),
    // Reports show types and fields.
    loadViews(),
  ]);
  if (failure instanceof Interrupted) {
    // Blocks that the program's variables still held are not lost, so there is no verdict.
    sandbox.dispose();
    return failure.status;
  }
  const found = terminal.during(READING_STACKS, () => reportOf(sandbox, suppressions, given.when));
  for (const warning of sandbox.warnings) terminal.warn(warning);
  const page = wantsPage(given) ? await pageFor(sandbox, given, terminal) : null;

  const written = new WrittenFiles();
  const compared = comparedWithBaseline(found, known, given, written, terminal);
  const report = growth === null ? compared : compared.with({ growth });
  const verdict = verdictOf(report, given);
  writeReports({ report, verdict, outputs, given, written, terminal, aside, page });
  // Pages read the heap until they are written.
  sandbox.dispose();
  const isSaid = outputs.some(({ format, file }) => format === 'text' && file === null);
  if (growth !== null && !isSaid) terminal.say(growthText(growth, given, terminal));
  written.tell(terminal);
  if (written.failed) return STATUS.setup;
  if (failure !== null || exitCode !== 0 || report.damage !== null) return CHECK_STATUS.programFailed;
  return verdict.fails ? CHECK_STATUS.found : CHECK_STATUS.clean;
}

/** Lets each allocation of the program fail. */
async function sweep(
  files: readonly string[],
  given: CheckArguments,
  programArguments: readonly string[],
  outputs: readonly Output[],
  terminal: Terminal,
): Promise<number> {
  if (wantsPage(given))
    throw usageError('--format', 'A sweep has no page: choose another format for --sweep.');
  const { sweepProgram } = await import('./sweeping.ts');
  const swept = await sweepProgram(files, given, programArguments, terminal);
  if (swept === null) return CHECK_STATUS.programFailed;
  const written = new WrittenFiles();
  const settings: CheckArguments = { ...given, failOnFailedAllocations: true };
  const report = swept.toLeakReport();
  const verdict = verdictOf(report, settings);
  const aside = outputs.some(printsData);
  writeReports({ report, verdict, outputs, given: settings, written, terminal, aside, page: null });
  written.tell(terminal);
  if (written.failed) return STATUS.setup;
  return verdict.fails ? CHECK_STATUS.found : CHECK_STATUS.clean;
}

/** Rejects outputs that exclude each other, and files that cannot be written. */
function checkOutputs(outputs: readonly Output[], given: CheckArguments): void {
  const [first, second] = outputs.filter(printsData);
  if (second !== undefined) {
    throw usageError(
      '--format',
      `Only one report can go to standard output: write --format ${second.format}=FILE besides --format ${first!.format}.`,
    );
  }
  if (given.updateBaseline && given.baseline === undefined) {
    throw usageError('--update-baseline', '--update-baseline needs --baseline FILE, the file to write.');
  }
  // Checked now, because the program may run for an hour before these files are written.
  for (const { file } of outputs) if (file !== null) checkWritable(file);
  if (given.pprof !== undefined) checkWritable(given.pprof);
  if (given.repeat !== undefined && (given.call ?? []).length === 0) {
    throw usageError('--repeat', '--repeat repeats the calls of --call, and there is none.');
  }
  if (given.updateBaseline) checkWritable(given.baseline!);
}

/** Whether an output takes standard output for itself. */
function printsData({ format, file }: Output): boolean {
  return format !== 'text' && file === null;
}

/** Runs the program. `aside` sends its standard output to standard error. */
async function run(
  files: readonly string[],
  given: CheckArguments,
  programArguments: readonly string[],
  aside: boolean,
  terminal: Terminal,
) {
  const options: SandboxOptions = {
    quarantine: QUARANTINE,
    ...guestOptions(given, programArguments),
    ...(wantsPage(given) ? { timeline: true } : {}),
    // The JavaScript frames above this function are Heapline's own.
    hostFrames: 'off',
    onStdout: (bytes) => (aside ? terminal.programError(bytes) : terminal.data(bytes)),
    onStderr: (bytes) => terminal.programError(bytes),
    onLeakCheck: (report) => terminal.say(report.toString()),
  };
  const sandbox = await load(files, given, options, terminal);
  terminal.endProgress();
  const calls = given.call ?? [];
  checkCalls(sandbox, calls);
  const { exitCode, failure, growth } = await enterGuest(sandbox, calls, given, () => {}, given.repeat);
  if (failure !== null) terminal.error(failureText(failure));
  const interrupted = failure instanceof Interrupted;
  if (exitCode !== 0 && !interrupted) terminal.error(`The program ended with status ${exitCode}.`);
  return { sandbox, exitCode, failure, growth };
}

/** What the repeated calls leave behind. */
function growthText(growth: GrowthReport, { all, wrappers }: CheckArguments, terminal: Terminal): string {
  const text = formatGrowth(growth, {
    root: process.cwd(),
    color: terminal.colors.isColorSupported,
    wrappers: wrappers ?? [],
    ...(all === undefined ? {} : { all }),
  });
  return text.trimEnd();
}

/** The report without known leaks. Writes the baseline first when it is to be updated. */
function comparedWithBaseline(
  report: LeakReport,
  known: Baseline | null,
  { baseline: path, updateBaseline, leakKinds: kinds }: CheckArguments,
  written: WrittenFiles,
  terminal: Terminal,
): LeakReport {
  const root = process.cwd();
  // A heap that could not be searched gives no baseline and says nothing about an old one.
  if (report.damage !== null) {
    if (updateBaseline) terminal.warn(`${path} is not written: the heap could not be searched.`);
    return report;
  }
  if (!updateBaseline) return known === null ? report : applyBaseline(report, known, { root });
  const text = formatBaseline(baselineOf(report, { root, kinds }));
  if (!written.write(path!, text)) return report;
  const after = applyBaseline(report, parseBaseline(text, path!), { root });
  const count = (after.known ?? []).length + after.knownErrors.length;
  written.add(`${path} (${count} known)`, 'apart');
  return after;
}

function verdictOf(report: LeakReport, given: CheckArguments): Verdict {
  const { leakKinds: kinds, maxBytes } = given;
  const lost = kinds.reduce((sum, kind) => sum + report.totals[kind].bytes, 0);
  // With no tolerance, a lost block of zero bytes is still a lost block.
  const tolerated = report.of(kinds).length > 0 && maxBytes > 0 && lost <= maxBytes;
  // Tolerated leaks must not be failures in a report either.
  const failing = tolerated ? [] : kinds;
  const failedAllocations = given.failOnFailedAllocations === true && report.failedAllocations.length > 0;
  return {
    failing,
    fails: !report.isClean(failing) || failedAllocations,
    tolerated: tolerated ? lost : null,
  };
}

/** Whether a page is to be written. */
function wantsPage({ format = [] }: CheckArguments): boolean {
  return format.some((output) => output.format === 'html');
}

/** Reads what a page shows of the heap, and returns what writes the page with the report. */
async function pageFor(
  sandbox: Sandbox,
  given: CheckArguments,
  terminal: Terminal,
): Promise<(report: LeakReport) => string> {
  const { guestContents, guestPage } = await import('./guest-page.ts');
  const none = { title: sandbox.name, profiles: [] };
  // Whatever ruined the heap is in the report.
  const contents = terminal.during(READING_STACKS, () =>
    readable(
      () => guestContents(sandbox),
      () => {},
    ),
  );
  return (report) => terminal.during(WRITING_PAGE, () => guestPage(contents ?? none, report, given.source));
}

// There is a report for a heap that the program has ruined, too: it has everything that the host was told before.
function reportOf(sandbox: Sandbox, suppressions: readonly Suppression[], when: 'main' | 'exit'): LeakReport {
  let damage = '';
  const told = (error: CorruptLedgerError): void => {
    if (damage === '') damage = error.message;
  };
  const leaks = readable(() => sandbox.heap.leaks({ when }), told);
  if (leaks !== null) return suppress(withoutArguments(leaks), suppressions);
  const errors = readable(() => sandbox.heap.faults(), told);
  const failed = readable(() => sandbox.heap.failures(), told);
  const missing = [
    'leaks',
    ...(errors === null ? ['heap faults'] : []),
    ...(failed === null ? ['failed allocations'] : []),
  ];
  return new LeakReport({
    records: [],
    errors: errors ?? [],
    failedAllocations: failed ?? [],
    program: sandbox.name,
    damage: `${damage} What is missing here: ${missing.join(', ')}.`,
  });
}

// The command itself owns the strings of --call: their context contains no C.
function withoutArguments(report: LeakReport): LeakReport {
  const hasC = foldStacks(false, (outer, frame) => outer || frame.language === 'c');
  return report.with({ records: report.records.filter((record) => hasC(stackOf(record, 'frames'))) });
}

function readSuppressions(path: string): Suppression[] {
  try {
    return parseSuppressions(textOf(path), path);
  } catch (error) {
    throw error instanceof SuppressionError
      ? usageError('--suppressions', `The suppressions cannot be used: ${error.message}`)
      : error;
  }
}

function readBaseline(path: string) {
  try {
    return parseBaseline(textOf(path), path);
  } catch (error) {
    if (error instanceof BaselineError) {
      throw usageError('--baseline', `The baseline cannot be used: ${error.message}`);
    }
    if (error instanceof FileError) {
      throw usageError('--baseline', `${error.message} Write it first with --update-baseline.`);
    }
    throw error;
  }
}

function textOf(path: string): string {
  return new TextDecoder().decode(readInput(path));
}
