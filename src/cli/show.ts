// heapline top | tree | text | folded | speedscope: show a profile file, whichever tool wrote it.

import type { Command, Option } from 'commander';
import { InvalidProfileError } from '../errors.ts';
import type { TreeOptions } from '../profile/call-tree.ts';
import type { FilterOptions, HeapProfile, TopOptions } from '../profile/index.ts';
import {
  FILTER_OPTIONS,
  FOLDED_OPTIONS,
  SPEEDSCOPE_OPTIONS,
  TOP_OPTIONS,
} from '../profile/profile-options.ts';
import { TREE_OPTIONS } from '../profile/tree-options.ts';
import { readCount, readInput } from './arguments.ts';
import { writeOutput } from './output-files.ts';
import { optionsOf } from './table-options.ts';
import type { Terminal } from './terminal.ts';

interface ShowArguments extends FilterOptions {
  base?: string;
  json?: true;
}

interface SampleTypeArgument {
  sampleType?: string;
}

interface FrameArguments extends SampleTypeArgument {
  lines?: true;
}

/** What the options of a table are. */
export interface TableArguments extends SampleTypeArgument {
  wrappers?: string[];
  granularity: 'functions' | 'lines' | 'files';
  cum?: true;
  limit: number;
  absolute?: true;
}

interface TreeArguments extends SampleTypeArgument {
  wrappers?: string[];
  granularity: 'functions' | 'lines';
  depth: number;
  minShare: number;
  absolute?: true;
}

/** What an argument that names a profile may be. */
export const PROFILE_FILE =
  'profile in the format of pprof, gzipped or not, from any tool; - for standard input';

export function addShowCommands(program: Command, terminal: Terminal): void {
  addTableOptions(withProfile(program.command('top')))
    .description('print the places that hold the heap, as `go tool pprof -top` does')
    .addOption(limitOption(40))
    .option('--json', 'print the rows as JSON')
    .addHelpText(
      'after',
      `
Examples:
  heapline top heap.pb.gz
  heapline top --sample-type alloc_space --cum -n 10 heap.pb.gz
  heapline top --base before.pb.gz after.pb.gz       what grew between the two
  heapline top --focus parse --hide '^walk' heap.pb.gz
  heapline top --wrappers 'pool_*' heap.pb.gz        callers of pool_get() have what it allocates, as those of malloc()
  heapline top --wrappers '!*' heap.pb.gz            xmalloc() and its like have it themselves
  curl -s http://localhost:6060/debug/pprof/heap | heapline top -`,
    )
    .action(async (file: string, given: ShowArguments & TableArguments) => {
      const profile = await open(file, given, terminal);
      const options = tableOptions(given);
      const made = <T>(make: () => T): T => terminal.during(MAKING_TABLE, make);
      if (given.json) terminal.data(jsonText(made(() => profile.topRows(options))));
      else terminal.table(made(() => profile.top(options)));
    });

  withSampleType(withProfile(program.command('tree')))
    .description('print the tree of calls that hold the heap, the outermost functions first')
    .addOption(treeOption('granularity', { value: '<what>' }))
    .addOption(treeOption('depth', { value: '<levels>', parse: readCount }))
    .addOption(treeOption('minShare', { value: '<percent>', parse: Number }))
    .option('--absolute', 'print whole paths; otherwise those under the current directory are shortened')
    .option('--json', 'print the rows as JSON')
    .addOption(wrappersOption())
    .addHelpText(
      'after',
      `
Each row has what the function holds together with all that it called, its share, and what it holds itself.

Examples:
  heapline tree heap.pb.gz
  heapline tree --sample-type alloc_objects --granularity lines --min-share 5 heap.pb.gz
  heapline tree --focus parse --depth 6 heap.pb.gz
  heapline tree --base before.pb.gz after.pb.gz      what grew between the two`,
    )
    .action(async (file: string, given: ShowArguments & TreeArguments) => {
      const { whole, shown } = await openParts(file, given, terminal);
      const { treeRows, treeText } = await import('../profile/call-tree.ts');
      const options = treeOptions(given, whole);
      const made = <T>(make: () => T): T => terminal.during('making the tree', make);
      if (given.json) terminal.data(jsonText(made(() => treeRows(shown.model, options))));
      else terminal.table(made(() => treeText(shown.model, options)));
    });

  withProfile(program.command('text'))
    .description("print the profile in the text form of Go's /debug/pprof/heap?debug=1")
    .option('--json', "print all of it as JSON instead (Heapline's own shape, versioned)")
    .addHelpText(
      'after',
      `
Examples:
  heapline text heap.pb.gz | less
  heapline text --json heap.pb.gz | jq .totals`,
    )
    .action(async (file: string, given: ShowArguments) => {
      const profile = await open(file, given, terminal);
      const text = () => (given.json ? `${JSON.stringify(profile)}\n` : profile.text());
      terminal.data(terminal.during(WRITING_TEXT, text));
    });

  withSampleType(withProfile(program.command('folded')))
    .description('print folded stacks, for flamegraph.pl or inferno')
    .addOption(optionsOf(FOLDED_OPTIONS)('lines'))
    .addHelpText(
      'after',
      `
Examples:
  heapline folded heap.pb.gz | flamegraph.pl --countname bytes > heap.svg
  heapline folded --sample-type inuse_objects heap.pb.gz`,
    )
    .action(async (file: string, given: ShowArguments & FrameArguments) => {
      const profile = await open(file, given, terminal);
      terminal.data(terminal.during(WRITING_TEXT, () => profile.folded(frameOptions(given))));
    });

  withSampleType(withProfile(program.command('speedscope')))
    .description('convert the profile for speedscope, with every inlined function')
    .addOption(optionsOf(SPEEDSCOPE_OPTIONS)('lines'))
    .option('-o, --output <file>', 'where to write it; - for standard output', '-')
    .addHelpText(
      'after',
      `
Open the file at https://www.speedscope.app, or with: npx speedscope FILE. It holds one profile for each sample type.

Examples:
  heapline speedscope heap.pb.gz -o heap.speedscope.json
  heapline speedscope --base before.pb.gz after.pb.gz -o grown.speedscope.json`,
    )
    .action(async (file: string, given: ShowArguments & FrameArguments & { output: string }) => {
      const profile = await open(file, given, terminal);
      const text = terminal.during(WRITING_TEXT, () => profile.speedscope(frameOptions(given)));
      if (given.output === '-') terminal.data(`${text}\n`);
      else writeOutput(given.output, text);
    });
}

/** What is being done while a table is made. */
export const MAKING_TABLE = 'making the table';
/** The same for the other texts. */
const WRITING_TEXT = 'writing the text';

function jsonText(rows: object): string {
  return `${JSON.stringify(rows, null, 2)}\n`;
}

const topOption = optionsOf(TOP_OPTIONS);
const treeOption = optionsOf(TREE_OPTIONS);

function treeOptions(
  { granularity, depth, minShare, absolute, sampleType, wrappers = [] }: TreeArguments,
  whole: HeapProfile,
): TreeOptions {
  return {
    granularity,
    depth,
    minShare,
    whole: whole.model,
    wrappers,
    ...(absolute ? {} : { trimPath: process.cwd() }),
    ...(sampleType === undefined ? {} : { sampleType }),
  };
}

/** Adds the options that say what a table shows. */
export function addTableOptions(command: Command): Command {
  return withSampleType(command)
    .addOption(topOption('granularity', { value: '<what>' }))
    .option('--cum', 'sort by what a place holds together with all that it called')
    .addOption(wrappersOption())
    .option('--absolute', 'print whole paths; otherwise those under the current directory are shortened');
}

/** The options of a table as HeapProfile.top() takes them. */
export function tableOptions(given: TableArguments): TopOptions {
  return {
    granularity: given.granularity,
    sort: given.cum ? 'cum' : 'flat',
    wrappers: given.wrappers ?? [],
    ...(given.limit === 0 ? {} : { limit: given.limit }),
    ...(given.absolute ? {} : { trimPath: process.cwd() }),
    ...(given.sampleType === undefined ? {} : { sampleType: given.sampleType }),
  };
}

function frameOptions({ lines, sampleType }: FrameArguments): { lines: boolean; sampleType?: string } {
  return { lines: lines === true, ...(sampleType === undefined ? {} : { sampleType }) };
}

const filterOption = optionsOf(FILTER_OPTIONS);

function withProfile(command: Command): Command {
  return command
    .argument('<file>', PROFILE_FILE)
    .option('--base <file>', 'show what changed since this earlier profile')
    .addOption(filterOption('focus', { value: '<expression>' }))
    .addOption(filterOption('ignore', { value: '<expression>' }))
    .addOption(filterOption('hide', { value: '<expression>' }));
}

function withSampleType(command: Command): Command {
  return command.addOption(
    topOption('sampleType', { short: '-t', value: '<type>', unset: "the profile's own choice" }),
  );
}

/** The functions that tables leave out. */
export function wrappersOption(): Option {
  return topOption('wrappers', { value: '<pattern>', repeatable: true });
}

/** How many rows a table has, where `rows` are the default. */
export function limitOption(rows: number): Option {
  return topOption('limit', { short: '-n', value: '<rows>', note: ', 0 for all', parse: readCount }).default(
    rows,
  );
}

async function open(file: string, given: ShowArguments, terminal: Terminal): Promise<HeapProfile> {
  return (await openParts(file, given, terminal)).shown;
}

/** The profile or difference, and what the filters leave of it. */
async function openParts(
  file: string,
  { base, focus, ignore, hide }: ShowArguments,
  terminal: Terminal,
): Promise<{ readonly whole: HeapProfile; readonly shown: HeapProfile }> {
  const profile = await openProfile(file, terminal);
  const earlier = base === undefined ? null : await openProfile(base, terminal);
  const whole =
    earlier === null ? profile : terminal.during('comparing the profiles', () => earlier.diff(profile));
  const filters = {
    ...(focus === undefined ? {} : { focus }),
    ...(ignore === undefined ? {} : { ignore }),
    ...(hide === undefined ? {} : { hide }),
  };
  return { whole, shown: terminal.during('filtering the profile', () => whole.filter(filters)) };
}

/** Reads a profile, and names its file in errors. `kind` says which profiles are accepted: 'any' has those of CPU time. */
export async function openProfile(
  file: string,
  terminal: Terminal,
  kind: 'heap' | 'any' = 'heap',
): Promise<HeapProfile> {
  // Loaded when there is a profile, so that the help of commands comes at once.
  const [{ HeapProfile }, { decodeProfile }] = await Promise.all([
    import('../profile/index.ts'),
    import('../profile/decode.ts'),
    import('../profile/install-presentation.ts'),
  ]);
  const bytes = readInput(file);
  try {
    const model = terminal.during(`reading ${nameOf(file)}`, () => decodeProfile(bytes, undefined, kind));
    return new HeapProfile(model);
  } catch (error) {
    if (!(error instanceof InvalidProfileError)) throw error;
    throw new InvalidProfileError(`${nameOf(file)}: ${error.message}`, { cause: error });
  }
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}
