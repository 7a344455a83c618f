// Handles C++ exceptions that leave the guest. There are two kinds. Without WebAssembly's own exceptions,
// Emscripten's glue throws the address of the object: a bare number, and since 5.0.5 an object around it. The glue's
// throwing functions are watched, to tell their exceptions from those of the caller's functions, and to have a stack.
// With WebAssembly's own exceptions, the tag `__cpp_exception` carries the address of the object's header for the
// unwinder.
//
// Without -fexceptions nothing in the guest can catch, so the first throw is the last, and its stack is kept. With
// -fexceptions, exceptions may be common and their stacks expensive, so no stack is kept.
//
// When an exception becomes an error of the host, the host has caught it. The host reads it and ends it as a handler
// does, by __cxa_begin_catch and __cxa_end_catch, which destroy and free the object.

import type { WasmExports } from '../binary/wasm-types.ts';
import { INVOKE } from './glue-code.ts';
import { type Thrown, ThrownObjects } from './thrown-object.ts';
import { readGuestStack } from './traps.ts';

/** Functions of the glue that throw C++ exceptions. */
const THROWING = new Set([
  '__cxa_throw',
  '__cxa_rethrow',
  '__cxa_rethrow_primary_exception',
  '__resumeException',
]);

/** How many exceptions' types are remembered. There is a limit because nothing signals the end of an exception. */
const REMEMBERED = 64;
/**
 * Bytes before an object that Emscripten's glue throws, in old and in later versions, and the offset of its type
 * there.
 */
const GLUE_HEADERS = [16, 24];
const GLUE_TYPE = 4;
/**
 * The glue's handlers ask this function for the exception in flight. Its arguments are the types they catch, 0 for
 * all.
 */
const FIND_CATCH = /^__cxa_find_matching_catch_\d+$/;
/** Bytes of the unwinder's header. It stands right before the object that a WebAssembly exception throws. */
const UNWIND_HEADER = 32;
/** Value of the header's lowest byte when the object is elsewhere, because a std::exception_ptr shares it. */
const DEPENDENT = 1;

/** An exception that left the guest. */
export interface CxxException {
  /** Whether anything in the guest could have caught it. */
  readonly catchable: boolean;
  /** Where it was thrown, as in `GuestStack`; empty when the stack was not kept. */
  readonly offsets: readonly number[];
  /** What was thrown; null when this is unknown, or when C++ has not thrown it. */
  readonly thrown: Thrown | null;
}

/** How this file calls the guest. */
interface Way {
  enter<T>(name: string, call: () => T): T;
  wrapIndirect(name: string, target: unknown, parameters: readonly 'i32'[]): (...args: never[]) => unknown;
}

/** The guest in which the exceptions arise. */
interface Origin {
  readonly exports: WasmExports;
  readonly memory: WebAssembly.Memory;
  readonly objects: ThrownObjects;
  readonly way: Way;
  call(index: number, pointer: number): number;
}

type Call = (...args: number[]) => number;

// WebAssembly.Exception and Tag, which TypeScript's library does not know yet.
interface WasmException {
  is(tag: object): boolean;
  getArg(tag: object, index: number): unknown;
}
const { Exception, Tag } = WebAssembly as unknown as Record<
  'Exception' | 'Tag',
  (new (...args: never[]) => object) | undefined
>;

/** The exceptions of one guest. */
export class CxxExceptions {
  #catchable = false;
  #thrown: unknown;
  #offsets: readonly number[] = [];
  /** For the address of each object: its type, and its destructor's index in the table, 0 for none. */
  readonly #types = new Map<number, { readonly type: number; readonly destructor: number }>();
  #last = 0;
  #findCatch: Call | null = null;
  #beginCatch: Call | null = null;
  #endCatch: Call | null = null;
  #tag: object | null = null;
  #origin: Origin | null = null;

  /** The glue's functions for the guest, with watchers around those that throw. */
  watch<Value>(functions: Readonly<Record<string, Value>>): Record<string, Value> {
    if (Object.keys(functions).some((name) => INVOKE.test(name))) this.#catchable = true;
    const watched: Record<string, unknown> = { ...functions };
    for (const [name, value] of Object.entries(functions)) {
      if (FIND_CATCH.test(name)) this.#findCatch = value as Call;
      if (name === '__cxa_begin_catch') this.#beginCatch = value as Call;
      if (name === '__cxa_end_catch') this.#endCatch = value as Call;
      if (name === '__cpp_exception') this.#tag = value as object;
      if (!THROWING.has(name) || typeof value !== 'function') continue;
      const original = value as (...args: unknown[]) => unknown;
      watched[name] = (...args: unknown[]) => {
        if (name === '__cxa_throw') this.#remember(...(args as [number, number, number]));
        try {
          return original(...args);
        } catch (error) {
          this.#thrown = error;
          if (!this.#catchable) this.#offsets = readGuestStack(new Error()).offsets;
          throw error;
        }
      };
    }
    return watched as Record<string, Value>;
  }

  /** Tells which instance the exceptions come from. */
  attach(exports: WasmExports, way: Way): void {
    const memory = exports.memory as WebAssembly.Memory;
    const table = exports.__indirect_function_table;
    const call = (index: number, pointer: number): number => {
      if (!(table instanceof WebAssembly.Table)) throw new TypeError('the module exports no table');
      const raw = WebAssembly.Table.prototype.get.call(table, index);
      return (way.wrapIndirect('an exception', raw, ['i32']) as Call)(pointer);
    };
    this.#origin = { exports, memory, way, call, objects: new ThrownObjects(memory, call) };
    const { __cpp_exception } = exports;
    if (Tag !== undefined && __cpp_exception instanceof Tag) this.#tag = __cpp_exception;
  }

  /**
   * Catches an exception of the guest: reads its object and ends it. Null when the error is no exception of the
   * guest.
   */
  take(error: unknown): CxxException | null {
    if (Exception !== undefined && error instanceof Exception) {
      return { catchable: true, offsets: [], thrown: this.#takeWasm(error as unknown as WasmException) };
    }
    if (this.#thrown === undefined || error !== this.#thrown) return null;
    return { catchable: this.#catchable, offsets: this.#offsets, thrown: this.#takeGlue(error) };
  }

  #remember(object: number, type: number, destructor: number): void {
    this.#last = object;
    this.#types.delete(object);
    if (this.#types.size === REMEMBERED) this.#types.delete(this.#types.keys().next().value!);
    this.#types.set(object >>> 0, { type: type >>> 0, destructor });
  }

  #takeGlue(error: unknown): Thrown | null {
    // When nothing can catch, new versions end the program instead of throwing the object.
    const { excPtr = this.#last } = error as { excPtr?: number };
    const object = (typeof error === 'number' ? error : excPtr) >>> 0;
    const known = this.#types.get(object);
    const origin = this.#origin;
    if (known === undefined || origin === null) return null;
    this.#types.delete(object);
    let thrown: Thrown | null = null;
    attempt(() =>
      origin.way.enter('__cxa_end_catch', () => {
        const caught = this.#catchLast(object);
        thrown = origin.objects.read(object, known.type);
        if (caught) this.#endCatch!();
        else this.#free(origin, object, known);
      }),
    );
    return thrown;
  }

  /**
   * Catches the exception in flight like a handler of all types. False when it is another one, or nothing catches.
   */
  #catchLast(object: number): boolean {
    const find = this.#findCatch;
    const begin = this.#beginCatch;
    if (find === null || begin === null || this.#endCatch === null) return false;
    // In old versions, the function returns the address of a word that holds the object's address.
    const found = find(0) >>> 0;
    if (found !== object && this.#origin!.objects.wordAt(found) !== object) return false;
    begin(found);
    return true;
  }

  /** Ends an exception of a guest that catches nothing, as the last handler would. */
  #free(origin: Origin, object: number, { type, destructor }: { type: number; destructor: number }): void {
    const header = GLUE_HEADERS.find((size) => origin.objects.wordAt(object - size + GLUE_TYPE) === type);
    if (header === undefined) return;
    if (destructor !== 0) origin.call(destructor, object);
    (origin.exports.free as Call)(object - header);
  }

  #takeWasm(exception: WasmException): Thrown | null {
    const origin = this.#origin;
    if (origin === null || this.#tag === null || !exception.is(this.#tag)) return null;
    const { __cxa_begin_catch, __cxa_end_catch, __cxa_current_exception_type } = origin.exports as Record<
      string,
      Call | undefined
    >;
    if (!(__cxa_begin_catch && __cxa_end_catch && __cxa_current_exception_type)) return null;
    const header = Number(exception.getArg(this.#tag, 0)) >>> 0;
    let thrown: Thrown | null = null;
    attempt(() =>
      origin.way.enter('__cxa_end_catch', () => {
        __cxa_begin_catch(header);
        const dependent = new Uint8Array(origin.memory.buffer)[header] === DEPENDENT;
        const type = __cxa_current_exception_type() >>> 0;
        thrown = origin.objects.read(dependent ? 0 : header + UNWIND_HEADER, type);
        __cxa_end_catch();
      }),
    );
    return thrown;
  }
}

// Runs a destructor or what() of a guest that has already failed. Only the first failure is reported.
function attempt(call: () => void): void {
  try {
    call();
  } catch {}
}
