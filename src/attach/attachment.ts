// One call of attach(): it runs the caller's function, takes over the module that this function instantiates, and waits
// until the function's result is ready.

import { AttachError, HeaplineError, MissingRuntimeError } from '../errors.ts';
import { type CallScopes, platform } from '../platform/index.ts';
import {
  bytesSeemRust,
  checksOf,
  loadMismatches,
  loadPasses,
  loadRoom,
  loadShapes,
  loadSymbols,
  loadTimelines,
  type Sandbox,
} from '../sandbox/index.ts';
import type { AttachOptions } from './attach-options.ts';
import type { AttachedGuest } from './attached-guest.ts';
import { prepareGrafting } from './grafting.ts';
import { type Interceptor, intercept, type Taken } from './interception.ts';
import { type Watch, watchModule, watchModuleNow } from './watched-module.ts';

/** Timers that a test's fake clock does not stop. */
const { setTimeout, clearTimeout } = globalThis;

/** What to attach to. */
export interface Target {
  readonly options: AttachOptions & { readonly timeLimit: number };
  /** The module's bytes; null when the function's first module with a heap is meant. */
  readonly bytes: Uint8Array | null;
  /** Runs the JavaScript of the module. */
  run(): unknown;
}

/** Runs the function and gives its result, together with the sandbox of its module. */
export async function attachTo(target: Target): Promise<{ module: unknown; sandbox: Sandbox<object> }> {
  await loadRoom(target.options);
  const { callScopes, fetchRuntimeObjects } = platform();
  const [scopes = null] = await Promise.all([
    callScopes?.(),
    loadPasses(checksOf(target.options).access),
    loadSymbols({
      sourceMap: target.options.sourceMap !== undefined,
      rust: fetchRuntimeObjects === null || (target.bytes !== null && bytesSeemRust(target.bytes)),
    }),
    loadShapes(),
    loadTimelines(target.options.timeline ?? false),
    loadMismatches(target.options),
    // Where it is at hand. Pages load it when a module needs it.
    fetchRuntimeObjects === null ? prepareGrafting() : null,
  ]);
  // Without scopes nothing tells whose module it is, unless the bytes do.
  if (scopes === null && target.bytes === null) return inTurn(() => new Attachment(target, null).run());
  return new Attachment(target, scopes).run();
}

let turn: Promise<unknown> = Promise.resolve();

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = turn.then(work);
  turn = result.catch(() => {});
  return result;
}

/** How many attachments run. Following scopes costs time, so it ends when none is left. */
let running = 0;

class Attachment implements Interceptor, Watch {
  readonly options: AttachOptions;
  readonly #target: Target;
  readonly #scopes: CallScopes | null;
  #sandbox: Sandbox<object> | null = null;
  #guest: AttachedGuest | null = null;
  #all: Sandbox<object>[] = [];
  /** Why a module that passed by cannot be watched. */
  #unsuitable: HeaplineError | null = null;
  #missed = false;
  #fail!: (error: unknown) => void;
  #arrive!: () => void;
  readonly #failed = new Promise<never>((_, reject) => {
    this.#fail = reject;
  });
  /** Resolves when there is an instance. */
  readonly #instantiated = new Promise<void>((resolve) => {
    this.#arrive = resolve;
  });

  constructor(target: Target, scopes: CallScopes | null) {
    this.#target = target;
    this.#scopes = scopes;
    this.options = target.options;
    this.#failed.catch(() => {});
  }

  async run(): Promise<{ module: unknown; sandbox: Sandbox<object> }> {
    const release = intercept(this);
    running++;
    try {
      const module = await this.#withinTime();
      const sandbox = this.#sandbox!;
      this.#guest!.glueModule = module;
      return { module, sandbox };
    } catch (error) {
      for (const sandbox of this.#all) sandbox.dispose();
      throw error;
    } finally {
      release();
      if (--running === 0) this.#scopes?.forget();
    }
  }

  wants(bytes: Uint8Array, caller: string | null): boolean {
    // Node.js itself has modules, for fetch() for example.
    if (caller?.startsWith('node:') === true) return false;
    const scope = this.#scopes?.current();
    const { bytes: own } = this.#target;
    if (own === null) return this.#scopes === null || scope === this;
    return (scope === undefined || scope === this) && isSame(bytes, own);
  }

  async prepare(bytes: Uint8Array, url: string | null): Promise<Taken | null> {
    try {
      return await watchModule(bytes, this, url);
    } catch (error) {
      return this.#unwatched(error);
    }
  }

  prepareNow(bytes: Uint8Array): Taken | null {
    try {
      return watchModuleNow(bytes, this);
    } catch (error) {
      return this.#unwatched(error);
    }
  }

  missed(): void {
    if (this.#scopes === null || this.#scopes.current() === this) this.#missed = true;
  }

  opened(sandbox: Sandbox<object>, guest: AttachedGuest): void {
    this.#all.push(sandbox);
    if (this.#sandbox !== null) return;
    this.#sandbox = sandbox;
    this.#guest = guest;
    this.#arrive();
  }

  // The function may instantiate other modules beside its own. Those without a heap that can be watched pass through.
  #unwatched(error: unknown): null {
    if (this.#target.bytes === null && error instanceof MissingRuntimeError) {
      this.#unsuitable ??= error;
      return null;
    }
    this.#fail(error);
    throw error;
  }

  async #withinTime(): Promise<unknown> {
    const { timeLimit } = this.#target.options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#lateError(timeLimit)), timeLimit);
    });
    try {
      return await Promise.race([this.#failed, this.#work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #work(): Promise<unknown> {
    const { run } = this.#target;
    try {
      const result = this.#scopes === null ? run() : this.#scopes.run(this, run);
      const waited = isThenable(result);
      // Glue that has instantiated by now has started as well, unless it waits for something and says so later.
      const ready = waited || this.#sandbox !== null ? null : whenInitialized(result);
      const module = await result;
      if (this.#sandbox === null) await this.#instanceAfter(waited);
      // The instance is there, and the glue goes on with it in the next turns.
      for (let turns = 0; turns < 2; turns++) await platform().nextTurn();
      if (ready !== null) await ready();
      return module;
    } catch (error) {
      throw error instanceof HeaplineError ? error : failedError(error);
    }
  }

  /**
   * The function has ended, and there is no instance yet. Glue that is not a factory may still be on its way.
   * @param waited whether its result was a promise, which is settled
   */
  async #instanceAfter(waited: boolean): Promise<void> {
    // A promise of glue that is a factory is settled when everything is done. A few turns are enough for reading a file.
    if (!waited) return this.#instantiated;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(GRACE, this.#target.options.timeLimit));
    });
    await Promise.race([this.#instantiated, grace]);
    clearTimeout(timer);
    if (this.#sandbox === null) throw this.#unsuitable ?? this.#neverInstantiated();
  }

  #neverInstantiated(): AttachError {
    const { bytes } = this.#target;
    const what = bytes === null ? 'no module' : 'no module with these bytes';
    const advice = this.#missed
      ? 'It has instantiated a WebAssembly.Module that was compiled before. Compile it inside of the function, or pass ' +
        'the bytes to attach.bytes().'
      : 'Either the module was instantiated before: attach first, and import the glue inside of the function. Or the ' +
        'glue instantiates only when one of its functions is called: call that inside of the function.';
    return new AttachError(
      'not-instantiated',
      `The function given to attach() has ended and has instantiated ${what}. ${advice}`,
    );
  }

  #lateError(timeLimit: number): HeaplineError {
    if (this.#sandbox === null && this.#unsuitable !== null) return this.#unsuitable;
    const state =
      this.#sandbox === null
        ? 'has not instantiated a module'
        : 'has instantiated its module, but is not ready';
    return new AttachError(
      'not-finished',
      `The function given to attach() ${state} after ${timeLimit} ms. If it only needs more time, raise timeLimit; ` +
        'otherwise see what it waits for: a file that is not found, or a run dependency that is never removed.',
    );
  }
}

/** Milliseconds in which glue that is no factory finds its module after its script has ended. */
const GRACE = 1000;

function failedError(cause: unknown): AttachError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new AttachError('failed', `The function given to attach() has failed: ${text}`, { cause });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && 'then' in value;
}

/**
 * Emscripten's module that is no promise calls `onRuntimeInitialized` when it is ready. Null for anything else. The
 * property is not read where that may end the program, as with ASSERTIONS.
 */
function whenInitialized(module: unknown): (() => Promise<void>) | null {
  if (typeof module !== 'object' || module === null || !Object.isExtensible(module)) return null;
  const given = Object.getOwnPropertyDescriptor(module, 'onRuntimeInitialized');
  if (Object.getOwnPropertyDescriptor(module, 'calledRun')?.value === true) return null;
  if (given !== undefined && !('value' in given)) return null;
  const before: unknown = given?.value;
  let done = false;
  let wake: () => void = () => {};
  (module as { onRuntimeInitialized?: () => void }).onRuntimeInitialized = () => {
    done = true;
    if (typeof before === 'function') before.call(module);
    wake();
  };
  return () => {
    // Glue that is ready sets this, whether or not it calls the function.
    if (done || Object.getOwnPropertyDescriptor(module, 'calledRun')?.value === true)
      return Promise.resolve();
    return new Promise((resolve) => {
      wake = resolve;
    });
  };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
