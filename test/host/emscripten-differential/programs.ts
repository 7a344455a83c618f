// The programs of this folder, and how each is linked and run. Each runs twice, as plain emcc links it and under
// Heapline, and must behave the same.

/** A program, and a way to run it. */
export interface Case {
  /** A sentence that says what the program does. */
  readonly name: string;
  readonly source: string;
  /** Flags for both compiler and linker. */
  readonly flags?: readonly string[];
  readonly link?: readonly string[];
  readonly args?: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The expected output where it differs from that of plain emcc's program; `why` gives the reason. */
  readonly stdout?: string;
  readonly why?: string;
  /** The oldest tested version of Emscripten whose libc can run this program. */
  readonly since?: string;
  /** Both streams are one pipe, so the order of what the program writes to them counts. */
  readonly merged?: true;
  /** The program does not end by itself. Its output after this many milliseconds is compared. */
  readonly endless?: number;
}

/** The runtime ends with the program, as C defines exit() and atexit(). */
const EXITS = ['-sEXIT_RUNTIME=1'];
/** Emscripten's default: the runtime stays for callbacks even after exit(). */
const STAYS = ['-sEXIT_RUNTIME=0'];
const CALLS = '-sEXPORTED_RUNTIME_METHODS=ccall,cwrap,addFunction,removeFunction';

const both = (name: string, source: string, rest: Partial<Case> = {}): Case[] => [
  { name: `${name} (EXIT_RUNTIME=1)`, source, ...rest, link: [...EXITS, ...(rest.link ?? [])] },
  { name: `${name} (EXIT_RUNTIME=0)`, source, ...rest, link: [...STAYS, ...(rest.link ?? [])] },
];

const exits = (name: string, source: string, rest: Partial<Case> = {}): Case => ({
  name,
  source,
  ...rest,
  link: [...EXITS, ...(rest.link ?? [])],
});

export const CASES: readonly Case[] = [
  exits('clocks advance', 'clocks.c'),
  exits("C++'s clocks advance", 'steady-clock.cpp'),
  exits('sleeping takes its time', 'sleeping.c'),
  exits('dates and time zones are those of the machine', 'calendar.c'),

  ...both('calls come after main', 'async-calls.c'),
  ...both('a callback exits', 'exit-in-callback.c'),
  ...both('a callback forces the exit', 'force-exit.c'),
  ...both('main forces the exit while a call is pending', 'force-exit-in-main.c'),
  ...both('main is left with a live runtime', 'live-runtime.c'),
  ...both('a main loop runs beside main', 'main-loop.c'),
  exits('a main loop takes the place of main', 'main-loop-instead-of-main.c'),
  ...both('a frame of the main loop exits', 'main-loop-exit.c'),
  exits('a main loop pauses and changes its pace', 'main-loop-pause.c'),
  exits('a main loop that nobody ends keeps the process alive', 'main-loop-endless.c', { endless: 1500 }),
  exits('timers of html5.h run in their order', 'timeouts.c'),
  exits('no animation frames without a browser', 'animation-frame.c'),

  exits('main returns 0', 'exit-status.c', { args: ['0'] }),
  exits('main returns 77', 'exit-status.c', { args: ['77'] }),
  exits('main returns more than a byte holds', 'exit-status.c', { args: ['300'] }),
  exits('main returns a negative status', 'exit-status.c', { args: ['-1'] }),
  ...both('atexit functions run last come first served', 'at-exit.c'),
  ...both('main returns with text in a buffer', 'at-exit-unflushed.c'),
  exits('_Exit leaves at once', 'leave-at-once.c'),
  exits('quick_exit runs functions of its own', 'quick-exit.c', { since: '3.1.69' }),
  exits('abort ends it', 'abort.c'),
  exits('abort in a callback ends it', 'abort-in-callback.c'),
  exits('a trap in a callback ends it', 'trap-in-callback.c'),
  exits('an assertion that fails ends it', 'assertion.c'),

  exits('no other process can be started', 'system.c', {
    stdout: 'shell 0\nsystem -1\nfork -1\nexecl -1\nwait -1\npopen 0\n',
    why: 'plain glue runs the shell of the machine that Node.js runs on',
  }),
  exits('files', 'files.c'),
  exits('memory maps', 'mapping.c'),
  exits('environment', 'environment.c', { env: { GIVEN: 'from outside', EMPTY: '' } }),
  exits('locales and wide characters', 'locale.c'),
  exits('standard input', 'standard-input.c', { stdin: 'first line\n42 word rest\nline of its own\nlast' }),
  exits('no standard input', 'no-input.c'),
  exits('standard streams in one pipe', 'interleaving.c', { merged: true }),
  exits('standard streams are terminals', 'terminal.c'),
  exits('arguments', 'arguments.c', { args: ['-v', '--size=7', '-a', '--wrong', 'one', '', 'zw\u00f6lf'] }),
  exits('numbers as text', 'numbers.c', { flags: ['-Wno-literal-range'] }),
  exits('random numbers', 'random.c'),
  exits('setjmp and longjmp', 'jumps.c'),
  exits('signals', 'signals.c'),
  exits('a signal that nobody handles', 'signal-ends.c'),
  exits('facts about the system', 'system-facts.c'),
  exits('no threads in C', 'no-threads.c'),
  exits('no threads in C++', 'no-threads.cpp', { flags: ['-fexceptions'] }),
  exits('memory', 'memory.c'),

  exits('C++ exceptions are caught', 'exceptions.cpp', { flags: ['-fexceptions'] }),
  exits('an exception that nobody catches', 'uncaught.cpp', { flags: ['-fexceptions'] }),
  exits('an exception that nobody can catch', 'uncaught.cpp'),
  exits('std::terminate', 'terminate.cpp'),
  ...both('static objects', 'static-objects.cpp'),
  exits('exit before main', 'exit-before-main.cpp'),
  exits('streams of C++', 'streams.cpp', { stdin: 'word 255' }),

  exits('JavaScript in C', 'em-js.c', { link: ['-sEXPORTED_FUNCTIONS=_main,_malloc,_free'] }),
  ...both("JavaScript's own timers", 'em-js-timers.c'),
  exits('JavaScript that throws', 'em-js-fails.c'),
  exits('scripts and logs', 'scripts.c'),
  exits('ccall and cwrap', 'ccall.c', { link: [CALLS] }),
  exits('function pointers', 'function-pointers.c', { link: [CALLS, '-sALLOW_TABLE_GROWTH=1'] }),
  exits('embind', 'embind.cpp', { link: ['-lembind'] }),
];
