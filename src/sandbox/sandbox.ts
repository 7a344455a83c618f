// A sandbox: one running module, its functions and its heap, as the user sees them. A failure inside the guest reaches
// the user as one of the errors of errors.ts; the ledger stays readable, and other sandboxes are not affected. The
// session holds the state.

import type { WasmMemory } from '../binary/wasm-types.ts';
import type { ViewFunction } from '../c-types/index.ts';
import { InvalidArgumentError, StateError } from '../errors.ts';
import type { Frame } from '../frames/index.ts';
import type { RawFunction, ValueType } from '../host/index.ts';
import { type CallLimits, runWithin } from './call-limits.ts';
import type { FunctionTable } from './function-table.ts';
import { GuestViews } from './guest-views.ts';
import { Heap } from './heap.ts';
import type { RunResult } from './program.ts';
import { announceDisposal, registerSandbox, rememberDisposed, unregisterSandbox } from './registry.ts';
import { type Instantiate, Session, type SessionOptions } from './session.ts';
import { restoreTo, type SandboxSnapshot, snapshotOf } from './snapshot.ts';
import { type Subject, type ToolchainInfo, warningsAbout } from './subject.ts';

/**
 * The functions of a guest by name, when nobody has declared their types. Pointers and integers are numbers; 64-bit
 * integers are bigints. A function without a result returns undefined.
 */
export type GuestExports = Record<string, (...args: (number | bigint)[]) => GuestResult>;

/** The result of a function of which only WebAssembly's types are known. */
export type GuestResult = number | bigint | undefined;

/** The types that sandbox.view() reads, by their names in C, when nobody has declared them. */
// biome-ignore lint/suspicious/noExplicitAny: until `heapline types` has declared them, views have any fields, and one sandbox is as good as another
export type GuestTypes = any;

/**
 * One module in memory of its own. Calls into it are synchronous. After a trap, and after the program has ended,
 * its functions can still be called: what C keeps in memory is then in whatever state the program left it.
 */
export class Sandbox<Exports extends object = GuestExports, Types extends object = GuestTypes>
  implements Disposable
{
  /** The functions of the C sources. A wrong argument throws an InvalidArgumentError, a trap throws a TrapError. */
  readonly exports: Exports;
  /** The guest's heap: allocations from JavaScript, statistics, profiles and leaks. */
  readonly heap: Heap;
  /** What compiled the module; null for a module that came compiled. */
  readonly toolchain: ToolchainInfo | null;
  /** Name of the module in profiles. */
  readonly name: string;
  /** Tells sandboxes of one process apart where their profiles are served together: `parser.c`, `parser.c#2`, … */
  readonly instance: string;

  /**
   * What C has at this address, read by the debug information: for a struct, union or class a view whose fields are read
   * from memory whenever they are asked for, for any other type its value. Types are named as in C: `struct node`,
   * `node_t`, `char *`, `struct point[4]`. Integers of 64 bits are bigints; arrays of char, and pointers to char, are
   * texts; a pointer is a number, to be viewed in turn. Throws for a type that the module does not have, for NULL, and
   * for memory that is freed. In `heapline/core` and `heapline/browser`, call `await loadViews()` before.
   * @param type the name of the type
   * @param pointer the address, as C returned it
   */
  readonly view: ViewFunction<Types>;

  readonly #session: Session;
  readonly #views: GuestViews;

  private constructor(session: Session) {
    this.#session = session;
    const { name, toolchain } = session.subject;
    this.name = name;
    this.toolchain = toolchain;
    this.exports = functionsOf(session) as Exports;
    this.heap = new Heap(session);
    this.#views = new GuestViews(session);
    this.view = ((type: string, pointer: number) => this.#views.view(type, pointer)) as ViewFunction<Types>;
    this.instance = registerSandbox(this, name);
  }

  /** @internal Use loadC() or loadWasm(). */
  static async open<Exports extends object, Types extends object>(
    subject: Subject,
    options: SessionOptions,
    instantiate: Instantiate,
  ): Promise<Sandbox<Exports, Types>> {
    const session = await Session.open(subject, options, instantiate);
    let sandbox: Sandbox<Exports, Types> | null = null;
    try {
      sandbox = new Sandbox<Exports, Types>(session);
      session.initialize();
      return sandbox;
    } catch (error) {
      if (sandbox !== null) unregisterSandbox(sandbox);
      session.guest.dispose();
      throw error;
    }
  }

  /** @internal A sandbox of a session that other code has made complete. */
  static around<Exports extends object>(session: Session): Sandbox<Exports> {
    return new Sandbox<Exports>(session);
  }

  /** @internal The state behind this view. */
  get session(): Session {
    return this.#session;
  }

  /** The guest's linear memory. Its buffer is replaced whenever it grows. */
  get memory(): WasmMemory {
    this.#session.check('memory');
    return this.#session.guest.memory;
  }

  /**
   * The functions that C has pointers to. A host function that C gives a callback calls it by
   * `sandbox.table.get(pointer)(…)`, at once or later.
   */
  get table(): FunctionTable {
    this.#session.check('table');
    return this.#session.table;
  }

  /**
   * The values of an enumeration by their names: `sandbox.enumerators('enum color').RED`. They are numbers, or bigints
   * for an enumeration of 64 bits.
   */
  enumerators(type: string): Readonly<Record<string, number | bigint>> {
    this.#session.check('enumerators');
    return this.#views.enumerators(type);
  }

  /** Everything that the guest has written to its standard output so far. */
  get stdout(): string {
    return this.#session.boundary.stdout.text();
  }

  /** Everything that the guest has written to its standard error so far. */
  get stderr(): string {
    return this.#session.boundary.stderr.text();
  }

  /** Warnings of the compiler, and of the debug information once somebody has looked at a stack. */
  get warnings(): readonly string[] {
    return warningsAbout(this.#session.subject);
  }

  /** True once dispose() was called. */
  get disposed(): boolean {
    return this.#session.disposed;
  }

  /** True once a call into the guest has trapped, or was stopped because it took too long: blocks that only the interrupted calls pointed to are lost. */
  get trapped(): boolean {
    return this.#session.leaks.traps > 0;
  }

  /** True when the module has a `main`. */
  get hasMain(): boolean {
    return this.#session.guest.hasMain;
  }

  /** The status with which the guest has ended itself, by the end of its program or by calling `exit`; null before. */
  get exitCode(): number | null {
    return this.#session.program.exitCode;
  }

  /**
   * Runs the program: `main` with the arguments given at load time, then the C library's teardown. A program runs
   * once. Its exit status is a result, not an error; a trap throws a TrapError. With Emscripten a program may go on
   * after main: see `ended` of the result.
   */
  run(): RunResult {
    this.#session.check('run');
    return this.#session.program.run(this.run);
  }

  /**
   * Waits until the guest does nothing more by itself: its program has ended, none of its timers is pending, and its main
   * loop is over. Returns the result of the program. An error that stops a callback of the guest, such as a TrapError, is
   * thrown here. When the limits are over, its timers are cancelled, and the promise is rejected.
   */
  async finished(limits: CallLimits = {}): Promise<RunResult> {
    const isOpen = (): void => this.#session.check('finished');
    isOpen();
    return runWithin(this.#session, 'finished', limits, () => this.#session.program.finished(isOpen));
  }

  /**
   * Runs work within limits of its own: calls into the guest that take longer are stopped with a TimeoutError, and the
   * guest can be called again. The limit of the option timeout does not count meanwhile. The time is that of the whole
   * work, and the engine stops JavaScript as well, without its `finally`. When the result of the work is a promise, the
   * promise that is returned is rejected at the end of the time, or when the signal is aborted; timers of the guest are
   * cancelled then.
   */
  within<T>(limits: CallLimits, work: () => PromiseLike<T>): Promise<T>;
  within<T>(limits: CallLimits, work: () => T): T;
  within<T>(limits: CallLimits, work: () => T | PromiseLike<T>): T | Promise<T> {
    this.#session.check('within');
    return runWithin(this.#session, 'within', limits, work);
  }

  /** @internal The engine has stopped a call into the guest without any `finally` on its way: the program is over. */
  abandon(): void {
    this.#session.abandon();
  }

  /** Contents of a file in the guest's file system, such as a file that the guest wrote; null when there is none. */
  readFile(path: string): Uint8Array | null {
    this.#session.check('readFile');
    if (typeof path !== 'string') {
      throw new InvalidArgumentError('path', 'readFile() takes the path of a file of the guest.');
    }
    return this.#session.guest.readFile(path);
  }

  /**
   * Saves the state of the guest: memory, globals, tables, files, descriptors, the ledger of its heap, and what was
   * printed. No function of the guest may be running, no timer may be pending, and its files must be in memory.
   */
  snapshot(): SandboxSnapshot {
    this.#session.check('snapshot');
    return snapshotOf(this.#session);
  }

  /**
   * Makes the guest what it was at the snapshot, as often as wanted: addresses, statistics, profiles, leaks and files are as
   * before, and a program can run again. Pointers and marks of the heap that are newer than the snapshot mean nothing
   * afterwards.
   */
  restore(snapshot: SandboxSnapshot): void {
    this.#session.check('restore');
    restoreTo(this.#session, snapshot);
  }

  /** Frees the guest. Calling it again does nothing; everything else throws DisposedError from now on. */
  dispose(): void {
    const session = this.#session;
    if (session.disposed) return;
    if (session.gate.entry !== null) {
      throw new StateError(`${this.name} cannot be disposed of while one of its functions is running.`);
    }
    announceDisposal(this as unknown as Sandbox);
    unregisterSandbox(this);
    rememberDisposed(session.guest.memory);
    session.dispose();
  }

  /** Calls dispose(), for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * @internal The source frames of the instruction at this offset of the instrumented file, as the engine reports it;
   * null where Heapline added the code, and outside of code.
   */
  codeFrames(fileOffset: number): readonly Frame[] | null {
    const { module, symbols } = this.#session.subject;
    const site = module.instrumented.offsets.toOriginal(fileOffset);
    return site === null ? null : symbols.frames(site);
  }

  /** @internal Types of the parameters of a function in `exports`; null when there is none of that name. */
  parametersOf(name: string): readonly ValueType[] | null {
    return Object.hasOwn(this.exports, name) ? (this.#session.subject.functions.get(name) ?? null) : null;
  }
}

/** The functions to offer, each with its wrapper. */
function functionsOf({ guest, subject, gate }: Session): object {
  const functions: Record<string, unknown> = Object.create(null);
  for (const [name, parameters] of subject.functions) {
    const raw = guest.exports[name];
    if (typeof raw === 'function')
      functions[name] = gate.wrap(name, gate.limited(raw as RawFunction), parameters);
  }
  return Object.freeze(functions);
}
