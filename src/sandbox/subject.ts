// What a session runs: a module with its symbols, and what the outside world calls it. Nothing here changes while the
// guest runs, so a snapshot of a session need not save it.

import type { FunctionTypes, ModuleSymbols } from './module-symbols.ts';
import type { PreparedModule } from './prepared-module.ts';

/** A toolchain that compiled a module. */
export interface ToolchainInfo {
  /** Its name, such as `clang`. */
  readonly name: string;
  /** Its version, as it reports itself. */
  readonly version: string;
}

/** What a module says that keeps its own allocator. */
export const RECORD_ONLY =
  'Record only: the module keeps its own allocator. Blocks, bytes and stacks are recorded; bad frees are not judged, freed ' +
  'blocks do not wait in a quarantine, and blocks of inlined code of the allocator are not seen.';

/** A module, its symbols and its names. */
export interface Subject {
  readonly module: PreparedModule;
  readonly symbols: ModuleSymbols;
  /** Name of the module in profiles. */
  readonly name: string;
  /** Path of the module or of its first source file. */
  readonly path: string;
  /** What compiled the module; null for a module that came compiled. */
  readonly toolchain: ToolchainInfo | null;
  /** Warnings of the compiler. */
  readonly warnings: readonly string[];
  /** Lines for the comments of profiles. */
  readonly comments: readonly string[];
  /** The functions that the sandbox offers, with the types of their parameters. */
  readonly functions: FunctionTypes;
}

/** What the compiler and the reading of debug information had to say. Debug information is not read for this. */
export function warningsAbout(subject: Subject): readonly string[] {
  const { module, symbols } = subject;
  const warnings = [...subject.warnings, ...(module.recordsOnly ? [RECORD_ONLY] : [])];
  return symbols.opened ? [...warnings, ...symbols.warnings, ...namesOnly(subject)] : warnings;
}

/** The comments of a profile. Reads the debug information. */
export function commentsAbout(subject: Subject): readonly string[] {
  const { comments, module } = subject;
  const said = comments.some((each) => each.startsWith(RECORD_ONLY.slice(0, RECORD_ONLY.indexOf(':'))));
  return [...comments, ...(module.recordsOnly && !said ? [RECORD_ONLY] : []), ...namesOnly(subject)];
}

/** A sentence that the module was built without debug information, if it was; empty otherwise. */
function namesOnly({ symbols, functions, name }: Subject): readonly string[] {
  return symbols.namesOnly(functions)
    ? [
        `${name} was built without debug info: its profiles have names only; compile with -g for files and lines`,
      ]
    : [];
}
