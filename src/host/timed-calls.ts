// Calls that are stopped when they take too long. The engine stops a call without running any `finally` on its way, so
// every gate that was entered below it is put back to where it stood. Whoever enters a gate tells the innermost timed
// call; that is one comparison while there is none.
//
// The engine says nothing about where it stopped C, and it may have stopped it inside of the allocator. So where the
// platform can run JavaScript in the middle of C, this happens a little earlier: it reads the C stack, and from then on
// the next attempt to allocate ends the call by an ordinary exception. What the engine stops is then C that allocates
// nothing.

import { LONGEST_TIMER } from '../options/longest-timer.ts';
import { platform } from '../platform/index.ts';
import { type GuestStack, readGuestStack } from './traps.ts';

/** Something that is entered, and that can be put back to where it stood. */
export interface Rewindable {
  /** True while some function is active. */
  readonly active: boolean;
  /** Where it stands. */
  position(): () => void;
  /** Lets the next attempt to allocate call `late`, or lets it be. */
  onAttempt(late: (() => never) | null): void;
}

/** The error that says that a call was stopped. @param stack where C was; null when the platform cannot say */
export type LateError = (stack: GuestStack | null) => Error;

class TimedCall {
  /** What was entered below the call, with the function that puts it back. */
  readonly entered = new Map<Rewindable, () => void>();
  /** The C stack at the end of the time; null until then, and when nobody can read it. */
  stack: GuestStack | null = null;
  /** Whose next attempt to allocate ends the call. */
  #armed: readonly Rewindable[] = [];

  constructor(
    readonly gate: Rewindable | null,
    readonly late: LateError,
  ) {}

  /** Tells the call that this is about to be entered. */
  enter(gate: Rewindable): void {
    if (!this.entered.has(gate)) this.entered.set(gate, gate.position());
  }

  /** The time is up, and this runs on top of whatever runs. */
  expire(): void {
    const active = [...this.entered.keys()].filter((gate) => gate.active);
    // Code offsets belong to one module.
    if (active.length === 1) this.stack = readGuestStack(new Error());
    for (const gate of active) {
      gate.onAttempt(() => {
        throw this.late(this.stack);
      });
    }
    this.#armed = active;
  }

  /** The call is over. */
  end(outer: TimedCall | null): void {
    for (const gate of this.#armed) gate.onAttempt(null);
    if (outer === null) return;
    for (const [gate, back] of this.entered) if (!outer.entered.has(gate)) outer.entered.set(gate, back);
  }

  /** The engine has stopped the call. */
  rewind(): void {
    for (const back of this.entered.values()) back();
  }
}

/** The innermost timed call; null while there is none. */
export const timed: { call: TimedCall | null } = { call: null };

/**
 * Runs `work` for about so many milliseconds at most. Afterwards, throws the error that `late` makes.
 * @param gate what the work enters and is active already; null when it is JavaScript that enters any
 */
export function stopAfter<T>(
  milliseconds: number,
  work: () => T,
  late: LateError,
  gate: Rewindable | null = null,
): T {
  const { atMost, interruptAfter } = platform();
  const outer = timed.call;
  const call = new TimedCall(gate, late);
  if (gate !== null) call.enter(gate);
  const { prepareStackTrace, stackTraceLimit } = Error;
  // Interrupts of calls within calls are left to the engine, because only one can be waited for.
  const interrupt = outer === null ? (interruptAfter?.(milliseconds, () => call.expire()) ?? null) : null;
  timed.call = call;
  try {
    return atMost!(milliseconds + (interrupt === null ? 0 : graceOf(milliseconds)), work, () => {
      restoreErrors(prepareStackTrace, stackTraceLimit);
      const error = late(call.stack);
      call.rewind();
      throw error;
    });
  } finally {
    timed.call = outer;
    interrupt?.();
    call.end(outer);
  }
}

/** Starts what interrupts calls, so that it is ready when a call takes too long. */
export function prepareToInterrupt(): void {
  if (timed.call === null) platform().interruptAfter?.(LONGEST_TIMER, () => {})?.();
}

/** How much longer than its time a call may take, so that it can end by itself. */
function graceOf(milliseconds: number): number {
  return Math.min(250, Math.max(50, Math.ceil(milliseconds / 5)));
}

// The engine may have stopped a function that had replaced these for a moment.
function restoreErrors(formatter: typeof Error.prepareStackTrace, limit: number): void {
  try {
    Error.prepareStackTrace = formatter as NonNullable<typeof formatter>;
    Error.stackTraceLimit = limit;
  } catch {
    // They are frozen (`--frozen-intrinsics`), so nobody has replaced them.
  }
}
