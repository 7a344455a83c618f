// HEAPLINE_OPTIONS: what a program that `heapline cc` has linked does at its end, as `name=value:name=value`. Names and
// defaults are those of ASAN_OPTIONS and LSAN_OPTIONS where they mean the same. A mistake gives a warning and never
// stops the program, because the variable often reaches many programs that somebody else starts.

import { nearest } from '../options/option-names.ts';
import {
  defaultLeakKinds,
  failingLeakKinds,
  isReportFormat,
  type LeakKind,
  parseLeakKinds,
  REPORT_FORMATS,
  type ReportFormat,
  TEXT_OPTIONS,
} from '../report/index.ts';
import { ALL_LEAKS_OPTIONS } from '../sandbox/heap-options.ts';
import { QUARANTINE } from '../sandbox/sandbox-options.ts';

/** How one option is read from its text, and what its value is otherwise. */
interface ProgramOption<Value> {
  readonly default: Value;
  /** Throws an Error that says what would be right. */
  readonly read: (text: string, before: Value) => Value;
  readonly help: string;
}

function option<Value>(
  value: Value,
  read: (text: string, before: Value) => Value,
  help: string,
): ProgramOption<Value> {
  return { default: value, read, help };
}

const flag = (value: boolean, help: string): ProgramOption<boolean> =>
  option(
    value,
    (text) => {
      if (/^(?:1|true|yes)$/.test(text)) return true;
      if (/^(?:0|false|no)$/.test(text)) return false;
      throw new Error('it takes 0 or 1');
    },
    help,
  );

const count = (value: number, most: number, help: string): ProgramOption<number> =>
  option(
    value,
    (text) => {
      if (/^\d+$/.test(text) && Number(text) <= most) return Number(text);
      throw new Error(`it takes a whole number up to ${most}`);
    },
    help,
  );

const text = (value: string, help: string): ProgramOption<string> => option(value, (given) => given, help);

/** The one table of these options. */
export const PROGRAM_OPTIONS = {
  detect_leaks: flag(true, 'look for leaks at the end'),
  exitcode: count(23, 255, 'exit status of a program that leaks or has heap faults; 0 keeps its own'),
  halt_on_error: flag(true, 'stop the program at the first heap fault'),
  abort_on_error: flag(false, 'end with SIGABRT instead of the exit status `exitcode`'),
  quarantine_size_kb: count(
    QUARANTINE / 1024,
    2 ** 20,
    'KiB of freed blocks that wait before they are used again, so that double frees are told from others',
  ),
  leak_kinds: option<readonly LeakKind[]>(
    defaultLeakKinds,
    (given) => parseLeakKinds(given, 'leak_kinds'),
    failingLeakKinds.help,
  ),
  when: option<'main' | 'exit'>(
    'main',
    (given) => {
      if (given === 'main' || given === 'exit') return given;
      throw new Error('it takes main or exit');
    },
    ALL_LEAKS_OPTIONS.when.help,
  ),
  suppressions: text('', "file of suppressions, in LeakSanitizer's or Valgrind's format"),
  report_objects: flag(false, TEXT_OPTIONS.all.help),
  log_path: text(
    'stderr',
    'file for the reports, stderr or stdout; %p stands for the process, %e for the program',
  ),
  log_exe_name: flag(false, 'add the name of the program to log_path'),
  format: option<ReportFormat>(
    'text',
    (given) => {
      if (isReportFormat(given)) return given;
      throw new Error(`it takes ${REPORT_FORMATS.join(', ')}`);
    },
    `how to report: ${REPORT_FORMATS.join(', ')}`,
  ),
  pprof: text('', 'directory for a heap profile and a leak profile of each program'),
  verbosity: count(0, 9, '1 prints a line also when nothing was found'),
  help: flag(false, 'print these options'),
};

type Table = typeof PROGRAM_OPTIONS;
/** The options with their values. */
export type ProgramSettings = { readonly [Name in keyof Table]: Table[Name]['default'] };

/** Reads the variable. `warn` gets each mistake. */
export function readProgramOptions(variable: string, warn: (text: string) => void): ProgramSettings {
  const table = PROGRAM_OPTIONS as unknown as Record<string, ProgramOption<unknown>>;
  const settings: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(table)) settings[name] = each.default;
  for (const [name, value] of pairs(variable, warn)) {
    const known = Object.hasOwn(table, name) ? table[name]! : null;
    if (known === null) {
      const near = nearest(name, Object.keys(table));
      warn(
        `there is no option '${name}'${near === null ? '' : `: did you mean '${near}'?`} help=1 prints all.`,
      );
      continue;
    }
    try {
      settings[name] = known.read(value, settings[name]);
    } catch (error) {
      warn(`${name}=${value} is ignored: ${(error as Error).message}.`);
    }
  }
  return settings as ProgramSettings;
}

/** What help=1 prints. */
export function programOptionsHelp(): string {
  const rows = Object.entries(PROGRAM_OPTIONS).map(([name, { default: value, help }]) => {
    const shown = typeof value === 'boolean' ? Number(value) : Array.isArray(value) ? value.join(',') : value;
    return `  ${name.padEnd(20)}${help}${shown === '' ? '' : ` (default: ${String(shown)})`}\n`;
  });
  return `HEAPLINE_OPTIONS=name=value:name=value\n${rows.join('')}`;
}

// Colons and white space separate the options. A value in quotes may contain both.
function pairs(variable: string, warn: (text: string) => void): [string, string][] {
  const result: [string, string][] = [];
  let rest = variable;
  for (;;) {
    rest = rest.replace(/^[\s:]+/, '');
    if (rest === '') return result;
    const match = /^([^=\s:]+)=(?:'([^']*)'|"([^"]*)"|([^\s:]*))/.exec(rest);
    if (match === null) {
      const bad = /^[^\s:]+/.exec(rest)![0];
      warn(`'${bad}' is ignored: write name=value.`);
      rest = rest.slice(bad.length);
      continue;
    }
    result.push([match[1]!, match[2] ?? match[3] ?? match[4] ?? '']);
    rest = rest.slice(match[0].length);
  }
}
