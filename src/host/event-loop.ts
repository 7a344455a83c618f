// What a guest does by itself after the host's call has returned: the callbacks of its timers and of its main loop.
// The event loop is the host's own; this remembers what the guest has pending there, so that one can wait for it, end
// it, and learn what comes out of it. Nothing that comes out of a callback reaches the engine as it is: an exit ends
// the guest and not the process, and a trap is an error with its stack.

import { platform } from '../platform/index.ts';

type Callback = (...args: unknown[]) => unknown;

/** What a callback's error means to whoever owns the guest. */
export interface CallbackErrors {
  /** The error to hand out; null when it is the guest's way to leave a callback, and no error. */
  read(error: unknown): unknown;
  /** Is told of the error that has stopped the guest. Without it, and without anybody who waits, it is uncaught. */
  readonly report: ((error: unknown) => void) | undefined;
}

/** A pending timer, as Node.js gives it to whoever asked for it. */
type Handle = NodeJS.Timeout | NodeJS.Immediate;

export class EventLoop {
  /** The status with which the guest wants to end, as `process.exitCode` of Node.js; null for none so far. */
  status: number | null = null;
  /** Hears of each callback that has returned. */
  onTurn: () => void = () => {};
  readonly #errors: CallbackErrors;
  readonly #pending = new Set<Handle>();
  readonly #byNumber = new Map<number, Handle>();
  #ended = false;
  #stopped = false;
  #failure: { readonly error: unknown } | null = null;
  #waiting: (() => void)[] = [];
  /** Calls of drained() that have not returned. */
  #waits = 0;

  constructor(errors: CallbackErrors) {
    this.#errors = errors;
  }

  /** True once the guest has ended itself: nothing of it runs by itself any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True once an error has stopped the guest. */
  get failed(): boolean {
    return this.#failure !== null;
  }

  /** True while something is pending that keeps a process alive. */
  get alive(): boolean {
    if (this.#stopped) return false;
    for (const handle of this.#pending) if (handle.hasRef()) return true;
    return false;
  }

  /** The guest has ended itself with this status: what is pending is not called any more. */
  end(status: number): void {
    this.status = status;
    this.#ended = true;
    this.stop();
  }

  /** Takes back all that is pending, and whatever is still asked for. */
  stop(): void {
    this.#stopped = true;
    for (const handle of this.#pending) clear(handle);
    this.#pending.clear();
    this.#byNumber.clear();
    this.#wake();
  }

  /** Waits until nothing is pending or the guest has ended; throws what has stopped it. */
  async drained(): Promise<void> {
    this.#waits++;
    try {
      for (;;) {
        // Promises of the guest that are settled already come first.
        await platform().nextTurn();
        if (this.#failure !== null) throw this.#failure.error;
        if (!this.alive) return;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      this.#waits--;
    }
  }

  /** The functions of a JavaScript world by which one asks to be called later. */
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
    // Node.js says what is wrong with it.
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
    // C keeps the number of a timer.
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

  /** An error has stopped the guest: who waits, now or later, is told. */
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
