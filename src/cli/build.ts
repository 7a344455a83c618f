// heapline build and heapline instrument: single steps of `run`, for people who have a build system of their own.

import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Around } from '../algorithms/watched-work.ts';
import type { RecordOnly } from '../graft/index.ts';
import { recordOnly, SANDBOX_OPTIONS } from '../sandbox/sandbox-options.ts';
import {
  addCompileOptions,
  type CompileArguments,
  compileOptions,
  moduleError,
  readInput,
  readSize,
} from './arguments.ts';
import { usageError } from './failure.ts';
import { writeOutput } from './output-files.ts';
import { optionsOf } from './table-options.ts';
import type { Terminal } from './terminal.ts';

/** Stands for standard input or output in place of a file. */
const STANDARD = '-';

interface BuildArguments extends CompileArguments, Instrumenting {
  output: string;
  instrument?: true;
}

/** How a module is instrumented. */
interface Instrumenting {
  access?: true;
  maxMemory?: number;
}

interface InstrumentArguments extends Instrumenting {
  output: string;
  graft?: true;
  recordOnly?: RecordOnly;
}

const sandboxOption = optionsOf(SANDBOX_OPTIONS);

/** Adds the options of instrumenting. @param note says which option they need */
function addInstrumentOptions(command: Command, note = ''): Command {
  return command
    .addOption(sandboxOption('access', { note }))
    .addOption(sandboxOption('maxMemory', { value: '<size>', parse: readSize, note }));
}

export function addBuildCommands(program: Command, terminal: Terminal): void {
  const build = program
    .command('build')
    .description('compile C and link it with the Heapline runtime')
    .usage('[options] -o out.wasm <file.c…>')
    .argument('<files...>', 'C sources')
    .requiredOption('-o, --output <file>', 'module to write; - for standard output')
    .option('--instrument', 'instrument it as well, as `heapline instrument` does');
  addCompileOptions(addInstrumentOptions(build, '; needs --instrument'))
    .addHelpText(
      'after',
      `
Modules of the emscripten toolchain need their JavaScript: it is written beside the module as .glue.js, where
\`heapline run\` finds it.

Examples:
  heapline build -O2 -o parser.wasm parser.c tables.c
  heapline build --toolchain clang --cflag=-std=c99 --instrument -o app.wasm app.c && heapline run app.wasm`,
    )
    .action(async (files: string[], given: BuildArguments) => {
      if (given.maxMemory !== undefined && !given.instrument) {
        throw usageError(
          '--max-memory',
          'The limit is set by instrumenting: give --instrument with --max-memory.',
        );
      }
      if (given.access && !given.instrument) {
        throw usageError('--access', 'Checks are put in by instrumenting: give --instrument with --access.');
      }
      for (const file of files) keepInput(file, given.output, 'a source');
      terminal.progress('compiling');
      // The compiler is loaded when it is needed, so that commands that only read profiles start at once.
      const { compile, gluePath, removeDirectoriesOnSignals } = await import('../compile/index.ts');
      removeDirectoriesOnSignals();
      const compiled = await compile(
        files,
        {
          ...(given.access ? { stack: true } : {}),
          ...compileOptions(given),
          ...terminal.watching,
        },
        given.maxMemory === undefined ? {} : { maxMemory: given.maxMemory },
      );
      terminal.endProgress();
      if (compiled.glue !== null && given.output === STANDARD) {
        throw usageError(
          '--output',
          `A module of ${compiled.toolchain.name} needs its JavaScript beside it, so standard output cannot take it: name a file.`,
        );
      }
      for (const { severity, file, line, column, message } of compiled.warnings) {
        terminal.warn(`${file === null ? '' : `${file}:${line}:${column}: `}${severity}: ${message}`);
      }
      const bytes = given.instrument
        ? (await instrumented(given.output, compiled.wasm, given, terminal)).bytes
        : compiled.wasm;
      write(given.output, bytes, terminal);
      const sizes = `${bytes.length} bytes, by ${compiled.toolchain.version}`;
      terminal.say(terminal.colors.dim(`Wrote ${nameOf(given.output)} (${sizes}).`));
      if (compiled.glue !== null) {
        const glue = gluePath(given.output);
        write(glue, compiled.glue, terminal);
        terminal.say(terminal.colors.dim(`Wrote ${glue} (its JavaScript).`));
      }
    });

  addInstrumentOptions(
    program
      .command('instrument')
      .description('add call-site slots to a module that was linked with the Heapline runtime')
      .usage('[options] -o out.wasm <in.wasm>')
      .argument('<module>', 'module to read; - for standard input')
      .requiredOption('-o, --output <file>', 'module to write; - for standard output')
      .option(
        '--graft',
        'put the runtime into a module that was linked without it, in place of its own malloc',
      )
      .addOption(optionsOf({ recordOnly })('recordOnly', { value: '<when>', note: '; needs --graft' })),
  )
    .addHelpText(
      'after',
      `
\`heapline run\` and loadWasm() take modules with or without this step; done ahead, it saves its time at each start.

Examples:
  heapline instrument app.wasm -o app.heap.wasm
  heapline instrument --max-memory 64M app.wasm -o app.heap.wasm
  heapline instrument --access --graft library.wasm -o library.heap.wasm`,
    )
    .action(async (path: string, given: InstrumentArguments) => {
      if (given.recordOnly !== undefined && !given.graft) {
        throw usageError('--record-only', 'It says what grafting does: give --graft with --record-only.');
      }
      const input = readInput(path);
      if (path !== STANDARD) keepInput(path, given.output, 'the module to read');
      const started = performance.now();
      const result = await instrumentedOnce(path, input, given, terminal);
      const milliseconds = Math.round(performance.now() - started);
      write(given.output, result.bytes, terminal);
      for (const note of result.notes) terminal.say(terminal.colors.dim(note));
      terminal.say(
        terminal.colors.dim(
          `Wrote ${nameOf(given.output)} (${result.bytes.length} bytes, before ${input.length}; ${milliseconds} ms).`,
        ),
      );
      // A module that Emscripten has linked runs only with its JavaScript, which is the same for both modules.
      const { gluePath } = await import('../compile/index.ts');
      const [from, to] = [gluePath(path), gluePath(given.output)];
      const files = path !== STANDARD && given.output !== STANDARD;
      if (files && existsSync(from) && resolve(from) !== resolve(to)) {
        write(to, readInput(from), terminal);
        terminal.say(terminal.colors.dim(`Wrote ${to} (its JavaScript).`));
      }
    });
}

async function instrumentedOnce(
  path: string,
  input: Uint8Array,
  given: InstrumentArguments,
  terminal: Terminal,
) {
  const { openInstrumented } = await import('../instrument/index.ts');
  try {
    if (openInstrumented(input) === null) {
      const instrument = given.graft ? grafted : instrumented;
      return await instrument(path, input, given, terminal);
    }
  } catch (error) {
    throw moduleError(path, error);
  }
  throw usageError('module', `${path} is already instrumented. There is nothing to do: run it as it is.`);
}

/** @param path names the module */
async function instrumented(path: string, bytes: Uint8Array, given: Instrumenting, terminal: Terminal) {
  const { instrument, findRuntime } = await import('../instrument/index.ts');
  if (!given.access) return terminal.during(instrumenting(path), () => instrument(bytes, limitOf(given)));
  const { readModule } = await import('../binary/index.ts');
  findRuntime(readModule(bytes));
  return checked(path, bytes, given, terminal);
}

async function grafted(path: string, bytes: Uint8Array, given: InstrumentArguments, terminal: Terminal) {
  if (given.access) return checked(path, bytes, given, terminal);
  const { graftAndInstrument } = await import('../graft/index.ts');
  const options = { ...limitOf(given), recordOnly: given.recordOnly ?? 'if-needed' } as const;
  return terminal.during(instrumenting(path), () => graftAndInstrument(bytes, options));
}

async function checked(path: string, bytes: Uint8Array, given: Instrumenting, terminal: Terminal) {
  const { instrumentWithChecks } = await import('../access/index.ts');
  const around: Around = (work) => terminal.during(instrumenting(path), work);
  return instrumentWithChecks(bytes, limitOf(given), around);
}

function instrumenting(path: string): string {
  return `instrumenting ${path === STANDARD ? 'the module' : path}`;
}

function limitOf({ maxMemory }: Instrumenting): { readonly maxMemory?: number } {
  return maxMemory === undefined ? {} : { maxMemory };
}

/** Throws instead of writing over a file that is still to be read. */
function keepInput(input: string, output: string, what: string): void {
  if (!existsSync(input) || !existsSync(output) || realpathSync(input) !== realpathSync(output)) return;
  throw usageError('--output', `${output} is ${what}, and would be lost: name another file to write.`);
}

function nameOf(path: string): string {
  return path === STANDARD ? 'to standard output' : path;
}

function write(path: string, content: Uint8Array | string, terminal: Terminal): void {
  if (path === STANDARD) {
    terminal.data(content);
    return;
  }
  writeOutput(path, content);
}
