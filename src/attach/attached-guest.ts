// A guest whose instance is made for JavaScript that is not Heapline's. The glue gets what looks like the engine's own
// instance: exports with the same names, kinds and types. Behind them, entries are registered, and both stacks are
// restored when a call was cut off; errors pass unchanged, because glue recognises its own by identity.

import type { WasmExports } from '../binary/wasm-types.ts';
import { StateError, UnsupportedModuleError } from '../errors.ts';
import {
  connectHooks,
  engine,
  type Guest,
  INVOKE,
  KeptBlocks,
  memoryIn,
  type RawFunction,
  TableEntries,
} from '../host/index.ts';
import type { Boundary, PreparedModule } from '../sandbox/index.ts';
import { entryModuleOf } from './entry-module.ts';

/** Functions that glue calls all the time and that never reach the heap. */
const STACK_POINTER = /^_?(emscripten_)?stack/;

/** The imports that glue gives to an instance. */
export type GivenImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

type Imports = Record<string, Record<string, WebAssembly.ImportValue>>;

/** The parts of Emscripten's FS that are used here. */
interface FileSystem {
  readFile(path: string): Uint8Array;
}

export class AttachedGuest implements Guest {
  readonly exports: WasmExports;
  readonly memory: WebAssembly.Memory;
  readonly hasMain = false;
  readonly kept = new KeptBlocks();
  /** What the glue has made of the instance; null until it has. */
  glueModule: unknown = null;
  readonly #boundary: Boundary;
  readonly #tables: readonly WebAssembly.Table[];
  readonly #real: WebAssembly.Exports;

  /** Makes the instance. The start function of the module has run when this returns. */
  constructor(
    readonly prepared: PreparedModule,
    given: GivenImports,
    boundary: Boundary,
  ) {
    this.#boundary = boundary;
    const imports = this.#imports(given);
    this.#real = boundary.gate.start(() => new (engine().Instance)(prepared.module, imports)).exports;
    connectHooks(this.#real, boundary.runtime);
    const values = [this.#real, ...Object.values(imports)].flatMap((each): unknown[] => Object.values(each));
    this.memory = memoryIn(this.#real.memory, values);
    this.exports = this.#real.memory === this.memory ? this.#real : { ...this.#real, memory: this.memory };
    this.#tables = values.filter((value) => value instanceof WebAssembly.Table);
  }

  /** What the glue gets in place of the instance. Called once, when the session is complete. */
  instanceForGlue(): WebAssembly.Instance {
    const { gate, hostStacks } = this.#boundary;
    const entryModule = entryModuleOf(this.prepared, gate.limits);
    const entries = new TableEntries((raw) => gate.markIndirect(raw));
    for (const table of this.#tables) entries.watch(table, { TypeError, RangeError });
    const gates: Record<string, RawFunction> = {};
    for (const name of entryModule.names) {
      if (STACK_POINTER.test(name)) gates[name] = this.#real[name] as RawFunction;
      else if (!entryModule.hasThunk(name)) gates[name] = gate.markIndirect(this.#real[name] as RawFunction);
      else gates[name] = this.kept.watched(name, gate.mark(this.#real[name] as RawFunction));
    }
    const standIns = entryModule.instantiate(gates);
    hostStacks.expectEntries();
    const exports: Record<string, unknown> = Object.create(null);
    for (const [name, value] of Object.entries(this.#real)) {
      const standIn = standIns[name];
      if (standIn !== undefined) entries.add(value as RawFunction, standIn as RawFunction);
      exports[name] = standIn ?? value;
    }
    return Object.create(engine().Instance.prototype, {
      exports: { value: Object.freeze(exports), enumerable: true },
    }) as WebAssembly.Instance;
  }

  /** The glue's imports that the module wants, with watchers, and those of the runtime. */
  #imports(given: GivenImports): Imports {
    const imports: Imports = {};
    for (const { module, name } of engine().Module.imports(this.prepared.module)) {
      const value = given[module]?.[name];
      imports[module] ??= {};
      // The engine says what is wrong with a value that is missing.
      imports[module][name] = this.#watched(name, value) as WebAssembly.ImportValue;
    }
    if (imports.heapline !== undefined) imports.heapline = { ...imports.heapline, ...this.#boundary.runtime };
    for (const functions of Object.values(imports)) this.kept.watchImports(functions);
    return Object.fromEntries(
      Object.entries(imports).map(([name, functions]) => [
        name,
        this.#boundary.gate.exceptions.watch(functions),
      ]),
    );
  }

  #watched(name: string, value: unknown): unknown {
    if (typeof value !== 'function' || !INVOKE.test(name)) return value;
    return this.#boundary.gate.passing(value as RawFunction);
  }

  // The glue calls the constructors.
  initialize(): void {}

  runMain(): never {
    throw new StateError('The JavaScript of the module runs its main().');
  }

  save(): never {
    throw new UnsupportedModuleError(
      "A snapshot cannot save the JavaScript that runs the module, which is not Heapline's: load the module with loadC() " +
        'or loadWasm(), or instantiate it again.',
    );
  }

  readFile(path: string): Uint8Array | null {
    const files = fileSystemOf(this.glueModule);
    if (files === null) return null;
    try {
      return new Uint8Array(files.readFile(path));
    } catch {
      return null;
    }
  }

  dispose(): void {
    this.glueModule = null;
  }
}

/** Not read directly, because glue that was linked with ASSERTIONS ends the program when a missing property is read. */
function fileSystemOf(module: unknown): FileSystem | null {
  if (typeof module !== 'object' || module === null) return null;
  const files: unknown = Object.getOwnPropertyDescriptor(module, 'FS')?.value;
  return typeof files === 'object' && files !== null && 'readFile' in files ? (files as FileSystem) : null;
}
