// heapline run: compiles (or loads), runs, reports. Standard output carries only the program's output, so pipes keep
// working; the table goes to standard error. With --json it is the other way round: standard output carries one JSON
// document, and the program's output goes to standard error.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command, Option } from 'commander';
import { CorruptLedgerError, FileError } from '../errors.ts';
import {
  gapFrame,
  isGap,
  ShownStacks,
  type Stack,
  shortPlace,
  stackOf,
  withoutMemory,
} from '../frames/index.ts';
import type {
  ContextProfileKind,
  FailedAllocation,
  HeapFault,
  HeapProfile,
  Sandbox,
  SandboxOptions,
  TopOptions,
} from '../index.ts';
import { ENCODE_OPTIONS, profileKinds } from '../profile/profile-options.ts';
import { loadShapes } from '../sandbox/module-wrappers.ts';
import { SANDBOX_OPTIONS } from '../sandbox/sandbox-options.ts';
import {
  addCompileOptions,
  type CompileArguments,
  compileOptions,
  fileError,
  idleOptionsNote,
  moduleError,
  readCount,
  readDuration,
  readInput,
  readOurInput,
  readSize,
  readTolerance,
} from './arguments.ts';
import type { Call } from './call.ts';
import { failureText, statusOf, usageError } from './failure.ts';
import { addCallOption, checkCalls, enterGuest, readable } from './guest.ts';
import { checkWritable, writeOutput } from './output-files.ts';
import { limitOption, wrappersOption } from './show.ts';
import { optionsOf } from './table-options.ts';
import { type Terminal, WRITING_PAGE } from './terminal.ts';

/** How a guest is compiled, and what it may see. */
export interface GuestArguments extends CompileArguments {
  maxMemory?: number;
  maxBlocks?: number;
  maxAllocation?: number;
  timeout?: number;
  access?: true;
  quarantine?: number;
  env?: string[];
  file?: string[];
  dir?: string[];
  stdin: string;
  glue?: string;
}

interface RunArguments extends GuestArguments {
  call?: Call[];
  kind: ContextProfileKind;
  pprof: string | false;
  html?: string;
  source: boolean;
  inlines: 'lines' | 'locations';
  json?: true;
  limit: number;
  wrappers?: string[];
}

/** Most heap faults that are printed; further ones are only counted. */
const FAULTS_SHOWN = 5;

/** What is being done while a profile or a report is made. */
export const READING_STACKS = 'reading the stacks';

/** Most frames of a fault or a failed allocation in JSON. */
const EVENT_FRAMES = { most: 128, total: 30_000, least: 4 };

/** `programArguments` are the arguments after `--`; `finish` takes the exit status. */
export function addRunCommand(
  program: Command,
  terminal: Terminal,
  programArguments: readonly string[],
  finish: (status: number) => void,
): void {
  const command = program
    .command('run')
    .description('run C and report who holds its heap, and where')
    .usage('[options] <file.c… | module.wasm> [-- arguments of the program]')
    .argument('<files...>', 'C sources, or one module that was linked with the Heapline runtime')
    .addOption(optionsOf({ kind: profileKinds })('kind', { value: '<kind>' }))
    .option('--pprof <file>', 'where to write the profile', 'heap.pb.gz')
    .option('--no-pprof', 'do not write it')
    .option('--html <file>', 'write a page to look at: flame graph, sources, timeline, leaks')
    .option('--no-source', 'leave the texts of the source files out of the page')
    .addOption(inlinesOption())
    .option('--json', 'print the report as JSON; the output of the program then goes to standard error')
    .addOption(limitOption(20))
    .addOption(wrappersOption());
  addGuestOptions(addCompileOptions(addCallOption(command)))
    .addHelpText(
      'after',
      `
The table goes to standard error, so that the output of the program can be piped. The profile shows the moment
when main returned or called exit. Strings given to --call stay allocated, as an argument that C may keep.

Examples:
  heapline run leaky.c
  heapline run -O2 -Iinclude -DNDEBUG main.c parser.c -lm -- --verbose input.json
  heapline run --file /in.json=test/in.json --max-memory 64M parse.c -- /in.json
  heapline run --call 'init()' --call 'parse("[1, 2]", 6)' parser.c
  heapline run --kind peak --pprof peak.pb.gz big.c && go tool pprof -http=: peak.pb.gz
  heapline run --html heap.html big.c
  heapline run --json server.wasm | jq .stats.inUseBytes`,
    )
    .action(async (files: string[], given: RunArguments) => {
      finish(await run(files, given, programArguments, terminal));
    });
}

/** How inlined functions are written into profiles. */
export function inlinesOption(): Option {
  return optionsOf(ENCODE_OPTIONS)('inlines', { value: '<form>' });
}

const sandboxOption = optionsOf(SANDBOX_OPTIONS);

/** What the guest may see. */
export function addGuestOptions(command: Command): Command {
  return command
    .addOption(sandboxOption('maxMemory', { value: '<size>', parse: readSize }))
    .addOption(sandboxOption('maxBlocks', { value: '<number>', parse: readCount }))
    .addOption(sandboxOption('maxAllocation', { value: '<size>', parse: readSize }))
    .addOption(sandboxOption('timeout', { value: '<time>', parse: readDuration }))
    .addOption(
      sandboxOption('env', {
        value: '<name=value>',
        note: '; a name alone passes on your own value',
        repeatable: true,
      }),
    )
    .addOption(
      sandboxOption('files', {
        flags: '--file <guest=host>',
        note: ': absolute path there, then path here',
        repeatable: true,
      }),
    )
    .addOption(
      sandboxOption('preopens', {
        flags: '--dir <host[::guest][:ro]>',
        note: ': path here, then absolute path there (default: the same); :ro refuses changes. The program starts in /, so .::/ makes relative paths work',
        repeatable: true,
      }),
    )
    .addOption(
      sandboxOption('quarantine', {
        value: '<size>',
        unset: '256k in check, 0 in run',
        parse: readTolerance,
      }),
    )
    .addOption(sandboxOption('access'))
    .option('--stdin <file>', `${SANDBOX_OPTIONS.stdin.help}; - passes on your own`, '-')
    .option(
      '--glue <file>',
      'JavaScript of a module linked by Emscripten (default: its .glue.js, when there is one)',
    );
}

async function run(
  files: readonly string[],
  given: RunArguments,
  programArguments: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { colors } = terminal;
  if (given.pprof === '-') {
    throw usageError(
      '--pprof',
      'Standard output carries the output of the program: name a file for the profile.',
    );
  }
  // Checked now, because the program may run for an hour.
  if (given.pprof !== false) checkWritable(given.pprof);
  if (given.html !== undefined) checkWritable(given.html);
  const options: SandboxOptions = {
    ...guestOptions(given, programArguments),
    // The JavaScript frames above this function are Heapline's own.
    hostFrames: 'off',
    ...(given.html === undefined ? {} : { timeline: true }),
    onStdout: (bytes) => (given.json ? terminal.programError(bytes) : terminal.data(bytes)),
    onStderr: (bytes) => terminal.programError(bytes),
    onLeakCheck: (report) => terminal.say(report.toString()),
  };
  const sandbox = await load(files, given, options, terminal);
  terminal.endProgress();
  const calls = given.call ?? [];
  checkCalls(sandbox, calls);
  const { exitCode, failure, results } = await enterGuest(sandbox, calls, given, (call, result) => {
    if (!given.json) terminal.say(colors.dim(`${call.source} = ${result ?? 'void'}`));
  });
  if (failure !== null) terminal.error(failureText(failure));
  // The profile at the moment of a failure is worth even more than one at a normal end. But a program that has ruined
  // its heap may have destroyed it.
  let damage: CorruptLedgerError | null = failure instanceof CorruptLedgerError ? failure : null;
  const read = <T>(from: () => T): T | null =>
    readable(from, (error) => {
      if (damage === null) terminal.error(failureText(error));
      damage ??= error;
    });
  const readProfile = (): HeapProfile | null =>
    read(() => terminal.during(READING_STACKS, () => sandbox.heap.profile({ kind: given.kind })));
  await import('../profile/install-tables.ts');
  let profile = readProfile();
  // Few programs need what recognises wrappers, so it is loaded when it was missing.
  if (sandbox.heap.missesWrappers) {
    await loadShapes();
    profile = readProfile();
  }
  const stats = read(() => sandbox.heap.stats());
  const faults = read(() => sandbox.heap.faults()) ?? [];
  const failures = read(() => sandbox.heap.failures()) ?? [];
  const ended = failure === null ? exitCode : statusOf(failure);
  const status = ended === 0 && damage !== null ? statusOf(damage) : ended;
  let notWritten: FileError | null = null;
  const write = (path: string, content: string | Uint8Array): string | null => {
    try {
      writeOutput(path, content);
      return path;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      notWritten ??= error;
      return null;
    }
  };
  const written =
    given.pprof === false || profile === null
      ? null
      : write(
          given.pprof,
          terminal.during(`writing ${given.pprof}`, () => profile.encode({ inlines: given.inlines })),
        );
  const page =
    given.html === undefined || profile === null ? null : await pageOf(sandbox, given, read, terminal);
  const pageWritten = page === null ? null : write(given.html!, page);
  const rows: TopOptions = {
    wrappers: given.wrappers ?? [],
    ...(given.limit === 0 ? {} : { limit: given.limit }),
  };
  if (given.json) {
    const report = {
      version: 1,
      exitCode: status,
      error: (failure ?? (damage as Error | null))?.message ?? null,
      toolchain: sandbox.toolchain,
      stats,
      ...shownEvents(faults, failures),
      warnings: sandbox.warnings,
      calls: results,
      pprof: written === null ? null : resolve(written),
      ...(given.html === undefined ? {} : { html: pageWritten === null ? null : resolve(pageWritten) }),
      top: profile?.topRows(rows) ?? [],
      profile,
    };
    terminal.data(`${JSON.stringify(report, null, 2)}\n`);
  } else {
    for (const warning of sandbox.warnings) terminal.warn(warning);
    if (profile !== null) terminal.say(table(profile, rows, sandbox.warnings, terminal));
    else if (given.pprof !== false)
      terminal.say(colors.yellow(`${given.pprof} is not written: there is no profile.`));
    reportFaults(faults, terminal);
    reportFailures(failures, terminal);
    if (written !== null)
      terminal.say(colors.dim(`Wrote ${written}; look closer with: heapline view ${written}`));
    if (pageWritten !== null) terminal.say(colors.dim(`Wrote ${pageWritten}; open it in a browser.`));
  }
  sandbox.dispose();
  if (notWritten !== null) throw notWritten;
  return status;
}

/** The page of a run; null when the program has ruined its heap. */
async function pageOf(
  sandbox: Sandbox,
  given: RunArguments,
  read: <T>(from: () => T) => T | null,
  terminal: Terminal,
): Promise<string | null> {
  const [{ guestContents, guestPage }] = await Promise.all([
    import('./guest-page.ts'),
    import('../sandbox/module-symbols.ts').then(({ loadViews }) => loadViews()),
    loadShapes(),
  ]);
  return terminal.during(WRITING_PAGE, () => {
    const contents = read(() => guestContents(sandbox, given.kind));
    const report = read(() => sandbox.heap.leaks());
    return contents && guestPage(contents, report, given.source);
  });
}

/** The options as loadC() and loadWasm() take them. */
export function guestOptions(given: GuestArguments, programArguments: readonly string[]): SandboxOptions {
  const env: Record<string, string> = {};
  for (const variable of given.env ?? []) {
    const equals = variable.indexOf('=');
    const name = equals < 0 ? variable : variable.slice(0, equals);
    const value = equals < 0 ? process.env[name] : variable.slice(equals + 1);
    if (name === '' || value === undefined) {
      throw usageError(
        '--env',
        `--env ${variable}: write NAME=VALUE, or the name of a variable that is set.`,
      );
    }
    env[name] = value;
  }
  const files: Record<string, Uint8Array> = {};
  for (const pair of given.file ?? []) {
    const equals = pair.indexOf('=');
    if (equals <= 0 || !pair.startsWith('/') || equals === pair.length - 1) {
      throw usageError('--file', `--file ${pair}: write /path/for/the/program=path/here.`);
    }
    files[pair.slice(0, equals)] = readInput(pair.slice(equals + 1));
  }
  return {
    args: programArguments,
    env,
    files,
    ...(given.dir === undefined ? {} : { preopens: preopensOf(given.dir) }),
    stdin: given.stdin === '-' ? readOurInput : readInput(given.stdin),
    ...(given.maxMemory === undefined ? {} : { maxMemory: given.maxMemory }),
    ...(given.maxBlocks === undefined ? {} : { maxBlocks: given.maxBlocks }),
    ...(given.maxAllocation === undefined ? {} : { maxAllocation: given.maxAllocation }),
    ...(given.timeout === undefined ? {} : { timeout: given.timeout }),
    ...(given.access ? { access: true } : {}),
    ...(given.quarantine === undefined ? {} : { quarantine: given.quarantine }),
  };
}

/** Directories by path in the program: `src`, `src::/src`, `/data::/data:ro`. */
function preopensOf(directories: readonly string[]): NonNullable<SandboxOptions['preopens']> {
  return Object.fromEntries(
    directories.map((text) => {
      const readOnly = text.endsWith(':ro');
      const [path = '', guest = resolve(path), ...more] = (readOnly ? text.slice(0, -3) : text).split('::');
      if (path === '' || more.length > 0 || !guest.startsWith('/')) {
        throw usageError(
          '--dir',
          `--dir ${text}: write path/here::/path/for/the/program, and :ro behind it.`,
        );
      }
      return [guest, { path, readOnly }];
    }),
  );
}

/** Loads C sources, or a module. */
export async function load(
  files: readonly string[],
  given: GuestArguments,
  options: SandboxOptions,
  terminal: Terminal,
): Promise<Sandbox> {
  // The compiler is loaded when it is needed, so that commands that only read profiles start at once.
  const { openC, openWasm } = await import('../loading/index.ts');
  const modules = files.filter((file) => file.endsWith('.wasm'));
  if (modules.length === 0) {
    if (given.glue !== undefined) terminal.warn('--glue is for modules: C sources do not need it.');
    (await import('../compile/index.ts')).removeDirectoriesOnSignals();
    terminal.progress('compiling');
    return openC(files, {
      ...options,
      ...compileOptions(given),
      ...terminal.watching,
    });
  }
  if (files.length > 1) {
    throw usageError('files', `Give C sources or one module, not both: ${modules[0]} is a module already.`);
  }
  const path = files[0]!;
  const { glue, stack, ...others } = given;
  // Whether a module has the room that --stack asks for is looked up.
  const room = stack === true;
  const idle = idleOptionsNote(path, room ? others : given);
  if (idle !== null) terminal.warn(idle);
  try {
    return await openWasm(path, {
      ...options,
      ...terminal.watching,
      ...(room ? { stack: true as const } : {}),
      ...(glue === undefined ? {} : { glue: readGlue(glue) }),
    });
  } catch (error) {
    throw moduleError(path, error);
  }
}

function readGlue(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(path, 'read', error);
  }
}

/** The table with a dimmed header, without the comments that have already been printed as warnings. */
function table(
  profile: HeapProfile,
  rows: TopOptions,
  warnings: readonly string[],
  { colors }: Terminal,
): string {
  const text = profile.top({ trimPath: process.cwd(), ...rows }).trimEnd();
  const lines = text.split('\n').filter((line) => !warnings.includes(line));
  const header = lines.findIndex((line) => line.trimStart().startsWith('flat '));
  return lines
    .map((line, i) => (i < header ? colors.dim(line) : i === header ? colors.bold(line) : line))
    .join('\n');
}

function reportFailures(failures: readonly FailedAllocation[], terminal: Terminal): void {
  for (const failed of failures.slice(0, FAULTS_SHOWN)) {
    const times = failed.count === 1 ? '' : `, ${failed.count} times`;
    const where = shortPlace(stackOf(failed, 'frames'));
    const what = `no memory for ${failed.largest.toLocaleString('en-US')} bytes${times}${where}`;
    terminal.say(terminal.colors.yellow(what));
  }
  if (failures.length > FAULTS_SHOWN) {
    terminal.say(terminal.colors.yellow(`… and in ${failures.length - FAULTS_SHOWN} more places`));
  }
}

/** Faults and failed allocations with the part of their stacks that is shown. */
function shownEvents(
  faults: readonly HeapFault[],
  failures: readonly FailedAllocation[],
): { readonly faults: object[]; readonly failedAllocations: object[] } {
  const shown = new ShownStacks(EVENT_FRAMES);
  const frames = (stack: Stack | null) =>
    stack && shown.of(stack).map((item) => (isGap(item) ? gapFrame(item) : item));
  return {
    faults: faults.map((fault) => ({
      kind: fault.kind,
      address: fault.address,
      ...(fault.access === undefined ? {} : { access: withoutMemory(fault.access) }),
      ...(fault.mismatch === undefined ? {} : { mismatch: fault.mismatch }),
      block: fault.block,
      frames: frames(stackOf(fault, 'frames')),
      allocatedAt: frames(stackOf(fault, 'allocatedAt')),
      freedAt: frames(stackOf(fault, 'freedAt')),
    })),
    failedAllocations: failures.map((failed) => ({
      count: failed.count,
      smallest: failed.smallest,
      largest: failed.largest,
      frames: frames(stackOf(failed, 'frames')),
    })),
  };
}

function reportFaults(faults: readonly HeapFault[], terminal: Terminal): void {
  for (const fault of faults.slice(0, FAULTS_SHOWN)) {
    const allocated = stackOf(fault, 'allocatedAt');
    const freed = stackOf(fault, 'freedAt');
    const origin = allocated === null ? '' : `, allocated${shortPlace(allocated)}`;
    const first = freed === null ? '' : `, freed before${shortPlace(freed)}`;
    terminal.say(
      terminal.colors.red(
        `${fault.kind} of 0x${fault.address.toString(16)}${shortPlace(stackOf(fault, 'frames'))}${origin}${first}`,
      ),
    );
  }
  if (faults.length > FAULTS_SHOWN)
    terminal.say(terminal.colors.red(`… and ${faults.length - FAULTS_SHOWN} more`));
}
