// What depends on a module alone, made once for all sandboxes of it: the code with its slots, what the engine has
// compiled, types of functions, roots, symbols. Loading the same module again is what tests and services do all day.
//
// A module is known by its content. The last few are kept; others for as long as a sandbox of theirs is there, so
// that a thousand sandboxes which were opened between those of other modules share as well.

import { ExternalKind, readModule } from '../binary/index.ts';
import type { WasmModule } from '../binary/wasm-types.ts';
import { InvalidArgumentError, InvalidModuleError } from '../errors.ts';
import { ALLOCATION_FAMILY } from '../frames/index.ts';
import { type ValueType, valueTypeOf } from '../host/index.ts';
import { type InstrumentedModule, instrument } from '../instrument/index.ts';
import { type RootLayout, rootLayout } from '../leaks/index.ts';
import { platform } from '../platform/index.ts';
import type { SymbolizerOptions } from '../symbols/index.ts';
import { type FunctionTypes, ModuleSymbols } from './module-symbols.ts';
import { TableSignatures } from './table-signatures.ts';

/** A module, ready to be instantiated any number of times. */
export class PreparedModule {
  readonly #functions: FunctionTypes;
  readonly #chosen = new Map<string, FunctionTypes>();
  readonly #symbols = new Map<string, ModuleSymbols>();

  private constructor(
    /** The module as it was given, a copy of our own: symbols are read from it when they are asked for. */
    readonly bytes: Uint8Array,
    readonly instrumented: InstrumentedModule,
    readonly module: WasmModule,
    functions: FunctionTypes,
    readonly roots: RootLayout,
    /** Types of the functions in its table. */
    readonly signatures: TableSignatures,
  ) {
    this.#functions = functions;
  }

  /** @internal Use `prepareModule`. */
  static async make(bytes: Uint8Array, instrumented: InstrumentedModule): Promise<PreparedModule> {
    let module: WebAssembly.Module;
    try {
      module = await WebAssembly.compile(instrumented.bytes as Uint8Array<ArrayBuffer>);
    } catch (error) {
      throw new InvalidModuleError(`The engine refuses the module: ${(error as Error).message}`, null, {
        cause: error,
      });
    }
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
    return new PreparedModule(bytes, instrumented, module, functions, roots, new TableSignatures(bytes));
  }

  /** Whether there is a call at this offset of the original code; of a module that came with slots its size is known. */
  isCallSite(site: number): boolean {
    const { instrumented, bytes } = this;
    if (site >= instrumented.statistics.originalCodeSize) return false;
    return bytes === instrumented.bytes || isCall(bytes[instrumented.originalCodeStart + site]!);
  }

  /** The functions of these names, or with null the module's own: not the allocator, not what libc exports. */
  functions(names: readonly string[] | null): FunctionTypes {
    const key = names === null ? '' : `=${names.join('\0')}`;
    let chosen = this.#chosen.get(key);
    if (chosen === undefined) {
      chosen = choose(this.#functions, names);
      if (this.#chosen.size >= CHOICES_KEPT) this.#chosen.clear();
      this.#chosen.set(key, chosen);
    }
    return chosen;
  }

  /** Symbols, with debug information from elsewhere if there is any. */
  symbols(options: SymbolizerOptions): ModuleSymbols {
    const { debugInfo, sourceMap } = options;
    const map = typeof sourceMap === 'object' ? textOf(sourceMap) : sourceMap;
    // A map that JSON cannot hold is nobody else's; reading it will say what is wrong with it.
    if (map === null) return new ModuleSymbols(this.bytes, options);
    const key = [debugInfo, map].map((part) => (part === undefined ? '' : platform().sha256(part))).join(' ');
    let symbols = this.#symbols.get(key);
    if (symbols === undefined) {
      symbols = new ModuleSymbols(this.bytes, map === undefined ? options : { ...options, sourceMap: map });
      if (this.#symbols.size >= CHOICES_KEPT) this.#symbols.clear();
      this.#symbols.set(key, symbols);
    }
    return symbols;
  }
}

/** Opcodes that call: call, call_indirect, and those of tail calls and typed references. */
function isCall(opcode: number): boolean {
  return opcode >= 0x10 && opcode <= 0x15;
}

/** Lists of exports, and places of debug information, that are remembered of one module. */
const CHOICES_KEPT = 16;

const kept = new Map<string, Promise<PreparedModule>>();
const KEPT = 8;
/** Those that are in use besides. */
const alive = new Map<string, WeakRef<PreparedModule>>();
const forget = new FinalizationRegistry((key: string) => {
  if (alive.get(key)?.deref() === undefined) alive.delete(key);
});

/**
 * Prepares a module, or finds it prepared.
 * @param bytes owned by the result
 * @param instrumented the same, when it has slots already
 */
export function prepareModule(
  bytes: Uint8Array,
  maxMemory: number | undefined,
  instrumented: InstrumentedModule | null = null,
): Promise<PreparedModule> {
  const key = `${platform().sha256(bytes)} ${maxMemory ?? ''}`;
  let prepared = kept.get(key);
  if (prepared === undefined) {
    const inUse = alive.get(key)?.deref();
    prepared = inUse === undefined ? prepareNew(key, bytes, maxMemory, instrumented) : Promise.resolve(inUse);
  } else kept.delete(key);
  // The one that was used last is the last one to go.
  kept.set(key, prepared);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  return prepared;
}

function prepareNew(
  key: string,
  bytes: Uint8Array,
  maxMemory: number | undefined,
  opened: InstrumentedModule | null,
): Promise<PreparedModule> {
  const make = async (): Promise<PreparedModule> => {
    const prepared = await PreparedModule.make(
      bytes,
      opened ?? instrument(bytes, maxMemory === undefined ? {} : { maxMemory }),
    );
    alive.set(key, new WeakRef(prepared));
    forget.register(prepared, key);
    return prepared;
  };
  const prepared = make();
  prepared.catch(() => {
    if (kept.get(key) === prepared) kept.delete(key);
  });
  return prepared;
}

function textOf(map: object): string | null {
  try {
    return JSON.stringify(map) ?? null;
  } catch {
    return null;
  }
}

function choose(functions: FunctionTypes, names: readonly string[] | null): FunctionTypes {
  if (names === null) {
    const family = new Set<string>(ALLOCATION_FAMILY);
    return new Map(
      [...functions].filter(
        ([name]) =>
          !family.has(name) &&
          !/^(_|heapline_|main$|fflush$|emscripten_|dynCall_|stack(Save|Restore|Alloc)$)/.test(name),
      ),
    );
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
