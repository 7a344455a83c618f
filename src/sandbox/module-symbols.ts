// The symbols of a module, opened when somebody first asks for a frame: most sandboxes never look at a stack. The code
// that reads debug information is loaded when the first sandbox is opened.

import type { ModuleTypes } from '../c-types/index.ts';
import type { AllocationTypes } from '../contents/index.ts';
import { StateError } from '../errors.ts';
import type { Frame } from '../frames/index.ts';
import type { ValueType } from '../host/index.ts';
import type { Symbolizer, SymbolizerOptions } from '../symbols/index.ts';
import { MAIN, ModuleWrappers } from './module-wrappers.ts';

/** Parameter types of functions by name. */
export type FunctionTypes = ReadonlyMap<string, readonly ValueType[]>;

let symbols: typeof import('../symbols/index.ts') | null = null;

/** What symbols of a module may need beside debug information. */
export interface SymbolNeeds {
  /** Whether its source map is read. */
  readonly sourceMap: boolean;
  /** Whether it may have functions of Rust. */
  readonly rust: boolean;
}

/** Loads the code that reads symbols. Call it, and wait, before there is a sandbox. */
export async function loadSymbols({ sourceMap, rust }: SymbolNeeds): Promise<void> {
  const [room] = await Promise.all([
    symbols ?? import('../symbols/index.ts'),
    sourceMap ? import('../symbols/install-source-maps.ts') : null,
    rust ? import('../symbols/install-rust-names.ts') : null,
  ]);
  symbols = room;
}

/** The same for code that has it already and cannot wait. */
export function useSymbols(room: typeof import('../symbols/index.ts')): void {
  symbols = room;
}

let cTypes: typeof import('../c-types/index.ts') | null = null;
let contents: typeof import('../contents/index.ts') | null = null;

/**
 * Loads the code that reads C's types and views memory. In the entry `heapline`, loadC(), loadWasm() and attach() do it.
 * In the others, call it and wait before you call sandbox.view(), and before you ask for leaks if their reports are to show
 * types and fields. Pages which need neither do not load it.
 */
export async function loadViews(): Promise<void> {
  [cTypes, contents] = await Promise.all([import('../c-types/index.ts'), import('../contents/index.ts')]);
}

/** The same for code that has it already and cannot wait. */
export function useViews(
  types: typeof import('../c-types/index.ts'),
  describing: typeof import('../contents/index.ts'),
): void {
  cTypes = types;
  contents = describing;
}

let uninstrumented: (module: Uint8Array) => Uint8Array | null = () => null;

/**
 * Says how to get back what an instrumented module was made of. Types of allocations are found in the code that debug
 * information describes.
 */
export function useUninstrumented(of: typeof uninstrumented): void {
  uninstrumented = of;
}

/** The code that finds out what blocks contain; null when it is not loaded. */
export function describing(): typeof import('../contents/index.ts') | null {
  return contents;
}

/** The code that reads C's types and views memory. */
export function viewing(): typeof import('../c-types/index.ts') {
  if (cTypes !== null) return cTypes;
  throw new StateError('The code for views is not loaded: call `await loadViews()` first.');
}

/** The symbols of a module, opened when first asked for: most sandboxes never look at a stack. */
export class ModuleSymbols {
  #symbolizer: Symbolizer | null = null;
  #types: ModuleTypes | null = null;
  #allocations: AllocationTypes | null = null;
  readonly #linesKnown = new WeakMap<FunctionTypes, boolean>();
  readonly #wrappers: ModuleWrappers;

  /** @param originalOf of a module that came instrumented: the place in the original code of a file offset */
  constructor(
    private readonly module: Uint8Array,
    private readonly options: SymbolizerOptions,
    originalOf: ((fileOffset: number) => number | null) | null = null,
  ) {
    this.#wrappers = new ModuleWrappers(module, () => this.#open(), options.bodies, originalOf);
  }

  /** Debug information that could not be used, and why; empty before the symbols were needed. */
  get warnings(): readonly string[] {
    return this.#symbolizer?.warnings ?? [];
  }

  /** True once somebody has asked for a frame. */
  get opened(): boolean {
    return this.#symbolizer !== null;
  }

  /** Whether the module was built without debug information for these functions, the user's own. */
  namesOnly(functions: FunctionTypes): boolean {
    const symbolizer = this.#open();
    let lines = this.#linesKnown.get(functions);
    if (lines === undefined) {
      // The C library may have debug information when the user's functions have none, and the reverse.
      lines =
        symbolizer.source !== 'names' &&
        symbolizer.source !== 'none' &&
        symbolizer.knowsLinesOf((name) => functions.has(name) || MAIN.test(name));
      this.#linesKnown.set(functions, lines);
    }
    // Debug information that is present and cannot be used has a warning of its own.
    return !lines && symbolizer.warnings.length === 0;
  }

  /** Frames of the instruction at this offset of the original code, innermost first. */
  frames(site: number): readonly Frame[] {
    return this.#open().frames(site);
  }

  /** Whether the frame is that of a function that allocates there for its caller, by what it does or is declared to do. */
  allocates(frame: Frame): boolean {
    return this.#open().handsOutMemory(frame) || this.#wrappers.has(frame);
  }

  /** Whether the call at this offset is one by which its function allocates for its caller. */
  allocatesAt(site: number): boolean {
    return this.#wrappers.hasSite(site);
  }

  /** Whether profiles would list more wrappers if the code that recognises them by what they do was loaded. */
  get missesWrappers(): boolean {
    return this.#wrappers.wasMissed;
  }

  /** Whether this offset is in the function by which the toolchain calls main. */
  isStartUp(site: number): boolean {
    return this.#open().isStartUp(site);
  }

  /** The types that the debug information describes. */
  types(): ModuleTypes {
    if (this.#types === null) {
      const module = uninstrumented(this.module) ?? this.module;
      this.#types = new (viewing().ModuleTypes)(module, this.options.debugInfo);
    }
    return this.#types;
  }

  /** What is known about the module's allocations. describing() must not be null. */
  allocations(): AllocationTypes {
    this.#allocations ??= new (describing()!.AllocationTypes)(this.types());
    return this.#allocations;
  }

  #open(): Symbolizer {
    this.#symbolizer ??= symbols!.Symbolizer.open(this.module, this.options);
    return this.#symbolizer;
  }
}
