// Everything that stands between the host and one guest, and that exists before the guest does: the gate, host
// stacks, the event loop, the three standard streams, and the functions that the runtime imports. An instance needs
// its imports before there is an instance, and instantiating may run its code already. Therefore the boundary is
// complete on its own. It passes what happens in the guest on to a listener: at first to one that knows no instance,
// and to the session as soon as there is one.

import { PlatformError, TimeoutError } from '../errors.ts';
import {
  EventLoop,
  ExitSignal,
  exitSignalOf,
  Gate,
  type GuestStack,
  HostStacks,
  Input,
  type InputReader,
  isTrap,
  Output,
  prepareToInterrupt,
} from '../host/index.ts';
import { platform } from '../platform/index.ts';
import type { RuntimeImports, RuntimeTestImports } from '../runtime/index.ts';
import { GuestErrors } from './guest-errors.ts';
import type { Subject } from './subject.ts';

/**
 * Which entries from JavaScript into the guest show their JavaScript stack: all below which the guest allocates,
 * none, on average one of `every` such entries, or as many as a `budget` of time allows. The stacks in C and all figures
 * are complete in each case.
 */
export type HostFrames = 'allocating' | 'off' | HostFramesSampling | HostFramesBudget;

/** Shows the JavaScript stack of one entry in so many. */
export interface HostFramesSampling {
  /** How many entries there are, on average, to each one that shows its stack. */
  readonly every: number;
}

/** Shows JavaScript stacks as long as capturing them takes no more than a share of the time in which the thread is busy. */
export interface HostFramesBudget {
  /**
   * The share, such as 0.02 for 2 %. Entries beyond it show the frame `[JavaScript not captured]`. Time without entries
   * counts for a tenth of a second only.
   */
  readonly budget: number;
}

/** What a boundary is made with. */
export interface BoundaryOptions {
  readonly hostFrames: HostFrames;
  readonly stdin: Uint8Array | InputReader;
  readonly onStdout: ((bytes: Uint8Array) => void) | undefined;
  readonly onStderr: ((bytes: Uint8Array) => void) | undefined;
  readonly onCallbackError: ((error: unknown) => void) | undefined;
  /** Most milliseconds that a call from outside may take; undefined for no limit. */
  readonly timeout: number | undefined;
  /** The guest runs in JavaScript that is not Heapline's, and that receives all errors of the guest. */
  readonly attached: boolean;
}

/** Hears what happens inside a guest. */
export interface GuestListener {
  /** The runtime has written down a heap fault or a failed allocation. @param record address of the record */
  recorded(record: number): void;
  /** The runtime asks for a point of the timeline. Returns how many bytes are to be allocated until the next one. */
  pointDue(): number;
  /** Called when the host enters the guest, no function of which is running; null when nobody wants to know. */
  readonly entered: (() => void) | null;
  /** The guest calls `exit`. */
  exiting(): void;
  /** A call by JavaScript that is not Heapline's has trapped. */
  trapped(): void;
  /**
   * No frame of the guest is left on the engine's stack.
   * @param mainLivesOn `main` was left by an exception and its variables in memory stay in use
   */
  emptied(mainLivesOn: boolean): void;
  /** Makes the error that the host sees out of what the guest threw while its function `name` was called. */
  failure(error: unknown, name: string): unknown;
}

/** What Emscripten throws to leave C that is to be called again later, such as a `main` with a main loop. */
const UNWIND = 'unwind';

/** The host's side of one guest. */
export class Boundary {
  readonly hostStacks: HostStacks;
  readonly gate: Gate;
  readonly loop: EventLoop;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The functions that the C runtime imports. */
  readonly runtime: RuntimeImports & RuntimeTestImports;
  /** Reads what the guest throws. */
  readonly errors: GuestErrors;
  #listener: GuestListener;

  constructor(subject: Subject, options: BoundaryOptions) {
    const { hostFrames, stdin, onStdout, onStderr, onCallbackError, attached, timeout } = options;
    if (timeout !== undefined) {
      checkThatCallsCanBeStopped();
      prepareToInterrupt();
    }
    this.hostStacks = hostStacksBy(hostFrames);
    this.gate = new Gate(
      (error, name, outermost) => this.#failure(error, name, outermost),
      hostFrames === 'off' ? null : this.hostStacks,
      (error) => {
        this.#listener.emptied(error === UNWIND);
        if (attached && (isTrap(error) || error instanceof TimeoutError)) this.#listener.trapped();
      },
      timeout === undefined
        ? null
        : {
            milliseconds: timeout,
            late: (stack) => this.late(timeout, stack, 'the option timeout'),
          },
    );
    this.loop = new EventLoop({
      read: (error) => this.#callbackError(error),
      report: onCallbackError,
    });
    this.stdin = new Input(typeof stdin === 'function' ? this.#aside(stdin) : stdin);
    this.stdout = new Output(onStdout && this.#aside(onStdout));
    this.stderr = new Output(onStderr && this.#aside(onStderr));
    this.runtime = {
      host_stack: attached ? (inner) => this.#attachedStack(inner) : (inner) => this.gate.hostStack(inner),
      fault: (record) => this.#listener.recorded(record >>> 0),
      point: () => this.#listener.pointDue(),
      exiting: () => this.#listener.exiting(),
      // Objects that are built for tests import it, and older objects, too.
      trace() {},
    };
    this.errors = new GuestErrors(subject);
    this.#listener = new NoInstance(this.errors, this.gate);
  }

  /** From now on this listener hears what happens, instead of the one before it. */
  listen(listener: GuestListener): void {
    this.#listener = listener;
    this.gate.entered = listener.entered;
  }

  // JavaScript that is not Heapline's enters without the gate. The runtime asks for the stack of each entry below which
  // the guest allocates.
  #attachedStack(inner: number): number {
    this.#listener.entered?.();
    return this.gate.hostStack(inner);
  }

  /** The error of a call that took too long. @param limit what allows so many milliseconds */
  late(milliseconds: number, stack: GuestStack | null, limit: string): TimeoutError {
    return this.errors.late(milliseconds, this.gate.entry?.name ?? 'start', stack, limit);
  }

  /** A listener of the host that the guest calls in the middle of a read or write. */
  #aside<Given, Result>(listener: (given: Given) => Result): (given: Given) => Result {
    return (given) => this.gate.aside(() => listener(given));
  }

  #failure(error: unknown, name: string, outermost: boolean): unknown {
    if (outermost) this.#listener.emptied(error === UNWIND);
    return this.#listener.failure(error, name);
  }

  // The error to report for a callback when no call of the host waits for it. Emscripten leaves callbacks by
  // exceptions, too.
  #callbackError(error: unknown): unknown {
    const exit = exitSignalOf(error);
    if (exit === null && error !== UNWIND) return this.#failure(error, 'a callback', true);
    this.#listener.emptied(true);
    // Some glue does not say when the runtime has ended.
    if (error instanceof ExitSignal) this.loop.end(error.exitCode);
    return null;
  }
}

/** Throws when this platform cannot stop a call. */
export function checkThatCallsCanBeStopped(): void {
  const { atMost, name } = platform();
  if (atMost !== null) return;
  throw new PlatformError(
    `timeout needs an engine that stops C in the middle of a call, and there is none here (${name}): run the guest in a ` +
      'worker, and terminate the worker when it takes too long.',
  );
}

function hostStacksBy(hostFrames: HostFrames): HostStacks {
  if (typeof hostFrames === 'string') return new HostStacks();
  return 'budget' in hostFrames ? new HostStacks(1, hostFrames.budget) : new HostStacks(hostFrames.every);
}

/** Listens while there is no instance yet, or while its start function runs: there is no ledger to look at. */
class NoInstance implements GuestListener {
  constructor(
    private readonly errors: GuestErrors,
    private readonly gate: Gate,
  ) {}

  readonly entered = null;

  recorded(): void {}

  pointDue(): number {
    return 0;
  }

  exiting(): void {}

  trapped(): void {}

  emptied(): void {}

  failure(error: unknown, name: string): unknown {
    return this.errors.read(error, name, this.gate, null).error;
  }
}
