// Turns what comes out of a guest (traps, C++ exceptions, exits) into the errors of errors.ts, with the C stack at
// which it happened. Errors of the host pass as they are.

import {
  CxxExceptionError,
  ExitError,
  HeaplineError,
  StackOverflowError,
  TimeoutError,
  TrapError,
} from '../errors.ts';
import { ALLOCATION_FAMILY, type Frame, messageFrames, namedFrame } from '../frames/index.ts';
import {
  type CxxException,
  type ExitSignal,
  exitSignalOf,
  type Gate,
  type GuestStack,
  isTrap,
  readGuestStack,
} from '../host/index.ts';
import type { Subject } from './subject.ts';

/** What came out of a guest. */
export interface GuestFailure {
  /** The error to hand to the host. */
  readonly error: unknown;
  /** The exit that the guest asked for; null when the error is no exit. */
  readonly exit: ExitSignal | null;
  /** Calls were cut off without any clean-up: what only they pointed to is lost. */
  readonly cutOff: boolean;
}

/** The C stack in memory, which grows down from `start` to `end`. */
export interface StackBounds {
  readonly start: number;
  readonly end: number;
}

/** Reads what the guests of one module throw. */
export class GuestErrors {
  constructor(private readonly subject: Pick<Subject, 'module' | 'symbols' | 'toolchain'>) {}

  /**
   * @param name the function that the host called
   * @param gate the way by which it came out; a C++ exception is caught and ended here
   * @param stack the C stack; null when it is not known
   */
  read(error: unknown, name: string, gate: Gate, stack: StackBounds | null): GuestFailure {
    const exit = exitSignalOf(error);
    if (exit !== null) {
      const message = `The guest ended itself with status ${exit.exitCode} while ${calledName(name)}() was called.`;
      return { error: new ExitError(exit.exitCode, message), exit, cutOff: false };
    }
    if (error instanceof HeaplineError) return { error, exit, cutOff: error instanceof TimeoutError };
    const exception = gate.exceptions.take(error);
    if (exception !== null) {
      // A guest that may catch may also clean up: such an exception has lost nothing on its way.
      const cutOff = !(exception.catchable && exception.thrown !== null);
      return { error: this.#exceptionError(exception, error, name), exit, cutOff };
    }
    if (!isTrap(error)) return { error, exit, cutOff: false };
    return { error: this.#trapError(error, name, gate, stack), exit, cutOff: true };
  }

  /**
   * The error of a call that took too long.
   * @param name the function that the host called
   * @param stack where C was; null when the engine cannot tell
   * @param limit what set the limit
   */
  late(milliseconds: number, name: string, stack: GuestStack | null, limit: string): TimeoutError {
    const frames = this.#framesAt(stack?.offsets ?? []);
    const unknown =
      stack === null
        ? ' Where it was cannot be told: that needs the main thread, and one guest that has its instance.'
        : '';
    const message =
      `The guest was stopped in ${trapPlace(frames) ?? `${calledName(name)}()`} after ${milliseconds} ms, which ${limit} allows. Raise ` +
      `the limit if it only needs more time; otherwise see what it loops over or waits for.${unknown}${messageFrames(frames)}`;
    return new TimeoutError(message, milliseconds, frames);
  }

  #exceptionError(exception: CxxException, cause: unknown, name: string): TrapError {
    const frames = this.#framesAt(exception.offsets);
    const message = exceptionMessage(exception, name, frames);
    const { thrown } = exception;
    return thrown === null
      ? new TrapError(message, frames, { cause })
      : new CxxExceptionError(message, thrown.type, thrown.what, frames, { cause });
  }

  /** The error itself when it has no guest frame, or when it is a RangeError that JavaScript threw. */
  #trapError(error: Error, name: string, gate: Gate, stack: StackBounds | null): Error {
    const { offsets, names, thrownByGuest } = readGuestStack(error);
    if (offsets.length + names.length === 0 || (error instanceof RangeError && !thrownByGuest)) return error;
    const frames = offsets.length > 0 ? this.#framesAt(offsets) : names.map((name) => namedFrame(name));
    return (
      this.#stackOverflow(error, name, frames, gate, stack) ??
      new TrapError(trapMessage(error.message, name, frames), frames, { cause: error })
    );
  }

  // V8 says when the engine's stack is used up. It knows nothing of the C stack: an overflow there shows by a stack
  // pointer past the end. Functions that call nothing do not move the stack pointer, so it may be short of the end by
  // as much as such a function uses.
  #stackOverflow(
    error: Error,
    name: string,
    frames: readonly Frame[],
    gate: Gate,
    stack: StackBounds | null,
  ): StackOverflowError | null {
    const limit = stack === null ? null : stack.start - stack.end;
    const make = (which: 'c' | 'engine', reason: string): StackOverflowError =>
      new StackOverflowError(trapMessage(reason, name, frames), which, limit, frames, { cause: error });
    if (error instanceof RangeError) return make('engine', ENGINE_STACK_OVERFLOW);
    const pointer = gate.stacks.pointerAt(error);
    const isPast = stack !== null && pointer !== null && pointer < stack.end + LEAF_FRAME;
    // Emscripten has a check of its own: ASSERTIONS, STACK_OVERFLOW_CHECK.
    if (!isPast && !/^Aborted\(.*stack overflow/is.test(error.message)) return null;
    return make('c', this.#stackUsedUp(stack, limit));
  }

  #stackUsedUp(stack: StackBounds | null, limit: number | null): string {
    const size = limit === null ? '' : ` of ${formatSize(limit)}`;
    const how =
      this.subject.toolchain === null
        ? 'link the module with a larger one (-Wl,-z,stack-size=…; with Emscripten -sSTACK_SIZE=…)'
        : 'raise it with the option stackSize (--stack-size for the heapline command)';
    const data =
      stack !== null && stack.end > 0
        ? ' The data below it have been written over: link with -Wl,--stack-first, and it traps at its end.'
        : '';
    return `stack overflow: the C stack${size} is used up; recurse less, or ${how}.${data}`;
  }

  #framesAt(offsets: readonly number[]): Frame[] {
    const { module, symbols } = this.subject;
    return offsets.flatMap((offset, index) => {
      const site = module.instrumented.offsets.toOriginal(offset);
      // An instruction without an original place belongs to a thunk that Heapline added.
      return site === null || (index > 0 && symbols.isStartUp(site)) ? [] : symbols.frames(site);
    });
  }
}

const FAMILY: ReadonlySet<string> = new Set(ALLOCATION_FAMILY);

/** Bytes that a function which calls nothing may use below the stack pointer (LLVM's red zone). */
const LEAF_FRAME = 128;

const ENGINE_STACK_OVERFLOW =
  "stack overflow: the JavaScript engine's own stack is used up. It also holds return addresses and local variables " +
  'of C. Recurse less, or run Node.js with a larger stack (node --stack-size=…, resourceLimits.stackSizeMb of a ' +
  'worker). The C stack is not full, so stackSize changes nothing.';

function formatSize(bytes: number): string {
  const unit = bytes % 2 ** 20 === 0 ? 20 : bytes % 2 ** 10 === 0 ? 10 : 0;
  return `${bytes / 2 ** unit} ${unit === 20 ? 'MiB' : unit === 10 ? 'KiB' : 'bytes'}`;
}

/** The function that the host called: a function of the table has a number for its name. */
function calledName(name: string): string {
  return /^\d+$/.test(name) ? `wasm-function[${name}]` : name;
}

function trapMessage(text: string, name: string, frames: readonly Frame[]): string {
  return `The guest trapped in ${trapPlace(frames) ?? `${calledName(name)}()`}: ${reasonOf(text)}${messageFrames(frames)}`;
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
  return `${calledName(name)}() threw ${what}, which nothing in the guest caught${text}${advice}${end}${messageFrames(frames)}`;
}

/** Where the guest trapped. If that is in the allocator, the place includes the user's function that called it. */
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
