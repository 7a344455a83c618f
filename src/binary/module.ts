// A WebAssembly module as tables that tools work on: sections with their places, types, imports, exports,
// elements, the ranges of function bodies. Core specification 3.0, section 5.5; multi-memory, memory64, tags
// and GC types included. read-module.ts fills the tables.

import { InvalidModuleError } from '../errors.ts';
import { type Body, type BodyHeads, readBodyHeads } from './bodies.ts';
import { ByteReader } from './byte-reader.ts';
import type { TypeDefinition, ValueType } from './types.ts';

/** Section ids of the binary format. */
export const SectionId = {
  Custom: 0,
  Type: 1,
  Import: 2,
  Function: 3,
  Table: 4,
  Memory: 5,
  Global: 6,
  Export: 7,
  Start: 8,
  Element: 9,
  Code: 10,
  Data: 11,
  DataCount: 12,
  Tag: 13,
} as const;

/**
 * The place of each section id in the order that the format requires: tags come between memories and globals,
 * the data count before the code. Custom sections (id 0) may stand anywhere.
 */
export const SECTION_ORDER: readonly number[] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6];

/** The kinds of imports and exports, with their encodings. */
export const ExternalKind = { Function: 0, Table: 1, Memory: 2, Global: 3, Tag: 4 } as const;
export type ExternalKindCode = (typeof ExternalKind)[keyof typeof ExternalKind];

/** A section and its places, as file offsets in bytes. */
export interface Section {
  readonly id: number;
  /** Name of a custom section, '' for others. */
  readonly name: string;
  /** Offset of the id byte. */
  readonly start: number;
  /** Offset of the content: after the length, and after the name of a custom section. */
  readonly content: number;
  readonly end: number;
}

/** Limits of a memory (64 KiB pages) or table (elements). */
export interface Limits {
  /** File offsets of the encoded limits. */
  readonly start: number;
  readonly end: number;
  readonly minimum: bigint;
  readonly maximum: bigint | null;
  readonly shared: boolean;
  /** Addresses are i64: the memory64 proposal. */
  readonly is64: boolean;
}

export interface Table extends Limits {
  readonly type: ValueType;
}

export interface Global {
  readonly type: ValueType;
  readonly mutable: boolean;
  /** Null for imported globals. */
  readonly initializer: ConstantExpression | null;
}

/** An initialiser or offset. Only the common forms are read; of others the place is known. */
export interface ConstantExpression {
  readonly start: number;
  /** Offset after the `end` opcode. */
  readonly end: number;
  /** Value of a lone `i32.const`, as an unsigned number; null for anything else. */
  readonly i32: number | null;
  /** Functions whose references the expression takes. */
  readonly functions: readonly number[];
}

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternalKindCode;
  /** Index in the index space of its kind. */
  readonly index: number;
}

export interface Export {
  readonly name: string;
  readonly kind: ExternalKindCode;
  readonly index: number;
}

export interface ElementSegment {
  readonly mode: 'active' | 'passive' | 'declarative';
  /** Table that an active segment initialises. */
  readonly table: number;
  readonly offset: ConstantExpression | null;
  /** Functions that the segment refers to, null references left out. */
  readonly functions: readonly number[];
  /** Number of its elements, null references included. */
  readonly count: number;
}

export interface DataSegment {
  readonly mode: 'active' | 'passive';
  readonly memory: number;
  readonly offset: ConstantExpression | null;
  /** File offsets of its bytes. */
  readonly start: number;
  readonly end: number;
}

/** A module that was read. Index spaces hold imports first, as in the binary format. */
export class WasmModule {
  readonly sections: Section[] = [];
  types: readonly TypeDefinition[] = [];
  readonly imports: Import[] = [];
  /** Type index of each function. */
  readonly functions: number[] = [];
  /** How many of the functions are imported. */
  importedFunctions = 0;
  readonly tables: Table[] = [];
  readonly memories: Limits[] = [];
  readonly globals: Global[] = [];
  /** Type index of each tag. */
  readonly tags: number[] = [];
  readonly exports: Export[] = [];
  /** Function called at instantiation. */
  start: number | null = null;
  readonly elements: ElementSegment[] = [];
  readonly data: DataSegment[] = [];
  /** Bodies of the functions that are not imported. */
  readonly bodies: Body[] = [];
  /** File offset of the code section's payload, which begins with the number of bodies; 0 without code. */
  codeStart = 0;
  /** File offset of the end of the code section; 0 without code. */
  codeEnd = 0;
  /** Functions whose references are taken outside of code: element segments, globals, table initialisers. */
  readonly referencedFunctions = new Set<number>();

  #heads: BodyHeads | null = null;

  constructor(readonly bytes: Uint8Array) {}

  /**
   * The local declarations of all bodies, read at the first request. Throws an InvalidModuleError when those of one
   * are malformed.
   */
  get heads(): BodyHeads {
    this.#heads ??= readBodyHeads(
      this.bytes,
      this.bodies,
      (body) => this.functionType(this.importedFunctions + body).parameters.length,
    );
    return this.#heads;
  }

  section(id: number): Section | undefined {
    return this.sections.find((section) => section.id === id);
  }

  /** Content of the first custom section of this name, without the name. */
  customSection(name: string): Uint8Array | undefined {
    const section = this.sections.find((each) => each.id === SectionId.Custom && each.name === name);
    return section && this.bytes.subarray(section.content, section.end);
  }

  export(name: string, kind: ExternalKindCode): Export | undefined {
    return this.exports.find((each) => each.name === name && each.kind === kind);
  }

  /** Type of a function, by function index. */
  functionType(index: number): TypeDefinition {
    return this.types[this.functions[index]!]!;
  }

  /**
   * Function names of the name section, by function index. A malformed name section does not make the module invalid
   * (specification, appendix "Custom Sections"); the names before the malformed place are returned.
   */
  functionNames(): Map<number, string> {
    const names = new Map<number, string>();
    const section = this.sections.find((each) => each.id === SectionId.Custom && each.name === 'name');
    if (section === undefined) return names;
    try {
      const reader = new ByteReader(this.bytes, section.content, section.end);
      while (!reader.done) {
        const id = reader.byte();
        const subsection = reader.slice(reader.u32());
        if (id !== 1) continue;
        const count = subsection.count(2);
        for (let index = 0; index < count; index += 1) names.set(subsection.u32(), subsection.name());
      }
    } catch (error) {
      if (!(error instanceof InvalidModuleError)) throw error;
    }
    return names;
  }
}
