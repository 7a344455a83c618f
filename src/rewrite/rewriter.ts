// The rewriter: takes the edits of any number of passes to one module and writes the module with all of them.
// It computes lengths and the offset map and keeps index spaces consistent. It does not know what the
// edits are for.
//
// Passes share one walk: each analyses the original module and adds its edits here, at offsets and indices of
// the original. A pass that has to see what another one wrote runs on that one's output, and the two offset
// maps are joined (`OffsetMap.after`).

import {
  activeDataEntry,
  activeElementEntry,
  ByteWriter,
  declarativeElementEntry,
  type Export,
  ExternalKind,
  type ExternalKindCode,
  exportEntry,
  functionTableEntry,
  functionTypeEntry,
  globalEntry,
  indexEntry,
  limitsEntry,
  SectionId,
  unsignedLength,
  type WasmModule,
  writeUnsigned,
} from '../binary/index.ts';
import { InvalidArgumentError } from '../errors.ts';
import { CodeEdits, type InsertedHint } from './code-edits.ts';
import { CodeLayout } from './code-layout.ts';
import {
  BRANCH_HINTS,
  encodeNotes,
  METADATA_PREFIX,
  NoteMover,
  type Notes,
  readNotes,
} from './code-metadata.ts';
import { checkFunctions, checkLocals } from './limits.ts';
import { OffsetMap } from './offset-map.ts';
import { type OutputSection, SectionEdits } from './section-edits.ts';

/** A custom section to add. */
export interface CustomSection {
  readonly name: string;
  readonly content: Uint8Array;
}

/** Where the rewritten code is. */
export interface RewrittenCode {
  readonly offsets: OffsetMap;
  /** Bytes of the code section's payload. */
  readonly size: number;
}

/** A rewritten module. */
export interface Rewritten extends RewrittenCode {
  readonly bytes: Uint8Array;
}

/** Collects edits to one module and writes the result. */
export class Rewriter {
  readonly code: CodeEdits = new CodeEdits();
  readonly #sections: SectionEdits;
  readonly #locals = new Map<number, number[]>();
  readonly #bodies: Uint8Array[] = [];
  #exports: Export[] | null = null;
  #types = 0;
  #globals = 0;
  #tables = 0;
  #data = 0;

  constructor(readonly module: WasmModule) {
    this.#sections = new SectionEdits(module);
  }

  /** Adds a function type; returns its index. Value types are codes of one byte. */
  addType(parameters: readonly number[], results: readonly number[]): number {
    this.#sections.append(SectionId.Type, functionTypeEntry(parameters, results));
    return this.module.types.length + this.#types++;
  }

  /** Appends a function with this type index and body (local declarations to `end`); returns its index. */
  addFunction(type: number, body: Uint8Array): number {
    const index = this.module.functions.length + this.#bodies.length;
    checkFunctions(index + 1);
    this.#sections.append(SectionId.Function, indexEntry(type));
    this.#bodies.push(body);
    return index;
  }

  /** Adds a local of a value type of one byte to the body number `body`; returns its index in the function. */
  addLocal(body: number, type: number): number {
    const types = this.#locals.get(body);
    const index = this.module.heads.locals[body]! + (types?.length ?? 0);
    checkLocals(this.module.importedFunctions + body, index);
    if (types === undefined) this.#locals.set(body, [type]);
    else types.push(type);
    return index;
  }

  /** Gives the function `index` another body, local declarations to `end`. */
  replaceBody(index: number, body: Uint8Array): void {
    const extent = this.module.bodies[index - this.module.importedFunctions];
    if (extent === undefined || body.length < 2) {
      throw new InvalidArgumentError('index', `the body of function ${index} cannot be replaced`);
    }
    this.code.replace(extent.start, extent.end, body);
  }

  /** Adds a global; returns its index. `initializer` is a constant expression without its `end`. */
  addGlobal(type: number, mutable: boolean, initializer: Uint8Array): number {
    this.#sections.append(SectionId.Global, globalEntry(type, mutable, initializer));
    return this.module.globals.length + this.#globals++;
  }

  /** Adds a table of function references; returns its index. */
  addFunctionTable(minimum: number, maximum: number | null): number {
    this.#sections.append(SectionId.Table, functionTableEntry(minimum, maximum));
    return this.module.tables.length + this.#tables++;
  }

  /** Adds an active element segment: `functions` go into `table` from the index `offset` on. */
  addElements(table: number, offset: number, functions: readonly number[]): void {
    this.#sections.append(SectionId.Element, activeElementEntry(table, offset, functions));
  }

  /**
   * Declares that code may take references of functions. Code may only name functions in ref.func that appear
   * outside of code, too; this counts as such a place.
   */
  declareFunctions(functions: readonly number[]): void {
    this.#sections.append(SectionId.Element, declarativeElementEntry(functions));
  }

  /** Adds an active data segment of memory 0. */
  addData(address: number, content: Uint8Array): void {
    this.#sections.append(SectionId.Data, activeDataEntry(address, content));
    this.#data += 1;
    if (this.module.section(SectionId.DataCount) === undefined) return;
    this.#sections.replace(SectionId.DataCount, indexEntry(this.module.data.length + this.#data));
  }

  /** Exports something under a name that is not taken. */
  addExport(name: string, kind: ExternalKindCode, index: number): void {
    if ((this.#exports ?? this.module.exports).some((each) => each.name === name)) {
      throw new InvalidArgumentError('name', `the module has an export ${JSON.stringify(name)} already`);
    }
    this.#exports ??= [...this.module.exports];
    this.#exports.push({ name, kind, index });
  }

  /** Lets the exports of functions lead to other functions: from the keys of `targets` to their values. */
  redirectExports(targets: ReadonlyMap<number, number>): void {
    const redirect = (each: Export): Export => {
      const index = each.kind === ExternalKind.Function ? targets.get(each.index) : undefined;
      return index === undefined ? each : { ...each, index };
    };
    this.#exports = (this.#exports ?? this.module.exports).map(redirect);
  }

  /** Makes a function the one that is called at instantiation. */
  setStart(index: number): void {
    this.#sections.replace(SectionId.Start, indexEntry(index));
  }

  /** Gives a memory, imported or not, other limits, in pages of 64 KiB. */
  setMemoryLimits(index: number, minimum: bigint, maximum: bigint | null): void {
    const memory = this.module.memories[index];
    if (memory === undefined) throw new InvalidArgumentError('index', `memory ${index} does not exist`);
    const imported = this.module.imports.some(
      (each) => each.kind === ExternalKind.Memory && each.index === index,
    );
    const entry = limitsEntry({ ...memory, minimum, maximum });
    this.#sections.patch(imported ? SectionId.Import : SectionId.Memory, memory.start, memory.end, entry);
  }

  /** Adds a custom section at the end. */
  addCustomSection({ name, content }: CustomSection): void {
    this.#sections.addCustom(name, content, 'end');
  }

  /** Leaves out all custom sections of this name. */
  removeCustomSections(name: string): void {
    for (const section of this.module.sections) {
      if (section.id === SectionId.Custom && section.name === name) {
        this.#sections.replaceCustom(section, null);
      }
    }
  }

  /**
   * Writes the module. `last` gets to know where the code is and returns custom sections that go to the end.
   * A rewriter writes once.
   */
  write(last: (code: RewrittenCode) => readonly CustomSection[] = () => []): Rewritten {
    const { module } = this;
    const layout = new CodeLayout(module, this.code.take(), this.#locals, this.#bodies);
    if (this.#exports !== null) this.#sections.replace(SectionId.Export, encodeExports(this.#exports));
    this.#moveMetadata(layout);
    const hasCode = module.bodies.length + this.#bodies.length > 0;
    const code = {
      offsets: new OffsetMap(codeStart(this.#sections.sections(hasCode), layout.size), layout.runs),
      size: layout.size,
    };
    for (const section of last(code)) this.addCustomSection(section);
    const bytes = assemble(module.bytes, this.#sections.sections(hasCode), layout);
    return { bytes, ...code };
  }

  /** Moves notes about instructions with them, and adds the hints about inserted branches. */
  #moveMetadata(layout: CodeLayout): void {
    const { module } = this;
    const mover = new NoteMover(module, layout, new OffsetMap(0, layout.runs));
    let hints: readonly InsertedHint[] = this.code.hints;
    for (const section of module.sections) {
      if (section.id !== SectionId.Custom || !section.name.startsWith(METADATA_PREFIX)) continue;
      const notes = readNotes(module.bytes.subarray(section.content, section.end));
      const takesHints = section.name === BRANCH_HINTS && hints.length > 0;
      // A malformed section stays as it is, unless it would stand beside the one with the new hints.
      if (notes === null && !takesHints) continue;
      const moved = mover.move(notes ?? new Map());
      if (takesHints) {
        mover.addHints(moved, hints);
        hints = [];
      }
      this.#sections.replaceCustom(section, encodeNotes(moved));
    }
    if (hints.length === 0) return;
    const notes: Notes = new Map();
    mover.addHints(notes, hints);
    this.#sections.addCustom(BRANCH_HINTS, encodeNotes(notes), 'before code');
  }
}

function encodeExports(exports: readonly Export[]): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.unsigned(exports.length);
  for (const { name, kind, index } of exports) writer.copy(exportEntry(name, kind, index));
  return writer.take();
}

/** Bytes that a section of the output takes, id and length included. */
function outputLength(section: OutputSection, codeSize: number): number {
  const { id, original, content } = section;
  if (id !== SectionId.Code && content === null) return original!.end - original!.start;
  const length = content?.length ?? codeSize;
  return 1 + unsignedLength(length) + length;
}

/** Magic number and version. */
const HEADER_LENGTH = 8;

/** File offset of the payload of the code section in the output. */
function codeStart(sections: readonly OutputSection[], codeSize: number): number {
  let at = HEADER_LENGTH;
  for (const section of sections) {
    if (section.id === SectionId.Code) return at + 1 + unsignedLength(codeSize);
    at += outputLength(section, codeSize);
  }
  return 0;
}

function assemble(bytes: Uint8Array, sections: readonly OutputSection[], layout: CodeLayout): Uint8Array {
  let size = HEADER_LENGTH;
  for (const section of sections) size += outputLength(section, layout.size);
  const out = new Uint8Array(size);
  out.set(bytes.subarray(0, HEADER_LENGTH));
  let at = HEADER_LENGTH;
  for (const { id, original, content } of sections) {
    if (id !== SectionId.Code && content === null) {
      out.set(bytes.subarray(original!.start, original!.end), at);
      at += original!.end - original!.start;
      continue;
    }
    out[at] = id;
    at = writeUnsigned(out, at + 1, content?.length ?? layout.size);
    if (content === null) at = layout.write(out, at);
    else {
      out.set(content, at);
      at += content.length;
    }
  }
  return out;
}
