// The `heapline` command: reads the command line, runs one of the commands, and exits with a meaningful status (see
// failure.ts). Each command has a file of its own.

import { existsSync, writeSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { workingDirectory } from '../node/working-directory.ts';
import { VERSION } from '../profile/version.ts';
import { ENVIRONMENT_HELP, fileError } from './arguments.ts';
import { addBuildCommands } from './build.ts';
import { addCcCommands, ccTool } from './cc.ts';
import { addCheckCommand } from './check.ts';
import { addCompareCommands } from './compare.ts';
import { failureText, STATUS, STATUS_HELP, statusOf, usageError } from './failure.ts';
import { addLinkFlagsCommand } from './link-flags.ts';
import { addRunCommand } from './run.ts';
import { addServeCommand } from './serve.ts';
import { addShowCommands } from './show.ts';
import { Terminal } from './terminal.ts';
import { addTypesCommand } from './types.ts';
import { addViewCommand } from './view.ts';

async function main(argv: readonly string[]): Promise<number> {
  // Their arguments are those of gcc and ar, which no parser of ours may see.
  const tool = ccTool(argv[0]);
  if (tool !== null) return (await import('../cc/index.ts')).runTool(tool, argv.slice(1));
  const terminal = await Terminal.open(process.stdout, process.stderr, process.env);
  // Everything after `--` belongs to the program, even if it looks like an option of Heapline.
  const dashes = ['run', 'check', 'serve'].includes(argv[0] ?? '') ? argv.indexOf('--') : -1;
  const own = dashes < 0 ? argv : argv.slice(0, dashes);
  const programArguments = dashes < 0 ? [] : argv.slice(dashes + 1);

  let status: number = STATUS.ok;
  const program = new Command('heapline')
    .description('Exact heap profiles, with full call stacks, of C running as WebAssembly.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      outputError: (text, write) => write(terminal.colors.red(text.replace(/^error: /, 'heapline: '))),
    })
    .showHelpAfterError('Try: heapline --help, or heapline COMMAND --help')
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  heapline run leaky.c                           who holds the heap when the program ends
  heapline run -O2 --kind peak main.c -- input   who held it when it was largest
  heapline check test.c                          fail when it leaks
  heapline top heap.pb.gz                        the table again, from any pprof heap profile
  heapline view heap.pb.gz                       a flame graph, the sources and more in a browser
  heapline serve --open leaky.c                  the same in a browser, and for go tool pprof
  heapline help run                              all options of a command
${ENVIRONMENT_HELP}
${STATUS_HELP}`,
    );
  // Imported only for commands, because help and errors of the command line need no platform.
  program.hook('preAction', async () => {
    await import('../node/install.ts');
  });
  addRunCommand(program, terminal, programArguments, (result) => {
    status = result;
  });
  addCheckCommand(program, terminal, programArguments, (result) => {
    status = result;
  });
  addServeCommand(program, terminal, programArguments);
  addBuildCommands(program, terminal);
  addLinkFlagsCommand(program, terminal);
  addTypesCommand(program, terminal);
  addCcCommands(program, terminal);
  addShowCommands(program, terminal);
  addViewCommand(program, terminal);
  addCompareCommands(program, terminal, (result) => {
    status = result;
  });

  try {
    refuseFileAsCommand(own, program);
    workingDirectory();
    await program.parseAsync(own, { from: 'user' });
  } catch (error) {
    terminal.endProgress();
    if (error instanceof CommanderError) return error.exitCode === 0 ? STATUS.ok : STATUS.setup;
    terminal.error(failureText(error));
    return statusOf(error);
  }
  return status;
}

/** Throws when the command line starts with a file instead of a command, and suggests `run` or `top`. */
function refuseFileAsCommand(args: readonly string[], program: Command): void {
  const at = args.findIndex((argument) => !argument.startsWith('-'));
  const file = args[at];
  if (file === undefined || file === 'help' || program.commands.some((command) => command.name() === file))
    return;
  const runs = /\.(?:c|cc|cpp|cxx|c\+\+|C|o|wasm)$/.test(file);
  if (!runs && !/\.(?:pb(?:\.gz)?|pprof|gz)$/.test(file) && !existsSync(file)) return;
  const given = [runs ? 'run' : 'top', ...args].join(' ');
  throw usageError('command', `${file} is not a command. Did you mean: heapline ${given}`);
}

/** A reader that has seen enough (`| head`) is not a failure; lost output is. */
for (const [stream, name] of [
  [process.stdout, 'Standard output'],
  [process.stderr, 'Standard error'],
] as const) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? STATUS.ok);
    try {
      writeSync(2, `heapline: ${fileError(name, 'written', error).message}\n`);
    } catch {
      // The exit status still tells.
    }
    process.exit(STATUS.setup);
  });
}

void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
