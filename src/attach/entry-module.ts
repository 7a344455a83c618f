// Functions that glue gets in place of those of a guest. Glue asks whether a function is one of WebAssembly and how many
// parameters it has, and it puts functions into tables. So a small module of WebAssembly stands between: it imports the
// gate's function for each export and exports it again under the same name and type. Only functions that have a thunk
// need the gate: nothing below the others reaches the heap. They are handed out as they are, unless calls have a limit of
// time, which any function may exceed.
//
//   glue ─▶ function of the entry module ─▶ gate ─▶ thunk in the guest ─▶ function of the guest

import {
  ByteWriter,
  ExternalKind,
  exportEntry,
  functionTypeEntry,
  indexEntry,
  readModule,
  SectionId,
  type TypeDefinition,
} from '../binary/index.ts';
import { ENTRY_MODULE, engine, type RawFunction } from '../host/index.ts';
import type { PreparedModule } from '../sandbox/index.ts';

/** The name by which the entry module imports everything. */
const FROM = 'gate';
/** Value types that pass through JavaScript unchanged: numbers, functions and references to JavaScript. */
const PASSING: ReadonlySet<number> = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x70, 0x6f]);

/** A function to stand for. */
interface Entrance {
  readonly name: string;
  readonly hasThunk: boolean;
  readonly type: TypeDefinition;
}

/** Entry modules for functions that have a thunk, and for all functions. */
const modules = [
  new WeakMap<PreparedModule, EntryModule>(),
  new WeakMap<PreparedModule, EntryModule>(),
] as const;

/** The entry module of this module, which all its instances share. @param all whether it stands for all functions */
export function entryModuleOf(prepared: PreparedModule, all: boolean): EntryModule {
  const known = modules[all ? 1 : 0];
  let module = known.get(prepared);
  if (module === undefined) {
    module = new EntryModule(prepared, all);
    known.set(prepared, module);
  }
  return module;
}

export class EntryModule {
  readonly #module: WebAssembly.Module | null;
  /** Names of the exports that are stood for. */
  readonly names: readonly string[];
  readonly #withThunk: ReadonlySet<string>;

  constructor(prepared: PreparedModule, all: boolean) {
    const entrances = entrancesOf(prepared, all);
    this.names = entrances.map(({ name }) => name);
    this.#withThunk = new Set(entrances.filter(({ hasThunk }) => hasThunk).map(({ name }) => name));
    this.#module =
      entrances.length === 0 ? null : new (engine().Module)(bytesOf(entrances) as Uint8Array<ArrayBuffer>);
  }

  /** Whether the function of this name has a thunk. */
  hasThunk(name: string): boolean {
    return this.#withThunk.has(name);
  }

  /** @param gates what each function calls, by name */
  instantiate(gates: Readonly<Record<string, RawFunction>>): WebAssembly.Exports {
    return this.#module === null ? {} : new (engine().Instance)(this.#module, { [FROM]: gates }).exports;
  }
}

/** The exported functions. Those that have a thunk are functions behind those that the module had before. */
function entrancesOf({ instrumented }: PreparedModule, all: boolean): Entrance[] {
  const module = readModule(instrumented.bytes);
  const firstThunk = module.importedFunctions + instrumented.statistics.functions;
  return module.exports
    .filter(({ kind }) => kind === ExternalKind.Function)
    .map(({ name, index }) => ({ name, type: module.functionType(index), hasThunk: index >= firstThunk }))
    .filter(({ hasThunk }) => all || hasThunk)
    .filter(({ type }) => [...type.parameters, ...type.results].every(({ code }) => PASSING.has(code)));
}

function bytesOf(entrances: readonly Entrance[]): Uint8Array {
  const types: string[] = [];
  const entries: Uint8Array[] = [];
  const typeOf = ({ type }: Entrance): number => {
    const parameters = type.parameters.map(({ code }) => code);
    const results = type.results.map(({ code }) => code);
    const key = `${parameters}>${results}`;
    const known = types.indexOf(key);
    if (known >= 0) return known;
    entries.push(functionTypeEntry(parameters, results));
    return types.push(key) - 1;
  };
  const imports = entrances.map((entrance) => importEntry(entrance.name, typeOf(entrance)));
  const exports = entrances.map(({ name }, index) => exportEntry(name, ExternalKind.Function, index));
  const module = new ByteWriter(1024);
  module.copy(new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]));
  writeSection(module, SectionId.Type, entries);
  writeSection(module, SectionId.Import, imports);
  writeSection(module, SectionId.Export, exports);
  writeName(module);
  return module.take();
}

function importEntry(name: string, type: number): Uint8Array {
  const entry = new ByteWriter();
  entry.name(FROM);
  entry.name(name);
  entry.byte(ExternalKind.Function);
  entry.copy(indexEntry(type));
  return entry.take();
}

function writeSection(module: ByteWriter, id: number, entries: readonly Uint8Array[]): void {
  const content = new ByteWriter();
  content.unsigned(entries.length);
  for (const entry of entries) content.copy(entry);
  module.byte(id);
  module.unsigned(content.length);
  module.copy(content.take());
}

/** The name section, by which stacks recognise the module. */
function writeName(module: ByteWriter): void {
  const name = new ByteWriter();
  name.name(ENTRY_MODULE);
  const content = new ByteWriter();
  content.name('name');
  content.byte(0);
  content.unsigned(name.length);
  content.copy(name.take());
  module.byte(SectionId.Custom);
  module.unsigned(content.length);
  module.copy(content.take());
}
