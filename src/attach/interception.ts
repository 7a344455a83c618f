// Takes over the modules that other code compiles and instantiates: while somebody is interested, the functions of
// WebAssembly that do this are replaced by functions that ask first. Modules that nobody wants pass through to the
// engine, with the same results and errors. When nobody is interested any more, the engine's functions are back.

import { PlatformError } from '../errors.ts';
import { callerScript, keepEngine } from '../host/index.ts';
import type { GivenImports } from './attached-guest.ts';

/** A module that was taken over. */
export interface Taken {
  /** What the other code gets as the compiled module. */
  readonly module: WebAssembly.Module;
  /** @param caller name of the script that instantiates; null when it is not known */
  instantiate(imports: GivenImports, caller: string | null): WebAssembly.Instance;
}

/** Somebody who is interested in modules. */
export interface Interceptor {
  /** Whether this module may be the interceptor's. Its bytes belong to the caller and may change later. */
  wants(bytes: Uint8Array, caller: string | null): boolean;
  /**
   * Prepares a module; null leaves it alone after all. Owns the bytes.
   * @param url where the module comes from; null when it is not known
   */
  prepare(bytes: Uint8Array, url: string | null): Promise<Taken | null>;
  /** The same for code that does not wait. */
  prepareNow(bytes: Uint8Array): Taken | null;
  /** Told when the code instantiates a module that it had compiled before anybody was interested. */
  missed?(): void;
}

type Engine = typeof WebAssembly;
type Replaced =
  | 'instantiate'
  | 'compile'
  | 'instantiateStreaming'
  | 'compileStreaming'
  | 'Module'
  | 'Instance';
type Source = BufferSource | WebAssembly.Module;
type AnyFunction = (...args: never[]) => unknown;

/** Those who are interested now; the first one that wants a module gets it. */
const interceptors: Interceptor[] = [];
/** The modules that were taken over and compiled. */
const taken = new WeakMap<WebAssembly.Module, Taken>();

let restore: (() => void) | null = null;

/**
 * Asks this interceptor about each module from now on, before those that are interested already unless it is `last`.
 * @returns the function that ends this
 */
export function intercept(interceptor: Interceptor, { last = false } = {}): () => void {
  if (last) interceptors.push(interceptor);
  else interceptors.unshift(interceptor);
  try {
    keepEngine(true);
    restore ??= replaceFunctions();
  } catch (cause) {
    interceptors.splice(interceptors.indexOf(interceptor), 1);
    keepEngine(false);
    throw cause;
  }
  return () => {
    const at = interceptors.indexOf(interceptor);
    if (at < 0) return;
    interceptors.splice(at, 1);
    if (interceptors.length > 0) return;
    restore?.();
    restore = null;
    keepEngine(false);
  };
}

function replaceFunctions(): () => void {
  const original = { ...descriptorsOf(WebAssembly) };
  const ours = functionsInFrontOf(WebAssembly);
  const names = Object.keys(ours) as Replaced[];
  try {
    for (const name of names)
      Object.defineProperty(WebAssembly, name, { ...original[name], value: ours[name] });
  } catch (cause) {
    for (const name of names)
      if (WebAssembly[name] === ours[name]) Object.defineProperty(WebAssembly, name, original[name]!);
    throw new PlatformError(
      'attach() must replace functions of WebAssembly for a while, and they are frozen: run without --frozen-intrinsics.',
      { cause },
    );
  }
  return () => {
    for (const name of names) {
      // Somebody may have put a function in front of ours. Ours stays behind it then, and passes everything through.
      if (WebAssembly[name] === ours[name]) Object.defineProperty(WebAssembly, name, original[name]!);
    }
  };
}

function descriptorsOf(engine: Engine): Partial<Record<Replaced, PropertyDescriptor>> {
  return Object.getOwnPropertyDescriptors(engine) as Partial<Record<Replaced, PropertyDescriptor>>;
}

/** The functions to replace, in front of those that are there now. */
function functionsInFrontOf(engine: Engine): Partial<Record<Replaced, unknown>> {
  const { instantiate, compile, instantiateStreaming, compileStreaming, Module, Instance } = engine;

  const ours = {
    async instantiate(source: Source, imports?: WebAssembly.Imports, ...more: []) {
      const caller = callerScript(ours.instantiate as AnyFunction);
      const known = takenOf(source);
      if (known !== null) return known.instantiate(importsOf(known, imports), caller);
      const found = await takeOver(source, caller);
      if (found === null) return instantiate(source as BufferSource, imports, ...more);
      return { module: found.module, instance: found.instantiate(importsOf(found, imports), caller) };
    },

    async compile(source: BufferSource, ...more: []) {
      const found = await takeOver(source, callerScript(ours.compile as AnyFunction));
      return found?.module ?? compile(source, ...more);
    },

    async instantiateStreaming(
      source: Response | PromiseLike<Response>,
      imports?: WebAssembly.Imports,
      ...more: []
    ) {
      const caller = callerScript(ours.instantiateStreaming as AnyFunction);
      const response = await source;
      const bytes = await bytesOf(response);
      if (bytes === null) return instantiateStreaming!(response, imports, ...more);
      const found = await takeOver(bytes, caller, response.url);
      if (found === null) return instantiate(bytes, imports, ...more);
      return { module: found.module, instance: found.instantiate(importsOf(found, imports), caller) };
    },

    async compileStreaming(source: Response | PromiseLike<Response>, ...more: []) {
      const caller = callerScript(ours.compileStreaming as AnyFunction);
      const response = await source;
      const bytes = await bytesOf(response);
      if (bytes === null) return compileStreaming!(response, ...more);
      const found = await takeOver(bytes, caller, response.url);
      return found?.module ?? compile(bytes, ...more);
    },
  };

  const ofModule: ProxyHandler<typeof Module> = {
    construct(target, args: [BufferSource], newTarget) {
      const found = takeOverNow(args[0], callerScript(ofModule.construct as AnyFunction));
      return found?.module ?? Reflect.construct(target, args, newTarget === ourModule ? target : newTarget);
    },
  };
  const ofInstance: ProxyHandler<typeof Instance> = {
    construct(target, args: [WebAssembly.Module, WebAssembly.Imports?], newTarget) {
      const known = takenOf(args[0]);
      if (known === null)
        return Reflect.construct(target, args, newTarget === ourInstance ? target : newTarget);
      return known.instantiate(importsOf(known, args[1]), callerScript(ofInstance.construct as AnyFunction));
    },
  };
  const ourModule = new Proxy(Module, ofModule);
  const ourInstance = new Proxy(Instance, ofInstance);
  const { instantiateStreaming: streamed, compileStreaming: compiled, ...always } = ours;
  return {
    ...always,
    ...(instantiateStreaming === undefined ? {} : { instantiateStreaming: streamed }),
    ...(compileStreaming === undefined ? {} : { compileStreaming: compiled }),
    Module: ourModule,
    Instance: ourInstance,
  };
}

/** The module that was taken over when it was compiled; null for any other source. */
function takenOf(source: unknown): Taken | null {
  if (!(source instanceof WebAssembly.Module)) return null;
  const found = taken.get(source);
  if (found === undefined) for (const interceptor of interceptors) interceptor.missed?.();
  return found ?? null;
}

async function takeOver(source: unknown, caller: string | null, url = ''): Promise<Taken | null> {
  const wanted = wantedBy(source, caller);
  if (wanted === null) return null;
  return remember(await wanted.interceptor.prepare(wanted.bytes, url === '' ? null : url));
}

function takeOverNow(source: unknown, caller: string | null): Taken | null {
  const wanted = wantedBy(source, caller);
  return wanted === null ? null : remember(wanted.interceptor.prepareNow(wanted.bytes));
}

function wantedBy(
  source: unknown,
  caller: string | null,
): { readonly interceptor: Interceptor; readonly bytes: Uint8Array } | null {
  const bytes = viewOf(source);
  if (bytes === null) return null;
  const interceptor = interceptors.find((each) => each.wants(bytes, caller));
  // A copy, because the caller may go on to change its bytes.
  return interceptor === undefined ? null : { interceptor, bytes: new Uint8Array(bytes) };
}

function remember(found: Taken | null): Taken | null {
  if (found !== null) taken.set(found.module, found);
  return found;
}

/** The bytes of a buffer of any realm; null for anything else. */
function viewOf(source: unknown): Uint8Array | null {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  const kind = Object.prototype.toString.call(source);
  if (kind !== '[object ArrayBuffer]' && kind !== '[object SharedArrayBuffer]') return null;
  try {
    return new Uint8Array(source as ArrayBuffer);
  } catch {
    return null; // It was transferred, and the engine says so.
  }
}

/** The body of a response that the engine would accept as a module; null for one that it rejects. */
async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  if (typeof Response === 'undefined' || !(response instanceof Response)) return null;
  const type = response.headers.get('Content-Type') ?? '';
  if (!response.ok || response.bodyUsed || type.toLowerCase().trim() !== 'application/wasm') return null;
  return new Uint8Array(await response.arrayBuffer());
}

/** The engine accepts a module that imports nothing without imports, and rejects what is no object. */
function importsOf({ module }: Taken, imports: WebAssembly.Imports | undefined): GivenImports {
  if (typeof imports === 'object' && imports !== null) return imports as unknown as GivenImports;
  const needsNone = WebAssembly.Module.imports(module).every((each) => each.module === 'heapline');
  if (imports === undefined && needsNone) return {};
  throw new TypeError('WebAssembly.Instance(): Imports argument must be present and must be an object');
}
