// Turns a code offset into source frames, inlined calls included. It uses the best that the module offers:
// its own DWARF, DWARF in a separate file, a source map, names, or at worst the function index alone. Debug
// information that does not fit the code, because a tool rewrote only one of them, would give answers that
// look right and are wrong. So the debug information about a function counts only if the function starts
// where a body of this module does.

import { unitDone } from '../algorithms/watched-work.ts';
import { ByteReader, ExternalKind, readModule, type WasmModule } from '../binary/index.ts';
import { InvalidModuleError } from '../errors.ts';
import { type Frame, isRustLibraryFile } from '../frames/index.ts';
import { DwarfInfo } from './dwarf/index.ts';
import { type BodyRange, FunctionBodies } from './function-bodies.ts';
import { openSourceMap, rustNames } from './parts.ts';
import type { SourceMapInput, SourcePosition, SourcePositions } from './source-positions.ts';

/** Options of a Symbolizer. */
export interface SymbolizerOptions {
  /**
   * A module with the debug information of this one: an unstripped copy, or the file that
   * `external_debug_info` names.
   */
  readonly debugInfo?: Uint8Array;
  /** Source map of the original module: JSON text or the parsed object. */
  readonly sourceMap?: SourceMapInput;
  /** @internal Function bodies of the original module, if the given module is an instrumented one. */
  readonly bodies?: readonly BodyRange[];
  /**
   * @internal File offset of the code section payload in the original module, if the given module is an instrumented
   * one.
   */
  readonly codeStart?: number;
}

/** The best source of symbols that a module has. */
export type SymbolSource = 'dwarf' | 'source-map' | 'names' | 'none';

/** Bytes at the start of a function that are searched for a line. */
const PROBED = 32;

/** Emscripten's functions that call one out of the table, by the types of its result and its parameters. */
const DYN_CALL = /^dynCall_[vijfdp]+$/;

/** The functions by which Rust's library is called: rustc and libc have made them. */
const RUST_ENTRIES = /^(main|__original_main|__main_void|_start)$/;

/** Turns offsets from the start of the code section payload into source frames. */
export class Symbolizer {
  /** The best source of symbols. For some functions there may only be a lesser one. */
  readonly source: SymbolSource;
  /**
   * Path or URL of the module's debug information, from the custom section `external_debug_info`; null if
   * there is none.
   */
  readonly externalDebugInfo: string | null;
  /** URL of the module's source map, from the custom section `sourceMappingURL`; null if there is none. */
  readonly sourceMapUrl: string | null;
  readonly #warnings: string[] = [];
  readonly #bodies: FunctionBodies;
  readonly #importedFunctions: number;
  readonly #codeStart: number;
  readonly #dwarf: DwarfInfo | null;
  readonly #positions: SourcePositions | null;
  readonly #functionNames: Map<number, string>;
  /** Indices of the toolchain's functions that call those of the program. */
  readonly #startUp: ReadonlySet<number>;
  readonly #rustStart: ReadonlySet<number>;
  readonly #stacks = new Map<number, readonly Frame[]>();
  readonly #sites: number[] = [];
  readonly #frames = new Map<string, Map<number, Frame[]>>();

  private constructor(module: WasmModule, options: SymbolizerOptions) {
    this.#bodies = new FunctionBodies(options.bodies ?? bodiesOf(module));
    this.#importedFunctions = module.importedFunctions;
    this.#codeStart = options.codeStart ?? module.codeStart;
    this.externalDebugInfo = readPath(module, 'external_debug_info');
    this.sourceMapUrl = readPath(module, 'sourceMappingURL');
    const external = this.#readExternal(options.debugInfo);
    this.#dwarf = this.#openDwarf(module, '') ?? (external && this.#openDwarf(external, 'external '));
    this.#positions = this.#openSourceMap(options.sourceMap);
    this.#functionNames = readNames(module, external);
    this.#rustStart = this.#findRustStart();
    this.#startUp = this.#findStartUp();
    this.source =
      this.#dwarf !== null
        ? 'dwarf'
        : this.#positions !== null
          ? 'source-map'
          : this.#functionNames.size > 0
            ? 'names'
            : 'none';
  }

  /**
   * Opens the symbols of a module, original or instrumented; an instrumented module has the debug information of its
   * original. Bad debug information is not an error: it stays unused, and `warnings` says so. Throws an
   * InvalidModuleError for bytes that are not a module.
   */
  static open(wasm: Uint8Array, options: SymbolizerOptions = {}): Symbolizer {
    return new Symbolizer(readModule(wasm), options);
  }

  /**
   * Says which debug information could not be used, and why. The list grows with look-ups, because debug
   * information is read piece by piece.
   */
  get warnings(): readonly string[] {
    return this.#dwarf === null ? this.#warnings : [...this.#warnings, ...this.#dwarf.warnings];
  }

  /**
   * The frames of an instruction, innermost first; there is at least one. `offset` is the offset of the
   * instruction itself, not of the next one, and counts from the start of the code section payload. Equal
   * frames are the same object.
   */
  frames(offset: number): readonly Frame[] {
    let stack = this.#stacks.get(offset);
    if (stack === undefined) {
      unitDone();
      stack = this.#lookUp(offset);
      this.#stacks.set(offset, stack);
      this.#sites.push(offset);
    }
    return stack;
  }

  /**
   * True if the instruction belongs to a function by which a toolchain calls the program's functions. Programs of
   * Emscripten, and WASI programs whose main takes arguments, have such a function for main; -sDYNCALLS makes
   * `dynCall_*` for others. Rust's library has some, too. Other programs have none, so these functions are left out of
   * stacks.
   */
  isStartUp(offset: number): boolean {
    const body = this.#bodies.find(offset);
    if (body < 0) return false;
    const index = this.#importedFunctions + body;
    if (this.#startUp.has(index)) return true;
    // The compiler may have moved the program's main into a function of the library.
    return (
      this.#rustStart.has(index) &&
      this.frames(offset).every(({ file }) => file === '' || isRustLibraryFile(file))
    );
  }

  /** @internal The offsets whose frames somebody has asked for, each once, in the order of the first questions. */
  get sites(): readonly number[] {
    return this.#sites;
  }

  /** @internal Whether the function of an inlined frame hands out memory, as its declaration says. */
  handsOutMemory({ inlined, linkageName }: Frame): boolean {
    return inlined && this.#dwarf?.handsOutMemory(linkageName) === true;
  }

  #findRustStart(): ReadonlySet<number> {
    const found = new Set<number>();
    const rust = rustNames();
    if (rust === null) return found;
    for (const [index, name] of this.#functionNames) if (rust.isRustStart(name)) found.add(index);
    return found;
  }

  #findStartUp(): ReadonlySet<number> {
    const found = new Set<number>();
    const indices = new Map<string, number>();
    for (const [index, name] of this.#functionNames) {
      indices.set(name, index);
      if (DYN_CALL.test(name)) found.add(index);
    }
    // The caller of main is named `main` if C's main was renamed; otherwise it has a name of its own.
    const renamed = indices.has('__main_argc_argv') || indices.has('__original_main');
    const caller = (renamed ? indices.get('main') : undefined) ?? indices.get('__main_void');
    if (caller !== undefined && (renamed || indices.has('main'))) found.add(caller);
    if (this.#rustStart.size === 0) return found;
    for (const [index, name] of this.#functionNames) if (RUST_ENTRIES.test(name)) found.add(index);
    return found;
  }

  /** True if lines of any of these functions are known, or if the module has none of the functions. */
  knowsLinesOf(isMeant: (name: string) => boolean): boolean {
    let some = false;
    for (const [index, name] of this.#functionNames) {
      const body = index - this.#importedFunctions;
      // In an instrumented module, exports are thunks after all bodies, and names of thunks are among the names.
      if (body < 0 || body >= this.#bodies.count || this.#startUp.has(index)) continue;
      if (!isMeant(name) && rustNames()?.isRustMain(name) !== true) continue;
      some = true;
      if (this.#positions !== null || this.#knowsLineIn(body)) return true;
    }
    return !some;
  }

  // A body starts with the declarations of locals, which have no line. Code that a compiler moved may have
  // none, either.
  #knowsLineIn(body: number): boolean {
    const start = this.#bodies.start(body);
    const last = this.#bodies.lastOf(body);
    for (let offset = start; offset < last && offset < start + PROBED; offset++)
      if (this.#lookUp(offset)[0]!.file !== '') return true;
    return this.#lookUp(last)[0]!.file !== '';
  }

  #lookUp(offset: number): readonly Frame[] {
    const body = this.#bodies.find(offset);
    if (body < 0) {
      return [this.#frame(`wasm-code+0x${offset.toString(16)}`, '', 0, '', 0, 0, false)];
    }
    const index = this.#importedFunctions + body;
    const known = this.#dwarf?.frames(offset) ?? null;
    if (known !== null) {
      return known.map((frame) =>
        this.#frame(
          rustNames()?.rustName(frame.linkageName) ??
            (frame.function || (frame.inlined ? '<unknown>' : this.#nameOf(index, null))),
          frame.linkageName,
          frame.startLine,
          frame.file,
          frame.line,
          frame.column,
          frame.inlined,
        ),
      );
    }
    const from = this.#codeStart + this.#bodies.start(body);
    const position = this.#positions?.at(this.#codeStart + offset, from) ?? null;
    const name = this.#nameOf(index, position);
    return [
      this.#frame(name, name, 0, position?.file ?? '', position?.line ?? 0, position?.column ?? 0, false),
    ];
  }

  #nameOf(index: number, position: SourcePosition | null): string {
    const name = this.#functionNames.get(index) || position?.name || `wasm-function[${index}]`;
    return rustNames()?.rustName(name) ?? name;
  }

  #frame(
    name: string,
    linkageName: string,
    startLine: number,
    file: string,
    line: number,
    column: number,
    inlined: boolean,
  ): Frame {
    // Frames are found by file and place, and then among the few that share both, so that no key has to be built.
    let byPlace = this.#frames.get(file);
    if (byPlace === undefined) {
      byPlace = new Map();
      this.#frames.set(file, byPlace);
    }
    const place = line * 2 ** 16 + column;
    let alike = byPlace.get(place);
    if (alike === undefined) {
      alike = [];
      byPlace.set(place, alike);
    }
    for (const frame of alike) {
      if (
        frame.function === name &&
        frame.line === line &&
        frame.column === column &&
        frame.inlined === inlined &&
        frame.startLine === startLine &&
        frame.linkageName === linkageName
      ) {
        return frame;
      }
    }
    const frame: Frame = Object.freeze({
      function: name,
      linkageName,
      file,
      line,
      column,
      startLine,
      inlined,
      language: 'c',
    });
    alike.push(frame);
    return frame;
  }

  #readExternal(bytes: Uint8Array | undefined): WasmModule | null {
    if (bytes === undefined) return null;
    try {
      return readModule(bytes);
    } catch (error) {
      if (!(error instanceof InvalidModuleError)) throw error;
      this.#warnings.push(`external debug information is not used: ${error.message}`);
      return null;
    }
  }

  #openDwarf(module: WasmModule, which: string): DwarfInfo | null {
    if (module.customSection('.debug_info') === undefined) return null;
    const bodies = this.#bodies;
    const dwarf = new DwarfInfo((name) => module.customSection(name), {
      codeEnd: bodies.end,
      startsBody: (offset) => bodies.startsBody(offset),
      endsBody: (offset) => bodies.endsBody(offset),
    });
    const { rangeCount, matchingRangeCount } = dwarf;
    // If the code was rewritten, starts agree only by chance, or at most up to the first change.
    if (matchingRangeCount * 2 > rangeCount) return dwarf;
    const fault =
      rangeCount === 0
        ? 'describes no function of this module'
        : `is stale: of the ${rangeCount} pieces of code that it describes, ${matchingRangeCount} start where a function of this module does`;
    this.#warnings.push(
      ...dwarf.warnings,
      `the ${which}debug information ${fault}, and is not used. If a tool changed the module after linking, turn it ` +
        'off (--no-wasm-opt for clang, -O0 or -O1 at the link for Emscripten)',
    );
    return null;
  }

  #openSourceMap(map: SourceMapInput | undefined): SourcePositions | null {
    if (map === undefined) return null;
    try {
      return openSourceMap(map);
    } catch (error) {
      // The decoder has no error class of its own for malformed maps, so any error may come.
      this.#warnings.push(
        `the source map is not used: ${error instanceof Error ? error.message : String(error)}`,
      );
      return null;
    }
  }
}

function bodiesOf(module: WasmModule): BodyRange[] {
  return module.bodies.map(({ start, end }) => ({
    start: start - module.codeStart,
    end: end - module.codeStart,
  }));
}

/** Reads a custom section that holds one string (tool conventions, "DWARF" and "Source Maps"). */
function readPath(module: WasmModule, section: string): string | null {
  const bytes = module.customSection(section);
  if (bytes === undefined) return null;
  try {
    return new ByteReader(bytes).name();
  } catch (error) {
    if (!(error instanceof InvalidModuleError)) throw error;
    return null;
  }
}

/**
 * Names by function index. The name section comes first, then external debug information that counts the same
 * functions, then exports.
 */
function readNames(module: WasmModule, external: WasmModule | null): Map<number, string> {
  const names = new Map<number, string>();
  for (const { kind, name, index } of module.exports) {
    if (kind === ExternalKind.Function) names.set(index, name);
  }
  const alike =
    external !== null &&
    external.importedFunctions === module.importedFunctions &&
    external.functions.length === module.functions.length;
  for (const source of alike ? [external, module] : [module]) {
    for (const [index, name] of source.functionNames()) if (name !== '') names.set(index, name);
  }
  return names;
}
