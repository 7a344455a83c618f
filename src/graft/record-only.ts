// Record only: for modules whose allocator cannot be replaced. Malloc and its relatives stay what they are. Their bodies
// move into appended functions, and in their place stands a call of a function that runs the old body and tells the recorder
// (csrc/recorder.c) what came of it. The bodies keep their length, so no code moves.
//
// The recorder's data needs a place in memory that the program does not use. Where the word is known in which sbrk keeps the
// end of the heap, the heap begins behind the data. Otherwise the data is a block of the module's own heap: before the first
// instruction of the program, the start function asks the module's malloc for it. Malloc gives the same address every time,
// because nothing has run before it. The address is found in a scratch instance, and is in the code as a constant; if malloc
// ever gave another one, the module would not start. An allocator that takes all memory from memory.grow, as Rust's does,
// leaves the end of the initial memory to the recorder.

import { ExternalKind, InstructionWriter, Opcode, readModule, type WasmModule } from '../binary/index.ts';
import { UnsupportedModuleError } from '../errors.ts';
import { engine } from '../host/index.ts';
import { ALLOCATOR_FUNCTION, RECORDER } from '../instrument/index.ts';
import { ALLOCATION_FAMILY } from '../runtime/interface.ts';
import { type HeapPlace, memoryEnd, placeOf } from './heap-place.ts';
import { LinkedObject } from './linked-object.ts';
import type { Allocator } from './recognise.ts';
import { testRecorder } from './recorder-test.ts';
import { nameOf, refuse } from './refusal.ts';
import {
  forwardedTo,
  PREFIXED_REALLOC,
  type Role,
  type RoleFunction,
  RUST_DEALLOC,
  RUST_REALLOC,
} from './roles.ts';
import { accepted, memoryOf, standIns, withoutStart } from './stand-ins.ts';

const I32 = 0x7f;
const EMPTY_BLOCK = 0x40;
const ALIGNMENT = 64;
/** Bytes before a block in which SQLite keeps its size. */
const PREFIX = 8;
/** Exports that only scratch instances use. */
const RESERVE = 'heapline_reserve';
const RESERVED = 'heapline_reserved';
const ENOMEM: readonly number[] = [48, 12];
/** What every allocator aligns blocks to. */
const PLAIN_ALIGNMENT = 8;

/** Where the recorder's data is. */
interface RecorderPlace {
  readonly start: number;
  readonly end: number;
  /** It is a block of the module's heap. Otherwise the heap begins behind it. */
  readonly isBlock: boolean;
}

/** A module with a recorder. */
export interface Recorded {
  readonly bytes: Uint8Array;
  /** The functions that are recorded. */
  readonly roles: readonly RoleFunction[];
  readonly place: RecorderPlace;
}

/**
 * Parameters of the functions with a role, and whether they return a number. Those of C++ may have more: a size, an
 * alignment, or what says that they throw nothing.
 */
const TYPES: Readonly<Partial<Record<Role, readonly [number, 0 | 1]>>> = {
  malloc: [1, 1],
  free: [1, 0],
  calloc: [2, 1],
  realloc: [2, 1],
  reallocarray: [3, 1],
  memalign: [2, 1],
  aligned_alloc: [2, 1],
  posix_memalign: [3, 1],
  valloc: [1, 1],
  [PREFIXED_REALLOC]: [2, 1],
  'operator new': [1, 1],
  'operator delete': [1, 0],
  __rust_alloc: [2, 1],
  __rust_alloc_zeroed: [2, 1],
  [RUST_REALLOC]: [4, 1],
  [RUST_DEALLOC]: [3, 0],
};

/** Roles of functions that free a block. */
const FREES: readonly Role[] = ['free', 'operator delete', RUST_DEALLOC];
/** Roles of functions that make a block of so many bytes, the ones first that are best known. */
const MAKES: readonly Role[] = ['malloc', 'operator new', '__rust_alloc'];

const parametersOf = (module: WasmModule, index: number): number =>
  module.functionType(index).parameters.length;

/** Writes the function that stands in front of one function of the allocator. */
class Watcher extends InstructionWriter {
  /** Locals behind the parameters: what the recorder says of the caller, and what the allocator returns. */
  readonly #context: number;
  readonly #result: number;

  constructor(
    readonly linked: LinkedObject,
    readonly role: Role,
    readonly target: number,
    parameters: number,
  ) {
    super();
    this.#context = parameters;
    this.#result = parameters + 1;
  }

  body(): Uint8Array {
    this.byte(1);
    this.byte(2);
    this.byte(I32);
    const frees = FREES.includes(this.role);
    this.i32(Number(frees));
    this.#recorder('enter');
    this.indexed(Opcode.LocalSet, this.#context);
    if (frees) this.#free();
    else this.#allocate();
    this.byte(Opcode.End);
    return this.take();
  }

  #recorder(name: string): void {
    this.indexed(Opcode.Call, this.linked.functionOf(`heapline_record_${name}`));
  }

  #run(): void {
    for (let parameter = 0; parameter < this.#context; parameter += 1) this.#get(parameter);
    this.indexed(Opcode.Call, this.target);
  }

  #get(local: number): void {
    this.indexed(Opcode.LocalGet, local);
  }

  #free(): void {
    this.#get(this.#context);
    this.#get(0);
    this.#recorder('freed');
    this.#run();
    this.#recorder('leave');
  }

  #allocate(): void {
    this.#run();
    this.indexed(Opcode.LocalSet, this.#result);
    if (this.role === 'posix_memalign') this.#tellPosixMemalign();
    else this.#tell();
    this.#get(this.#result);
  }

  #tell(): void {
    this.#get(this.#context);
    switch (this.role) {
      case 'malloc':
      case 'valloc':
      case 'operator new':
      case '__rust_alloc':
      case '__rust_alloc_zeroed':
        this.#allocated(0, null);
        break;
      case 'memalign':
      case 'aligned_alloc':
        this.#allocated(1, null);
        break;
      case 'calloc':
        this.#allocated(0, 1);
        break;
      case 'realloc':
        this.#reallocated(1, null);
        break;
      case RUST_REALLOC:
        this.#reallocated(3, null);
        break;
      case 'reallocarray':
        this.#reallocated(1, 2);
        break;
      default:
        this.#prefixed(0);
        this.#prefixed(this.#result);
        this.#get(1);
        this.i32(PREFIX);
        this.byte(Opcode.I32Add);
        this.i32(1);
        this.#recorder('reallocated');
    }
  }

  /** @param size local with the size @param times local with the factor of the size; null for 1 */
  #allocated(size: number, times: number | null): void {
    this.#get(this.#result);
    this.#get(size);
    this.#factor(times);
    this.#recorder('allocated');
  }

  #reallocated(size: number, times: number | null): void {
    this.#get(0);
    this.#get(this.#result);
    this.#get(size);
    this.#factor(times);
    this.#recorder('reallocated');
  }

  #factor(times: number | null): void {
    if (times === null) this.i32(1);
    else this.#get(times);
  }

  /** The beginning of the block in which a pointer lies behind a prefix; 0 for 0. */
  #prefixed(pointer: number): void {
    this.#get(pointer);
    this.i32(PREFIX);
    this.byte(Opcode.I32Sub);
    this.i32(0);
    this.#get(pointer);
    this.byte(Opcode.Select);
  }

  #tellPosixMemalign(): void {
    const [result, size] = [0, 2];
    const told = (address: () => void): void => {
      this.#get(this.#context);
      address();
      this.#get(size);
      this.i32(1);
      this.#recorder('allocated');
    };
    this.#get(this.#result);
    this.byte(Opcode.I32Eqz);
    this.#branch(
      () =>
        told(() => {
          this.#get(result);
          this.memory(Opcode.I32Load, 2, 0);
        }),
      () => {
        for (const code of ENOMEM) {
          this.#get(this.#result);
          this.i32(code);
          this.byte(Opcode.I32Ne);
        }
        this.byte(Opcode.I32And);
        this.#branch(
          () => this.#recorder('leave'),
          () => told(() => this.i32(0)),
        );
      },
    );
  }

  #branch(then: () => void, otherwise: () => void): void {
    this.byte(Opcode.If);
    this.byte(EMPTY_BLOCK);
    then();
    this.byte(Opcode.Else);
    otherwise();
    this.byte(Opcode.End);
  }
}

/** Adds the recorder to one module. */
class RecordOnly {
  readonly roles: readonly RoleFunction[];
  readonly #linked: LinkedObject;
  readonly #bodies = new Map<RoleFunction, number>();
  readonly #contents: { readonly address: number; readonly words: Uint32Array }[] = [];
  readonly #reserved: number;

  /**
   * @param block address of the block of the module's heap in which the recorder's data is: 0 while nobody knows it, null
   *   when the data lies where the heap began
   */
  constructor(
    readonly module: WasmModule,
    readonly place: HeapPlace,
    readonly allocator: Allocator,
    readonly block: number | null,
  ) {
    this.roles = recordable(module, allocator.roles);
    this.#linked = new LinkedObject(module, 'recorder', aligned(block ?? place.heapBase!));
    this.#reserved = this.#linked.rewriter.addGlobal(I32, true, constantZero());
  }

  get recorderPlace(): RecorderPlace {
    return { start: this.#linked.base, end: this.#linked.layout.end, isBlock: this.block !== null };
  }

  write(): Uint8Array {
    const linked = this.#linked;
    const { module, place } = this;
    linked.addHooks();
    for (const role of this.roles) {
      const { start, end } = module.bodies[role.index - module.importedFunctions]!;
      this.#bodies.set(role, linked.append(module.functions[role.index]!, module.bytes.subarray(start, end)));
    }
    const malloc = this.#unrecordedMalloc();
    linked.functions.set('heapline_program_malloc', malloc);
    const addresses = {
      __heap_base: linked.layout.end,
      __data_end: this.#dataEnd,
      __global_base: place.dataStart,
    };
    for (const [segment, content] of linked
      .addBodies({ addresses, stackPointer: place.stackPointer })
      .entries()) {
      this.#contents.push({ address: linked.layout.segments[segment]!, words: wordsOf(content) });
    }
    this.#watch();
    if (this.block === null) this.#moveHeap();
    else this.#addStart(malloc, this.block);
    this.#addExports();
    return linked.rewriter.write().bytes;
  }

  /**
   * The body of malloc that nobody watches. Where malloc only calls another function that is watched as well, as in
   * wasi-libc without wasm-opt, it is the body of that one: the recorder must not be entered while it takes memory.
   */
  #unrecordedMalloc(): number {
    const first = this.#first(MAKES);
    const mallocs = new Set(this.roles.filter(({ role }) => role === first.role));
    for (let malloc = first; ; ) {
      mallocs.delete(malloc);
      const target = forwardedTo(this.module, malloc.index);
      const next = [...mallocs].find(({ index }) => index === target);
      if (next === undefined) return this.#likeMalloc(malloc, this.#bodies.get(malloc)!);
      malloc = next;
    }
  }

  /** The function that is recorded with the first one of these roles, the one with the fewest parameters. */
  #first(roles: readonly Role[]): RoleFunction {
    const role = roles.find((each) => this.roles.some((one) => one.role === each));
    const same = this.roles.filter((each) => each.role === role);
    const parameters = ({ index }: RoleFunction): number => parametersOf(this.module, index);
    // The first of several mallocs is the one that programs call.
    return same.reduce((one, other) => (parameters(other) < parameters(one) ? other : one));
  }

  /** A function with the type of malloc that calls one of C++ or Rust. */
  #likeMalloc({ index }: RoleFunction, target: number): number {
    const parameters = parametersOf(this.module, index);
    if (parameters === 1) return target;
    const code = new InstructionWriter();
    code.byte(0);
    code.indexed(Opcode.LocalGet, 0);
    for (let more = 1; more < parameters; more += 1) code.i32(PLAIN_ALIGNMENT);
    code.indexed(Opcode.Call, target);
    code.byte(Opcode.End);
    return this.#linked.append(this.#linked.typeOf([I32], [I32]), code.take());
  }

  /** The same for free. They take the size of the block, which the recorder knows. */
  #likeFree({ index }: RoleFunction, target: number): number {
    const parameters = parametersOf(this.module, index);
    if (parameters === 1) return target;
    const code = new InstructionWriter();
    code.byte(0);
    code.indexed(Opcode.LocalGet, 0);
    code.byte(Opcode.If);
    code.byte(EMPTY_BLOCK);
    code.indexed(Opcode.LocalGet, 0);
    code.indexed(Opcode.LocalGet, 0);
    code.indexed(Opcode.Call, this.#linked.functionOf('heapline_record_size'));
    for (let more = 2; more < parameters; more += 1) code.i32(PLAIN_ALIGNMENT);
    code.indexed(Opcode.Call, target);
    code.byte(Opcode.End);
    code.byte(Opcode.End);
    return this.#linked.append(this.#linked.typeOf([I32], []), code.take());
  }

  get #dataEnd(): number {
    const { heapBase, least } = this.place;
    const end = this.block ?? Number.POSITIVE_INFINITY;
    return Math.min(heapBase ?? Math.max(least, end), end);
  }

  #watch(): void {
    for (const role of this.roles) {
      const { index } = role;
      const type = this.module.functions[index]!;
      const watcher = this.#linked.append(
        type,
        new Watcher(
          this.#linked,
          role.role,
          this.#bodies.get(role)!,
          parametersOf(this.module, index),
        ).body(),
      );
      this.#linked.replaceBody(index, callOf(watcher, parametersOf(this.module, index)));
    }
  }

  /** Lets the heap begin behind the recorder's data. What takes memory from memory.grow alone does so by itself. */
  #moveHeap(): void {
    const { rewriter, layout } = this.#linked;
    if (this.place.breakWord !== null) {
      const end = Uint8Array.of(0, 0, 0, 0);
      new DataView(end.buffer).setUint32(0, layout.end, true);
      rewriter.addData(this.place.breakWord, end);
    }
    for (const { address, words } of this.#contents) {
      if (words.some((word) => word !== 0)) rewriter.addData(address, new Uint8Array(words.buffer));
    }
    this.#linked.makeRoom(layout.end);
  }

  /** The function that takes the recorder's memory and gives it its initial contents. */
  #addStart(malloc: number, block: number): void {
    const { rewriter, layout, base } = this.#linked;
    const code = new InstructionWriter();
    code.byte(0);
    code.i32(layout.end - base + ALIGNMENT);
    code.indexed(Opcode.Call, malloc);
    code.indexed(Opcode.GlobalSet, this.#reserved);
    if (block !== 0) {
      code.indexed(Opcode.GlobalGet, this.#reserved);
      code.i32(block);
      code.byte(Opcode.I32Ne);
      code.byte(Opcode.If);
      code.byte(EMPTY_BLOCK);
      code.byte(Opcode.Unreachable);
      code.byte(Opcode.End);
      this.#initialise(code);
    }
    code.byte(Opcode.End);
    const nothing = this.#linked.typeOf([], []);
    const reserve = this.#linked.append(nothing, code.take());
    const start = new InstructionWriter();
    start.byte(0);
    start.indexed(Opcode.Call, reserve);
    if (this.module.start !== null) start.indexed(Opcode.Call, this.module.start);
    start.byte(Opcode.End);
    rewriter.setStart(this.#linked.append(nothing, start.take()));
    rewriter.addExport(RESERVE, ExternalKind.Function, reserve);
    rewriter.addExport(RESERVED, ExternalKind.Global, this.#reserved);
  }

  /** Memory that malloc gives out need not be zero. */
  #initialise(code: InstructionWriter): void {
    const { base, layout } = this.#linked;
    code.i32(base);
    code.i32(0);
    code.i32(layout.end - base);
    code.memoryFill();
    for (const { address, words } of this.#contents) {
      words.forEach((word, at) => {
        if (word === 0) return;
        code.i32(address + at * 4);
        code.i32(word);
        code.memory(Opcode.I32Store, 2, 0);
      });
    }
  }

  #addExports(): void {
    const linked = this.#linked;
    linked.constant(RECORDER, this.module.functions.length);
    linked.export('heapline_recorded', ExternalKind.Function, linked.functionOf('heapline_recorded'));
    const named = new Set<number>();
    for (const name of ALLOCATION_FAMILY) {
      // Where a program calls malloc by a function that only calls another one, that one is recorded.
      const own = this.allocator.roles.find(({ role }) => role === name);
      if (own === undefined || !hasType(this.module, own)) continue;
      linked.export(name, ExternalKind.Function, own.index);
      named.add(own.index);
    }
    const [make, free] = [this.#first(MAKES), this.#first(FREES)];
    if (make.role !== 'malloc') {
      linked.export('malloc', ExternalKind.Function, this.#likeMalloc(make, make.index));
    }
    if (free.role !== 'free') {
      linked.export('free', ExternalKind.Function, this.#likeFree(free, free.index));
    }
    for (const { index } of this.roles) {
      if (!named.has(index)) linked.export(`${ALLOCATOR_FUNCTION}${index}`, ExternalKind.Function, index);
    }
    linked.addHostExports(this.place.stackPointer, [this.place.dataStart, this.#dataEnd]);
  }
}

const aligned = (address: number): number => Math.ceil(address / ALIGNMENT) * ALIGNMENT;

function constantZero(): Uint8Array {
  const code = new InstructionWriter();
  code.i32(0);
  return code.take();
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

/** A body that does nothing but call another function of the same type, without its `end`. */
function callOf(target: number, parameters: number): InstructionWriter {
  const code = new InstructionWriter();
  code.byte(0);
  for (let parameter = 0; parameter < parameters; parameter += 1) code.indexed(Opcode.LocalGet, parameter);
  code.indexed(Opcode.Call, target);
  return code;
}

/** Whether a function has the parameters that C gives to its role. */
function hasType(module: WasmModule, { role, index }: RoleFunction): boolean {
  const type = TYPES[role];
  if (type === undefined || index < module.importedFunctions) return false;
  const { parameters, results } = module.functionType(index);
  const numbers = [...parameters, ...results].every(({ code }) => code === I32);
  const mayHaveMore = role === 'operator new' || role === 'operator delete';
  const fits = mayHaveMore ? parameters.length >= type[0] : parameters.length === type[0];
  return numbers && fits && results.length === type[1];
}

/** Whether there is room for a call in the place of a function's body. */
function hasRoom(module: WasmModule, { index }: RoleFunction): boolean {
  const { start, end } = module.bodies[index - module.importedFunctions]!;
  return callOf(2 ** 21 - 1, parametersOf(module, index)).length + 1 <= end - start;
}

/** The functions with a role. In place of those without room for a call there are those that they call. */
function withRoom(module: WasmModule, roles: readonly RoleFunction[]): RoleFunction[] {
  const found: RoleFunction[] = [];
  for (let each of roles) {
    for (let left = module.bodies.length; !hasRoom(module, each); left -= 1) {
      const index = left === 0 ? null : forwardedTo(module, each.index);
      if (index === null) return refuse(`${nameOf(module, each.index)} is too short for a record`);
      each = { ...each, index };
    }
    if (!found.some(({ index }) => index === each.index)) found.push(each);
  }
  return found;
}

/** The functions of the allocator that can be recorded: those with the parameters that C, C++ and Rust give them. */
function recordable(module: WasmModule, roles: readonly RoleFunction[]): RoleFunction[] {
  const found = withRoom(
    module,
    roles.filter((each) => hasType(module, each)),
  );
  for (const [role, same] of [
    ['malloc', MAKES],
    ['free', FREES],
  ] as const) {
    if (found.some((each) => same.includes(each.role))) continue;
    const index = roles.find((each) => same.includes(each.role))?.index;
    refuse(
      index === undefined
        ? `its ${role} is not known`
        : `${nameOf(module, index)} should be ${role}, but its parameters are others`,
    );
  }
  return found;
}

/** The block that the module's malloc gives the recorder. */
function reserveIn(module: WasmModule, least: number): number {
  let called = 0;
  const { exports } = accepted(() => {
    const compiled = new (engine().Module)(withoutStart(module));
    const imports = standIns(module, memoryOf(module), () => {
      called += 1;
    });
    return new (engine().Instance)(compiled, imports);
  });
  try {
    (exports[RESERVE] as () => void)();
  } catch (error) {
    refuse(`its malloc does not work before the program has started (${(error as Error).message})`);
  }
  const address = ((exports[RESERVED] as WebAssembly.Global).value as number) >>> 0;
  if (called > 0) refuse('its malloc calls JavaScript');
  if (address < least || address % 8 !== 0) {
    refuse('its malloc has no memory before the program has started');
  }
  return address;
}

/** Adds a recorder to a module. Throws an UnsupportedModuleError when there is no place for it. */
export function addRecorder(module: WasmModule, hints: HeapPlace, allocator: Allocator): Recorded {
  try {
    const place = placeOf(module, hints, allocator);
    if (place.breakWord !== null) return written(new RecordOnly(module, place, allocator, null), null);
  } catch (error) {
    if (!(error instanceof UnsupportedModuleError)) throw error;
  }
  const behind = behindMemory(module, hints, allocator);
  if (behind !== null) return behind;
  const sample = readModule(new RecordOnly(module, hints, allocator, 0).write());
  const block = reserveIn(sample, Math.max(hints.least, 1024));
  return written(new RecordOnly(module, hints, allocator, block), RESERVE);
}

/**
 * The module with a recorder behind its initial memory, for allocators that take no other memory than that which they let
 * grow themselves, as Rust's does: its first blocks then lie behind the recorder. Null for other allocators.
 */
function behindMemory(module: WasmModule, hints: HeapPlace, allocator: Allocator): Recorded | null {
  const { learnt } = allocator;
  if (learnt !== null && !learnt.onlyGrows) return null;
  const place = { ...hints, heapBase: memoryEnd(module), breakWord: null };
  try {
    const recorder = new RecordOnly(module, place, allocator, null);
    const recorded = readModule(recorder.write());
    const { exports } = accepted(() => {
      const compiled = new (engine().Module)(withoutStart(recorded));
      return new (engine().Instance)(compiled, standIns(recorded, memoryOf(recorded)));
    });
    const malloc = exports.malloc as (size: number) => number;
    const isBehind = [1, 24, 5000].every((size) => malloc(size) >>> 0 >= recorder.recorderPlace.end);
    return isBehind ? made(recorder, recorded, null) : null;
  } catch (error) {
    if (error instanceof UnsupportedModuleError || error instanceof WebAssembly.RuntimeError) return null;
    throw error;
  }
}

const written = (recorder: RecordOnly, reserve: string | null): Recorded =>
  made(recorder, readModule(recorder.write()), reserve);

/** @param reserve name of the export that gives the recorder its memory; null when it has it from the start */
function made(recorder: RecordOnly, recorded: WasmModule, reserve: string | null): Recorded {
  testRecorder(recorded, reserve, recorder.place.resize);
  return { bytes: recorded.bytes, roles: recorder.roles, place: recorder.recorderPlace };
}
