// The gate between host and guest. Every call into the guest goes through a wrapper that knows the function's type.
// The wrapper rejects wrong arguments, which WebAssembly would silently turn into 0. It remembers the function
// through which the host entered, because host stacks start there. It turns the failure of a guest into a typed
// error. The guest's own JavaScript (Emscripten's glue) calls through other wrappers. They register entries and
// restore the stacks, but they pass errors on unchanged, because the glue recognises its own errors by identity.
//
// There is one wrapper for each arity instead of rest parameters, because spreading costs more than the rest of the
// wrapper.

import { InvalidArgumentError, StateError } from '../errors.ts';
import { debug, debugs } from '../platform/debug.ts';
import { CxxExceptions } from './cxx-exceptions.ts';
import { GuestStacks } from './guest-stacks.ts';
import type { HostStacks } from './host-stacks.ts';
import { type LateError, type Rewindable, stopAfter, timed } from './timed-calls.ts';

/** Value types of WebAssembly that JavaScript can pass. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'externref' | 'funcref' | 'v128' | 'ref';

/** The type with this code in the binary format. */
export function valueTypeOf(code: number): ValueType {
  switch (code) {
    case 0x7f:
      return 'i32';
    case 0x7e:
      return 'i64';
    case 0x7d:
      return 'f32';
    case 0x7c:
      return 'f64';
    case 0x7b:
      return 'v128';
    case 0x70:
      return 'funcref';
    case 0x6f:
      return 'externref';
    default:
      return 'ref';
  }
}

/** A function of the guest, as the host calls it. */
export type GuestFunction = (...args: never[]) => unknown;

// biome-ignore lint/complexity/noBannedTypes: only its identity matters, for Error.captureStackTrace
type EntryFunction = Function;
/** A function of the guest as the engine exports it. */
export type RawFunction = (...args: unknown[]) => unknown;
type Raw = RawFunction;

/** A way into the guest. */
class Entry {
  /** Host stacks start above this function. */
  call: EntryFunction | null = null;

  /**
   * @param name name of the guest's function
   * @param habit how often the guest has recently allocated below this entry; see Gate
   */
  constructor(
    readonly name: string,
    public habit = 0,
  ) {}
}

/** From this value of `Entry.habit` on, an allocation is expected. */
const EXPECTED = 4;
/** Value of `Entry.habit` for functions that do nothing but allocate. */
export const ALLOCATES = 2 ** 30;
/** Stands for a stack that was not captured before the entry. */
const NONE = -1;

type Refusal = (name: string) => Error;

const inTheMiddle: Refusal = (name) =>
  new StateError(
    `${name}() cannot be called from onStdout, onStderr or stdin: the guest is in the middle of a write or read there. ` +
      'Note what is to be done, and do it when the call has returned.',
  );

/**
 * Name of the functions that stand in front of a guest's. Stacks leave them out by it, because in a bundle they lie in
 * the same file as the user's code.
 */
export const STAND_IN = 'heapline stand-in';

/** How many frames of a guest's stack are kept when it traps. */
const TRAP_FRAMES = 200;

/** Most parameters of a function whose wrapper has no rest parameters. */
const FEW_PARAMETERS = 4;

/**
 * State shared by all entries of one sandbox.
 *
 * The runtime asks for a host stack at the first allocation below an entry (`hostStack`). A capture at that point
 * also walks through the guest's own frames. So the stack of an entry that has mostly allocated is captured before
 * the entry. A capture that turns out to be useless makes later entries wait.
 */
export class Gate implements Rewindable {
  /** The innermost entry through which the host is inside the guest; null when it is outside. */
  entry: Entry | null = null;
  /** Makes the error that says why nothing may enter; null while entering is allowed. */
  closed: Refusal | null = null;
  /** The guest's stacks. Whoever makes the instance sets them. */
  stacks = GuestStacks.ofNoInstance();
  /** Called before the host enters the guest, no function of which is running; null when nobody wants to know. */
  entered: (() => void) | null = null;
  /** The C++ exceptions that Emscripten's glue has thrown for the guest. */
  readonly exceptions = new CxxExceptions();
  /** Called at the next attempt to allocate, because the time of a call is up. */
  late: (() => never) | null = null;
  /** Lets the runtime tell the host of attempts to allocate, or ends that. The session sets it. */
  tellAttempts: (tell: boolean) => void = () => {};
  /** Whether a call that is limited is active. Calls below it are part of it. */
  #limiting = false;
  /** Id of the innermost entry's host stack when it was captured before the entry; otherwise NONE. */
  #captured = NONE;
  /** V8's limit of frames before the outermost entry, until it has been restored. */
  #owedLimit: number | null = null;
  /** False once V8's limit of frames could not be assigned (`--frozen-intrinsics`). It stays unchanged then. */
  #limitIsFree = true;
  /** Whether captured stacks are printed. */
  readonly #told = debugs('entries');
  /** True between the call of an `invoke_*` and the call of the guest's function that it makes for the guest. */
  #invoking = false;

  constructor(
    /** Makes the error to throw from what the guest threw. `outermost` is true when no guest frame is left. */
    readonly failure: (error: unknown, name: string, outermost: boolean) => unknown,
    /** Captures the host stacks of entries; null when they are switched off. */
    private readonly hostStacks: HostStacks | null = null,
    /** Called with an error that has left no frame of the guest. */
    private readonly emptied: (error: unknown) => void = () => {},
    /** Most milliseconds that a call from outside may take, and the error when it takes longer; null for no limit. */
    private readonly limit: { readonly milliseconds: number; readonly late: LateError } | null = null,
  ) {}

  get active(): boolean {
    return this.entry !== null;
  }

  position(): () => void {
    const { entry, closed, stacks } = this;
    const [captured, owedLimit, limiting, depth] = [
      this.#captured,
      this.#owedLimit,
      this.#limiting,
      stacks.depth,
    ];
    return () => {
      const inside = this.entry !== null;
      this.entry = entry;
      this.closed = closed;
      this.#captured = captured;
      this.#owedLimit = owedLimit;
      this.#limiting = limiting;
      this.#invoking = false;
      stacks.rewind(depth);
      if (inside && entry === null) this.emptied(null);
    };
  }

  onAttempt(late: (() => never) | null): void {
    this.late = late;
    this.tellAttempts(late !== null);
  }

  /** Whether calls have a limit of time. */
  get limits(): boolean {
    return this.limit !== null;
  }

  /** The function with the limit of time, when there is one. Its call is an entry, or it is below one. */
  limited(raw: RawFunction): RawFunction {
    const { limit } = this;
    if (limit === null) return raw;
    return (...args) => this.#withinLimit(limit, () => raw(...args));
  }

  /** Runs what makes the instance, which may run code of the guest. */
  start<T>(make: () => T): T {
    return this.limit === null ? make() : this.#withinLimit(this.limit, make);
  }

  #withinLimit<T>({ milliseconds, late }: NonNullable<Gate['limit']>, work: () => T): T {
    if (this.#limiting) return work();
    this.#limiting = true;
    try {
      return stopAfter(milliseconds, work, late, this);
    } finally {
      this.#limiting = false;
    }
  }

  /** Runs JavaScript that calls the guest, within a time of its own instead of the limit of calls. */
  within<T>(milliseconds: number, work: () => T, late: LateError): T {
    const limiting = this.#limiting;
    this.#limiting = true;
    try {
      return stopAfter(milliseconds, work, late);
    } finally {
      this.#limiting = limiting;
    }
  }

  /**
   * Answers the runtime at the first allocation below an entry.
   * @param seen number of deeper entries whose slots still exist
   * @returns id of the host stack, 0 for none
   */
  hostStack(seen: number): number {
    const { entry, stacks } = this;
    const inner = stacks.entriesWithin(seen);
    if (inner === 0 && entry !== null) {
      if (this.#captured !== NONE) {
        entry.habit += EXPECTED;
        return this.#captured;
      }
      entry.habit++;
    }
    if (this.hostStacks === null) return 0;
    const id = this.hostStacks.capture(entry?.call ?? null, inner);
    if (this.#told) {
      const where = inner === 0 ? '' : `, for the entry ${inner} further out`;
      this.#tell(entry, id, `at the first allocation below it${where}`);
    }
    return id;
  }

  /** Prints what was captured for an entry, for HEAPLINE_DEBUG=entries. */
  #tell(entry: Entry | null, id: number, when: string): void {
    const frames = this.hostStacks!.frames(id).map(
      ({ function: name, file, line }) => `${name} ${file}:${line}`,
    );
    const stack = frames.length === 0 ? 'no frame outside of Heapline' : frames.join(' < ');
    debug('entries', `${entry?.name ?? 'unknown'}() captured stack ${id} ${when}: ${stack}`);
  }

  // When the engine's stack is nearly used up, any call from here may throw, and so may #end(). Nothing may have
  // changed then. So `entry` changes after the last call here, and outside of #end() when the guest is left. Returns
  // V8's limit of frames for #end(). If #end() fails to restore it, the next one does.
  #begin(entry: Entry): number {
    if (timed.call !== null) timed.call.enter(this);
    let captured = NONE;
    if (entry.habit >= EXPECTED && this.hostStacks !== null) {
      entry.habit -= EXPECTED; // until the capture turns out to be useful
      captured = this.hostStacks.capture(entry.call);
      if (this.#told) this.#tell(entry, captured, 'in advance, because it allocates as a rule');
    }
    const nested = this.entry !== null;
    if (!nested && this.entered !== null) this.entered();
    const limit = nested ? Error.stackTraceLimit : (this.#owedLimit ?? Error.stackTraceLimit);
    if (!nested) this.#owedLimit = limit;
    this.#limitFrames(TRAP_FRAMES);
    if (nested) this.stacks.push();
    this.entry = entry;
    this.#captured = captured;
    return limit;
  }

  #end(outer: Entry | null, limit: number): void {
    this.#captured = NONE;
    this.#limitFrames(limit);
    if (outer === null) this.#owedLimit = null;
    else this.stacks.pop();
  }

  #limitFrames(limit: number): void {
    if (!this.#limitIsFree) return;
    try {
      Error.stackTraceLimit = limit;
    } catch {
      this.#limitIsFree = false;
    }
  }

  /** A call was cut off. The host may catch the error between two runs of guest frames and continue from there. */
  #failed(error: unknown, name: string, outer: Entry | null): unknown {
    this.stacks.note(error);
    if (outer !== null) this.stacks.restore();
    return this.failure(error, name, outer === null);
  }

  /** The same for a call by the glue, which receives the error unchanged. */
  #cutOff(error: unknown, outer: Entry | null): void {
    this.stacks.note(error);
    if (outer === null) this.emptied(error);
    else this.stacks.restore();
  }

  /**
   * Calls a host function that the guest has called without writing a call site, as it does for functions that are
   * not expected to call back (call-graph.ts). The guest must not be entered from there: its allocations would appear
   * on the stack of another call.
   */
  aside<T>(call: () => T): T {
    const outer = this.closed;
    this.closed ??= inTheMiddle;
    try {
      return call();
    } finally {
      if (this.closed === inTheMiddle) this.closed = outer;
    }
  }

  /** The engine has cut off all calls without running any `finally`, so the host is outside of the guest. */
  abandon(reason: unknown): void {
    this.entry = null;
    this.closed = null;
    this.#invoking = false;
    this.#captured = NONE;
    this.#limiting = false;
    this.stacks.rewind(0);
    if (this.#owedLimit !== null) this.#limitFrames(this.#owedLimit);
    this.#owedLimit = null;
    this.emptied(reason);
  }

  /** Throws the error that says why nothing may enter. */
  refuse(name: string): never {
    throw this.closed!(name);
  }

  /** Calls into the guest through the gate. Meant for calls that are rare. */
  enter<T>(name: string, call: () => T, above: EntryFunction = call): T {
    if (this.closed) this.refuse(name);
    const outer = this.entry;
    const entry = new Entry(name);
    entry.call = above;
    const limit = this.#begin(entry);
    try {
      return this.limit === null ? call() : this.#withinLimit(this.limit, call);
    } catch (error) {
      throw this.#failed(error, name, outer);
    } finally {
      this.entry = outer;
      this.#end(outer, limit);
    }
  }

  /** Registers an exported function as an entry, and does nothing else. Meant for calls by glue code. */
  mark(raw: RawFunction): RawFunction {
    return this.#entryOf(raw, false);
  }

  /**
   * The same for a function from the guest's table. It has no thunk, because the guest's own indirect calls reach it
   * as well, so the slot of the entry is written here. Below an `invoke_*` the call is not an entry.
   */
  markIndirect(raw: RawFunction): RawFunction {
    return this.#entryOf(raw, true);
  }

  /**
   * Watches one of the glue's `invoke_*`. Through it the guest calls one of its own functions where it may catch an
   * exception. The function comes from the table, but the call is not an entry: the guest's stack continues.
   */
  passing(invoke: RawFunction): RawFunction {
    // In between, the glue calls no function of the guest except those of the stack pointer.
    if (invoke.length > FEW_PARAMETERS) {
      return (...args) => {
        this.#invoking = true;
        try {
          return invoke(...args);
        } finally {
          this.#invoking = false;
        }
      };
    }
    return (a, b, c, d) => {
      this.#invoking = true;
      try {
        return invoke(a, b, c, d);
      } finally {
        this.#invoking = false; // the glue may have found no function to call
      }
    };
  }

  #entryOf(raw: Raw, indirect: boolean): Raw {
    const entry = new Entry(raw.name);
    const few = raw.length <= FEW_PARAMETERS;
    const target = this.limited(indirect ? this.#withSlot(raw) : raw);
    const entered: Raw = few
      ? (a, b, c, d) => {
          const outer = this.entry;
          const limit = this.#begin(entry);
          try {
            return target(a, b, c, d);
          } catch (error) {
            this.#cutOff(error, outer);
            throw error;
          } finally {
            this.entry = outer;
            this.#end(outer, limit);
          }
        }
      : (...args) => {
          const outer = this.entry;
          const limit = this.#begin(entry);
          try {
            return target(...args);
          } catch (error) {
            this.#cutOff(error, outer);
            throw error;
          } finally {
            this.entry = outer;
            this.#end(outer, limit);
          }
        };
    // Host stacks start above `entered` and not above `call`, because an `invoke_*` puts `call` on the stack once
    // more.
    entry.call = entered;
    const call: Raw = few
      ? (a, b, c, d) => {
          if (!this.#invoking) return entered(a, b, c, d);
          this.#invoking = false;
          if (!indirect) return entered(a, b, c, d);
          try {
            return raw(a, b, c, d);
          } catch (error) {
            this.stacks.note(error); // invoke_* restores the stack pointer
            throw error;
          }
        }
      : (...args) => {
          if (!this.#invoking) return entered(...args);
          this.#invoking = false;
          if (!indirect) return entered(...args);
          try {
            return raw(...args);
          } catch (error) {
            this.stacks.note(error);
            throw error;
          }
        };
    // Glue reads the number of a function's parameters.
    Object.defineProperty(call, 'length', { value: raw.length, configurable: true });
    Object.defineProperty(call, 'name', { value: STAND_IN, configurable: true });
    return call;
  }

  /** Calls a function without a thunk as its thunk would. */
  #withSlot(raw: Raw): Raw {
    if (raw.length > FEW_PARAMETERS) {
      return (...args) => {
        const { stacks } = this;
        const top = stacks.enterSlot();
        try {
          return raw(...args);
        } finally {
          if (stacks.words.length === 0) stacks.refresh();
          stacks.words[stacks.topWord] = top;
        }
      };
    }
    return (a, b, c, d) => {
      const { stacks } = this;
      const top = stacks.enterSlot();
      try {
        return raw(a, b, c, d);
      } finally {
        // This is an assignment, because a call might fail when the engine's stack is nearly used up.
        if (stacks.words.length === 0) stacks.refresh();
        stacks.words[stacks.topWord] = top;
      }
    };
  }

  /** Wraps a function from the table that takes these parameters. */
  wrapIndirect(name: string, target: unknown, parameters: readonly ValueType[]): GuestFunction {
    return this.wrap(name, this.limited(this.#withSlot(target as Raw)), parameters);
  }

  /** Wraps a function that takes these parameters. `habit` is ALLOCATES when the function only allocates. */
  wrap(name: string, target: unknown, parameters: readonly ValueType[], habit = 0): GuestFunction {
    const entry = new Entry(name, habit);
    const call = this.#wrap(name, target, parameters, entry);
    entry.call = call;
    return call;
  }

  #wrap(name: string, target: unknown, parameters: readonly ValueType[], entry: Entry): GuestFunction {
    const raw = target as Raw;
    const plain = parameters.every((type) => type === 'i32' || type === 'f32' || type === 'f64');
    if (plain) {
      switch (parameters.length) {
        case 0:
          return this.#wrap0(name, raw, entry);
        case 1:
          return this.#wrap1(name, raw, entry);
        case 2:
          return this.#wrap2(name, raw, entry);
        case 3:
          return this.#wrap3(name, raw, entry);
        case 4:
          return this.#wrap4(name, raw, entry);
        case 5:
          return this.#wrap5(name, raw, entry);
        case 6:
          return this.#wrap6(name, raw, entry);
      }
    }
    return this.#wrapMany(name, raw, parameters, entry);
  }

  #wrap0(name: string, raw: Raw, entry: Entry): GuestFunction {
    const call = (): unknown => {
      if (this.closed) this.refuse(name);
      const outer = this.entry;
      const limit = this.#begin(entry);
      try {
        return raw();
      } catch (error) {
        throw this.#failed(error, name, outer);
      } finally {
        this.entry = outer;
        this.#end(outer, limit);
      }
    };
    return call;
  }

  #wrap1(name: string, raw: Raw, entry: Entry): GuestFunction {
    const call = (a: unknown): unknown => {
      if (this.closed) this.refuse(name);
      if (typeof a !== 'number') checkNumbers(name, [a]);
      const outer = this.entry;
      const limit = this.#begin(entry);
      try {
        return raw(a);
      } catch (error) {
        throw this.#failed(error, name, outer);
      } finally {
        this.entry = outer;
        this.#end(outer, limit);
      }
    };
    return call as GuestFunction;
  }

  #wrap2(name: string, raw: Raw, entry: Entry): GuestFunction {
    const call = (a: unknown, b: unknown): unknown => {
      if (this.closed) this.refuse(name);
      if (typeof a !== 'number' || typeof b !== 'number') checkNumbers(name, [a, b]);
      const outer = this.entry;
      const limit = this.#begin(entry);
      try {
        return raw(a, b);
      } catch (error) {
        throw this.#failed(error, name, outer);
      } finally {
        this.entry = outer;
        this.#end(outer, limit);
      }
    };
    return call as GuestFunction;
  }

  #wrap3(name: string, raw: Raw, entry: Entry): GuestFunction {
    const call = (a: unknown, b: unknown, c: unknown): unknown => {
      if (this.closed) this.refuse(name);
      if (typeof a !== 'number' || typeof b !== 'number' || typeof c !== 'number') {
        checkNumbers(name, [a, b, c]);
      }
      const outer = this.entry;
      const limit = this.#begin(entry);
      try {
        return raw(a, b, c);
      } catch (error) {
        throw this.#failed(error, name, outer);
      } finally {
        this.entry = outer;
        this.#end(outer, limit);
      }
    };
    return call as GuestFunction;
  }

  #wrap4(name: string, raw: Raw, entry: Entry): GuestFunction {
    const call = (a: unknown, b: unknown, c: unknown, d: unknown): unknown => {
      if (this.closed) this.refuse(name);
      if (typeof a !== 'number' || typeof b !== 'number' || typeof c !== 'number' || typeof d !== 'number') {
        checkNumbers(name, [a, b, c, d]);
      }
      const outer = this.entry;
      const limit = this.#begin(entry);
      try {
        return raw(a, b, c, d);
      } catch (error) {
        throw this.#failed(error, name, outer);
      } finally {
        this.entry = outer;
        this.#end(outer, limit);
      }
    };
    return call as GuestFunction;
  }

  #wrap5(name: string, raw: Raw, entry: Entry): GuestFunction {
    const call = (a: unknown, b: unknown, c: unknown, d: unknown, e: unknown): unknown => {
      if (this.closed) this.refuse(name);
      if (
        typeof a !== 'number' ||
        typeof b !== 'number' ||
        typeof c !== 'number' ||
        typeof d !== 'number' ||
        typeof e !== 'number'
      ) {
        checkNumbers(name, [a, b, c, d, e]);
      }
      const outer = this.entry;
      const limit = this.#begin(entry);
      try {
        return raw(a, b, c, d, e);
      } catch (error) {
        throw this.#failed(error, name, outer);
      } finally {
        this.entry = outer;
        this.#end(outer, limit);
      }
    };
    return call as GuestFunction;
  }

  #wrap6(name: string, raw: Raw, entry: Entry): GuestFunction {
    const call = (a: unknown, b: unknown, c: unknown, d: unknown, e: unknown, f: unknown): unknown => {
      if (this.closed) this.refuse(name);
      if (
        typeof a !== 'number' ||
        typeof b !== 'number' ||
        typeof c !== 'number' ||
        typeof d !== 'number' ||
        typeof e !== 'number' ||
        typeof f !== 'number'
      ) {
        checkNumbers(name, [a, b, c, d, e, f]);
      }
      const outer = this.entry;
      const limit = this.#begin(entry);
      try {
        return raw(a, b, c, d, e, f);
      } catch (error) {
        throw this.#failed(error, name, outer);
      } finally {
        this.entry = outer;
        this.#end(outer, limit);
      }
    };
    return call as GuestFunction;
  }

  #wrapMany(name: string, raw: Raw, parameters: readonly ValueType[], entry: Entry): GuestFunction {
    const call = (...args: unknown[]): unknown => {
      if (this.closed) this.refuse(name);
      for (let i = 0; i < parameters.length; i++) args[i] = converted(name, args[i], i, parameters[i]!);
      const outer = this.entry;
      const limit = this.#begin(entry);
      try {
        return raw(...args);
      } catch (error) {
        throw this.#failed(error, name, outer);
      } finally {
        this.entry = outer;
        this.#end(outer, limit);
      }
    };
    return call as GuestFunction;
  }
}

function checkNumbers(name: string, args: readonly unknown[]): void {
  args.forEach((argument, index) => {
    if (typeof argument !== 'number') throw wrongArgument(name, index, argument, 'a number');
  });
}

function converted(name: string, argument: unknown, index: number, type: ValueType): unknown {
  switch (type) {
    case 'i32':
    case 'f32':
    case 'f64':
      if (typeof argument !== 'number') throw wrongArgument(name, index, argument, 'a number');
      return argument;
    case 'i64':
      if (typeof argument === 'bigint') return argument;
      if (Number.isSafeInteger(argument)) return BigInt(argument as number);
      throw wrongArgument(name, index, argument, 'a bigint, or a safe integer,');
    default:
      return argument;
  }
}

function wrongArgument(name: string, index: number, argument: unknown, wanted: string): InvalidArgumentError {
  const given =
    argument === undefined ? 'is missing' : `is ${argument === null ? 'null' : `a ${typeof argument}`}`;
  const advice =
    typeof argument === 'string' ? ' Put text into the guest with heap.cstring() and pass the pointer.' : '';
  return new InvalidArgumentError(
    `${name}[${index}]`,
    `Argument ${index + 1} of ${name}() must be ${wanted} and ${given}.${advice}`,
  );
}
