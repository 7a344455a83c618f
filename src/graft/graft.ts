// Grafting: puts the runtime into a module that was linked without it. The runtime's object is linked at the beginning
// of the module's own heap, its functions are appended, and the bodies of malloc, free and their relatives become calls
// of the runtime's, padded to their old length. So no function index and no code offset changes, and debug information
// stays valid.
//
// The runtime calls the host through a table of its own, because further imports would move every function index. The
// table is filled with functions that do nothing, until the host puts its own there (`connectHooks` in `host`).

import {
  ExternalKind,
  InstructionWriter,
  Opcode,
  peekU32,
  readModule,
  skipInstruction,
  type TypeDefinition,
  type WasmModule,
} from '../binary/index.ts';
import { MissingRuntimeError, UnsupportedModuleError } from '../errors.ts';
import { type CodeOrigin, HOOKS_TABLE, howToLink } from '../instrument/index.ts';
import { platform } from '../platform/index.ts';
import { Rewriter } from '../rewrite/index.ts';
import { ALLOCATION_FAMILY, HOST_EXPORTS } from '../runtime/interface.ts';
import { type FunctionFacts, readFacts } from './function-facts.ts';
import { findHeapPlace, type HeapPlace } from './heap-place.ts';
import { type Allocator, Recognition } from './recognise.ts';
import { findRoles, PREFIXED_REALLOC, type RoleFunction } from './roles.ts';
import { RuntimeObject } from './runtime-object.ts';
import { selfTest } from './self-test.ts';

const PAGE = 0x10000;
const I32 = 0x7f;
const NOP = 0x01;
/** Bytes before a block in which SQLite keeps its size. */
const PREFIX = 8;
/** The runtime's imports in the order in which they lie in the table. */
const HOOKS = ['host_stack', 'fault', 'point', 'exiting'] as const;
/** Import of what AddressSanitizer and LeakSanitizer are made of. */
const SANITIZER = '_emscripten_sanitizer_get_option';
/** Room that the module's heap keeps in the initial memory, at least. */
const LEAST_HEAP = PAGE;

/** What was found of the module's allocator. */
export type FoundRole = RoleFunction;

/** A module with the runtime. */
export interface Grafted {
  readonly bytes: Uint8Array;
  /** Where the code was: the number of functions may take a byte more. The notes say what was found. */
  readonly origin: CodeOrigin;
  /** The functions that were replaced. */
  readonly roles: readonly FoundRole[];
}

/** Whether the module was linked with the runtime. */
export function hasRuntime(module: WasmModule): boolean {
  return module.export('heapline_runtime', ExternalKind.Global) !== undefined;
}

function refuse(reason: string): never {
  throw new UnsupportedModuleError(`the runtime cannot be grafted into the module: ${reason}`);
}

function nameOf(module: WasmModule, index: number): string {
  const name = module.functionNames().get(index);
  const exported = module.exports.find((each) => each.kind === ExternalKind.Function && each.index === index);
  if (name !== undefined) return `function ${index} (${name})`;
  return exported === undefined ? `function ${index}` : `function ${index}, exported as ${exported.name},`;
}

function refuseUnsupported(module: WasmModule): void {
  if (module.customSection('dylink') !== undefined || module.customSection('dylink.0') !== undefined) {
    refuse(
      'it is position-independent (dynamic linking), and other modules share its heap. Link it statically',
    );
  }
  const memory = module.memories[0];
  if (memory === undefined) {
    throw new MissingRuntimeError(
      `the module has no runtime and no memory to graft it into: ${howToLink(module)}`,
    );
  }
  if (memory.shared) refuse('its memory is shared between threads. Build it without -pthread');
  if (memory.is64) refuse('its memory has 64-bit addresses (memory64). Build it for wasm32');
  if (module.imports.some(({ name }) => name === SANITIZER)) {
    refuse('a sanitizer (-fsanitize=) has replaced its allocator already. Build it without');
  }
  if (module.customSection('linking') !== undefined) refuse('it is a relocatable object. Link it first');
}

/** The allocator; throws when malloc or free is not known or something would be left behind. */
function recognise(module: WasmModule, facts: readonly FunctionFacts[], place: HeapPlace): Allocator {
  const named = findRoles(module);
  const allocator = new Recognition(module, facts, place).find(named);
  if (allocator === null) {
    const missing = (['malloc', 'free'] as const).find((role) => !named.some((each) => each.role === role));
    throw new MissingRuntimeError(
      `the module has no runtime, and none can be grafted into it, because no export or name says which function is ${missing}, and none behaves like it: ${howToLink(module)}`,
    );
  }
  const { blockers } = allocator;
  if (blockers.length > 0) {
    const { index, reason } = blockers[0]!;
    const more = blockers.length === 1 ? '' : `; ${blockers.length - 1} other functions as well`;
    refuse(
      `${nameOf(module, index)} cannot be replaced, and ${reason}${more}. Instead, ${howToLink(module)}`,
    );
  }
  return allocator;
}

const sameType = (one: TypeDefinition, other: TypeDefinition): boolean =>
  one.parameters.map(({ code }) => code).join() === other.parameters.map(({ code }) => code).join() &&
  one.results.map(({ code }) => code).join() === other.results.map(({ code }) => code).join();

/** Lets the memory grow to the number of bytes that is the parameter; returns whether it has. */
function growMemory(code: InstructionWriter): void {
  code.indexed(Opcode.LocalGet, 0);
  code.i32(PAGE - 1);
  code.byte(Opcode.I32Add);
  code.i32(16);
  code.byte(Opcode.I32ShrU);
  code.byte(Opcode.MemorySize);
  code.byte(0);
  code.byte(Opcode.I32Sub);
  code.byte(Opcode.MemoryGrow);
  code.byte(0);
  code.i32(-1);
  code.byte(Opcode.I32Ne);
}

function getParameters(code: InstructionWriter, type: TypeDefinition): void {
  for (const parameter of type.parameters.keys()) code.indexed(Opcode.LocalGet, parameter);
}

/** Adds the runtime to one module. */
class Graft {
  readonly #rewriter: Rewriter;
  readonly #object: RuntimeObject;
  readonly #types = new Map<string, number>();
  readonly #base: number;
  readonly roles: readonly RoleFunction[];
  #firstBody = 0;
  #functions = new Map<string, number>();

  constructor(
    readonly module: WasmModule,
    readonly place: HeapPlace,
    readonly allocator: Allocator,
  ) {
    this.#rewriter = new Rewriter(module);
    const sharesBreak = place.breakWord !== null || place.resize !== null;
    this.#object = new RuntimeObject(platform().runtimeObject(sharesBreak ? 'emscripten' : 'wasi'));
    this.#base = place.heapBase!;
    this.roles = allocator.roles;
  }

  write(): { readonly bytes: Uint8Array; readonly end: number; readonly pages: number } {
    const { segments, end: dataEnd } = this.#object.layout(this.#base);
    const errorNumber = this.allocator.learnt?.errno ?? dataEnd;
    const end = dataEnd + 64;
    this.#addStubs(errorNumber);
    this.#addRuntime(errorNumber, end);
    this.#addExports(segments);
    this.#replace();
    this.#answerHeaderTests();
    const pages = this.#makeRoom(end);
    return { bytes: this.#rewriter.write().bytes, end, pages };
  }

  #type(type: TypeDefinition): number {
    const parameters = type.parameters.map(({ code }) => code);
    const results = type.results.map(({ code }) => code);
    const key = `${parameters}>${results}`;
    let index = this.#types.get(key);
    if (index === undefined) {
      index = this.#rewriter.addType(parameters, results);
      this.#types.set(key, index);
    }
    return index;
  }

  /** A function with this code, without its `end`. */
  #add(type: TypeDefinition, write: (code: InstructionWriter) => void): number {
    const code = new InstructionWriter();
    code.byte(0);
    write(code);
    code.byte(Opcode.End);
    return this.#rewriter.addFunction(this.#type(type), code.take());
  }

  /** The functions that stand for the object's imports: those of the host by the table, those of libc by code. */
  #addStubs(errorNumber: number): void {
    const object = this.#object.module;
    const table = this.#rewriter.addFunctionTable(HOOKS.length, HOOKS.length);
    this.#rewriter.addExport(HOOKS_TABLE, ExternalKind.Table, table);
    const silent: number[] = [];
    for (const hook of HOOKS) {
      const found = object.imports.find(({ module, name }) => module === 'heapline' && name === hook)!;
      const type = object.functionType(found.index);
      silent.push(
        this.#add(type, (code) => {
          if (type.results.length > 0) code.i32(0);
        }),
      );
      const stub = this.#add(type, (code) => {
        getParameters(code, type);
        code.i32(silent.length - 1);
        code.indexed(Opcode.CallIndirect, this.#type(type));
        code.unsigned(table);
      });
      this.#functions.set(`heapline_host_${hook.replace('host_', '')}`, stub);
      this.#functions.set(hook, stub);
    }
    this.#rewriter.addElements(table, 0, silent);
    for (const { kind, index, module, name } of object.imports) {
      if (kind !== ExternalKind.Function || module === 'heapline') continue;
      if (name === 'emscripten_resize_heap') {
        this.#functions.set(name, this.place.resize ?? this.#add(object.functionType(index), growMemory));
      } else if (name === '__errno_location') {
        this.#functions.set(
          name,
          this.#add(object.functionType(index), (code) => code.i32(errorNumber)),
        );
      } else {
        this.#functions.set(
          name,
          this.#add(object.functionType(index), (code) => code.byte(Opcode.Unreachable)),
        );
      }
    }
  }

  #addRuntime(errorNumber: number, end: number): void {
    const object = this.#object.module;
    const stackPointer = this.place.stackPointer;
    const needsStack = this.#object.symbols.some(({ kind, defined }) => kind === 'global' && !defined);
    if (needsStack && stackPointer === null) refuse('its stack pointer was not found');
    this.#firstBody = this.#nextFunction();
    const addresses: Readonly<Record<string, number>> = {
      errno: errorNumber,
      __heap_base: end,
      __data_end: this.#base,
      __global_base: this.place.dataStart,
    };
    const bytes = this.#object.placed(this.#base, {
      functionIndex: (name) => this.#functions.get(name) ?? refuse(`the runtime needs ${name}`),
      address: (name) => addresses[name] ?? refuse(`the runtime needs ${name}`),
      globalIndex: () => stackPointer!,
      typeIndex: (type) => this.#type(object.types[type]!),
      bodyIndex: (body) => this.#firstBody + body,
    });
    const breakPlace = this.#breakPlace(end);
    object.bodies.forEach(({ start, end: bodyEnd }, body) => {
      const index = object.importedFunctions + body;
      const code = breakPlace?.index === index ? breakPlace.code : bytes.subarray(start, bodyEnd);
      this.#rewriter.addFunction(this.#type(object.functionType(index)), code);
    });
    const { segments } = this.#object.layout(this.#base);
    object.data.forEach(({ start, end: dataEnd }, segment) => {
      const content = bytes.subarray(start, dataEnd);
      // Memory is zero where nothing has been written yet.
      if (content.some((byte) => byte !== 0)) this.#rewriter.addData(segments[segment]!, content);
    });
  }

  /**
   * The function of the object that says where the end of the heap is kept, and code for it that names the module's own
   * word. So the module's sbrk and the runtime take their memory from one place.
   */
  #breakPlace(end: number): { readonly index: number; readonly code: Uint8Array } | null {
    const { breakWord } = this.place;
    if (breakWord === null) return null;
    const initial = new Uint8Array(4);
    new DataView(initial.buffer).setUint32(0, end, true);
    this.#rewriter.addData(breakWord, initial);
    const code = new InstructionWriter();
    code.byte(0);
    code.i32(breakWord);
    code.byte(Opcode.End);
    return { index: this.#object.definedFunction('emscripten_get_sbrk_ptr'), code: code.take() };
  }

  /** Lets calloc that was inlined clear every block. */
  #answerHeaderTests(): void {
    for (const { position, answer } of this.allocator.headerTests) {
      this.#rewriter.code.replace(position, position + answer.length, answer);
    }
  }

  /** The index that the next function gets. */
  #nextFunction(): number {
    return Math.max(...this.#ownStubs()) + 1;
  }

  #ownStubs(): number[] {
    return [...this.#functions.values()].filter((index) => index >= this.module.functions.length);
  }

  /** Index in the module of a function that the runtime defines. */
  #runtimeFunction(name: string): number {
    return this.#firstBody + this.#object.definedFunction(name) - this.#object.module.importedFunctions;
  }

  #export(name: string, kind: 0 | 2 | 3, index: number): void {
    const taken = this.module.exports.find((each) => each.name === name);
    if (taken === undefined) this.#rewriter.addExport(name, kind, index);
    else if (taken.kind !== kind || taken.index !== index) {
      refuse(`it has an export ${name} already, which is something else`);
    }
  }

  #constant(name: string, value: number): void {
    if (this.module.exports.some((each) => each.name === name)) return;
    const code = new InstructionWriter();
    code.i32(value);
    this.#rewriter.addExport(name, ExternalKind.Global, this.#rewriter.addGlobal(I32, false, code.take()));
  }

  #addExports(segments: readonly number[]): void {
    for (const name of ALLOCATION_FAMILY) {
      const own = this.roles.find((each) => each.role === name);
      this.#export(name, ExternalKind.Function, own?.index ?? this.#runtimeFunction(name));
    }
    for (const name of HOST_EXPORTS) {
      const data = this.#object.symbols.find((each) => each.name === name && each.kind === 'data');
      if (data === undefined) this.#export(name, ExternalKind.Function, this.#runtimeFunction(name));
      else this.#constant(name, this.#object.addressOf(data, segments));
    }
    if (this.place.stackPointer !== null) {
      this.#export('__stack_pointer', ExternalKind.Global, this.place.stackPointer);
    }
    this.#constant('__global_base', this.place.dataStart);
    this.#constant('__data_end', this.#base);
    if (!this.module.exports.some(({ name }) => name === 'memory')) {
      this.#rewriter.addExport('memory', ExternalKind.Memory, 0);
    }
  }

  /** Lets the functions with roles call the runtime; further functions of a role call the first one. */
  #replace(): void {
    const indices = new Set(this.roles.map((each) => each.index));
    for (const each of this.roles) {
      const { role, index } = each;
      const first = this.roles.find((other) => other.role === role)!;
      if (role === PREFIXED_REALLOC) {
        this.#replacePrefixedRealloc(index);
        continue;
      }
      const target = first === each ? this.#runtimeFunction(role) : first.index;
      const runtimeType = this.#object.module.functionType(this.#object.definedFunction(role));
      if (!sameType(runtimeType, this.module.functionType(index))) {
        refuse(`${nameOf(this.module, index)} should be ${role}, but its parameters are others`);
      }
      const { start, end } = this.module.bodies[index - this.module.importedFunctions]!;
      const code = new InstructionWriter();
      code.byte(0);
      getParameters(code, runtimeType);
      code.indexed(Opcode.Call, target);
      if (code.length + 1 > end - start) {
        if (this.#forwards(index, role, indices)) continue;
        refuse(`${nameOf(this.module, index)} is too short to be replaced`);
      }
      this.#replaceBody(index, code);
    }
  }

  /** Gives a function this code, padded to the length of what it had. */
  #replaceBody(index: number, code: InstructionWriter): void {
    const { start, end } = this.module.bodies[index - this.module.importedFunctions]!;
    if (code.length + 1 > end - start) refuse(`${nameOf(this.module, index)} is too short to be replaced`);
    while (code.length < end - start - 1) code.byte(NOP);
    code.byte(Opcode.End);
    this.#rewriter.replaceBody(index, code.take());
  }

  /**
   * realloc of a block that begins 8 bytes earlier, with its size there. The call stands where the inlined realloc called
   * malloc, so that call sites have lines.
   */
  #replacePrefixedRealloc(index: number): void {
    const realloc =
      this.roles.find(({ role }) => role === 'realloc')?.index ?? this.#runtimeFunction('realloc');
    const code = new InstructionWriter();
    code.byte(1); // One more local: what realloc returns.
    code.byte(1);
    code.byte(I32);
    code.indexed(Opcode.LocalGet, 0);
    code.i32(PREFIX);
    code.byte(Opcode.I32Sub);
    code.indexed(Opcode.LocalGet, 1);
    code.i32(PREFIX);
    code.byte(Opcode.I32Add);
    const site = this.#callOfMalloc(index, code.length);
    while (code.length < site) code.byte(NOP);
    code.indexed(Opcode.Call, realloc);
    code.indexed(Opcode.LocalTee, 2);
    code.byte(Opcode.If);
    code.byte(I32);
    code.indexed(Opcode.LocalGet, 2);
    code.indexed(Opcode.LocalGet, 1);
    code.byte(Opcode.I64ExtendI32S);
    code.memory(Opcode.I64Store, 3, 0);
    code.indexed(Opcode.LocalGet, 2);
    code.i32(PREFIX);
    code.byte(Opcode.I32Add);
    code.byte(Opcode.Else);
    code.i32(0);
    code.byte(Opcode.End);
    this.#replaceBody(index, code);
  }

  /** Bytes from the beginning of a body to its first call of malloc behind the first `least` bytes. */
  #callOfMalloc(index: number, least: number): number {
    const { bytes, bodies, importedFunctions, heads } = this.module;
    const body = index - importedFunctions;
    const { start, end } = bodies[body]!;
    const mallocs = this.roles.filter(({ role }) => role === 'malloc').map((each) => each.index);
    for (let at = heads.code[body]!; at < end; at = skipInstruction(bytes, at, end)) {
      const isCall = bytes[at] === Opcode.Call && mallocs.includes(peekU32(bytes, at + 1));
      if (isCall && at - start >= least) return at - start;
    }
    return refuse(`${nameOf(this.module, index)} does not call malloc`);
  }

  /** Whether all that a short function does is to call another one of the same role. */
  #forwards(index: number, role: string, indices: ReadonlySet<number>): boolean {
    const { start, end } = this.module.bodies[index - this.module.importedFunctions]!;
    const called = this.roles.filter(
      (each) => each.role === role && each.index !== index && indices.has(each.index),
    );
    return called.some((each) => {
      const code = new InstructionWriter();
      code.byte(0);
      getParameters(code, this.module.functionType(index));
      code.indexed(Opcode.Call, each.index);
      code.byte(Opcode.End);
      const expected = code.take();
      return (
        expected.length === end - start &&
        expected.every((byte, at) => byte === this.module.bytes[start + at])
      );
    });
  }

  /** Returns how many pages the initial memory has more than before. */
  #makeRoom(end: number): number {
    const { minimum, maximum } = this.module.memories[0]!;
    const needed = BigInt(Math.ceil((end + LEAST_HEAP) / PAGE));
    if (needed <= minimum) return 0;
    if (this.module.imports.some(({ kind }) => kind === ExternalKind.Memory)) {
      refuse(
        `its JavaScript supplies a memory of ${minimum} pages, and with the runtime it needs ${needed}. Link it with a larger -sINITIAL_MEMORY`,
      );
    }
    const more = needed - minimum;
    this.#rewriter.setMemoryLimits(0, needed, maximum === null ? null : maximum + more);
    return Number(more);
  }
}

function describeRole({ role, index, name, by }: RoleFunction): string {
  const how =
    by === 'export' ? `exported as ${name}` : by === 'name' ? `named ${name}` : 'recognised by what it does';
  const what = role === PREFIXED_REALLOC ? 'a realloc that keeps sizes before blocks' : role;
  return `${what} is function ${index}, ${how}`;
}

/** Where the heap begins, by hints in the module and by what its allocator has done. */
function placeOf(module: WasmModule, hints: HeapPlace, { learnt }: Allocator): HeapPlace {
  const seen = learnt?.breakWord ?? null;
  const heapBase = seen?.initial ?? hints.heapBase;
  if (heapBase === null) {
    refuse(`nothing says where its heap begins. Export __heap_base, or ${howToLink(module)}`);
  }
  if (learnt !== null && learnt.first < heapBase) refuse('its allocator gives out memory below its heap');
  const breakWord = seen?.address ?? hints.breakWord;
  return { ...hints, heapBase: Math.ceil(heapBase / 64) * 64, breakWord };
}

/**
 * Puts the runtime into a module that was linked without it. Throws a MissingRuntimeError when the module's allocator is
 * not known, and an UnsupportedModuleError that names what cannot be replaced.
 */
export function graft(bytes: Uint8Array): Grafted {
  const module = readModule(bytes);
  refuseUnsupported(module);
  const facts = readFacts(module);
  const hints = findHeapPlace(module, facts);
  const allocator = recognise(module, facts, hints);
  const place = placeOf(module, hints, allocator);
  const { roles } = allocator;
  const written = new Graft(module, place, allocator).write();
  const codeOf = (each: WasmModule): number => each.bodies[0]!.start - each.codeStart;
  const grafted = readModule(written.bytes);
  selfTest(grafted);
  const notes = [
    `${roles.map(describeRole).join('; ')}.`,
    `The runtime is at ${place.heapBase} to ${written.end}, where the heap began` +
      `${written.pages === 0 ? '' : `; the initial memory has ${written.pages} pages more`}.`,
  ];
  return {
    bytes: written.bytes,
    origin: { moved: codeOf(grafted) - codeOf(module), codeStart: module.codeStart, notes },
    roles,
  };
}
