// The types and functions of one module, as its debug information describes them.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { ExternalKind, readModule, type WasmModule } from '../binary/index.ts';
import { isLibraryFile } from '../frames/index.ts';
import type { CType } from './c-type.ts';
import { commentAbove } from './comments.ts';
import { DebugIndex, type NamedFunction } from './debug-index.ts';
import { Declarations, type ExportedFunction } from './declarations.ts';
import { findType, withoutTypes } from './find-type.ts';
import {
  type FunctionVariables,
  type StaticVariable,
  staticVariables,
  typeAt,
  variablesOf,
} from './function-variables.ts';
import { type Signature, signatureOf } from './signature.ts';
import { TypeReader } from './type-reader.ts';

/** The section of a module that was instrumented: its functions are no longer where the debug information says. */
const INSTRUMENTED = 'heapline';

/** How declarations are written. */
export interface DeclarationOptions {
  /** Whether a function is declared. All exported ones are by default. */
  readonly offers?: (name: string) => boolean;
  /** The lines of a source file; null when it cannot be read. Comments above functions are taken from there. */
  readonly sourceLines?: (path: string) => readonly string[] | null;
}

export class ModuleTypes {
  readonly #module: WasmModule;
  readonly #index: DebugIndex;
  readonly #reader: TypeReader;
  readonly #found = new Map<string, CType>();
  readonly #warnings: string[] = [];
  readonly #results = new Map<number, CType | null>();
  readonly #signatures = new Map<number, Signature | null>();
  #byAddress: ReadonlyMap<number, NamedFunction> | null = null;
  #statics: { readonly addresses: readonly number[]; readonly variables: readonly StaticVariable[] } | null =
    null;

  /** @param debugInfo a module with the debug information of this one, when it has none */
  constructor(wasm: Uint8Array, debugInfo?: Uint8Array) {
    this.#module = readModule(wasm);
    const described =
      debugInfo !== undefined && this.#module.customSection('.debug_info') === undefined
        ? readModule(debugInfo)
        : this.#module;
    this.#index = new DebugIndex((name) => described.customSection(name));
    this.#reader = new TypeReader(this.#index);
  }

  /** Whether the module has debug information about types. */
  get known(): boolean {
    return !this.#index.types().next().done;
  }

  /** What could not be read, and why. */
  get warnings(): readonly string[] {
    return [...this.#index.warnings, ...this.#warnings];
  }

  /** The type of this name. Throws when there is none. */
  find(name: string): CType {
    let type = this.#found.get(name);
    if (type === undefined) {
      type = findType(name, this.#index, this.#reader);
      this.#found.set(name, type);
    }
    return type;
  }

  /** The structs, unions and classes that the program's own sources define, without those of libraries. */
  *ownTypes(): Generator<CType, void, undefined> {
    for (const type of this.#index.types()) {
      if (type.declared) continue;
      const read = this.#reader.at(type.entry);
      if (read.kind === 'record' && !isOfToolchain(read.file)) yield read;
    }
  }

  /** The module whose types these are. */
  get module(): WasmModule {
    return this.#module;
  }

  /** The variables of the function with this body; null when the debug information does not describe it. */
  variablesOf(body: number): FunctionVariables | null {
    const described = this.#describedBody(body);
    if (described === undefined) return null;
    return this.#index.guard(null, () => variablesOf(described.entry, this.#index, this.#reader));
  }

  /** The signature of the function with this index; null when the debug information does not describe it. */
  signatureOf(index: number): Signature | null {
    let signature = this.#signatures.get(index);
    if (signature === undefined) {
      const described = this.#describedBody(index - this.#module.importedFunctions);
      signature = described === undefined ? null : this.#signature(described, index);
      this.#signatures.set(index, signature);
    }
    return signature;
  }

  /** The type that the function with this index returns; null when the debug information does not describe it. */
  resultOf(index: number): CType | null {
    let result = this.#results.get(index);
    if (result === undefined) {
      const described = this.#describedBody(index - this.#module.importedFunctions);
      result =
        described === undefined
          ? null
          : this.#index.guard(null, () => typeAt(described.entry, this.#index, this.#reader));
      this.#results.set(index, result);
    }
    return result;
  }

  /** The static variable in which this address lies, or which begins last before it. */
  staticBefore(address: number): StaticVariable | undefined {
    if (this.#statics === null) {
      const variables = staticVariables(this.#index, this.#reader);
      this.#statics = { variables, addresses: variables.map((each) => each.address) };
    }
    return this.#statics.variables[lastAtMost(this.#statics.addresses, address)];
  }

  #describedBody(body: number): NamedFunction | undefined {
    const range = this.#module.bodies[body];
    if (range === undefined || this.#module.customSection(INSTRUMENTED) !== undefined) return undefined;
    this.#byAddress ??= new Map(this.#index.functions.map((each) => [each.address, each]));
    return this.#byAddress.get(range.start - this.#module.codeStart);
  }

  #signature(described: NamedFunction, index: number): Signature | null {
    const { parameters, results } = valueTypes(this.#module, index);
    return signatureOf(described, parameters, results, this.#index, this.#reader);
  }

  /** The TypeScript declarations of the module. Throws when it has no debug information. */
  declarations({ offers = () => true, sourceLines = () => null }: DeclarationOptions = {}): string[] {
    if (!this.known) throw withoutTypes();
    const functions = this.#module.exports
      .filter(({ kind, name }) => kind === ExternalKind.Function && offers(name))
      .map(({ name, index }) => this.#exported(name, index, sourceLines));
    const unknown = functions.filter(({ described }) => !described);
    if (unknown.length > 0) this.#warnings.push(undescribed(unknown.map(({ name }) => name)));
    functions.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return new Declarations().lines(functions, this.ownTypes());
  }

  #exported(
    name: string,
    index: number,
    sourceLines: (path: string) => readonly string[] | null,
  ): ExportedFunction {
    const { parameters, results } = valueTypes(this.#module, index);
    const described = this.#describing(name, index);
    const signature = described === undefined ? null : this.#signature(described, index);
    if (signature === null) {
      const result = results.length > 1 ? 'unknown' : (results[0] ?? 'void');
      return {
        name,
        parameters: parameters.map((each) => ({ name: null, type: each })),
        result,
        comment: null,
        described: false,
      };
    }
    const lines = signature.file === '' || signature.line === 0 ? null : sourceLines(signature.file);
    const comment = lines === null ? null : commentAbove(lines, signature.line);
    return { name, parameters: signature.parameters, result: signature.result, comment, described: true };
  }

  /** The debug information about an exported function. Optimised links rename exports, so its code counts, too. */
  #describing(name: string, index: number): NamedFunction | undefined {
    const there = this.#describedBody(index - this.#module.importedFunctions);
    if (there !== undefined) return there;
    const named = this.#index.functions.filter((each) => each.name === name);
    return named.find(({ external }) => external) ?? named[0];
  }
}

/** The value types of a function's parameters and results. */
function valueTypes(
  module: WasmModule,
  index: number,
): { readonly parameters: readonly string[]; readonly results: readonly string[] } {
  const type = module.functionType(index);
  const nameOf = ({ code }: { readonly code: number }): string => VALUE_TYPES[code] ?? 'unknown';
  return { parameters: type.parameters.map(nameOf), results: type.results.map(nameOf) };
}

/** Headers of compilers and systems. */
const SYSTEM_HEADER =
  /(?:^|[/\\])(?:[^/\\]*sysroot[^/\\]*|emscripten|emsdk|clang)[/\\](?:.*[/\\])?include[/\\]|^\/usr\//;

function isOfToolchain(file: string): boolean {
  return isLibraryFile(file) || SYSTEM_HEADER.test(file);
}

/** A warning about functions whose parameters have no names and no types of C. */
function undescribed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  const list = names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
  return `the debug information does not describe ${list}: only the types of WebAssembly are known; compile with -g`;
}

/** The value types that C uses, by their codes in the binary format. */
const VALUE_TYPES: Readonly<Record<number, string>> = { 127: 'i32', 126: 'i64', 125: 'f32', 124: 'f64' };
