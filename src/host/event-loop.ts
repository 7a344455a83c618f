// Runs what a guest does by itself after the host's call has returned: the callbacks of its timers and of its main
// loop. The event loop is the host's own. This class remembers the guest's pending callbacks, so that the host can
// wait for them, end them, and learn their errors. Nothing that a callback throws reaches the engine unchanged: an
// exit ends the guest and not the process, and a trap becomes an error with its stack.

import { StateError } from '../errors.ts';
import { platform } from '../platform/index.ts';

type Callback = (...args: unknown[]) => unknown;

/** How the guest's owner handles the errors of callbacks. */
export interface CallbackErrors {
  /** The error to hand out; null when the guest threw only to leave the callback. */
  read(error: unknown): unknown;
  /**
   * Receives the error that has stopped the guest. Without this function and without a waiting call, it is uncaught.
   */
  readonly report: ((error: unknown) => void) | undefined;
}

/** A pending timer, as Node.js gives it to whoever asked for it. */
type Handle = NodeJS.Timeout | NodeJS.Immediate;

export class EventLoop {
  /** The status with which the guest wants to end, like `process.exitCode` of Node.js; null when it has set none. */
  status: number | null = null;
  /** Called after each callback. */
  onTurn: () => void = () => {};
  readonly #errors: CallbackErrors;
  readonly #pending = new Set<Handle>();
  readonly #byNumber = new Map<number, Handle>();
  #ended = false;
  #stopped = false;
  #failure: { readonly error: unknown } | null = null;
  #waiting: (() => void)[] = [];
  /** How many calls of drained() are waiting. */
  #waits = 0;

  constructor(errors: CallbackErrors) {
    this.#errors = errors;
  }

  /** True once the guest has ended itself. It runs nothing by itself from then on. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True once an error has stopped the guest. */
  get failed(): boolean {
    return this.#failure !== null;
  }

  /** True while a callback is pending that keeps a process alive. */
  get alive(): boolean {
    if (this.#stopped) return false;
    for (const handle of this.#pending) if (handle.hasRef()) return true;
    return false;
  }

  /** The guest has ended itself with this status. Pending callbacks are cancelled. */
  end(status: number): void {
    this.status = status;
    this.#ended = true;
    this.stop();
  }

  /** Cancels everything that is pending, and from now on every new request. */
  stop(): void {
    this.#stopped = true;
    this.cancel();
  }

  /** Throws while callbacks are pending. Restoring cancels those that are pending then. */
  save(): () => void {
    if (this.#pending.size > 0) {
      throw new StateError(
        'A snapshot cannot be taken while a timer or a main loop of the guest is pending: wait for finished() before.',
      );
    }
    const [status, ended, stopped, failure] = [this.status, this.#ended, this.#stopped, this.#failure];
    return () => {
      this.cancel();
      this.status = status;
      this.#ended = ended;
      this.#stopped = stopped;
      this.#failure = failure;
    };
  }

  /** Cancels everything that is pending. */
  cancel(): void {
    for (const handle of this.#pending) clear(handle);
    this.#pending.clear();
    this.#byNumber.clear();
    this.#wake();
  }

  /** Waits until nothing is pending or the guest has ended. Throws the error that has stopped it. */
  async drained(): Promise<void> {
    this.#waits++;
    try {
      for (;;) {
        // The guest's promises that are settled already run first.
        await platform().nextTurn();
        if (this.#failure !== null) throw this.#failure.error;
        if (!this.alive) return;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      this.#waits--;
    }
  }

  /** The functions by which a JavaScript world asks to be called later. */
  timers() {
    const loop = this;
    return {
      setTimeout(call: unknown, delay?: number, ...args: unknown[]) {
        return loop.#add(call, (once) => setTimeout(once, delay), args, false);
      },
      setInterval(call: unknown, delay?: number, ...args: unknown[]) {
        return loop.#add(call, (again) => setInterval(again, delay), args, true);
      },
      setImmediate(call: unknown, ...args: unknown[]) {
        return loop.#add(call, (once) => setImmediate(once), args, false);
      },
      clearTimeout: (handle: unknown) => loop.#remove(handle),
      clearInterval: (handle: unknown) => loop.#remove(handle),
      clearImmediate: (handle: unknown) => loop.#remove(handle),
      queueMicrotask(call: unknown) {
        queueMicrotask(
          typeof call === 'function' ? () => loop.#run(call as Callback, []) : (call as Callback),
        );
      },
    };
  }

  #add(call: unknown, schedule: (run: () => void) => Handle, args: unknown[], again: boolean): Handle {
    // The engine says what is wrong with the argument.
    if (typeof call !== 'function') return schedule(call as () => void);
    const handle = schedule(() => {
      if (!again) this.#forget(handle);
      this.#run(call as Callback, args);
    });
    if (this.#stopped) {
      clear(handle);
      return handle;
    }
    this.#pending.add(handle);
    // C keeps timers by their numbers.
    if (Symbol.toPrimitive in handle) this.#byNumber.set(Number(handle), handle);
    return handle;
  }

  #remove(handle: unknown): void {
    const found = this.#pending.has(handle as Handle)
      ? (handle as Handle)
      : this.#byNumber.get(Number(handle));
    if (found === undefined) return;
    clear(found);
    this.#forget(found);
  }

  #forget(handle: Handle): void {
    this.#pending.delete(handle);
    if (Symbol.toPrimitive in handle) this.#byNumber.delete(Number(handle));
  }

  #run(call: Callback, args: unknown[]): void {
    if (this.#stopped) return;
    try {
      call(...args);
    } catch (thrown) {
      const error = this.#errors.read(thrown);
      if (error !== null) this.#report(error);
    } finally {
      this.onTurn();
      this.#wake();
    }
  }

  /** An error has stopped the guest. Calls that wait now or later throw it. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.stop();
  }

  #report(error: unknown): void {
    this.fail(error);
    const { report } = this.#errors;
    if (report !== undefined) report(error);
    else if (this.#waits === 0) throw error;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

function clear(handle: Handle): void {
  // Immediates have no number.
  if (Symbol.toPrimitive in handle) clearTimeout(handle as NodeJS.Timeout);
  else clearImmediate(handle as NodeJS.Immediate);
}
