// The life of a guest's program: from before its constructors have run, through main and the timers that outlive
// main, to its end. At the end the heap is captured before libc tears itself down, because libc's teardown and atexit
// functions change what is reachable. What was captured answers questions about the heap until the heap changes
// again.

import { CorruptLedgerError, MissingRuntimeError, StateError, TimeoutError } from '../errors.ts';
import type { HeapSnapshot, Ledger } from '../heap/index.ts';
import { exitSignalOf, type Guest } from '../host/index.ts';
import type { LeakCapture, LeakFinder, PeakMeter } from '../leaks/index.ts';
import { platform } from '../platform/index.ts';
import type { Boundary } from './boundary.ts';

/** What a program left behind. */
export interface RunResult {
  /** What `main` returned, or what the program passed to `exit`. */
  readonly exitCode: number;
  /**
   * False when `main` has returned and the program goes on, as timers and a main loop allow with Emscripten. Wait for
   * the end with `sandbox.finished()`.
   */
  readonly ended: boolean;
  /** Everything that the guest has written to its standard output so far, decoded as UTF-8. */
  readonly stdout: string;
  /** Everything that the guest has written to its standard error so far, decoded as UTF-8. */
  readonly stderr: string;
}

/** The heap as the program left it. */
export interface HeapAtEnd {
  readonly snapshot: HeapSnapshot;
  /** Null when the leaks could not be searched for: the module has no scan, or its heap is ruined. */
  readonly leaks: LeakCapture | null;
}

/** What a program needs of the session that it runs in. */
export interface ProgramHost {
  /** Name of the module, for messages. */
  readonly name: string;
  readonly guest: Guest;
  readonly boundary: Boundary;
  readonly ledger: Ledger;
  readonly peaks: PeakMeter;
  readonly leaks: LeakFinder;
  readonly onExit: ((exitCode: number) => void) | undefined;
}

/**
 * - `starting`: the constructors that run with instantiation have not returned yet
 * - `none`: there is no main
 * - `ready`: main has not been called
 * - `running`: main is running
 * - `alive`: main has returned, and timers keep the program alive
 * - `ended`: the program is over
 */
type State = 'starting' | 'none' | 'ready' | 'running' | 'alive' | 'ended';

/** Milliseconds that libc may take to write the remaining output of a program that died. */
const RESCUE_TIME = 1000;

export class Program {
  readonly #host: ProgramHost;
  #state: State = 'starting';
  #exitCode: number | null = null;
  #atEnd: HeapAtEnd | null = null;
  /** The counters of the heap when the program had ended. */
  #countersAtEnd = '';

  constructor(host: ProgramHost) {
    this.#host = host;
  }

  /** The status with which the guest has ended itself; null until then. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** The heap as the program left it; null before its end, and once the heap has changed again. */
  get atEnd(): HeapAtEnd | null {
    if (this.#atEnd === null || this.#state !== 'ended') return null;
    return this.#counters() === this.#countersAtEnd ? this.#atEnd : null;
  }

  save(): () => void {
    const [state, exitCode, atEnd, counters] = [
      this.#state,
      this.#exitCode,
      this.#atEnd,
      this.#countersAtEnd,
    ];
    return () => {
      this.#state = state;
      this.#exitCode = exitCode;
      this.#atEnd = atEnd;
      this.#countersAtEnd = counters;
    };
  }

  /** The instance is complete: from now on its ends and its callbacks count. */
  started(): void {
    const { guest, boundary } = this.#host;
    this.#state = guest.hasMain ? 'ready' : 'none';
    boundary.loop.onTurn = () => this.#turned();
  }

  /**
   * Runs main.
   * @param entry the host's function through which main is entered: host stacks start above it
   */
  run(entry: () => unknown): RunResult {
    this.#checkReady();
    const { boundary, ledger } = this.#host;
    const { gate, loop } = boundary;
    this.#state = 'running';
    let exitCode = 0;
    try {
      gate.enter(
        'main',
        () => {
          exitCode = this.#runMain();
        },
        entry,
      );
    } catch (error) {
      // The engine has stopped #runMain() as well.
      if (error instanceof TimeoutError) this.#rescueOutput();
      loop.fail(error);
      this.#end();
      throw error;
    } finally {
      if (gate.entry === null) ledger.resetShadowStack();
    }
    if (loop.alive) {
      this.#state = 'alive';
      this.#turned();
    } else {
      this.#end();
      this.#exited(exitCode);
    }
    return this.#result(exitCode);
  }

  #checkReady(): void {
    const { name } = this.#host;
    switch (this.#state) {
      case 'none':
        throw new StateError(
          `${name} has no main(): it is a library. Call its functions through sandbox.exports.`,
        );
      case 'running':
        throw new StateError(`${name} is running: run() was called from inside its own main().`);
      case 'alive':
      case 'ended':
        throw new StateError(
          `${name} has run already, and C programs run once. Load it again to run it again.`,
        );
    }
  }

  #runMain(): number {
    try {
      return this.#host.guest.runMain(() => this.ending());
    } catch (error) {
      const exit = exitSignalOf(error);
      if (exit === null) {
        this.#rescueOutput();
        throw error;
      }
      this.ending(false);
      return exit.exitCode;
    }
  }

  /**
   * The result of the program once nothing of it is pending. @param isOpen throws when the sandbox was disposed of
   */
  async finished(isOpen: () => void): Promise<RunResult> {
    const { boundary, name } = this.#host;
    if (boundary.gate.entry !== null) {
      throw new StateError(
        `finished() waits for ${name}, and was called while one of its functions is running.`,
      );
    }
    await boundary.loop.drained();
    isOpen();
    if (this.#state === 'alive') {
      this.ending();
      this.#end();
      this.#exited(boundary.loop.status ?? 0);
    }
    return this.#result(this.#exitCode ?? 0);
  }

  /**
   * Captures the heap. Called when main returns, when the guest calls exit, and before what outlived main is torn
   * down: the last moment at which the heap is the program's own. Takes about a millisecond per megabyte in use.
   * @param active whether functions of the program still use the C stack
   */
  ending(active = this.#state === 'alive' && this.#host.leaks.roots.stackInUse): void {
    if ((this.#state !== 'running' && this.#state !== 'alive') || this.#atEnd !== null) return;
    const { peaks, leaks } = this.#host;
    try {
      const snapshot = peaks.snapshot();
      // A module that was linked without the scan still has its profile.
      this.#atEnd = { snapshot, leaks: null };
      this.#atEnd = { snapshot, leaks: leaks.capture(0, active) };
    } catch (error) {
      // The program has ruined its heap. That is no reason for run() to fail: whoever asks about the heap is told.
      if (!(error instanceof CorruptLedgerError || error instanceof MissingRuntimeError)) throw error;
    }
  }

  /** A call from the host has ended with an exit of the guest. */
  exitedByCall(exitCode: number): void {
    if (this.#state === 'starting') return;
    if (!this.#host.boundary.loop.ended) this.#rescueOutput();
    this.#exited(exitCode);
  }

  /** The engine has stopped a call into the guest: the program is over. */
  abandon(): void {
    if (this.#state !== 'none') this.#state = 'ended';
  }

  // Main or a callback has returned. If the program goes on, that was not its end yet.
  #turned(): void {
    const { loop } = this.#host.boundary;
    if (loop.ended) {
      if (this.#state === 'alive') this.#end();
      this.#exited(loop.status ?? 0);
    } else if (this.#state === 'alive') {
      this.#atEnd = null;
    } else if (this.#state === 'none' && loop.status !== null && !loop.failed) {
      this.#rescueOutput();
      this.#exited(loop.status);
    }
  }

  #end(): void {
    this.#state = 'ended';
    this.#countersAtEnd = this.#counters();
  }

  #exited(code: number): void {
    const first = this.#exitCode === null;
    this.#exitCode = code;
    if (first) this.#host.onExit?.(code);
  }

  #result(exitCode: number): RunResult {
    const { stdout, stderr } = this.#host.boundary;
    return { exitCode, ended: this.#state !== 'alive', stdout: stdout.text(), stderr: stderr.text() };
  }

  // Writes what a program that died had printed and libc had not yet written. The program may be in no state for this
  // call: libc may trap or loop over memory that the program has written over.
  #rescueOutput(): void {
    const { guest, boundary } = this.#host;
    const { fflush } = guest.exports as { fflush?: (stream: number) => number };
    const { atMost } = platform();
    if (fflush === undefined || atMost === null) return;
    try {
      // A call that is stopped may have been writing, where nothing may enter.
      atMost(
        RESCUE_TIME,
        () => void fflush(0),
        () => {
          boundary.gate.closed = null;
        },
      );
    } catch {
      // The program's own failure is the one to report.
    }
  }

  // Equal as long as nobody has allocated or freed.
  #counters(): string {
    const { allocObjects, allocBytes, liveObjects, liveBytes } = this.#host.ledger.uncheckedTotals();
    return `${allocObjects} ${allocBytes} ${liveObjects} ${liveBytes}`;
  }
}
