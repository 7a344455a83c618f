// heapline check: runs C and fails when it leaks, for CI. Standard output carries the program's output. If a report
// is requested on standard output, it carries only this report, and the program's output goes to standard error.

import type { Command } from 'commander';
import type { LeakKind } from '../index.ts';
import { wholeNumber } from '../options/option-rules.ts';
import { withHelp } from '../options/option-table.ts';
import { failingLeakKinds, parseLeakKinds } from '../report/leak-kinds.ts';
import { isReportFormat, REPORT_FORMATS, type ReportFormat, TEXT_OPTIONS } from '../report/report-options.ts';
import { leakMoment } from '../sandbox/sandbox-options.ts';
import { SWEEP_OPTIONS } from '../sweep/sweep-options.ts';
import { addCompileOptions, readDuration, readTolerance } from './arguments.ts';
import type { Call } from './call.ts';
import { usageError } from './failure.ts';
import { addCallOption } from './guest.ts';
import { addGuestOptions, type GuestArguments, inlinesOption } from './run.ts';
import { collect, optionsOf } from './table-options.ts';
import type { Terminal } from './terminal.ts';

/** A report to write. Without a file, `text` goes to standard error and the other formats to standard output. */
export interface Output {
  readonly format: ReportFormat | 'html';
  readonly file: string | null;
}

/** The options of `check`. */
export interface CheckArguments extends GuestArguments {
  call?: Call[];
  leakKinds: readonly LeakKind[];
  suppressions?: string[];
  baseline?: string;
  updateBaseline?: true;
  format?: Output[];
  pprof?: string;
  inlines: 'lines' | 'locations';
  maxBytes: number;
  repeat?: number;
  sweep?: true;
  sweepBudget?: number;
  failOnFailedAllocations?: true;
  genSuppressions?: true;
  all?: true;
  when: 'main' | 'exit';
  tree?: true;
  wrappers?: string[];
  source: boolean;
  focus?: string;
  ignore?: string;
  hide?: string;
  frames: 'project' | 'all';
}

/** The formats of the report, and a page that shows the heap as well. */
const FORMATS = [...REPORT_FORMATS, 'html'];

const CHECK_STATUS_HELP = `
Exit status:
  0  the program ended well and nothing was found
  1  leaks of the classes asked for, or heap faults; with --repeat, growth; with --fail-on-failed-allocations, allocations that failed
  2  wrong usage, unreadable file, C that does not compile or link, no toolchain
  3  the program itself failed: it trapped, ended with another status than 0 (its heap is reported all the same), or
     ruined its heap (what is missing from the reports is told in them)`;

/** `programArguments` are the arguments after `--`; `finish` takes the exit status. */
export function addCheckCommand(
  program: Command,
  terminal: Terminal,
  programArguments: readonly string[],
  finish: (status: number) => void,
): void {
  const command = program
    .command('check')
    .description('run C and fail when it leaks or has heap faults')
    .usage('[options] <file.c… | module.wasm> [-- arguments of the program]')
    .argument('<files...>', 'C sources, or one module that was linked with the Heapline runtime')
    .addOption(
      optionsOf({ kinds: failingLeakKinds })('kinds', {
        flags: '--leak-kinds <kinds>',
        parse: parseLeakKinds,
      }),
    )
    .option(
      '--suppressions <file>',
      "leaks to leave out, in LeakSanitizer's or Valgrind's format (repeatable)",
      collect,
    )
    .option('--gen-suppressions', 'print suppressions for what is found, after the report')
    .option('--baseline <file>', 'known leaks: fail on new ones only')
    .option('--update-baseline', 'write the leaks that are found to the baseline')
    .option(
      '--format <format[=file]>',
      `how to report: ${FORMATS.join(', ')}; to a file, or else printed (repeatable)`,
      (text: string, outputs: Output[] | undefined) => [...(outputs ?? []), parseFormat(text)],
    )
    .option('--pprof <file>', 'write the leaks as a pprof profile, too')
    .option('--no-source', 'leave the texts of the source files out of the page that --format html writes')
    .addOption(inlinesOption())
    .option(
      '--max-bytes <size>',
      'leaks that are tolerated: fail when more bytes are lost; 0 for none',
      (text) => readTolerance(text, '--max-bytes'),
      0,
    )
    .addOption(optionsOf({ repeat: repeated })('repeat', { value: '<times>', parse: Number }))
    .option('--sweep', 'run it again and again, let each allocation fail, and report those handled badly')
    .addOption(
      optionsOf({ budget: SWEEP_OPTIONS.budget })('budget', {
        flags: '--sweep-budget <time>',
        unset: '30s',
        parse: readDuration,
      }),
    )
    .option('--fail-on-failed-allocations', 'fail when malloc or one of its siblings returned NULL')
    .addOption(optionsOf({ when: leakMoment })('when', { value: '<moment>' }))
    .addOption(optionsOf(TEXT_OPTIONS)('all'))
    .addOption(optionsOf(TEXT_OPTIONS)('tree'))
    .addOption(optionsOf(TEXT_OPTIONS)('wrappers', { value: '<pattern>', repeatable: true }))
    .addOption(optionsOf(TEXT_OPTIONS)('focus', { value: '<expression>' }))
    .addOption(optionsOf(TEXT_OPTIONS)('ignore', { value: '<expression>' }))
    .addOption(optionsOf(TEXT_OPTIONS)('hide', { value: '<expression>' }))
    .addOption(optionsOf(TEXT_OPTIONS)('frames', { value: '<which>' }));
  addGuestOptions(addCompileOptions(addCallOption(command)))
    .addHelpText(
      'after',
      `
The report shows the moment when main returned or called exit; with --when exit, the end of the program. On GitHub Actions, annotations are printed besides.
${CHECK_STATUS_HELP}

Examples:
  heapline check -Iinclude test.c parser.c
  heapline check --leak-kinds all --suppressions leaks.supp test.c
  heapline check --format junit=leaks.xml --format sarif=leaks.sarif test.c
  heapline check --format html=leaks.html test.c
  heapline check --format suppressions=leaks.supp test.c            hide what is found …
  heapline check --suppressions leaks.supp test.c                   … from now on
  heapline check --baseline leaks.json --update-baseline test.c    live with what there is …
  heapline check --baseline leaks.json test.c                      … and fail on what is new
  heapline check --tree test.c                                     and what hangs on each lost block
  heapline check --call 'parse("[1, 2]", 6)' parser.c
  heapline check --sweep --call 'parse("[1, 2]", 6)' parser.c      what happens when malloc returns NULL?
  heapline check --call 'handle(7)' --repeat 100 server.c          fail when each call leaves something behind
  heapline check --pprof leaks.pb.gz test.c; go tool pprof -nodefraction=0 -edgefraction=0 -http=: leaks.pb.gz`,
    )
    .action(async (files: string[], given: CheckArguments) => {
      // Everything that makes reports is loaded when there is something to check.
      const { check } = await import('./checking.ts');
      finish(await check(files, given, programArguments, terminal));
    });
}

/** How often the calls are repeated. */
const repeated = withHelp(
  wholeNumber(2),
  'repeat the calls so many times, and fail when the heap grows steadily; what the first calls leave behind is no growth',
);

function parseFormat(text: string): Output {
  const equals = text.indexOf('=');
  const format = equals < 0 ? text : text.slice(0, equals);
  const file = equals < 0 ? null : text.slice(equals + 1);
  if (!isFormat(format) || file === '') {
    throw usageError(
      '--format',
      `--format ${text}: write ${FORMATS.join(', ')}, or one of them as FORMAT=FILE.`,
    );
  }
  return { format, file };
}

function isFormat(name: string): name is Output['format'] {
  return name === 'html' || isReportFormat(name);
}
