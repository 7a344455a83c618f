// Grafting: puts the runtime into a module that was linked without it. The runtime's object is linked at the beginning
// of the module's own heap, its functions are appended, and the bodies of malloc, free and their relatives become calls
// of the runtime's, padded to their old length. So no function index and no code offset changes, and debug information
// stays valid.

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
import { ALLOCATOR_FUNCTION, type CodeOrigin, howToLink } from '../instrument/index.ts';
import { ALLOCATION_FAMILY } from '../runtime/interface.ts';
import { type FunctionFacts, readFacts } from './function-facts.ts';
import { findHeapPlace, type HeapPlace, placeOf } from './heap-place.ts';
import { getParameters, LinkedObject } from './linked-object.ts';
import { withOwnAllocators } from './own-allocators.ts';
import { type Allocator, Recognition } from './recognise.ts';
import { addRecorder } from './record-only.ts';
import { nameOf, refuse } from './refusal.ts';
import {
  findRoles,
  PREFIXED_REALLOC,
  type RoleFunction,
  RUST_DEALLOC,
  RUST_REALLOC,
  RUST_ROLES,
} from './roles.ts';
import { selfTest } from './self-test.ts';

const PAGE = 0x10000;
const I32 = 0x7f;
const NOP = 0x01;
const EMPTY_BLOCK = 0x40;
/** The runtime aligns every block so. */
const MALLOC_ALIGNMENT = 16;
/** Bytes before a block in which SQLite keeps its size. */
const PREFIX = 8;
/** Import of what AddressSanitizer and LeakSanitizer are made of. */
const SANITIZER = '_emscripten_sanitizer_get_option';

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

/** The allocator; throws when malloc or free is not known. */
function recognise(module: WasmModule, facts: readonly FunctionFacts[], place: HeapPlace): Allocator {
  const named = findRoles(module);
  const found = new Recognition(module, facts, place).find(named);
  const allocator = withOwnAllocators(module, facts, found);
  if (allocator !== null) return allocator;
  const missing = (['malloc', 'free'] as const).find((role) => !named.some((each) => each.role === role));
  throw new MissingRuntimeError(
    `the module has no runtime, and none can be grafted into it, because no export or name says which function is ${missing}, and none behaves like it: ${howToLink(module)}`,
  );
}

/** Throws when something of the allocator would be left behind. */
function refuseLeftovers(module: WasmModule, { blockers }: Allocator): void {
  if (blockers.length === 0) return;
  const { index, reason } = blockers[0]!;
  const more = blockers.length === 1 ? '' : `; ${blockers.length - 1} other functions as well`;
  refuse(`${nameOf(module, index)} cannot be replaced, and ${reason}${more}. Instead, ${howToLink(module)}`);
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

/** Adds the runtime to one module. */
class Graft {
  readonly #linked: LinkedObject;
  readonly roles: readonly RoleFunction[];

  constructor(
    readonly module: WasmModule,
    readonly place: HeapPlace,
    readonly allocator: Allocator,
  ) {
    const sharesBreak = place.breakWord !== null || place.resize !== null;
    this.#linked = new LinkedObject(module, sharesBreak ? 'emscripten' : 'wasi', place.heapBase!);
    this.roles = allocator.roles;
  }

  write(): { readonly bytes: Uint8Array; readonly end: number; readonly pages: number } {
    const { end: dataEnd } = this.#linked.layout;
    const errorNumber = this.allocator.learnt?.errno ?? dataEnd;
    const end = dataEnd + 64;
    this.#linked.addHooks();
    this.#addLibc(errorNumber);
    this.#addRuntime(errorNumber, end);
    this.#addExports();
    this.#replace();
    this.#answerHeaderTests();
    const pages = this.#linked.makeRoom(end);
    return { bytes: this.#linked.rewriter.write().bytes, end, pages };
  }

  /** The functions that stand for libc's. */
  #addLibc(errorNumber: number): void {
    const { functions } = this.#linked;
    for (const { name, type } of this.#linked.imports) {
      if (name === 'emscripten_resize_heap') {
        functions.set(name, this.place.resize ?? this.#linked.add(type, growMemory));
      } else if (name === '__errno_location') {
        functions.set(
          name,
          this.#linked.add(type, (code) => code.i32(errorNumber)),
        );
      } else {
        functions.set(
          name,
          this.#linked.add(type, (code) => code.byte(Opcode.Unreachable)),
        );
      }
    }
  }

  #addRuntime(errorNumber: number, end: number): void {
    const { base, layout, rewriter } = this.#linked;
    const { dataStart, stackPointer } = this.place;
    const addresses = {
      errno: errorNumber,
      __heap_base: end,
      __data_end: base,
      __global_base: dataStart,
    };
    const contents = this.#linked.addBodies({ addresses, stackPointer }, this.#breakPlace(end));
    contents.forEach((content, segment) => {
      // Memory is zero where nothing has been written yet.
      if (content.some((byte) => byte !== 0)) rewriter.addData(layout.segments[segment]!, content);
    });
  }

  /**
   * The function of the object that says where the end of the heap is kept, and code for it that names the module's own
   * word. So the module's sbrk and the runtime take their memory from one place.
   */
  #breakPlace(end: number): ReadonlyMap<number, Uint8Array> {
    const { breakWord } = this.place;
    if (breakWord === null) return new Map();
    const initial = new Uint8Array(4);
    new DataView(initial.buffer).setUint32(0, end, true);
    this.#linked.rewriter.addData(breakWord, initial);
    const code = new InstructionWriter();
    code.byte(0);
    code.i32(breakWord);
    code.byte(Opcode.End);
    return new Map([[this.#linked.object.definedFunction('emscripten_get_sbrk_ptr'), code.take()]]);
  }

  /** Lets calloc that was inlined clear every block. */
  #answerHeaderTests(): void {
    for (const { position, answer } of this.allocator.headerTests) {
      this.#linked.rewriter.code.replace(position, position + answer.length, answer);
    }
  }

  #addExports(): void {
    const { dataStart, stackPointer } = this.place;
    for (const name of ALLOCATION_FAMILY) {
      const own = this.roles.find((each) => each.role === name);
      this.#linked.export(name, ExternalKind.Function, own?.index ?? this.#linked.functionOf(name));
    }
    for (const { role, index } of this.roles) {
      const isFirst = this.roles.find((each) => each.role === role)!.index === index;
      // What a realloc with a prefix calls is realloc, which has its context.
      if (role === PREFIXED_REALLOC || (isFirst && !RUST_ROLES.includes(role))) continue;
      this.#linked.export(`${ALLOCATOR_FUNCTION}${index}`, ExternalKind.Function, index);
    }
    this.#linked.addHostExports(stackPointer, [dataStart, this.#linked.base]);
  }

  /** Lets the functions with roles call the runtime. */
  #replace(): void {
    const indices = new Set(this.roles.map((each) => each.index));
    for (const each of this.roles) {
      const { role, index } = each;
      if (role === PREFIXED_REALLOC) {
        this.#replacePrefixedRealloc(index);
        continue;
      }
      if (role === RUST_REALLOC) {
        this.#replaceRustRealloc(index);
        continue;
      }
      if (role === RUST_DEALLOC) {
        const free = new InstructionWriter();
        free.byte(0);
        free.indexed(Opcode.LocalGet, 0);
        free.indexed(Opcode.Call, this.#linked.functionOf('free'));
        this.#replaceBody(index, free);
        continue;
      }
      const runtimeType = this.#linked.object.module.functionType(this.#linked.object.definedFunction(role));
      if (!sameType(runtimeType, this.module.functionType(index))) {
        refuse(`${nameOf(this.module, index)} should be ${role}, but its parameters are others`);
      }
      const code = new InstructionWriter();
      code.byte(0);
      getParameters(code, runtimeType);
      code.indexed(Opcode.Call, this.#linked.functionOf(role));
      if (!this.#linked.fits(index, code) && this.#forwards(index, role, indices)) continue;
      this.#replaceBody(index, code);
    }
  }

  #replaceBody(index: number, code: InstructionWriter): void {
    if (!this.#linked.fits(index, code)) refuse(`${nameOf(this.module, index)} is too short to be replaced`);
    this.#linked.replaceBody(index, code);
  }

  /**
   * realloc of a block that begins 8 bytes earlier, with its size there. The call stands where the inlined realloc called
   * malloc, so that call sites have lines.
   */
  #replacePrefixedRealloc(index: number): void {
    const realloc =
      this.roles.find(({ role }) => role === 'realloc')?.index ?? this.#linked.functionOf('realloc');
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

  /** A call of a function that does what Rust's realloc does, with the runtime's functions. */
  #replaceRustRealloc(index: number): void {
    const [block, size, alignment, wanted, result] = [0, 1, 2, 3, 4] as const;
    const code = new InstructionWriter();
    const get = (...locals: number[]): void => {
      for (const local of locals) code.indexed(Opcode.LocalGet, local);
    };
    code.byte(1); // One more local: the new block.
    code.byte(1);
    code.byte(I32);
    get(alignment);
    code.i32(MALLOC_ALIGNMENT);
    code.byte(Opcode.I32LeU);
    code.byte(Opcode.If);
    code.byte(I32);
    get(block, wanted);
    code.indexed(Opcode.Call, this.#linked.functionOf('realloc'));
    code.byte(Opcode.Else);
    get(alignment, wanted);
    code.indexed(Opcode.Call, this.#linked.functionOf('memalign'));
    code.indexed(Opcode.LocalTee, result);
    code.byte(Opcode.If);
    code.byte(EMPTY_BLOCK);
    get(result, block, size, wanted, size, wanted);
    code.byte(Opcode.I32LtU);
    code.byte(Opcode.Select);
    code.memoryCopy();
    get(block);
    code.indexed(Opcode.Call, this.#linked.functionOf('free'));
    code.byte(Opcode.End);
    get(result);
    code.byte(Opcode.End);
    code.byte(Opcode.End);
    const type = this.module.functionType(index);
    const call = new InstructionWriter();
    call.byte(0);
    getParameters(call, type);
    call.indexed(Opcode.Call, this.#linked.append(this.#linked.type(type), code.take()));
    this.#replaceBody(index, call);
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
}

function describeRole({ role, index, name, by }: RoleFunction): string {
  const how =
    by === 'export' ? `exported as ${name}` : by === 'name' ? `named ${name}` : 'recognised by what it does';
  const what = role === PREFIXED_REALLOC ? 'a realloc that keeps sizes before blocks' : role;
  return `${what} is function ${index}, ${how}`;
}

/** What was found of a module before anything is done to it. */
interface Examined {
  readonly module: WasmModule;
  /** The place of its heap, by hints in the module. */
  readonly hints: HeapPlace;
  readonly allocator: Allocator;
}

function examine(bytes: Uint8Array): Examined {
  const module = readModule(bytes);
  refuseUnsupported(module);
  const facts = readFacts(module);
  const hints = findHeapPlace(module, facts);
  return { module, hints, allocator: recognise(module, facts, hints) };
}

const codeOf = (each: WasmModule): number => each.bodies[0]!.start - each.codeStart;

function graftInto({ module, hints, allocator }: Examined): Grafted {
  refuseLeftovers(module, allocator);
  const place = placeOf(module, hints, allocator);
  const { roles } = allocator;
  const written = new Graft(module, place, allocator).write();
  const grafted = readModule(written.bytes);
  selfTest(grafted, place.resize);
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

function recordOnlyIn({ module, hints, allocator }: Examined, refusal: string): Grafted {
  const { bytes, roles, place } = addRecorder(module, hints, allocator);
  const recorded = readModule(bytes);
  const because = refusal.replace(/^the runtime cannot be grafted into the module: /, '');
  return {
    bytes,
    roles,
    origin: {
      moved: codeOf(recorded) - codeOf(module),
      codeStart: module.codeStart,
      notes: [
        `Record only: the module keeps its own allocator, because ${because.replace(/\.? Instead, .*$/s, '')}.`,
        `${roles.map(describeRole).join('; ')}.`,
        `The recorder is at ${place.start} to ${place.end}, ${place.isBlock ? 'in a block of the heap' : 'where the heap began'}.`,
      ],
    },
  };
}

/**
 * Puts the runtime into a module that was linked without it. Throws a MissingRuntimeError when the module's allocator is
 * not known, and an UnsupportedModuleError that names what cannot be replaced.
 */
export function graft(bytes: Uint8Array): Grafted {
  return graftInto(examine(bytes));
}

/** Leaves the module its allocator, and adds what records the allocator's blocks. */
export function record(bytes: Uint8Array): Grafted {
  return recordOnlyIn(examine(bytes), 'that was asked for');
}

/**
 * The same as `graft`. A module whose allocator cannot be replaced keeps it, and gets what records its blocks. Throws the reason why
 * the allocator cannot be replaced when that is not possible, either.
 */
export function graftOrRecord(bytes: Uint8Array): Grafted {
  const examined = examine(bytes);
  try {
    return graftInto(examined);
  } catch (error) {
    if (!(error instanceof UnsupportedModuleError)) throw error;
    try {
      return recordOnlyIn(examined, error.message);
    } catch (second) {
      if (!(second instanceof UnsupportedModuleError)) throw second;
      throw new UnsupportedModuleError(
        `${error.message}. Recording only is not possible, either: ${second.message}`,
        {
          cause: second,
        },
      );
    }
  }
}
