// Everything that depends only on the module and is made once for all its sandboxes: the code with its slots, the
// compiled code, the types of functions, roots and symbols. Tests and services load the same module again all day.
//
// A module is identified by its content. The last few modules are kept. Others are kept as long as one of their
// sandboxes exists, so that a thousand sandboxes share them even if other modules are opened in between.

import { LruCache } from '../algorithms/lru-cache.ts';
import type { Around } from '../algorithms/watched-work.ts';
import { ExternalKind, type WasmModule as ParsedModule, readModule } from '../binary/index.ts';
import type { WasmModule } from '../binary/wasm-types.ts';
import { InvalidArgumentError, InvalidModuleError, UnsupportedModuleError } from '../errors.ts';
import { ALLOCATION_FAMILY } from '../frames/index.ts';
import type { Grafted, RecordOnly } from '../graft/index.ts';
import { engine, type ValueType, valueTypeOf } from '../host/index.ts';
import type { InstrumentOptions } from '../instrument/index.ts';
import { type InstrumentedModule, RECORDER } from '../instrument/instrumented-module.ts';
import { type RootLayout, rootLayout } from '../leaks/index.ts';
import { goingOn, type OnProgress, type Progress, whileTelling } from '../options/progress.ts';
import { platform } from '../platform/index.ts';
import type { SymbolizerOptions } from '../symbols/index.ts';
import { type GraftSettings, storePlace } from './module-store.ts';
import { type FunctionTypes, ModuleSymbols } from './module-symbols.ts';
import { TableSignatures } from './table-signatures.ts';

/** How many lists of exports, and how many places of debug information, are remembered of one module. */
const CHOICES_KEPT = 16;
/** How many modules are kept that no sandbox uses. */
const MODULES_KEPT = 8;

/** A module, ready to be instantiated any number of times. */
export class PreparedModule {
  readonly #functions: FunctionTypes;
  readonly #chosen = new LruCache<string, FunctionTypes>(CHOICES_KEPT);
  readonly #symbols = new LruCache<string, ModuleSymbols>(CHOICES_KEPT);

  private constructor(
    /** A private copy of the module as it was given: symbols are read from it when somebody first asks for them. */
    readonly bytes: Uint8Array,
    readonly instrumented: InstrumentedModule,
    readonly module: WasmModule,
    functions: FunctionTypes,
    readonly roots: RootLayout,
    /** Types of the functions in the module's table. */
    readonly signatures: TableSignatures,
    /** Names of its mutable globals, and how many it does not export. */
    readonly mutableGlobals: { readonly names: readonly string[]; readonly hidden: number },
    /** Whether the module keeps its own allocator, whose blocks are recorded only. */
    readonly recordsOnly: boolean,
    /** Whether it may have functions of Rust. */
    readonly seemsRust: boolean,
  ) {
    this.#functions = functions;
  }

  /** @internal Use `prepareModule`. */
  static async make(bytes: Uint8Array, instrumented: InstrumentedModule): Promise<PreparedModule> {
    try {
      if (instrumented.shadow !== null) platform().heedBranchHints?.();
      const module = await engine().compile(instrumented.bytes as Uint8Array<ArrayBuffer>);
      return PreparedModule.#of(bytes, instrumented, module);
    } catch (error) {
      throw refusedByEngine(error);
    }
  }

  /** @internal Use `prepareModuleNow`. */
  static makeNow(bytes: Uint8Array, instrumented: InstrumentedModule): PreparedModule {
    try {
      if (instrumented.shadow !== null) platform().heedBranchHints?.();
      const module = new (engine().Module)(instrumented.bytes as Uint8Array<ArrayBuffer>);
      return PreparedModule.#of(bytes, instrumented, module);
    } catch (error) {
      throw refusedByEngine(error);
    }
  }

  static #of(
    bytes: Uint8Array,
    instrumented: InstrumentedModule,
    module: WebAssembly.Module,
  ): PreparedModule {
    const tables = readModule(instrumented.bytes);
    const functions = new Map<string, readonly ValueType[]>();
    for (const entry of tables.exports) {
      if (entry.kind === ExternalKind.Function) {
        functions.set(
          entry.name,
          tables.functionType(entry.index).parameters.map(({ code }) => valueTypeOf(code)),
        );
      }
    }
    const roots = rootLayout(tables, instrumented.bytes);
    const signatures = new TableSignatures(bytes);
    return new PreparedModule(
      bytes,
      instrumented,
      module,
      functions,
      roots,
      signatures,
      mutableGlobalsOf(tables),
      tables.export(RECORDER, ExternalKind.Global) !== undefined,
      seemsRust(tables),
    );
  }

  /**
   * Whether there is a call at this offset of the original code. Of a module that came instrumented only the size of the
   * original code is known.
   */
  isCallSite(site: number): boolean {
    const { instrumented, bytes } = this;
    if (site >= instrumented.statistics.originalCodeSize) return false;
    return bytes === instrumented.bytes || isCall(bytes[instrumented.originalCodeStart + site]!);
  }

  /** The functions of these names; with null the module's own functions, without the allocator and libc's exports. */
  functions(names: readonly string[] | null): FunctionTypes {
    const key = names === null ? '' : `=${names.join('\0')}`;
    return this.#chosen.getOrMake(key, () => choose(this.#functions, names));
  }

  /** The symbols of the module, with debug information from elsewhere if the options have any. */
  symbols(options: SymbolizerOptions): ModuleSymbols {
    const { debugInfo, sourceMap } = options;
    const map = typeof sourceMap === 'object' ? textOf(sourceMap) : sourceMap;
    // A map that JSON cannot express is not shared. Reading it will report what is wrong with it.
    const { bytes, instrumented } = this;
    const originalOf =
      bytes === instrumented.bytes ? (at: number) => instrumented.offsets.toOriginal(at) : null;
    if (map === null) return new ModuleSymbols(bytes, options, originalOf);
    const key = [debugInfo, map].map((part) => (part === undefined ? '' : platform().sha256(part))).join(' ');
    return this.#symbols.getOrMake(
      key,
      () =>
        new ModuleSymbols(bytes, map === undefined ? options : { ...options, sourceMap: map }, originalOf),
    );
  }
}

/** What rustc leaves in a module: its name among the producers, and names of functions as it mangles them. */
const OF_RUST = { producers: /rustc/, name: /17h[0-9a-f]{16}E|_R(?:I?N[a-zC]|[MXY][CN])/ } as const;

/** Whether a module may have functions of Rust. */
function seemsRust(module: ParsedModule): boolean {
  return Object.entries(OF_RUST).some(([section, pattern]) =>
    pattern.test(new TextDecoder('latin1').decode(module.customSection(section))),
  );
}

/** The same for bytes that may be no module: preparing them says what is wrong with them. */
export function bytesSeemRust(bytes: Uint8Array): boolean {
  try {
    return seemsRust(readModule(bytes));
  } catch (error) {
    if (error instanceof InvalidModuleError) return false;
    throw error;
  }
}

function mutableGlobalsOf({ globals, exports }: ParsedModule): PreparedModule['mutableGlobals'] {
  const names = new Map<number, string>();
  for (const { kind, name, index } of exports) {
    if (kind === ExternalKind.Global && globals[index]?.mutable) names.set(index, name);
  }
  const mutable = globals.filter((global) => global.mutable).length;
  return { names: [...names.values()], hidden: mutable - names.size };
}

function refusedByEngine(error: unknown): unknown {
  if (!(error instanceof WebAssembly.CompileError)) return error;
  return new InvalidModuleError(`The engine refuses the module: ${error.message}`, null, { cause: error });
}

/** Opcodes that call: call, call_indirect, and those of tail calls and typed references. */
function isCall(opcode: number): boolean {
  return opcode >= 0x10 && opcode <= 0x15;
}

const kept = new LruCache<string, Promise<PreparedModule>>(MODULES_KEPT);
/** The modules that are in use. */
const alive = new Map<string, WeakRef<PreparedModule>>();
const forget = new FinalizationRegistry((key: string) => {
  if (alive.get(key)?.deref() === undefined) alive.delete(key);
});

/** How a module is prepared. */
export interface Preparation {
  /** Whether its accesses are checked. */
  readonly access?: boolean;
  /** Which modules that were linked without the runtime keep their own allocator. */
  readonly recordOnly?: RecordOnly;
  /** The same module if it is instrumented already. */
  readonly instrumented?: InstrumentedModule | null;
  /** Adds the checks, where something else can do it than the pass itself. */
  readonly addChecks?: AddChecks | undefined;
  /** Told what is done to the module. */
  readonly onProgress?: OnProgress | undefined;
  /** The module's name, for `onProgress`. */
  readonly name?: string | undefined;
}

/** Adds checks of accesses to a module. */
export type AddChecks = (
  bytes: Uint8Array,
  options: InstrumentOptions,
  /** Adds them. It is not called when the result was kept. */
  around: Around,
) => Promise<InstrumentedModule>;

/**
 * Prepares a module, or finds it among those that are prepared.
 * @param bytes the module; the result owns them
 */
export function prepareModule(
  bytes: Uint8Array,
  maxMemory: number | undefined,
  preparation: Preparation = {},
): Promise<PreparedModule> {
  refuseUnchecked(preparation);
  const key = keyOf(bytes, maxMemory, preparation);
  let prepared = kept.get(key);
  if (prepared === undefined) {
    const inUse = alive.get(key)?.deref();
    const { onProgress } = preparation;
    const prepare = (told?: OnProgress): Promise<PreparedModule> => {
      const made = prepareNew(key, bytes, maxMemory, { ...preparation, onProgress: told });
      kept.set(key, made);
      return made;
    };
    if (inUse === undefined) return onProgress === undefined ? prepare() : whileTelling(onProgress, prepare);
    prepared = Promise.resolve(inUse);
    kept.set(key, prepared);
  }
  return prepared;
}

/** The same for a module that this process opens only once: it is neither looked for nor kept. */
export async function prepareModuleOnce(
  bytes: Uint8Array,
  maxMemory: number | undefined,
  preparation: Preparation,
): Promise<PreparedModule> {
  refuseUnchecked(preparation);
  const { instrumented = null } = preparation;
  return PreparedModule.make(
    bytes,
    instrumented ?? (await instrumentAny(bytes, limitOf(maxMemory), preparation)),
  );
}

/**
 * The same without waiting: for code that instantiates modules synchronously.
 * @param bytes the module; the result owns them
 * @param graft puts the runtime into a module that was linked without it
 */
export function prepareModuleNow(
  bytes: Uint8Array,
  maxMemory: number | undefined,
  preparation: Preparation,
  graft: (bytes: Uint8Array, recordOnly: RecordOnly) => Grafted,
): PreparedModule {
  refuseUnchecked(preparation);
  const { access = false, instrumented = null, recordOnly = 'if-needed' } = preparation;
  const key = keyOf(bytes, maxMemory, preparation);
  const inUse = alive.get(key)?.deref();
  if (inUse !== undefined) return inUse;
  const prepared = PreparedModule.makeNow(
    bytes,
    instrumented ??
      instrumentNow(
        bytes,
        { ...limitOf(maxMemory), recordOnly: access ? 'never' : recordOnly, access },
        graft,
        (step, work) => telling(preparation, bytes, step, work),
      ),
  );
  enlist(key, prepared);
  kept.set(key, Promise.resolve(prepared));
  return prepared;
}

/** Throws when a module that came instrumented has no checks, and they are asked for. */
function refuseUnchecked({ access, instrumented }: Preparation): void {
  if (access !== true || instrumented == null || instrumented.shadow !== null) return;
  throw new UnsupportedModuleError(
    'The module was instrumented without checks of its accesses: link it with -fsanitize=address, or load it as it was before.',
  );
}

function keyOf(
  bytes: Uint8Array,
  maxMemory: number | undefined,
  { access = false, recordOnly = 'if-needed' }: Preparation,
): string {
  return `${platform().sha256(bytes)} ${maxMemory ?? ''} ${recordOnly}${access ? ' access' : ''}`;
}

function limitOf(maxMemory: number | undefined): { readonly maxMemory?: number } {
  return maxMemory === undefined ? {} : { maxMemory };
}

function enlist(key: string, prepared: PreparedModule): void {
  alive.set(key, new WeakRef(prepared));
  forget.register(prepared, key);
}

function prepareNew(
  key: string,
  bytes: Uint8Array,
  maxMemory: number | undefined,
  preparation: Preparation,
): Promise<PreparedModule> {
  const make = async (): Promise<PreparedModule> => {
    const prepared = await prepareModuleOnce(bytes, maxMemory, preparation);
    enlist(key, prepared);
    return prepared;
  };
  const prepared = make();
  prepared.catch(() => {
    kept.delete(key, prepared);
  });
  return prepared;
}

/** What instruments modules. Modules that come instrumented do not need it. */
let passes: typeof import('../instrument/instrument.ts') | null = null;
/** What adds checks of accesses as well. */
let checks: typeof import('../access/index.ts') | null = null;

/** Loads the code that instruments modules. Call it, and wait, before `prepareModuleNow`. */
export async function loadPasses(access = false): Promise<void> {
  if (access) checks ??= await import('../access/index.ts');
  passes ??= await import('../instrument/instrument.ts');
}

/** The same for code that has it already and cannot wait. */
export function usePasses(
  instrumenting: typeof import('../instrument/instrument.ts'),
  checking: typeof import('../access/index.ts'),
): void {
  passes = instrumenting;
  checks = checking;
}

function instrumentNow(
  bytes: Uint8Array,
  settings: GraftSettings,
  graft: (bytes: Uint8Array, recordOnly: RecordOnly) => Grafted,
  step: (name: PreparationStep | null, work: () => InstrumentedModule) => InstrumentedModule,
): InstrumentedModule {
  const { recordOnly, access, ...options } = settings;
  if (!access && isLinked(bytes)) return step('instrument', () => passes!.instrument(bytes, options));
  const place = storePlace(bytes, settings);
  const stored = place?.find();
  if (stored != null) return stored;
  const made = access
    ? step(null, () => checks!.instrumentWithChecksNow(bytes, options, (own) => graft(own, recordOnly)))
    : step('graft', () => graftNow(bytes, settings, graft));
  place?.keep(made);
  return made;
}

function graftNow(
  bytes: Uint8Array,
  { recordOnly, access: _, ...options }: GraftSettings,
  graft: (bytes: Uint8Array, recordOnly: RecordOnly) => Grafted,
): InstrumentedModule {
  const { bytes: grafted, origin } = graft(bytes, recordOnly);
  return passes!.instrument(grafted, options, [], origin);
}

/** Whether the module was linked with the runtime. */
function isLinked(bytes: Uint8Array): boolean {
  return readModule(bytes).export('heapline_runtime', ExternalKind.Global) !== undefined;
}

type PreparationStep = 'instrument' | 'graft';

/**
 * Does what instruments the module, which waits for nothing, and tells that it begins and goes on.
 * @param step null when another look at the module has to tell
 */
function telling<T>(
  { onProgress, name }: Preparation,
  bytes: Uint8Array,
  step: PreparationStep | null,
  work: () => T,
): T {
  if (onProgress === undefined) return work();
  const progress: Progress = {
    step: step ?? (isLinked(bytes) ? 'instrument' : 'graft'),
    ...(name === undefined ? {} : { detail: name }),
  };
  onProgress(progress);
  return goingOn(onProgress, progress, work);
}

/** Checks are loaded only where they are asked for, and grafting for modules that were linked without the runtime. */
async function instrumentAny(
  bytes: Uint8Array,
  options: InstrumentOptions,
  preparation: Preparation,
): Promise<InstrumentedModule> {
  const { access = false, recordOnly = 'if-needed', addChecks } = preparation;
  const checking: Around = (work) => telling(preparation, bytes, null, work);
  if (access && addChecks !== undefined) return addChecks(bytes, options, checking);
  if (!access && isLinked(bytes)) {
    await loadPasses();
    return telling(preparation, bytes, 'instrument', () => passes!.instrument(bytes, options));
  }
  // Checks need Heapline's allocator.
  const settings: GraftSettings = { ...options, recordOnly: access ? 'never' : recordOnly, access };
  const place = storePlace(bytes, settings);
  const stored = place?.find();
  if (stored != null) return stored;
  const made = access
    ? await checkAny(bytes, options, checking)
    : await graftAny(bytes, { ...options, recordOnly }, (work) => telling(preparation, bytes, 'graft', work));
  place?.keep(made);
  return made;
}

async function checkAny(
  bytes: Uint8Array,
  options: InstrumentOptions,
  around: Around,
): Promise<InstrumentedModule> {
  await loadPasses(true);
  return checks!.instrumentWithChecks(bytes, options, around);
}

async function graftAny(
  bytes: Uint8Array,
  settings: InstrumentOptions & { readonly recordOnly: RecordOnly },
  around: Around,
): Promise<InstrumentedModule> {
  const [{ graftAndInstrument }] = await Promise.all([
    import('../graft/index.ts'),
    platform().fetchRuntimeObjects?.(),
  ]);
  return around(() => graftAndInstrument(bytes, settings));
}

function textOf(map: object): string | null {
  try {
    return JSON.stringify(map) ?? null;
  } catch {
    return null;
  }
}

/** Whether an exported function is the module's own: not the allocator's, and not what libc exports. */
export function isOwnFunction(name: string): boolean {
  return (
    !(ALLOCATION_FAMILY as readonly string[]).includes(name) &&
    !/^(_|heapline_|main$|fflush$|emscripten_|dynCall_|stack(Save|Restore|Alloc)$)/.test(name)
  );
}

function choose(functions: FunctionTypes, names: readonly string[] | null): FunctionTypes {
  if (names === null) {
    return new Map([...functions].filter(([name]) => isOwnFunction(name)));
  }
  const chosen = new Map<string, readonly ValueType[]>();
  for (const name of names) {
    const parameters = functions.get(name);
    if (parameters === undefined) {
      throw new InvalidArgumentError('exports', `The module exports no function named '${name}'.`);
    }
    chosen.set(name, parameters);
  }
  return chosen;
}
