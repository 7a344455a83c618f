// Reads the tables of a module. The reader checks everything that is needed to trust those tables (order,
// lengths, indices). It does not check code, because engines validate it: function bodies are not decoded
// here, so that reading costs next to nothing.

import { InvalidModuleError, UnsupportedModuleError } from '../errors.ts';
import { ByteReader } from './byte-reader.ts';
import { peekU32, skipInstruction } from './instructions.ts';
import {
  type ConstantExpression,
  ExternalKind,
  type ExternalKindCode,
  type Limits,
  SECTION_ORDER,
  SectionId,
  type Table,
  WasmModule,
} from './module.ts';
import { Opcode } from './opcodes.ts';
import { readTypes, readValueType } from './types.ts';

function readLimits(reader: ByteReader): Limits {
  const start = reader.offset;
  const flags = reader.byte();
  if (flags > 7)
    reader.fail(`unknown flags 0x${flags.toString(16)} of memory or table limits`, reader.offset - 1);
  const is64 = (flags & 4) !== 0;
  const bound = () => (is64 ? reader.u64() : BigInt(reader.u32()));
  const minimum = bound();
  const maximum = (flags & 1) !== 0 ? bound() : null;
  return { start, end: reader.offset, minimum, maximum, shared: (flags & 2) !== 0, is64 };
}

/** Bit of a memory's flags: its pages have a size of their own. */
const CUSTOM_PAGE_SIZE = 8;

function readMemory(reader: ByteReader): Limits {
  if ((reader.peek() & ~7) === CUSTOM_PAGE_SIZE) {
    throw new UnsupportedModuleError(
      'the memory has pages that are not 64 KiB large (custom page sizes), which engines do not support by default: ' +
        'link without --page-size',
    );
  }
  return readLimits(reader);
}

function readTable(reader: ByteReader): Table {
  const type = readValueType(reader);
  return { type, ...readLimits(reader) };
}

function readConstantExpression(reader: ByteReader): ConstantExpression {
  const { bytes, end } = reader;
  const start = reader.offset;
  const functions: number[] = [];
  let at = start;
  while (at < end && bytes[at] !== Opcode.End) {
    if (bytes[at] === Opcode.RefFunc) functions.push(peekU32(bytes, at + 1));
    at = skipInstruction(bytes, at, end);
  }
  if (at >= end) reader.fail('constant expression without end', start);
  let i32: number | null = null;
  if (bytes[start] === Opcode.I32Const) {
    const value = new ByteReader(bytes, start + 1, at);
    const constant = value.s32();
    if (value.done) i32 = constant >>> 0;
  }
  reader.offset = at + 1;
  return { start, end: at + 1, i32, functions };
}

class ModuleReader {
  readonly module: WasmModule;

  constructor(bytes: Uint8Array) {
    this.module = new WasmModule(bytes);
  }

  read(): WasmModule {
    const { module } = this;
    const { bytes } = module;
    const reader = new ByteReader(bytes);
    if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d) {
      throw new InvalidModuleError('not a WebAssembly module: the first four bytes are not \\0asm', 0);
    }
    if (bytes[4] !== 1 || bytes[5] !== 0 || bytes[6] !== 0 || bytes[7] !== 0) {
      const component = bytes[6] === 1 ? ' (this is a component: extract its core module)' : '';
      throw new InvalidModuleError(`not a WebAssembly module of binary version 1${component}`, 4);
    }
    reader.skip(8);
    let previous = 0;
    while (!reader.done) {
      const start = reader.offset;
      const id = reader.byte();
      const content = reader.slice(reader.u32());
      const name = id === SectionId.Custom ? content.name() : '';
      module.sections.push({ id, name, start, content: content.offset, end: content.end });
      if (id === SectionId.Custom) continue;
      const place = SECTION_ORDER[id];
      if (place === undefined) return reader.fail(`unknown section id ${id}`, start);
      if (place <= previous) reader.fail(`section ${id} is out of order or appears twice`, start);
      previous = place;
      this.#section(id, content);
      if (!content.done) content.fail(`section ${id} is longer than its content`);
    }
    this.#check();
    return module;
  }

  #section(id: number, reader: ByteReader): void {
    const { module } = this;
    switch (id) {
      case SectionId.Type:
        module.types = readTypes(reader);
        break;
      case SectionId.Import:
        this.#imports(reader);
        break;
      case SectionId.Function:
        this.#each(reader, 1, () => module.functions.push(reader.u32()));
        break;
      case SectionId.Table:
        this.#each(reader, 3, () => this.#table(reader));
        break;
      case SectionId.Memory:
        this.#each(reader, 2, () => module.memories.push(readMemory(reader)));
        break;
      case SectionId.Global:
        this.#each(reader, 3, () => this.#global(reader));
        break;
      case SectionId.Export:
        this.#each(reader, 3, () => {
          const name = reader.name();
          const kind = this.#externalKind(reader);
          module.exports.push({ name, kind, index: reader.u32() });
        });
        break;
      case SectionId.Start:
        module.start = reader.u32();
        break;
      case SectionId.Element:
        this.#each(reader, 2, () => this.#element(reader));
        break;
      case SectionId.DataCount:
        reader.u32();
        break;
      case SectionId.Code:
        this.#code(reader);
        break;
      case SectionId.Data:
        this.#each(reader, 2, () => this.#data(reader));
        break;
      case SectionId.Tag:
        this.#each(reader, 2, () => module.tags.push(this.#tag(reader)));
        break;
    }
  }

  #each(reader: ByteReader, least: number, read: () => unknown): void {
    const count = reader.count(least);
    for (let index = 0; index < count; index += 1) read();
  }

  #externalKind(reader: ByteReader): ExternalKindCode {
    const kind = reader.byte();
    if (kind > 4) reader.fail(`unknown kind ${kind} of an import or export`, reader.offset - 1);
    return kind as ExternalKindCode;
  }

  #tag(reader: ByteReader): number {
    if (reader.byte() !== 0) reader.fail('unknown tag attribute', reader.offset - 1);
    return reader.u32();
  }

  #imports(reader: ByteReader): void {
    const { module } = this;
    this.#each(reader, 4, () => {
      const from = reader.name();
      const name = reader.name();
      const kind = this.#externalKind(reader);
      let index: number;
      switch (kind) {
        case ExternalKind.Function:
          index = module.functions.push(reader.u32()) - 1;
          break;
        case ExternalKind.Table:
          index = module.tables.push(readTable(reader)) - 1;
          break;
        case ExternalKind.Memory:
          index = module.memories.push(readMemory(reader)) - 1;
          break;
        case ExternalKind.Global: {
          const type = readValueType(reader);
          index = module.globals.push({ type, mutable: this.#mutability(reader), initializer: null }) - 1;
          break;
        }
        default:
          index = module.tags.push(this.#tag(reader)) - 1;
      }
      module.imports.push({ module: from, name, kind, index });
    });
    module.importedFunctions = module.functions.length;
  }

  #mutability(reader: ByteReader): boolean {
    const flag = reader.byte();
    if (flag > 1) reader.fail('invalid mutability of a global', reader.offset - 1);
    return flag === 1;
  }

  #constant(reader: ByteReader): ConstantExpression {
    const expression = readConstantExpression(reader);
    for (const index of expression.functions) this.module.referencedFunctions.add(index);
    return expression;
  }

  #table(reader: ByteReader): void {
    // 0x40 0x00 begins a table with an initialiser, which came with typed function references.
    const initialised = reader.peek() === 0x40;
    if (initialised) {
      reader.byte();
      if (reader.byte() !== 0) reader.fail('invalid table', reader.offset - 1);
    }
    this.module.tables.push(readTable(reader));
    if (initialised) this.#constant(reader);
  }

  #global(reader: ByteReader): void {
    const type = readValueType(reader);
    const mutable = this.#mutability(reader);
    this.module.globals.push({ type, mutable, initializer: this.#constant(reader) });
  }

  #element(reader: ByteReader): void {
    const flags = reader.u32();
    if (flags > 7) reader.fail(`unknown element segment form ${flags}`);
    const active = (flags & 1) === 0;
    const table = active && (flags & 2) !== 0 ? reader.u32() : 0;
    const offset = active ? this.#constant(reader) : null;
    const expressions = (flags & 4) !== 0;
    if ((flags & 3) !== 0) {
      if (expressions) readValueType(reader);
      else if (reader.byte() !== 0) reader.fail('unknown element kind', reader.offset - 1);
    }
    const functions: number[] = [];
    let count = 0;
    this.#each(reader, 1, () => {
      count += 1;
      if (expressions) functions.push(...this.#constant(reader).functions);
      else {
        const index = reader.u32();
        functions.push(index);
        this.module.referencedFunctions.add(index);
      }
    });
    const mode = active ? 'active' : (flags & 2) !== 0 ? 'declarative' : 'passive';
    this.module.elements.push({ mode, table, offset, functions, count });
  }

  #data(reader: ByteReader): void {
    const flags = reader.u32();
    if (flags > 2) reader.fail(`unknown data segment form ${flags}`);
    const memory = flags === 2 ? reader.u32() : 0;
    const offset = flags === 1 ? null : this.#constant(reader);
    const length = reader.u32();
    const start = reader.offset;
    reader.skip(length);
    this.module.data.push({
      mode: flags === 1 ? 'passive' : 'active',
      memory,
      offset,
      start,
      end: reader.offset,
    });
  }

  #code(reader: ByteReader): void {
    const { module } = this;
    module.codeStart = reader.offset;
    module.codeEnd = reader.end;
    this.#each(reader, 3, () => {
      const length = reader.u32();
      const start = reader.offset;
      reader.skip(length);
      module.bodies.push({ start, end: reader.offset });
    });
  }

  /** Checks the indices that lead from one section to another, so that users of the tables need not check them. */
  #check(): void {
    const { module } = this;
    const fail = (message: string, id: number): never => {
      throw new InvalidModuleError(message, module.section(id)?.start ?? null);
    };
    const defined = module.functions.length - module.importedFunctions;
    if (defined !== module.bodies.length) {
      fail(
        `${defined} functions are declared, but there are ${module.bodies.length} bodies`,
        SectionId.Function,
      );
    }
    for (const type of [...module.functions, ...module.tags]) {
      if (module.types[type]?.kind !== 'function')
        fail(`type ${type} is not a function type`, SectionId.Function);
    }
    module.types.forEach((type, index) => {
      // Supertypes come first, so every chain of supertypes ends.
      if (type.supertypes.some((supertype) => supertype >= index)) {
        fail(`type ${index} has a supertype that does not precede it`, SectionId.Type);
      }
    });
    const spaces = [module.functions, module.tables, module.memories, module.globals, module.tags];
    const names = new Set<string>();
    for (const { name, kind, index } of module.exports) {
      if (index >= spaces[kind]!.length)
        fail(`export ${JSON.stringify(name)} names an index that does not exist`, SectionId.Export);
      if (names.has(name)) fail(`export ${JSON.stringify(name)} appears twice`, SectionId.Export);
      names.add(name);
    }
    for (const index of module.referencedFunctions) {
      if (index >= module.functions.length) fail(`function ${index} does not exist`, SectionId.Element);
    }
    for (const { mode, table } of module.elements) {
      if (mode === 'active' && table >= module.tables.length)
        fail(`table ${table} does not exist`, SectionId.Element);
    }
    if (module.start !== null && module.start >= module.functions.length) {
      fail(`start function ${module.start} does not exist`, SectionId.Start);
    }
  }
}

/**
 * Reads a module. Throws an InvalidModuleError that says what is wrong and at which file offset, and an
 * UnsupportedModuleError for features that only the newest proposals have.
 */
export function readModule(bytes: Uint8Array): WasmModule {
  return new ModuleReader(bytes).read();
}
