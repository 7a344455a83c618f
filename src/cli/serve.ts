// heapline serve: runs a module and serves its heap as Go's net/http/pprof does, until it is interrupted. C runs on
// the only thread, so requests are answered between its calls: after main has returned, and between the rounds of
// --call.

import type { Command } from 'commander';
import { ExitError, HeapFaultError, OutOfMemoryError, TrapError } from '../errors.ts';
import { LONGEST_TIMER } from '../options/longest-timer.ts';
import { loadShapes } from '../sandbox/module-wrappers.ts';
import { SERVE_PPROF_OPTIONS } from '../serve/options.ts';
import { addCompileOptions, readCount } from './arguments.ts';
import type { Call } from './call.ts';
import { failureText, usageError } from './failure.ts';
import { addCallOption, checkCalls, preparedCall } from './guest.ts';
import type { LiveView } from './live-view.ts';
import { openInBrowser } from './open-in-browser.ts';
import { addGuestOptions, type GuestArguments, guestOptions, load, READING_STACKS } from './run.ts';
import { optionsOf } from './table-options.ts';
import type { Terminal } from './terminal.ts';

/** In seconds. */
const LONGEST_INTERVAL = Math.floor(LONGEST_TIMER / 1000);

const serveOption = optionsOf(SERVE_PPROF_OPTIONS);

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

interface ServeArguments extends GuestArguments {
  call?: Call[];
  every?: number;
  port: number;
  hostname: string;
  allowHost?: string[];
  open?: true;
  top?: true;
}

/** `programArguments` are the arguments after `--`. */
export function addServeCommand(
  program: Command,
  terminal: Terminal,
  programArguments: readonly string[],
): void {
  const command = program
    .command('serve')
    .description('run C, then serve its heap at /debug/pprof/ for go tool pprof and browsers')
    .usage('[options] <file.c… | module.wasm> [-- arguments of the program]')
    .argument('<files...>', 'C sources, or one module that was linked with the Heapline runtime')
    .addOption(serveOption('port', { short: '-p', value: '<number>', parse: readCount }))
    .addOption(serveOption('hostname', { value: '<address>' }))
    .addOption(serveOption('allowedHosts', { flags: '--allow-host <name>', repeatable: true }))
    .option('--open', 'open the index page in the browser')
    .option('--top', 'show a live table of the lines that hold the heap, in the terminal');
  addCallOption(command).option(
    '--every <seconds>',
    'make the calls of --call again and again, this often',
    (text) => readCount(text, '--every'),
  );
  addGuestOptions(addCompileOptions(command))
    .addHelpText(
      'after',
      `
The server answers when main has returned, and between the rounds of --call; it ends with Ctrl-C. It listens on this
machine only unless --hostname says otherwise. Strings given to --call are allocated once, and passed in every round.

The table of --top is on standard error, which must be a terminal, and is painted again every 2 s. The program's output
appears above it. Keys: q quits, p or space pauses, s sorts by flat or cum, v shows bytes or objects,
w shows the functions that allocate for their callers, or leaves them out.

Examples:
  heapline serve leaky.c
  heapline serve --open -O2 main.c parser.c -- input.json
  heapline serve --call 'step(100)' --every 1 server.c
  heapline serve --top --call 'step(100)' --every 1 server.c
  go tool pprof http://localhost:6060/debug/pprof/heap
  curl -s http://localhost:6060/debug/pprof/peak | heapline top -`,
    )
    .action((files: string[], given: ServeArguments) => serve(files, given, programArguments, terminal));
}

async function serve(
  files: readonly string[],
  given: ServeArguments,
  programArguments: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const calls = given.call ?? [];
  if (given.every !== undefined && calls.length === 0) {
    throw usageError('--every', '--every repeats the calls of --call, and there is none.');
  }
  if (given.every === 0) throw usageError('--every', '--every takes a number of seconds, 1 or more.');
  if (given.every !== undefined && given.every > LONGEST_INTERVAL) {
    throw usageError('--every', `--every takes a number of seconds, ${LONGEST_INTERVAL} at most.`);
  }
  const screen = given.top ? terminal.screen : null;
  if (given.top && screen === null) {
    throw usageError(
      '--top',
      '--top shows a table in a terminal, and standard error is none that can be painted on. Leave it out and ask the ' +
        'server instead: curl -s http://localhost:6060/debug/pprof/heap | heapline top -',
    );
  }
  let view: LiveView | null = null;
  const options = guestOptions(given, programArguments);
  const { stdin } = options;
  const sandbox = await load(
    files,
    given,
    {
      ...options,
      // Keys belong to the table once it is shown, so the program finds the end of its input.
      ...(typeof stdin === 'function'
        ? { stdin: (length: number) => (view?.hasKeys ? null : stdin(length)) }
        : {}),
      timeline: true,
      // The JavaScript frames above this function are Heapline's own.
      hostFrames: 'off',
      onStdout: (bytes) => terminal.data(bytes),
      onStderr: (bytes) => terminal.programError(bytes),
      onLeakCheck: (report) => terminal.say(report.toString()),
    },
    terminal,
  );
  terminal.endProgress();
  checkCalls(sandbox, calls);

  const [{ servePprof }] = await Promise.all([import('../serve/index.ts'), loadShapes()]);
  const server = await servePprof({
    port: given.port,
    hostname: given.hostname,
    allowedHosts: given.allowHost ?? [],
    sandboxes: [sandbox],
    onWarning: (message) => terminal.warn(message),
  });
  let timer: NodeJS.Timeout | undefined;
  // The port is closed in any case, because an open server would keep the process alive.
  try {
    let prepared: ReturnType<typeof preparedCall>[] | null = null;
    const makeCalls = (): void => {
      prepared ??= calls.map((call) => preparedCall(sandbox, call));
      for (const call of prepared) call();
    };
    let running = guarded(calls.length === 0 ? () => sandbox.run() : makeCalls, terminal);
    // What the debug information lacks is known only after a profile was made.
    terminal.during(READING_STACKS, () => sandbox.heap.profile());
    for (const warning of sandbox.warnings) terminal.warn(warning);
    terminal.say(`Serving ${server.url}`);
    terminal.say(terminal.colors.dim(`go tool pprof ${server.url}heap`));
    if (given.open) openInBrowser(server.url, terminal);

    const interruption = new Interruption();
    if (screen !== null) {
      const { LiveView } = await import('./live-view.ts');
      view = new LiveView(sandbox, terminal, screen, interruption.happen);
    }
    if (given.every !== undefined) {
      timer = setInterval(() => {
        // A call that trapped once would trap again.
        if (!running) return;
        const round = (): boolean => interruption.open(() => guarded(makeCalls, terminal));
        running = view === null ? round() : view.aside(round);
      }, given.every * 1000);
    }
    await interruption.happened;
  } finally {
    clearInterval(timer);
    view?.close();
    await server.close();
    sandbox.dispose();
  }
}

/** Ctrl-C and similar signals. */
class Interruption {
  readonly happened: Promise<void>;
  /** Does what Ctrl-C does. */
  happen!: () => void;

  constructor() {
    this.happened = new Promise((resolve) => {
      this.happen = resolve;
    });
    for (const signal of SIGNALS) process.on(signal, this.happen);
  }

  /**
   * Runs something while signals keep their default effect, which ends the process at once. Handlers of JavaScript
   * would not run while C waits for input or loops.
   */
  open<T>(work: () => T): T {
    for (const signal of SIGNALS) process.off(signal, this.happen);
    try {
      return work();
    } finally {
      for (const signal of SIGNALS) process.on(signal, this.happen);
    }
  }
}

/** Runs the guest. The result is false when it failed; its heap stays readable. */
function guarded(run: () => unknown, terminal: Terminal): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (
      error instanceof ExitError ||
      error instanceof TrapError ||
      error instanceof OutOfMemoryError ||
      error instanceof HeapFaultError
    ) {
      terminal.error(failureText(error));
      return false;
    }
    throw error;
  }
}
