// A sandbox: one running module, its functions and its heap. Everything that can go wrong inside the guest comes
// out of here as one of the errors of errors.ts, and leaves the ledger readable and other sandboxes untouched.

import type { WasmExports, WasmMemory } from '../binary/wasm-types.ts';
import {
  CorruptLedgerError,
  CxxExceptionError,
  DisposedError,
  ExitError,
  type Frame,
  HeaplineError,
  InvalidArgumentError,
  MissingRuntimeError,
  StackOverflowError,
  StateError,
  TrapError,
} from '../errors.ts';
import { faultError, formatFrames, type HeapFault } from '../frames/heap-fault.ts';
import { type HeapSnapshot, Ledger, layout } from '../heap/index.ts';
import {
  type CxxException,
  EventLoop,
  ExitSignal,
  exitSignalOf,
  Gate,
  type Guest,
  type GuestOptions,
  GuestStacks,
  HostStacks,
  isTrap,
  type Output,
  type RuntimeImports,
  readGuestStack,
  type ValueType,
} from '../host/index.ts';
import { ALLOCATION_FAMILY } from '../instrument/index.ts';
import { type LeakCapture, LeakFinder, PeakMeter } from '../leaks/index.ts';
import { platform } from '../platform/index.ts';
import { FunctionTable } from './function-table.ts';
import { Heap, type HeapHost } from './heap.ts';
import { HeapEvents } from './heap-events.ts';
import type { FunctionTypes, ModuleSymbols, PreparedModule } from './prepared-module.ts';
import { announceDisposal, registerSandbox, rememberDisposed, unregisterSandbox } from './registry.ts';

/** The functions of a guest by name. Pointers and integers are numbers; 64-bit integers come back as bigints. */
export type GuestExports = Record<string, (...args: (number | bigint)[]) => number>;

/** What a program left behind. */
export interface RunResult {
  /** What `main` returned, or the program passed to `exit`. */
  readonly exitCode: number;
  /**
   * False when `main` has returned and the program goes on: with Emscripten timers and a main loop keep it alive. Wait
   * for its end with `sandbox.finished()`.
   */
  readonly ended: boolean;
  /** All that the guest wrote so far, decoded as UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A toolchain that compiled a module. */
export interface ToolchainInfo {
  readonly name: string;
  readonly version: string;
}

/**
 * Which entries from JavaScript into the guest show their JavaScript stack: all below which the guest allocates, none,
 * or one of `every` of the former on average. The stacks in C, and all figures, are whole in any case.
 */
export type HostFrames = 'allocating' | 'off' | { readonly every: number };

/** How a sandbox is made; assembled by load.ts. */
export interface SandboxParts {
  readonly module: PreparedModule;
  readonly symbols: ModuleSymbols;
  readonly name: string;
  readonly path: string;
  readonly toolchain: ToolchainInfo | null;
  readonly warnings: readonly string[];
  readonly comments: readonly string[];
  /** Names to offer as `exports`, with their parameter types. */
  readonly functions: FunctionTypes;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly hostFrames: HostFrames;
  readonly freeContexts: boolean;
  readonly onError: 'record' | 'throw';
  readonly onFault: ((fault: HeapFault) => void) | undefined;
  readonly onExit: ((exitCode: number) => void) | undefined;
  readonly onCallbackError: ((error: unknown) => void) | undefined;
  /** Makes the instance with these imports, and calls back with its exports before anything of it runs. */
  instantiate(
    runtime: RuntimeImports,
    gate: Gate,
    loop: EventLoop,
    instantiated: GuestOptions['instantiated'],
  ): Promise<Guest>;
}

/** Milliseconds that libc may take to write what is left of a program that died. */
const RESCUE_TIME = 1000;

/** Whether a sandbox runs its program, waits for its timers after `main`, has run it, or never had one. */
type ProgramState = 'none' | 'ready' | 'running' | 'alive' | 'ended';

/**
 * One module in memory of its own. Calls into it are synchronous. After a trap, and after the program has ended,
 * its functions can still be called: what C keeps in memory is then in whatever state the program left it.
 */
export class Sandbox<Exports extends object = GuestExports> implements Disposable {
  /** The functions of the C sources. A wrong argument is an InvalidArgumentError, a trap a TrapError. */
  readonly exports: Exports;
  readonly heap: Heap;
  /** What compiled the module; null for a module that came compiled. */
  readonly toolchain: ToolchainInfo | null;
  /** Name of the module in profiles. */
  readonly name: string;
  /** Tells sandboxes of one process apart where their profiles are served together: `parser.c`, `parser.c#2`, … */
  readonly instance: string;

  readonly #parts: SandboxParts;
  readonly #guest: Guest;
  readonly #gate: Gate;
  readonly #ledger: Ledger;
  readonly #peaks: PeakMeter;
  readonly #leaks: LeakFinder;
  readonly #table: FunctionTable;
  readonly #loop: EventLoop;
  #program: ProgramState;
  #exitCode: number | null = null;
  #disposed = false;
  #atExit: HeapSnapshot | null = null;
  #leaksAtExit: LeakCapture | null = null;
  #afterExit = '';

  private constructor(parts: SandboxParts, guest: Guest, link: Link) {
    this.#parts = parts;
    this.#guest = guest;
    this.#gate = link.gate;
    this.#ledger = link.ledger!;
    this.#peaks = link.peaks!;
    this.#leaks = link.leaks!;
    this.#loop = link.loop;
    this.#loop.onTurn = () => this.#turned();
    this.#program = guest.hasMain ? 'ready' : 'none';
    this.toolchain = parts.toolchain;
    this.name = parts.name;

    const functions: Record<string, unknown> = Object.create(null);
    for (const [name, parameters] of parts.functions) {
      if (typeof guest.exports[name] === 'function') {
        functions[name] = this.#gate.wrap(name, guest.exports[name], parameters);
      }
    }
    this.exports = Object.freeze(functions) as Exports;

    this.#table = new FunctionTable(guest.exports, parts.module.signatures, this.#gate);

    this.heap = link.heap!;
    link.sandbox = {
      check: (name) => this.#check(name),
      exiting: () => this.#ending(true),
      exited: (code) => {
        if (!this.#loop.ended) this.#rescueOutput();
        this.#exited(code);
      },
      atExit: () => (this.#unchangedSinceExit() ? this.#atExit : null),
      leaksAtExit: () => (this.#unchangedSinceExit() ? this.#leaksAtExit : null),
    };
    this.instance = registerSandbox(this, parts.name);
  }

  /** @internal Use loadC() or loadWasm(). */
  static async open<Exports extends object>(parts: SandboxParts): Promise<Sandbox<Exports>> {
    const link = new Link(parts);
    let guest: Guest;
    try {
      guest = await parts.instantiate(link.imports, link.gate, link.loop, (exports, kept) =>
        link.instantiated(exports, kept),
      );
    } catch (error) {
      throw link.gate.failure(error, 'start', true);
    }
    let sandbox: Sandbox<Exports> | null = null;
    try {
      sandbox = new Sandbox<Exports>(parts, guest, link);
      link.gate.enter('_initialize', () => guest.initialize());
      return sandbox;
    } catch (error) {
      if (sandbox !== null) unregisterSandbox(sandbox);
      guest.dispose();
      throw error;
    }
  }

  /** The guest's linear memory. Its buffer is replaced whenever it grows. */
  get memory(): WasmMemory {
    this.#check('memory');
    return this.#guest.memory;
  }

  /**
   * The functions that C has pointers to. A function of the host's that C hands a callback to calls it by
   * `sandbox.table.get(pointer)(…)`, at once or later.
   */
  get table(): FunctionTable {
    this.#check('table');
    return this.#table;
  }

  /** All that the guest has written to its standard output so far. */
  get stdout(): string {
    return this.#parts.stdout.text();
  }

  /** All that the guest has written to its standard error so far. */
  get stderr(): string {
    return this.#parts.stderr.text();
  }

  /** What the compiler and the reading of debug information had to say. */
  get warnings(): readonly string[] {
    const { warnings, symbols } = this.#parts;
    return symbols.opened ? [...warnings, ...symbols.warnings, ...namesOnly(this.#parts)] : [...warnings];
  }

  /** True once dispose() was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** True once a call into the guest has trapped: what the calls that were cut off held is lost. */
  get trapped(): boolean {
    return this.#leaks.traps > 0;
  }

  /** True when the module has a `main`. */
  get hasMain(): boolean {
    return this.#guest.hasMain;
  }

  /** The status with which the guest has ended itself, by the end of its program or a call of `exit`; null until then. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  /**
   * Runs the program: `main` with the arguments given at load time, then the C library's teardown. A program runs
   * once. Its exit status is a result, not an error; a trap is a TrapError. With Emscripten a program may go on after
   * main: see `ended` of the result.
   */
  run(): RunResult {
    this.#check('run');
    switch (this.#program) {
      case 'none':
        throw new StateError(
          `${this.name} has no main(): it is a library. Call its functions through sandbox.exports.`,
        );
      case 'running':
        throw new StateError(`${this.name} is running: run() was called from inside its own main().`);
      case 'alive':
      case 'ended':
        throw new StateError(
          `${this.name} has run already, and C programs run once. Load it again to run it again.`,
        );
    }
    this.#program = 'running';
    let exitCode = 0;
    const run = (): void => {
      try {
        exitCode = this.#guest.runMain(() => this.#ending());
      } catch (error) {
        const exit = exitSignalOf(error);
        if (exit === null) {
          this.#rescueOutput();
          throw error;
        }
        this.#ending(false);
        exitCode = exit.exitCode;
      }
    };
    try {
      this.#gate.enter('main', run, this.run);
    } catch (error) {
      this.#loop.fail(error);
      this.#end();
      throw error;
    } finally {
      if (this.#gate.entry === null) this.#ledger.resetShadowStack();
    }
    if (this.#loop.alive) {
      this.#program = 'alive';
      this.#turned();
    } else {
      this.#end();
      this.#exited(exitCode);
    }
    return this.#result(exitCode);
  }

  /**
   * Waits until the guest does nothing more by itself: until its program has ended, no timer of it is left, and its main
   * loop is over. The result is that of the program. What stops a callback of the guest, such as a trap, is thrown
   * here.
   */
  async finished(): Promise<RunResult> {
    this.#check('finished');
    if (this.#gate.entry !== null) {
      throw new StateError(
        `finished() waits for ${this.name}, and was called while one of its functions is running.`,
      );
    }
    await this.#loop.drained();
    this.#check('finished');
    if (this.#program === 'alive') {
      this.#ending();
      this.#end();
      this.#exited(this.#loop.status ?? 0);
    }
    return this.#result(this.#exitCode ?? 0);
  }

  /**
   * @internal The engine has stopped a call into the guest without any `finally` on its way. The heap can be read; the
   * program is over.
   */
  abandon(): void {
    this.#gate.abandon(null);
    this.#loop.stop();
    if (this.#program !== 'none') this.#program = 'ended';
  }

  /** Contents of a file in the guest's file system, such as one that it wrote; null when there is none. */
  readFile(path: string): Uint8Array | null {
    this.#check('readFile');
    if (typeof path !== 'string') {
      throw new InvalidArgumentError('path', 'readFile() takes the path of a file of the guest.');
    }
    return this.#guest.readFile(path);
  }

  /** Frees the guest. Calling it again does nothing; everything else throws DisposedError from now on. */
  dispose(): void {
    if (this.#disposed) return;
    if (this.#gate.entry !== null) {
      throw new StateError(`${this.name} cannot be disposed of while one of its functions is running.`);
    }
    announceDisposal(this as unknown as Sandbox);
    this.#disposed = true;
    unregisterSandbox(this);
    rememberDisposed(this.#guest.memory);
    this.#gate.closed = (name) => disposedError(this.name, `${name}()`);
    this.#loop.stop();
    this.#guest.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * @internal The source frames of the instruction at this offset of the module's file, as the engine names places
   * in it; null where Heapline added the code, and outside of code.
   */
  codeFrames(fileOffset: number): readonly Frame[] | null {
    const site = this.#parts.module.instrumented.offsets.toOriginal(fileOffset);
    return site === null ? null : this.#parts.symbols.frames(site);
  }

  /** @internal Types of the parameters of a function in `exports`; null when there is none of that name. */
  parametersOf(name: string): readonly ValueType[] | null {
    return Object.hasOwn(this.exports, name) ? (this.#parts.functions.get(name) ?? null) : null;
  }

  #check(name: string): void {
    if (this.#disposed) throw disposedError(this.name, name);
  }

  // Called when main returns, when the guest calls exit, and before what outlived main is torn down: the last moment at
  // which the heap is the program's own. Leaks are looked for then and there, because libc's teardown and atexit functions
  // change what is reachable; it takes about a millisecond per megabyte in use.
  #ending(active = this.#program === 'alive' && this.#leaks.roots.stackInUse): void {
    if ((this.#program !== 'running' && this.#program !== 'alive') || this.#atExit !== null) return;
    try {
      this.#atExit = this.#peaks.snapshot();
      this.#leaksAtExit = this.#leaks.capture(0, active);
    } catch (error) {
      // The program has ruined its heap, which is no reason for run() to fail: whoever asks will hear of it. A module
      // that was linked without the scan has its profile all the same.
      if (!(error instanceof CorruptLedgerError || error instanceof MissingRuntimeError)) throw error;
    }
  }

  // Main or a callback has returned. If the program goes on, that was not its end yet.
  #turned(): void {
    if (this.#loop.ended) {
      if (this.#program === 'alive') this.#end();
      this.#exited(this.#loop.status ?? 0);
    } else if (this.#program === 'alive') {
      this.#atExit = null;
      this.#leaksAtExit = null;
    } else if (this.#program === 'none' && this.#loop.status !== null && !this.#loop.failed) {
      this.#rescueOutput();
      this.#exited(this.#loop.status);
    }
  }

  #end(): void {
    this.#program = 'ended';
    this.#afterExit = this.#fingerprint();
  }

  #exited(code: number): void {
    const first = this.#exitCode === null;
    this.#exitCode = code;
    if (first) this.#parts.onExit?.(code);
  }

  #result(exitCode: number): RunResult {
    return { exitCode, ended: this.#program !== 'alive', stdout: this.stdout, stderr: this.stderr };
  }

  #unchangedSinceExit(): boolean {
    return this.#atExit !== null && this.#program === 'ended' && this.#fingerprint() === this.#afterExit;
  }

  // What a program that died had printed and libc had not yet written. It may be in no state for this call: over memory
  // that the program has written over, libc may trap or loop.
  #rescueOutput(): void {
    const { fflush } = this.#guest.exports as { fflush?: (stream: number) => number };
    const { atMost } = platform();
    if (fflush === undefined || atMost === null) return;
    try {
      // A call that is stopped may have been writing, where nothing may enter.
      atMost(
        RESCUE_TIME,
        () => void fflush(0),
        () => {
          this.#gate.closed = null;
        },
      );
    } catch {}
  }

  // Equal as long as nobody has allocated or freed.
  #fingerprint(): string {
    const { allocObjects, allocBytes, liveObjects, liveBytes } = this.#ledger.uncheckedTotals();
    return `${allocObjects} ${allocBytes} ${liveObjects} ${liveBytes}`;
  }
}

function disposedError(sandbox: string, name: string): DisposedError {
  return new DisposedError(
    `${name} was used after the sandbox of ${sandbox} was disposed of. Load the module again, or dispose later.`,
  );
}

/** Says that the module was built without debug information, when it was; empty otherwise. */
function namesOnly({ symbols, functions, name }: SandboxParts): readonly string[] {
  return symbols.namesOnly(functions)
    ? [
        `${name} was built without debug info: its profiles have names only; compile with -g for files and lines`,
      ]
    : [];
}

// What a sandbox tells its heap and its guest's imports.
interface LinkedSandbox extends Pick<HeapHost, 'check' | 'atExit' | 'leaksAtExit'> {
  exiting(): void;
  exited(code: number): void;
}

// What the guest's imports and its gate need before there is a sandbox: instantiating may run C already.
class Link {
  readonly hostStacks: HostStacks;
  readonly events = new HeapEvents();
  readonly gate: Gate;
  readonly loop: EventLoop;
  readonly imports: RuntimeImports;
  ledger: Ledger | null = null;
  peaks: PeakMeter | null = null;
  leaks: LeakFinder | null = null;
  heap: Heap | null = null;
  sandbox: LinkedSandbox | null = null;

  constructor(private readonly parts: SandboxParts) {
    const { hostFrames } = parts;
    this.hostStacks = new HostStacks(typeof hostFrames === 'object' ? hostFrames.every : 1);
    this.gate = new Gate(
      (error, name, outermost) => this.#failure(error, name, outermost),
      hostFrames === 'off' ? null : this.hostStacks,
      (error) => this.#emptied(error),
    );
    this.loop = new EventLoop({
      read: (error) => this.#callbackError(error),
      report: parts.onCallbackError,
    });
    this.imports = {
      host_stack: (inner) => this.gate.hostStack(inner),
      fault: (record) => this.#fault(record),
      exiting: () => this.sandbox?.exiting(),
      trace() {},
    };
  }

  /** Finds the heap of a new instance and tells its runtime what to record, before any C code has run. */
  instantiated(exports: WasmExports, kept: ReadonlySet<number> = new Set()): void {
    const { hostFrames, freeContexts, name, path, comments } = this.parts;
    const { instrumented, roots } = this.parts.module;
    this.ledger = new Ledger(
      exports.memory as WebAssembly.Memory,
      instrumented.runtimeAddress,
      instrumented.shadowAddress,
      exports,
    );
    this.ledger.startCounting();
    this.ledger.isSite = (site) => this.#isSite(site);
    this.gate.stacks = new GuestStacks(this.ledger, exports.__stack_pointer);
    this.gate.exceptions.attach(exports, this.gate);
    (exports.heapline_set_flags as ((flags: number) => void) | undefined)?.(
      (hostFrames === 'off' ? 0 : layout.FLAG_HOST_FRAMES) | (freeContexts ? layout.FLAG_FREE_CONTEXTS : 0),
    );
    this.peaks = new PeakMeter(this.ledger, exports);
    this.leaks = new LeakFinder(roots, {
      ledger: this.ledger,
      exports,
      program: name,
      active: () => this.gate.entry !== null,
      kept,
      contextStacks: () => this.heap!.contextStacks(),
    });
    this.heap = new Heap({
      gate: this.gate,
      ledger: this.ledger,
      peaks: this.peaks,
      hostStacks: this.hostStacks,
      exports,
      module: { name, path, codeSize: instrumented.statistics.originalCodeSize },
      comments: () => [...comments, ...namesOnly(this.parts)],
      events: this.events,
      check: (method) => this.sandbox?.check(method),
      symbols: this.parts.symbols,
      atExit: () => this.sandbox?.atExit() ?? null,
      leaks: this.leaks,
      leaksAtExit: () => this.sandbox?.leaksAtExit() ?? null,
    });
  }

  #isSite(site: number): boolean {
    if (site === layout.SITE_TRUNCATED) return true;
    if (site >= layout.SITE_HOST_FLAG) return this.hostStacks.has(site - layout.SITE_HOST_FLAG);
    return this.parts.module.isCallSite(site);
  }

  #fault(address: number): void {
    if (this.ledger === null) return;
    const event = this.events.take(address >>> 0, this.ledger);
    if (event === null) return;
    const { onError, onFault } = this.parts;
    if (this.heap === null || (onError !== 'throw' && onFault === undefined)) return;
    const fault = this.heap.describeFault(event);
    onFault?.(fault);
    if (onError === 'throw') throw faultError(fault);
  }

  // No frame of the guest is left. Its main loop leaves main by an exception, and main's variables in memory live on.
  #emptied(error: unknown): void {
    this.ledger?.resetShadowStack();
    if (error !== UNWIND) this.leaks?.roots.emptyStack();
  }

  #failure(error: unknown, name: string, outermost: boolean): unknown {
    if (outermost) this.#emptied(error);
    const exit = exitSignalOf(error);
    if (exit !== null) {
      this.sandbox?.exited(exit.exitCode);
      return new ExitError(
        exit.exitCode,
        `The guest ended itself with status ${exit.exitCode} while ${name}() was called.`,
      );
    }
    if (error instanceof HeaplineError) return error;
    const exception = this.gate.exceptions.take(error);
    // What may catch may clean up, too: such an exception has lost nothing on its way.
    const lost = exception === null ? isTrap(error) : !(exception.catchable && exception.thrown !== null);
    if (this.leaks !== null && lost) this.leaks.traps++;
    if (exception !== null) {
      const frames = this.#framesAt(exception.offsets);
      const message = exceptionMessage(exception, name, frames);
      const { thrown } = exception;
      return thrown === null
        ? new TrapError(message, frames, { cause: error })
        : new CxxExceptionError(message, thrown.type, thrown.what, frames, { cause: error });
    }
    if (!isTrap(error)) return error;
    const { offsets, names, thrownByGuest } = readGuestStack(error);
    if (offsets.length + names.length === 0 || (error instanceof RangeError && !thrownByGuest)) return error;
    const frames = offsets.length > 0 ? this.#framesAt(offsets) : names.map(namedFrame);
    return (
      this.#stackOverflow(error, name, frames) ??
      new TrapError(trapMessage(error.message, name, frames), frames, { cause: error })
    );
  }

  // V8 says that the engine's stack is used up. Of the C stack it knows nothing: there the stack pointer tells, which
  // is past the end. Functions that call nothing do not move it, so it may be short of the end by as much as those take.
  #stackOverflow(error: Error, name: string, frames: readonly Frame[]): StackOverflowError | null {
    const bounds = this.leaks?.roots.stack ?? null;
    const limit = bounds === null ? null : bounds.start - bounds.end;
    const make = (stack: 'c' | 'engine', reason: string): StackOverflowError =>
      new StackOverflowError(trapMessage(reason, name, frames), stack, limit, frames, { cause: error });
    if (error instanceof RangeError) return make('engine', ENGINE_STACK_OVERFLOW);
    const pointer = this.gate.stacks?.pointerAt(error) ?? null;
    const isPast = bounds !== null && pointer !== null && pointer < bounds.end + LEAF_FRAME;
    // Emscripten's own check: ASSERTIONS, STACK_OVERFLOW_CHECK.
    if (!isPast && !/^Aborted\(.*stack overflow/is.test(error.message)) return null;
    const size = limit === null ? '' : ` of ${formatSize(limit)}`;
    const how =
      this.parts.toolchain === null
        ? 'link the module with a larger one (-Wl,-z,stack-size=…; with Emscripten -sSTACK_SIZE=…)'
        : 'raise it with the option stackSize (--stack-size for the heapline command)';
    const data =
      bounds !== null && bounds.end > 0
        ? ' The data below it have been written over: link with -Wl,--stack-first, and it traps at its end.'
        : '';
    return make('c', `stack overflow: the C stack${size} is used up; recurse less, or ${how}.${data}`);
  }

  // What comes out of a callback that no call of the host's waits for. Emscripten leaves callbacks by exceptions, too.
  #callbackError(error: unknown): unknown {
    const exit = exitSignalOf(error);
    if (exit === null && error !== UNWIND) return this.#failure(error, 'a callback', true);
    this.ledger?.resetShadowStack();
    // Glue that does not say when the runtime has ended.
    if (error instanceof ExitSignal) this.loop.end(error.exitCode);
    return null;
  }

  #framesAt(offsets: readonly number[]): Frame[] {
    return offsets.flatMap((offset, index) => {
      const site = this.parts.module.instrumented.offsets.toOriginal(offset);
      // Without an original place it is a thunk that Heapline added.
      return site === null || (index > 0 && this.parts.symbols.isStartUp(site))
        ? []
        : this.parts.symbols.frames(site);
    });
  }
}

/** A frame of which an engine tells no more than the function's name. */
function namedFrame(name: string): Frame {
  return {
    function: name,
    linkageName: name,
    file: '',
    line: 0,
    column: 0,
    startLine: 0,
    inlined: false,
    language: 'c',
  };
}

/** What Emscripten throws to leave C that is to be called again later. */
const UNWIND = 'unwind';

const FAMILY: ReadonlySet<string> = new Set(ALLOCATION_FAMILY);

/** Bytes that a function which calls nothing may use below the stack pointer (LLVM's red zone). */
const LEAF_FRAME = 128;

const ENGINE_STACK_OVERFLOW =
  "stack overflow: the JavaScript engine's own stack is used up, on which it keeps return addresses and local " +
  'variables of C, too; recurse less, or run Node.js with a larger one (node --stack-size=…, resourceLimits.stackSizeMb ' +
  'of a worker). The C stack is not, and stackSize changes nothing.';

function formatSize(bytes: number): string {
  const unit = bytes % 2 ** 20 === 0 ? 20 : bytes % 2 ** 10 === 0 ? 10 : 0;
  return `${bytes / 2 ** unit} ${unit === 20 ? 'MiB' : unit === 10 ? 'KiB' : 'bytes'}`;
}

function trapMessage(text: string, name: string, frames: readonly Frame[]): string {
  return `The guest trapped in ${trapPlace(frames) ?? `${name}()`}: ${reasonOf(text)}${formatFrames(frames)}`;
}

function exceptionMessage(
  { catchable, thrown }: CxxException,
  name: string,
  frames: readonly Frame[],
): string {
  const what = thrown === null ? 'an exception' : thrown.type;
  const text = thrown === null || thrown.what === null ? '' : `: ${thrown.what}`;
  const advice = catchable
    ? ''
    : '\n  Nothing in there can: with Emscripten, C++ catches only what is compiled and linked with -fexceptions';
  const end = text === '' && frames.length === 0 && catchable ? '.' : '';
  return `${name}() threw ${what}, which nothing in the guest caught${text}${advice}${end}${formatFrames(frames)}`;
}

/** Where it trapped. In the allocator, that is the function of the user's that called it, too. */
function trapPlace(frames: readonly Frame[]): string | null {
  const [innermost] = frames;
  if (innermost === undefined) return null;
  const door = frames.findIndex((frame) => !frame.function.startsWith('hl_'));
  const caller = frames[door + 1];
  return door >= 0 && caller !== undefined && FAMILY.has(frames[door]!.function)
    ? `${frames[door]!.function}(), called by ${caller.function}()`
    : `${innermost.function}()`;
}

// Emscripten's abort() adds advice about its own linker flags.
function reasonOf(text: string): string {
  return text.replace(/\s*Build with -s ?ASSERTIONS.*$/s, '');
}
