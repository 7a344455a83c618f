// What `heapline check` does: runs the program, judges its heap and writes the reports.

import { BaselineError, type CorruptLedgerError, FileError, SuppressionError } from '../errors.ts';
import { foldStacks, stackOf } from '../frames/index.ts';
import type { LeakKind, Sandbox, SandboxOptions } from '../index.ts';
import {
  applyBaseline,
  baselineOf,
  encodeLeakProfile,
  formatBaseline,
  formatReport,
  formatSuppressions,
  LeakReport,
  leakKinds,
  parseBaseline,
  parseSuppressions,
  type ReportFormat,
  type Suppression,
  suppress,
} from '../report/index.ts';
import { QUARANTINE } from '../sandbox/sandbox-options.ts';
import { readInput } from './arguments.ts';
import type { CheckArguments } from './check.ts';
import { failureText, STATUS, usageError } from './failure.ts';
import { checkCalls, enterGuest, readable } from './guest.ts';
import { Interrupted } from './interruption.ts';
import { checkWritable, writeOutput } from './output-files.ts';
import { guestOptions, load } from './run.ts';
import type { Terminal } from './terminal.ts';

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
  const printed = outputs.filter(({ format, file }) => format !== 'text' && file === null);
  if (printed.length > 1) {
    const [first, second] = printed;
    throw usageError(
      '--format',
      `Only one report can go to standard output: write --format ${second!.format}=FILE besides --format ${first!.format}.`,
    );
  }
  if (given.updateBaseline && given.baseline === undefined) {
    throw usageError('--update-baseline', '--update-baseline needs --baseline FILE, the file to write.');
  }
  // Checked now, because the program may run for an hour before these files are read or written.
  for (const { file } of outputs) if (file !== null) checkWritable(file);
  if (given.pprof !== undefined) checkWritable(given.pprof);
  if (given.updateBaseline) checkWritable(given.baseline!);
  const suppressions = (given.suppressions ?? []).flatMap(readSuppressions);
  const baseline = given.baseline === undefined || given.updateBaseline ? null : readBaseline(given.baseline);

  const aside = printed.length > 0;
  const options: SandboxOptions = {
    quarantine: QUARANTINE,
    ...guestOptions(given, programArguments),
    // The JavaScript frames above this function are Heapline's own.
    hostFrames: 'off',
    onStdout: (bytes) => (aside ? terminal.programError(bytes) : terminal.data(bytes)),
    onStderr: (bytes) => terminal.programError(bytes),
  };
  const sandbox = await load(files, given, options, terminal);
  terminal.endProgress();
  const calls = given.call ?? [];
  checkCalls(sandbox, calls);
  const { exitCode, failure } = await enterGuest(sandbox, calls, () => {});
  if (failure !== null) terminal.error(failureText(failure));
  if (failure instanceof Interrupted) {
    // Blocks that the program's variables still held are not lost, so there is no verdict.
    sandbox.dispose();
    return failure.status;
  } else if (exitCode !== 0) terminal.error(`The program ended with status ${exitCode}.`);

  const root = process.cwd();
  const { leakKinds: kinds } = given;
  let report = reportOf(sandbox, suppressions, given.when);
  for (const warning of sandbox.warnings) terminal.warn(warning);
  sandbox.dispose();
  // The run may have taken an hour, so a file that cannot be written must not prevent the other reports.
  const unwritten: FileError[] = [];
  const write = (path: string, content: string | Uint8Array): boolean => {
    try {
      writeOutput(path, content);
      return true;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      unwritten.push(error);
      return false;
    }
  };
  let baselineWritten = false;
  // A heap that could not be searched gives no baseline and says nothing about an old one.
  if (report.damage !== null) {
    if (given.updateBaseline)
      terminal.warn(`${given.baseline} is not written: the heap could not be searched.`);
  } else if (given.updateBaseline) {
    const text = formatBaseline(baselineOf(report, { root, kinds }));
    baselineWritten = write(given.baseline!, text);
    if (baselineWritten) report = applyBaseline(report, parseBaseline(text, given.baseline!), { root });
  } else if (baseline !== null) report = applyBaseline(report, baseline, { root });

  const lost = kinds.reduce((sum, kind) => sum + report.totals[kind].bytes, 0);
  // With no tolerance, a lost block of zero bytes is still a lost block.
  const tolerated = report.of(kinds).length > 0 && given.maxBytes > 0 && lost <= given.maxBytes;
  // Tolerated leaks must not be failures in a report either.
  const failing = tolerated ? [] : kinds;
  const failFailures = given.failOnFailedAllocations === true;
  const found = !report.isClean(failing) || (failFailures && report.failedAllocations.length > 0);

  const github = process.env.GITHUB_ACTIONS === 'true' && !outputs.some(({ format }) => format === 'github');
  const written: string[] = [];
  for (const { format, file } of outputs) {
    // The text shows the kinds that the user asked about, tolerated or not.
    const shown = format === 'text' ? kinds : failing;
    const text = formatted(format, report, shown, given, terminal, file === null);
    if (file !== null) {
      if (write(file, text)) written.push(file);
    } else if (format === 'text') terminal.say(text.trimEnd());
    else terminal.data(text);
  }
  if (github) {
    const annotations = formatted('github', report, failing, given, terminal, true).trimEnd();
    // The runner reads both streams, and standard output may carry a report.
    if (annotations !== '' && aside) terminal.say(annotations);
    else if (annotations !== '') terminal.lines(annotations);
  }
  if (given.genSuppressions) {
    const text = formatSuppressions(report, { root, kinds }).trimEnd();
    if (text !== '') terminal.say(text);
  }
  if (tolerated) {
    terminal.say(`Tolerated: ${lost} bytes, of ${given.maxBytes} that --max-bytes allows.`);
  }
  if (given.pprof !== undefined && write(given.pprof, leakProfile(report, kinds, given))) {
    written.push(given.pprof);
  }
  if (written.length > 0) terminal.say(terminal.colors.dim(`Wrote ${written.join(', ')}.`));
  if (baselineWritten) {
    const { length } = report.known ?? [];
    terminal.say(terminal.colors.dim(`Wrote ${given.baseline} (${length} known).`));
  }
  for (const error of unwritten) terminal.error(failureText(error));
  if (unwritten.length > 0) return STATUS.setup;
  if (failure !== null || exitCode !== 0 || report.damage !== null) return CHECK_STATUS.programFailed;
  return found ? CHECK_STATUS.found : CHECK_STATUS.clean;
}

// Reachable blocks are no leaks, so only those who ask for them get them.
function leakProfile(report: LeakReport, asked: readonly LeakKind[], given: CheckArguments): Uint8Array {
  const kinds = leakKinds.filter((kind) => kind !== 'reachable' || asked.includes(kind));
  return encodeLeakProfile(report, { kinds, takenAt: Date.now(), inlines: given.inlines });
}

function formatted(
  format: ReportFormat,
  report: LeakReport,
  kinds: readonly LeakKind[],
  given: CheckArguments,
  terminal: Terminal,
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
  });
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
