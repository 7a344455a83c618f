// The check of a program's heap at its end. It is loaded with everything that reports need only when there is
// something to look at.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isatty } from 'node:tty';
import { CorruptLedgerError } from '../errors.ts';
import { linked, showsLinks } from '../node/hyperlinks.ts';
import { writeOutputBytes } from '../node/standard-streams.ts';
import {
  encodeLeakProfile,
  LeakReport,
  type LeakReportParts,
  parseSuppressions,
  suppress,
} from '../report/index.ts';
import { formatReport } from '../report/writers.ts';
import type { Sandbox } from '../sandbox/index.ts';
import type { ProgramSettings } from './program-options.ts';

/** How the program has ended. */
interface Ending {
  readonly status: number;
  /** Something has stopped it: a trap, or a heap fault. */
  readonly failed: boolean;
  readonly fault: boolean;
}

/** Checks the heap and reports. Returns the status that the process is to end with. */
export function checkAtExit(sandbox: Sandbox, ending: Ending, settings: ProgramSettings): number {
  const report = reportOf(sandbox, ending, settings);
  if (settings.pprof !== '') writeProfiles(sandbox, report, settings);
  const kinds = settings.detect_leaks ? settings.leak_kinds : [];
  const clean = report.isClean(kinds) && report.damage === null;
  if (clean) {
    if (settings.verbosity > 0 && !ending.failed) tell(sandbox, settings, `${sandbox.name}: no leaks.\n`);
    return ending.status;
  }
  const text = formatted(report, settings, kinds);
  tell(sandbox, settings, text.endsWith('\n') ? text : `${text}\n`);
  if (settings.abort_on_error && process.platform !== 'win32') process.kill(process.pid, 'SIGABRT');
  // A trap says more about the program than its leaks.
  if (ending.failed && !ending.fault) return ending.status;
  return settings.exitcode === 0 ? ending.status : settings.exitcode;
}

// Blocks that a stopped program still held are no leaks, so only its heap faults count.
function reportOf(sandbox: Sandbox, ending: Ending, settings: ProgramSettings): LeakReport {
  const of = (errors: LeakReport['errors'], damage?: string): LeakReport =>
    new LeakReport({
      records: [],
      errors,
      failedAllocations: [],
      program: sandbox.name,
      ...(damage === undefined ? {} : { damage }),
    });
  try {
    if (ending.failed || !settings.detect_leaks) return of(sandbox.heap.faults());
    const report = sandbox.heap.leaks({ when: settings.when });
    return settings.suppressions === '' ? report : suppressed(report, settings);
  } catch (error) {
    if (error instanceof CorruptLedgerError) return of([], error.message);
    throw error;
  }
}

function suppressed(report: LeakReport, settings: ProgramSettings): LeakReport {
  const { suppressions: file } = settings;
  try {
    const kept = suppress(report, parseSuppressions(readFileSync(file, 'utf8'), file));
    return settings.print_suppressions ? kept : new LeakReport(withoutSuppressions(kept));
  } catch (error) {
    write(
      2,
      `heapline: HEAPLINE_OPTIONS: suppressions=${file} cannot be used: ${(error as Error).message}\n`,
    );
    return report;
  }
}

/** A report that does not say what was suppressed. */
function withoutSuppressions({ records, errors, notes, program, stacks }: LeakReport): LeakReportParts {
  return { records, errors, notes, program, stacks };
}

function formatted(
  report: LeakReport,
  settings: ProgramSettings,
  kinds: ProgramSettings['leak_kinds'],
): string {
  return formatReport(report, settings.format, {
    root: process.cwd(),
    workspace: process.env.GITHUB_WORKSPACE,
    kinds,
    failedAllocations: false,
    all: settings.report_objects || settings.max_leaks === 0 || settings.format === 'github',
    ...(settings.max_leaks === 0 ? {} : { most: settings.max_leaks }),
    tree: settings.report_objects,
    wrappers: [],
    color: settings.color === 'auto' ? isTerminal(settings) : settings.color === 'always',
  });
}

function isTerminal({ log_path: log }: ProgramSettings): boolean {
  return log === 'stderr' && isatty(2) && (process.env.NO_COLOR ?? '') === '';
}

/** Writes to where `log_path` says. A file is appended to, because a program may run many times. */
function tell(sandbox: Sandbox, settings: ProgramSettings, text: string): void {
  const { log_path: log } = settings;
  if (log === 'stderr' || log === 'stdout' || log === '') {
    const descriptor = log === 'stdout' ? 1 : 2;
    const isForPeople = settings.format === 'text' && showsLinks(isatty(descriptor), process.env);
    write(descriptor, isForPeople ? linked(text, process.cwd()) : text);
    return;
  }
  const program = path.basename(sandbox.name);
  const filled = log.replaceAll(/%([pe%])/g, (_, key) =>
    key === 'p' ? String(process.pid) : key === 'e' ? program : '%',
  );
  const file = [
    filled,
    ...(settings.log_exe_name ? [program] : []),
    ...(log.includes('%p') ? [] : [String(process.pid)]),
  ]
    .join('.')
    .concat(settings.log_suffix);
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: 'a' });
  } catch (error) {
    write(2, `heapline: ${file} cannot be written: ${(error as Error).message}\n${text}`);
  }
}

function writeProfiles(sandbox: Sandbox, report: LeakReport, settings: ProgramSettings): void {
  const name = `${path.basename(sandbox.name)}.${process.pid}`;
  try {
    mkdirSync(settings.pprof, { recursive: true });
    writeFileSync(path.join(settings.pprof, `${name}.heap.pb.gz`), sandbox.heap.profile().encode());
    if (report.records.length > 0) {
      const leaks = encodeLeakProfile(report, { kinds: settings.leak_kinds, takenAt: Date.now() });
      writeFileSync(path.join(settings.pprof, `${name}.leaks.pb.gz`), leaks);
    }
  } catch (error) {
    write(2, `heapline: no profile in ${settings.pprof}: ${(error as Error).message}\n`);
  }
}

function write(descriptor: number, text: string): void {
  try {
    writeOutputBytes(descriptor, Buffer.from(text));
  } catch {
    // The stream is closed: nobody can be told.
  }
}
