// HEAPLINE_OPTIONS: what a program that `heapline cc` has linked does at its end, as `name=value:name=value`. Names and
// defaults are those of ASAN_OPTIONS and LSAN_OPTIONS where they mean the same. A mistake gives a warning and never
// stops the program, because the variable often reaches many programs that somebody else starts.

import { durationOf } from '../options/duration.ts';
import { LONGEST_TIMER } from '../options/longest-timer.ts';
import { nearest } from '../options/option-names.ts';
import {
  defaultLeakKinds,
  failingLeakKinds,
  type LeakKind,
  parseLeakKinds,
  REPORT_FORMATS,
  type ReportFormat,
  SHORT_RECORDS,
  TEXT_OPTIONS,
} from '../report/index.ts';
import { ALL_LEAKS_OPTIONS } from '../sandbox/heap-options.ts';
import { QUARANTINE, SANDBOX_OPTIONS } from '../sandbox/sandbox-options.ts';

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

const word = <Word extends string>(value: Word, words: readonly Word[], help: string): ProgramOption<Word> =>
  option<Word>(
    value,
    (given) => {
      const found = words.find((each) => each === given);
      if (found !== undefined) return found;
      throw new Error(`it takes ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
    },
    help,
  );

/** The one table of these options. */
export const PROGRAM_OPTIONS = {
  detect_leaks: flag(true, 'look for leaks at the end'),
  leak_check_at_exit: flag(true, 'the same: 0 does not look for leaks'),
  exitcode: count(23, 255, 'exit status of a program that leaks or has heap faults; 0 keeps its own'),
  halt_on_error: flag(true, 'stop the program at the first heap fault'),
  abort_on_error: flag(false, 'end with SIGABRT instead of the exit status `exitcode`'),
  access: flag(
    false,
    `${SANDBOX_OPTIONS.access.help}; on in programs that were linked with -fsanitize=address`,
  ),
  quarantine_size_kb: count(
    QUARANTINE / 1024,
    2 ** 20,
    'KiB of freed blocks that wait before they are used again, so that double frees are told from others',
  ),
  timeout: option<number>(
    0,
    (given) => {
      const milliseconds = durationOf(given) ?? (/^\d+$/.test(given) ? Number(given) * 1000 : null);
      if (milliseconds !== null && milliseconds <= LONGEST_TIMER) return milliseconds;
      throw new Error('it takes a time such as 5s or 500ms, or a number of seconds');
    },
    'most time that the program may take, such as 5s or 500ms; then it is stopped. 0 for no limit',
  ),
  leak_kinds: option<readonly LeakKind[]>(
    defaultLeakKinds,
    (given) => parseLeakKinds(given, 'leak_kinds'),
    failingLeakKinds.help,
  ),
  when: word('main', ['main', 'exit'], ALL_LEAKS_OPTIONS.when.help),
  max_leaks: count(
    SHORT_RECORDS,
    2 ** 31 - 1,
    'most leaks in a report in text, the largest first; 0 for all',
  ),
  suppressions: text('', "file of suppressions, in LeakSanitizer's or Valgrind's format"),
  print_suppressions: flag(
    true,
    'name the suppressions that matched nothing, and the sum of what others took out',
  ),
  report_objects: flag(false, TEXT_OPTIONS.all.help),
  log_path: text(
    'stderr',
    'file for the reports, stderr or stdout; %p stands for the process, %e for the program',
  ),
  log_exe_name: flag(false, 'add the name of the program to log_path'),
  log_suffix: text('', 'text at the end of the names of such files'),
  color: word(
    'auto',
    ['auto', 'always', 'never'],
    'whether the text has colours: auto (at a terminal), always or never',
  ),
  format: word<ReportFormat>('text', REPORT_FORMATS, `how to report: ${REPORT_FORMATS.join(', ')}`),
  pprof: text('', 'directory for a heap profile and a leak profile of each program'),
  verbosity: count(0, 9, '1 prints a line also when nothing was found'),
  help: flag(false, 'print these options'),
};

/** Options of the sanitizers whose subject does not exist here, with the reason. Other names are mistakes. */
const WITHOUT_MEANING: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:fast_unwind_on_\w+|malloc_context_size|unwind_\w+|stack_trace_format|stackdepot\w*)$/,
    'stacks are always whole and exact',
  ],
  [
    /^(?:\w*symboliz\w*|strip_path_prefix|demangle|print_module_map)$/,
    'names and lines come from the module itself',
  ],
  [
    /^use_(?:stacks|registers|globals|tls|root_regions|unaligned|poisoned|ld_allocations)$/,
    'the leak scan has one set of rules',
  ],
  [
    /^(?:handle_\w+|allow_user_segv_handler|use_sigaltstack|disable_coredump|coverage\w*|allow_addr2line)$/,
    'the engine traps, and the program ends with the status of the signal',
  ],
  [
    /^(?:detect_stack_use_after_return|check_initialization_order|strict_\w+|replace_\w+|intercept_\w+|detect_container_overflow|detect_invalid_pointer_pairs|poison_\w+|redzone|max_redzone|verify_asan_link_order|protect_shadow_gap|start_deactivated)$/,
    'it is a check of another kind of error, for which a native build with AddressSanitizer is the tool',
  ],
  [
    /^(?:alloc_dealloc_mismatch|new_delete_type_mismatch)$/,
    'blocks of C++ are judged while freed blocks wait; quarantine_size_kb=0 turns that off',
  ],
  [
    /^(?:quarantine_size_mb|thread_local_quarantine_size_kb)$/,
    'quarantine_size_kb says how many KiB of freed blocks wait',
  ],
  [
    /^(?:allocator_\w+|max_allocation_size_mb|hard_rss_limit_mb|soft_rss_limit_mb|max_malloc_fill_size|malloc_fill_byte|print_stats|print_summary|print_legend|print_cmdline|atexit|log_threads|print_full_thread_history|dump_\w+|sleep_\w+|include|include_if_exists|debug|test_only\w*)$/,
    'Heapline has nothing like it',
  ],
];

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
    const reason = known === null ? WITHOUT_MEANING.find(([pattern]) => pattern.test(name))?.[1] : undefined;
    if (reason !== undefined) {
      warn(`${name} is an option of the sanitizers without a meaning here: ${reason}.`);
      continue;
    }
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
  const result = settings as ProgramSettings;
  return result.leak_check_at_exit ? result : { ...result, detect_leaks: false };
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
