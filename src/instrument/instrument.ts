// The pass from a linked module to one that knows its call stacks: reads, finds the calls that can lead to an
// allocation, writes the module with slots before those calls and thunks behind the exports. Function indices,
// names, debug information and all other custom sections stay as they are; thunks come after all functions.

import {
  ByteReader,
  ByteWriter,
  ExternalKind,
  readModule,
  type Section,
  SectionId,
  skipLeb,
  type WasmModule,
  writeUnsigned,
} from '../binary/index.ts';
import { InvalidArgumentError, MissingRuntimeError, UnsupportedModuleError } from '../errors.ts';
import { ABI_VERSION, MAGIC, RUNTIME_FAILED, SHADOW_SLOTS, SLOT_SIZE } from '../runtime/layout.ts';
import { analyseCalls } from './call-graph.ts';
import { howToLink } from './how-to-link.ts';
import {
  bodyExtents,
  InstrumentedModule,
  type InstrumentStatistics,
  SECTION_NAME,
  sectionLength,
  writeSection,
} from './instrumented-module.ts';
import { OffsetMap } from './offset-map.ts';
import { codeLength, isThunk, planRewrite, slotAddresses, thunkBody, writeCode } from './rewrite.ts';
import { type CallSites, scanCalls } from './scan.ts';

export interface InstrumentOptions {
  /**
   * Most bytes that the module's own memory may grow to; rounded down to pages of 64 KiB. An imported memory is
   * left to whoever supplies it.
   */
  readonly maxMemory?: number;
}

const PAGE = 0x10000;
/** Pages at which the memory of a module ends unless Emscripten is told otherwise; its JavaScript holds that, too. */
const EMSCRIPTEN_MAXIMUM = 0x8000n;
/** Most functions a module may have in every engine (JS API specification, "Limits"). */
const MAXIMUM_FUNCTIONS = 1_000_000;

function refuseUnsupported(module: WasmModule): void {
  const custom = (name: string): boolean => module.customSection(name) !== undefined;
  if (custom(SECTION_NAME)) {
    throw new UnsupportedModuleError(
      'the module is instrumented already: load it as it is, or instrument the original',
    );
  }
  if (custom('dylink') || custom('dylink.0')) {
    throw new UnsupportedModuleError(
      'the module is position-independent (it has a dylink section): side modules and main modules of dynamic linking cannot be instrumented; link statically',
    );
  }
  for (const [index, memory] of module.memories.entries()) {
    if (memory.shared) {
      throw new UnsupportedModuleError(
        `memory ${index} is shared: one shadow stack cannot follow several threads; build without -pthread`,
      );
    }
  }
  if (module.memories[0]?.is64) {
    throw new UnsupportedModuleError('the memory has 64-bit addresses (memory64): build for wasm32');
  }
}

/** Value of the constant i32 global exported under `name`. */
function exportedAddress(module: WasmModule, name: string): number {
  const found = module.export(name, ExternalKind.Global);
  if (found === undefined) {
    const object = module.customSection('linking') !== undefined && module.importedFunctions > 0;
    throw new MissingRuntimeError(
      `the module does not export ${name}: ${object ? 'if this is a relocatable object, link it first; ' : ''}${howToLink(module)}`,
    );
  }
  const global = module.globals[found.index]!;
  const value = global.initializer?.i32 ?? null;
  if (value === null || global.mutable) {
    throw new MissingRuntimeError(`the export ${name} is not a constant address: ${howToLink(module)}`);
  }
  return value;
}

/** The initial content of memory at `address`, where the module has it in one active segment. */
function initialWord(module: WasmModule, address: number): number | null {
  for (const { mode, memory, offset, start, end } of module.data) {
    const base = offset?.i32;
    if (mode !== 'active' || memory !== 0 || base === undefined || base === null) continue;
    const at = start + address - base;
    if (at < start || at + 4 > end) continue;
    return new DataView(module.bytes.buffer, module.bytes.byteOffset).getUint32(at, true);
  }
  return null;
}

/**
 * True for a function that does nothing but call others, one of them of its own type: what wasm-ld exports in
 * place of each function of a WASI command, to run constructors and destructors at every entry.
 */
function isCommandWrapper(module: WasmModule, index: number): boolean {
  const body = module.bodies[index - module.importedFunctions]!;
  const reader = new ByteReader(module.bytes, body.start, body.end);
  const CALL = 0x10;
  const LOCAL_GET = 0x20;
  const END = 0x0b;
  if (reader.u32() !== 0) return false;
  const called: number[] = [];
  for (;;) {
    const opcode = reader.byte();
    if (opcode === END) break;
    if (opcode !== CALL && opcode !== LOCAL_GET) return false;
    const immediate = reader.u32();
    if (opcode === CALL) called.push(immediate);
  }
  const own = module.functionType(index);
  return called.length > 1 && called.some((callee) => module.functionType(callee) === own);
}

function findRuntime(module: WasmModule): { runtimeAddress: number; shadowAddress: number } {
  const runtimeAddress = exportedAddress(module, 'heapline_runtime');
  const shadowAddress = exportedAddress(module, 'heapline_shadow');
  for (const name of ['malloc', 'free']) {
    const found = module.export(name, ExternalKind.Function);
    if (found === undefined || found.index < module.importedFunctions) {
      throw new MissingRuntimeError(`the module does not export ${name}: ${howToLink(module)}`);
    }
    if (isCommandWrapper(module, found.index)) {
      throw new UnsupportedModuleError(
        'the module is a WASI command, whose every export runs the constructors again: link it with -mexec-model=reactor, and export __main_void for its main',
      );
    }
  }
  const memory = module.memories[0];
  const size = memory === undefined ? 0 : Number(memory.minimum) * PAGE;
  const end = Math.max(runtimeAddress + RUNTIME_FAILED + 4, shadowAddress + SHADOW_SLOTS * SLOT_SIZE);
  if (end > size) {
    throw new MissingRuntimeError(
      `the runtime ends at address ${end}, outside of the ${size} bytes of initial memory: ${howToLink(module)}`,
    );
  }
  const magic = initialWord(module, runtimeAddress);
  const version = initialWord(module, runtimeAddress + 4);
  if (magic !== null && magic !== MAGIC) {
    throw new MissingRuntimeError(`heapline_runtime is not the Heapline runtime: ${howToLink(module)}`);
  }
  if (magic !== null && version !== null && version !== ABI_VERSION) {
    throw new MissingRuntimeError(
      `the module was linked with a runtime of version ${version}, this is version ${ABI_VERSION}: link it again`,
    );
  }
  return { runtimeAddress, shadowAddress };
}

function checkMaximum(module: WasmModule, maxMemory: number): number {
  if (!Number.isFinite(maxMemory) || maxMemory <= 0) {
    throw new InvalidArgumentError(
      'maxMemory',
      `maxMemory must be a positive number of bytes, not ${maxMemory}`,
    );
  }
  const pages = Math.min(Math.floor(maxMemory / PAGE), PAGE);
  const { maximum } = module.memories[0]!;
  const minimum = Number(module.memories[0]!.minimum);
  if (pages < minimum) {
    throw new InvalidArgumentError(
      'maxMemory',
      `maxMemory is ${maxMemory} bytes, but the module starts with ${minimum * PAGE} bytes of memory`,
    );
  }
  // A maximum that the caller has not chosen: a lower one is as good a limit as maxMemory.
  if (maximum === EMSCRIPTEN_MAXIMUM && pages > maximum && grownByEmscripten(module)) {
    throw new InvalidArgumentError(
      'maxMemory',
      `maxMemory is ${maxMemory} bytes, but Emscripten linked the module for a memory that ends at 2 GiB: link it with -sMAXIMUM_MEMORY=4GB (\`link: ['-sMAXIMUM_MEMORY=4GB']\`), ` +
        'or use another toolchain',
    );
  }
  return pages;
}

function grownByEmscripten(module: WasmModule): boolean {
  return module.imports.some(({ name }) => name === 'emscripten_resize_heap');
}

/** Whether the module defines its memory 0, rather than importing it. */
function ownsMemory(module: WasmModule): boolean {
  return !module.imports.some((each) => each.kind === ExternalKind.Memory && each.index === 0);
}

/** The memory section with another maximum for memory 0. */
function memorySection(module: WasmModule, maximumPages: number): Uint8Array {
  const { bytes } = module;
  const section = module.section(SectionId.Memory)!;
  const reader = new ByteReader(bytes, section.content, section.end);
  const count = reader.u32();
  const { minimum, maximum } = module.memories[0]!;
  const limit = maximum === null ? maximumPages : Math.min(maximumPages, Number(maximum));
  reader.byte();
  reader.u32();
  if (maximum !== null) reader.u32();
  const writer = new ByteWriter();
  writer.unsigned(count);
  writer.byte(1);
  writer.unsigned(Number(minimum));
  writer.unsigned(limit);
  writer.copy(bytes.subarray(reader.offset, section.end));
  return writer.take();
}

/** A vector section with `entries` appended, each already encoded. */
function appendToVector(module: WasmModule, id: number, entries: readonly Uint8Array[]): Uint8Array {
  const { bytes } = module;
  const section = module.section(id);
  const writer = new ByteWriter();
  const count = section === undefined ? 0 : new ByteReader(bytes, section.content, section.end).u32();
  writer.unsigned(count + entries.length);
  if (section !== undefined) writer.copy(bytes.subarray(skipLeb(bytes, section.content), section.end));
  for (const entry of entries) writer.copy(entry);
  return writer.take();
}

function encodeUnsigned(value: number): Uint8Array {
  const encoded = new Uint8Array(5);
  return encoded.subarray(0, writeUnsigned(encoded, 0, value));
}

function exportSection(module: WasmModule, thunks: ReadonlyMap<number, number>): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.unsigned(module.exports.length);
  for (const { name, kind, index } of module.exports) {
    writer.name(name);
    writer.byte(kind);
    writer.unsigned(kind === ExternalKind.Function ? (thunks.get(index) ?? index) : index);
  }
  return writer.take();
}

/**
 * A declarative element segment. ref.func may only name functions that appear outside of code; those that
 * appeared in exports alone no longer do once the exports lead to thunks.
 */
function declarations(functions: readonly number[]): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(3);
  writer.byte(0);
  writer.unsigned(functions.length);
  for (const index of functions) writer.unsigned(index);
  return writer.take();
}

/** Thunk index by function index: exported functions and the start function, where they have or are what counts. */
function chooseThunks(module: WasmModule, needed: (index: number) => boolean): Map<number, number> {
  const thunks = new Map<number, number>();
  const entries = module.exports
    .filter((each) => each.kind === ExternalKind.Function)
    .map((each) => each.index);
  if (module.start !== null) entries.push(module.start);
  for (const index of entries) {
    if (index < module.importedFunctions || thunks.has(index) || !needed(index)) continue;
    thunks.set(index, module.functions.length + thunks.size);
  }
  return thunks;
}

/** The sections that change, by id; null content stands for the code section. */
function changedSections(
  module: WasmModule,
  sites: CallSites,
  thunks: ReadonlyMap<number, number>,
  maximumPages: number | null,
): Map<number, Uint8Array> {
  const changed = new Map<number, Uint8Array>();
  if (maximumPages !== null) changed.set(SectionId.Memory, memorySection(module, maximumPages));
  if (thunks.size === 0) return changed;
  const types = [...thunks.keys()].map((index) => encodeUnsigned(module.functions[index]!));
  changed.set(SectionId.Function, appendToVector(module, SectionId.Function, types));
  changed.set(SectionId.Export, exportSection(module, thunks));
  const start = module.start === null ? undefined : thunks.get(module.start);
  if (start !== undefined) changed.set(SectionId.Start, encodeUnsigned(start));
  const undeclared = [...thunks.keys()].filter(
    (index) => sites.referenced.has(index) && !module.referencedFunctions.has(index),
  );
  if (undeclared.length > 0) {
    changed.set(SectionId.Element, appendToVector(module, SectionId.Element, [declarations(undeclared)]));
  }
  return changed;
}

/** The output in order: a range of the original, or new content for a section. */
type Piece = Section | { readonly id: number; readonly content: Uint8Array | null };

function orderPieces(module: WasmModule, changed: ReadonlyMap<number, Uint8Array>): Piece[] {
  const pieces: Piece[] = [];
  // An element section that was not there goes before whatever has to follow it.
  let element = module.section(SectionId.Element) === undefined ? changed.get(SectionId.Element) : undefined;
  for (const section of module.sections) {
    const later = section.id === SectionId.DataCount || section.id === SectionId.Code;
    if (later && element !== undefined) {
      pieces.push({ id: SectionId.Element, content: element });
      element = undefined;
    }
    const content = changed.get(section.id);
    if (section.id === SectionId.Code) pieces.push({ id: section.id, content: null });
    else if (content !== undefined) pieces.push({ id: section.id, content });
    else pieces.push(section);
  }
  return pieces;
}

/**
 * Instruments a linked module. Throws InvalidModuleError for malformed bytes, MissingRuntimeError when the
 * runtime is not in it, UnsupportedModuleError, with the reason, for what the pass cannot do.
 */
export function instrument(bytes: Uint8Array, options: InstrumentOptions = {}): InstrumentedModule {
  const module = readModule(bytes);
  refuseUnsupported(module);
  const { runtimeAddress, shadowAddress } = findRuntime(module);
  const addresses = slotAddresses(runtimeAddress, shadowAddress);
  const { index: malloc } = module.export('malloc', ExternalKind.Function)!;
  const { start: bodyStart, end: bodyEnd } = module.bodies[malloc - module.importedFunctions]!;
  if (isThunk(bytes.subarray(bodyStart, bodyEnd), module.functionType(malloc).parameters.length, addresses)) {
    throw new UnsupportedModuleError(
      `the module was instrumented, and its section "${SECTION_NAME}" is gone: strip it before it is instrumented, or keep the section (llvm-strip --keep-section=${SECTION_NAME})`,
    );
  }
  const maximum =
    options.maxMemory !== undefined && ownsMemory(module) ? checkMaximum(module, options.maxMemory) : null;

  const sites = scanCalls(module);
  const graph = analyseCalls(module, sites);
  const plan = planRewrite(module, sites, graph, addresses);
  const thunks = chooseThunks(module, (index) => (graph.instrumented[index]! | graph.sinks[index]!) === 1);
  if (module.functions.length + thunks.size > MAXIMUM_FUNCTIONS) {
    throw new UnsupportedModuleError(
      `with thunks the module would have more than ${MAXIMUM_FUNCTIONS} functions`,
    );
  }
  const thunkBodies = [...thunks.keys()].map((index) =>
    thunkBody(index, module.functionType(index).parameters.length, addresses),
  );
  const changed = changedSections(module, sites, thunks, maximum);
  const pieces = orderPieces(module, changed);
  const codeSize = codeLength(module, plan, thunkBodies);

  let size = 8;
  for (const piece of pieces) {
    size += 'start' in piece ? piece.end - piece.start : sectionLength(piece.content?.length ?? codeSize);
  }
  const out = new Uint8Array(size);
  out.set(bytes.subarray(0, 8));
  let at = 8;
  let codeStart = 0;
  let runs: ReturnType<typeof writeCode> | null = null;
  for (const piece of pieces) {
    if ('start' in piece) {
      out.set(bytes.subarray(piece.start, piece.end), at);
      at += piece.end - piece.start;
      continue;
    }
    out[at] = piece.id;
    at = writeUnsigned(out, at + 1, piece.content?.length ?? codeSize);
    if (piece.content !== null) {
      out.set(piece.content, at);
      at += piece.content.length;
      continue;
    }
    codeStart = at;
    runs = writeCode(module, sites, plan, thunkBodies, out, at);
    at += codeSize;
  }
  const statistics: InstrumentStatistics = {
    functions: module.bodies.length,
    instrumentedFunctions: plan.instrumentedFunctions,
    calls: sites.count,
    recordedCalls: plan.recordedCalls,
    thunks: thunks.size,
    originalCodeSize: module.codeEnd - module.codeStart,
    instrumentedCodeSize: codeSize,
  };
  const extents = bodyExtents(module);
  const section = writeSection(runtimeAddress, shadowAddress, module.codeStart, statistics, extents, runs!);
  const whole = new Uint8Array(size + section.length);
  whole.set(out);
  whole.set(section, size);
  return new InstrumentedModule(
    whole,
    new OffsetMap(codeStart, runs!),
    runtimeAddress,
    shadowAddress,
    module.codeStart,
    statistics,
    extents,
  );
}
