// One of the runtime's objects on its way into a module: its functions are appended, its data gets a place, and it calls
// the host through a table of its own, because further imports would move every function index. The table is filled with
// functions that do nothing, until the host puts its own there (`connectHooks` in `host`).

import {
  ExternalKind,
  InstructionWriter,
  Opcode,
  type TypeDefinition,
  type WasmModule,
} from '../binary/index.ts';
import { HOOKS_TABLE } from '../instrument/index.ts';
import { platform, type RuntimeFlavour } from '../platform/index.ts';
import { Rewriter } from '../rewrite/index.ts';
import { HOST_EXPORTS } from '../runtime/interface.ts';
import { refuse } from './refusal.ts';
import { RuntimeObject } from './runtime-object.ts';

const I32 = 0x7f;
const NOP = 0x01;
const PAGE = 0x10000;
/** Room that the module's heap keeps in the initial memory, at least. */
const LEAST_HEAP = PAGE;
/** The runtime's imports in the order in which they lie in the table. */
const HOOKS = [
  { name: 'host_stack', results: [I32] },
  { name: 'fault', results: [] },
  { name: 'point', results: [I32] },
  { name: 'exiting', results: [] },
] as const;

/** What the module gives to the object. */
export interface ModulePlaces {
  /** Addresses by the names of data that the object does not define. */
  readonly addresses: Readonly<Record<string, number>>;
  /** Index of the stack pointer; null when it is not known. */
  readonly stackPointer: number | null;
}

/** Writes the parameters of a function as the arguments of a call. */
export function getParameters(code: InstructionWriter, type: TypeDefinition): void {
  for (const parameter of type.parameters.keys()) code.indexed(Opcode.LocalGet, parameter);
}

/** Adds an object to one module. */
export class LinkedObject {
  readonly rewriter: Rewriter;
  readonly object: RuntimeObject;
  /** Functions that stand for what the object does not define, by their names. */
  readonly functions = new Map<string, number>();
  readonly #types = new Map<string, number>();
  #firstBody = 0;
  #appended = 0;

  /** @param base where the object's data begins */
  constructor(
    readonly module: WasmModule,
    flavour: RuntimeFlavour,
    readonly base: number,
  ) {
    this.rewriter = new Rewriter(module);
    this.object = new RuntimeObject(platform().runtimeObject(flavour));
  }

  /** Addresses of the object's segments, and the end of the last one. */
  get layout(): { readonly segments: readonly number[]; readonly end: number } {
    return this.object.layout(this.base);
  }

  /** The index of a type, which is added when it is asked for first. */
  type(type: TypeDefinition): number {
    return this.typeOf(
      type.parameters.map(({ code }) => code),
      type.results.map(({ code }) => code),
    );
  }

  /** The same by the codes of the parameters and results. */
  typeOf(parameters: readonly number[], results: readonly number[]): number {
    const key = `${parameters}>${results}`;
    let index = this.#types.get(key);
    if (index === undefined) {
      index = this.rewriter.addType(parameters, results);
      this.#types.set(key, index);
    }
    return index;
  }

  /** Appends a function with this body, local declarations to `end`; returns its index. */
  append(type: number, body: Uint8Array): number {
    this.#appended += 1;
    return this.rewriter.addFunction(type, body);
  }

  /** Appends a function without locals and with this code, without its `end`. */
  add(type: TypeDefinition, write: (code: InstructionWriter) => void): number {
    const code = new InstructionWriter();
    code.byte(0);
    write(code);
    code.byte(Opcode.End);
    return this.append(this.type(type), code.take());
  }

  /** Adds the functions by which the object calls the host. */
  addHooks(): void {
    const table = this.rewriter.addFunctionTable(HOOKS.length, HOOKS.length);
    this.rewriter.addExport(HOOKS_TABLE, ExternalKind.Table, table);
    const silent = HOOKS.map(({ name, results }, hook) => {
      const type = this.typeOf([I32], results);
      const stub = new InstructionWriter();
      stub.byte(0);
      stub.indexed(Opcode.LocalGet, 0);
      stub.i32(hook);
      stub.indexed(Opcode.CallIndirect, type);
      stub.unsigned(table);
      stub.byte(Opcode.End);
      const index = this.append(type, stub.take());
      this.functions.set(`heapline_host_${name.replace('host_', '')}`, index);
      this.functions.set(name, index);
      const nothing = new InstructionWriter();
      nothing.byte(0);
      if (results.length > 0) nothing.i32(0);
      nothing.byte(Opcode.End);
      return this.append(type, nothing.take());
    });
    this.rewriter.addElements(table, 0, silent);
  }

  /** The functions that the object imports from others than the host. */
  get imports(): readonly { readonly name: string; readonly type: TypeDefinition }[] {
    const { imports } = this.object.module;
    return imports
      .filter(({ kind, module }) => kind === ExternalKind.Function && module !== 'heapline')
      .map(({ name, index }) => ({ name, type: this.object.module.functionType(index) }));
  }

  /**
   * Appends the object's functions. Everything that they call must have been added.
   * @param replaced other code for functions of the object, by their indices there
   * @returns the contents of the object's segments
   */
  addBodies(places: ModulePlaces, replaced: ReadonlyMap<number, Uint8Array> = new Map()): Uint8Array[] {
    const object = this.object.module;
    const { addresses, stackPointer } = places;
    const needsStack = this.object.symbols.some(({ kind, defined }) => kind === 'global' && !defined);
    if (needsStack && stackPointer === null) refuse('its stack pointer was not found');
    this.#firstBody = this.module.functions.length + this.#appended;
    const bytes = this.object.placed(this.base, {
      functionIndex: (name) => this.functions.get(name) ?? refuse(`the runtime needs ${name}`),
      address: (name) => addresses[name] ?? refuse(`the runtime needs ${name}`),
      globalIndex: () => stackPointer!,
      typeIndex: (type) => this.type(object.types[type]!),
      bodyIndex: (body) => this.#firstBody + body,
    });
    object.bodies.forEach(({ start, end }, body) => {
      const index = object.importedFunctions + body;
      this.append(this.type(object.functionType(index)), replaced.get(index) ?? bytes.subarray(start, end));
    });
    return object.data.map(({ start, end }) => bytes.subarray(start, end));
  }

  /** Whether the object defines a function of this name. */
  defines(name: string): boolean {
    return this.object.symbols.some((each) => each.kind === 'function' && each.defined && each.name === name);
  }

  /** Index in the module of a function that the object defines. */
  functionOf(name: string): number {
    return this.#firstBody + this.object.definedFunction(name) - this.object.module.importedFunctions;
  }

  /** Exports something, unless the module does so already. */
  export(name: string, kind: 0 | 2 | 3, index: number): void {
    const taken = this.module.exports.find((each) => each.name === name);
    if (taken === undefined) this.rewriter.addExport(name, kind, index);
    else if (taken.kind !== kind || taken.index !== index) {
      refuse(`it has an export ${name} already, which is something else`);
    }
  }

  /** Exports a number, unless the module has an export of this name. */
  constant(name: string, value: number): void {
    if (this.module.exports.some((each) => each.name === name)) return;
    const code = new InstructionWriter();
    code.i32(value);
    this.rewriter.addExport(name, ExternalKind.Global, this.rewriter.addGlobal(I32, false, code.take()));
  }

  /** Exports what the host uses: functions and data of the object, the stack pointer, the bounds of the module's data. */
  addHostExports(stackPointer: number | null, [dataStart, dataEnd]: readonly [number, number]): void {
    const { segments } = this.layout;
    for (const name of HOST_EXPORTS) {
      const data = this.object.symbols.find((each) => each.name === name && each.kind === 'data');
      if (data !== undefined) this.constant(name, this.object.addressOf(data, segments));
      else if (this.defines(name)) this.export(name, ExternalKind.Function, this.functionOf(name));
    }
    if (stackPointer !== null) this.export('__stack_pointer', ExternalKind.Global, stackPointer);
    this.constant('__global_base', dataStart);
    this.constant('__data_end', dataEnd);
    if (!this.module.exports.some(({ name }) => name === 'memory')) {
      this.rewriter.addExport('memory', ExternalKind.Memory, 0);
    }
  }

  /** Whether this code fits into the place of a function's body. */
  fits(index: number, code: InstructionWriter): boolean {
    const { start, end } = this.module.bodies[index - this.module.importedFunctions]!;
    return code.length + 1 <= end - start;
  }

  /** Gives a function this code, padded to the length of what it had, so that no code moves. */
  replaceBody(index: number, code: InstructionWriter): void {
    const { start, end } = this.module.bodies[index - this.module.importedFunctions]!;
    while (code.length < end - start - 1) code.byte(NOP);
    code.byte(Opcode.End);
    this.rewriter.replaceBody(index, code.take());
  }

  /** Lets the initial memory reach beyond `end`; returns how many pages it has more than before. */
  makeRoom(end: number): number {
    const { minimum, maximum } = this.module.memories[0]!;
    const needed = BigInt(Math.ceil((end + LEAST_HEAP) / PAGE));
    if (needed <= minimum) return 0;
    if (this.module.imports.some(({ kind }) => kind === ExternalKind.Memory)) {
      refuse(
        `its JavaScript supplies a memory of ${minimum} pages, and with the runtime it needs ${needed}. Link it with a larger -sINITIAL_MEMORY`,
      );
    }
    const more = needed - minimum;
    this.rewriter.setMemoryLimits(0, needed, maximum === null ? null : maximum + more);
    return Number(more);
  }
}
