// heapline diff | merge: make one profile of several, whichever tool wrote them. `diff` is also a check for CI: it
// fails when the heap has grown by more than was allowed.

import type { Command } from 'commander';
import type { HeapProfile, TopOptions } from '../profile/index.ts';
import { readTolerance } from './arguments.ts';
import { checkWritable, writeOutput } from './output-files.ts';
import {
  addTableOptions,
  limitOption,
  MAKING_TABLE,
  openProfile,
  PROFILE_FILE,
  type TableArguments,
  tableOptions,
} from './show.ts';
import type { Terminal } from './terminal.ts';

/** Exit statuses of `diff`. Errors have the same status in every command. */
const DIFF_STATUS = { ok: 0, grown: 1 } as const;

/** Rows that `diff` prints by default. */
const ROWS = 20;

interface DiffArguments extends TableArguments {
  limit: number;
  json?: true;
  output?: string;
  failOnGrowth?: number;
}

export function addCompareCommands(
  program: Command,
  terminal: Terminal,
  finish: (status: number) => void,
): void {
  addTableOptions(
    program
      .command('diff')
      .description('print what grew and what shrank between two profiles')
      .argument('<before>', PROFILE_FILE)
      .argument('<after>', 'a later profile of the same kind'),
  )
    .addOption(limitOption(ROWS))
    .option('--json', 'print the sums and the rows as JSON')
    .option('-o, --output <file>', 'write the difference as a pprof profile, too')
    .option(
      '--fail-on-growth <size>',
      'end with status 1 when the sum has grown by more than this, such as 512k; 0 for any growth',
      (text) => readTolerance(text, '--fail-on-growth'),
    )
    .addHelpText(
      'after',
      `
The sum counts, and not single lines: what one line freed may be what another one allocated.

Exit status:
  0  the difference was printed
  1  the sum grew by more than --fail-on-growth allows
  2  wrong usage, or files that cannot be read or compared

Examples:
  heapline diff before.pb.gz after.pb.gz
  heapline diff --fail-on-growth 64k main.pb.gz branch.pb.gz       for CI
  heapline diff -t alloc_objects --granularity functions before.pb.gz after.pb.gz
  heapline diff before.pb.gz after.pb.gz -o grown.pb.gz && go tool pprof -http=: grown.pb.gz`,
    )
    .action(async (before: string, after: string, given: DiffArguments) => {
      finish(await diff(before, after, given, terminal));
    });

  program
    .command('merge')
    .description('add up profiles, for instance of several runs')
    .argument('<files...>', PROFILE_FILE)
    .requiredOption('-o, --output <file>', 'where to write the sum; - for standard output')
    .addHelpText(
      'after',
      `
Examples:
  heapline merge worker-*.pb.gz -o all.pb.gz
  heapline merge a.pb.gz b.pb.gz -o - | heapline top -`,
    )
    .action(async (files: string[], { output }: { output: string }) => {
      if (output !== '-') checkWritable(output);
      const { HeapProfile: Profile } = await import('../profile/index.ts');
      const profiles: HeapProfile[] = [];
      for (const file of files) profiles.push(await openProfile(file, terminal));
      const bytes = terminal.during('adding up the profiles', () => Profile.merge(profiles).encode());
      if (output === '-') terminal.data(bytes);
      else writeOutput(output, bytes);
    });
}

async function diff(
  before: string,
  after: string,
  given: DiffArguments,
  terminal: Terminal,
): Promise<number> {
  if (given.output !== undefined) checkWritable(given.output);
  const [earlier, later] = [await openProfile(before, terminal), await openProfile(after, terminal)];
  const change = terminal.during('comparing the profiles', () => earlier.diff(later));
  const sampleType = given.sampleType ?? change.defaultSampleType;
  const growth = change.total(sampleType);
  const options: TopOptions = { ...tableOptions(given), sampleType };
  if (given.json) {
    const sums = { before: earlier.total(sampleType), after: later.total(sampleType), growth };
    const rows = terminal.during(MAKING_TABLE, () => change.topRows(options));
    terminal.data(`${JSON.stringify({ sampleType, ...sums, rows }, null, 2)}\n`);
  } else {
    terminal.table(terminal.during(MAKING_TABLE, () => change.top(options)));
  }
  const { output } = given;
  if (output !== undefined) {
    writeOutput(
      output,
      terminal.during(`writing ${output}`, () => change.encode()),
    );
  }
  const { failOnGrowth: allowed } = given;
  if (allowed === undefined || growth <= allowed) return DIFF_STATUS.ok;
  terminal.error(
    `${sampleType} grew by ${growth}, from ${earlier.total(sampleType)} to ${later.total(sampleType)}; ` +
      `--fail-on-growth allows ${allowed}.`,
  );
  return DIFF_STATUS.grown;
}
