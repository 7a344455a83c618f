// Scratch instances: single functions of a module run in an instance that is thrown away, to see what they do. Imports do
// nothing, the start function does not run, and every call has a limited number of steps, so that no module can hang or
// reach the world outside.

import {
  ExternalKind,
  InstructionWriter,
  Opcode,
  skipInstruction,
  type WasmModule,
} from '../binary/index.ts';
import { engine } from '../host/index.ts';
import { Rewriter } from '../rewrite/index.ts';
import { accepted, standIns } from './stand-ins.ts';

const PAGE = 0x10000;
const I32 = 0x7f;
const EMPTY_BLOCK = 0x40;
/** Pages of memory that an instance has more than the module asks for, so that allocators need not let it grow. */
const SPARE_PAGES = 64;
/** Pages by which it may grow: Rust's allocator uses no other memory. */
const GROWING_PAGES = 256;
const MOST_PAGES = 0x10000;
/** Emscripten's memcpy copies fewer bytes itself. */
const LEAST_COPY = 512;
/** Bytes behind the place where the heap may begin that belong to static data at most. */
const SET_UP_REACH = 0x100000;
/** Calls and rounds of loops that one call may take. */
const STEPS = 200_000;
/** The name under which old glue offers sbrk. */
export const SBRK: RegExp = /^_?sbrk$/;
const PREFIX = 'heapline_scratch_';

/** A function that was called has ended with a trap or taken too many steps. */
export class ScratchTrap extends Error {}

/** What is done with scratch instances of a module. */
export interface ScratchPlan {
  /** Functions that will be called. */
  readonly callable: ReadonlySet<number>;
  /** Those and all functions that they may reach. */
  readonly reached: ReadonlySet<number>;
  /** Function that is called in every new instance; null for none. */
  readonly setUp: number | null;
  /** Where the heap may begin, for JavaScript that hands out its memory. */
  readonly heap: number;
}

/** A module whose functions can be called one by one. */
export class ScratchModule {
  readonly #compiled: WebAssembly.Module;
  readonly #pages: number;

  constructor(
    readonly module: WasmModule,
    readonly plan: ScratchPlan,
  ) {
    const { callable, reached, setUp } = plan;
    const rewriter = new Rewriter(module);
    const zero = new InstructionWriter();
    zero.i32(0);
    const steps = rewriter.addGlobal(I32, true, zero.take());
    rewriter.addExport(`${PREFIX}steps`, ExternalKind.Global, steps);
    rewriter.addExport(`${PREFIX}memory`, ExternalKind.Memory, 0);
    for (const index of new Set(setUp === null ? callable : [...callable, setUp])) {
      rewriter.addExport(`${PREFIX}${index}`, ExternalKind.Function, index);
    }
    module.globals.forEach(({ mutable, type }, index) => {
      if (mutable && type.code === I32) {
        rewriter.addExport(`${PREFIX}global${index}`, ExternalKind.Global, index);
      }
    });
    const count = countStep(steps);
    for (const index of [...reached].sort((one, other) => one - other)) {
      insertCounts(module, index - module.importedFunctions, rewriter, count);
    }
    this.#pages = Math.min(Number(module.memories[0]!.minimum) + SPARE_PAGES, MOST_PAGES);
    rewriter.setMemoryLimits(0, BigInt(this.#pages), BigInt(mostPages(this.#pages)));
    if (module.start !== null) {
      const nothing = new Uint8Array([0, Opcode.End]);
      rewriter.setStart(rewriter.addFunction(rewriter.addType([], []), nothing));
    }
    const { bytes } = rewriter.write();
    this.#compiled = accepted(() => new (engine().Module)(bytes as Uint8Array<ArrayBuffer>));
  }

  /** A new instance. @param words values to be written to words of its memory, by their addresses */
  open(words: ReadonlyMap<number, number> = new Map()): Scratch {
    const scratch = new Scratch(this.module, this.plan, this.#compiled, this.#pages);
    for (const [address, value] of words) scratch.words[address >>> 2] = value;
    return scratch;
  }
}

const mostPages = (pages: number): number => Math.min(pages + GROWING_PAGES, MOST_PAGES);

/** Ends with a trap when no step is left, and takes one off. */
function countStep(steps: number): Uint8Array {
  const code = new InstructionWriter();
  code.indexed(Opcode.GlobalGet, steps);
  code.byte(Opcode.I32Eqz);
  code.byte(Opcode.If);
  code.byte(EMPTY_BLOCK);
  code.byte(Opcode.Unreachable);
  code.byte(Opcode.End);
  code.indexed(Opcode.GlobalGet, steps);
  code.i32(1);
  code.byte(Opcode.I32Sub);
  code.indexed(Opcode.GlobalSet, steps);
  return code.take();
}

function insertCounts(module: WasmModule, body: number, rewriter: Rewriter, count: Uint8Array): void {
  const { bytes } = module;
  const { end } = module.bodies[body]!;
  let at = module.heads.code[body]!;
  rewriter.code.insert(at, count);
  while (at < end) {
    const next = skipInstruction(bytes, at, end);
    if (bytes[at] === Opcode.Loop) rewriter.code.insert(next, count);
    at = next;
  }
}

/** Old glue hands out the heap's memory itself. */
function giveSbrk(module: WasmModule, imports: WebAssembly.Imports, heap: number, size: number): void {
  let end = Math.ceil(heap / 16) * 16;
  for (const { module: from, name, kind } of module.imports) {
    if (kind !== ExternalKind.Function || !SBRK.test(name)) continue;
    imports[from]![name] = (increment: number): number => {
      const start = end;
      const next = start + Math.ceil((increment >>> 0) / 16) * 16;
      if (next > size) return -1;
      end = next;
      return start;
    };
  }
}

/** Old glue copies large pieces of memory in JavaScript (memcpy_big), by an import whose name may be any letter. */
function giveCopy(scratch: Scratch, module: WasmModule, imports: WebAssembly.Imports, heap: number): void {
  for (const { module: from, name, kind, index } of module.imports) {
    if (kind !== ExternalKind.Function) continue;
    const { parameters } = module.functionType(index);
    if (parameters.length !== 3 || parameters.some(({ code }) => code !== I32)) continue;
    const other = imports[from]![name] as (...parameters: unknown[]) => unknown;
    imports[from]![name] = (to: number, source: number, length: number): unknown => {
      const isBlock = (start: number): boolean => start >= heap && start + length <= scratch.bytes.length;
      if (!(length >= LEAST_COPY && isBlock(to) && isBlock(source))) return other(to, source, length);
      scratch.bytes.copyWithin(to, source, source + length);
      return to;
    };
  }
}

/** One instance. */
export class Scratch {
  /** Calls of imports so far. */
  importCalls = 0;
  /** Where the memory ended at first. */
  readonly firstEnd: number;
  /** Where it ends in an instance that the program makes: static data lies below. */
  readonly ownEnd: number;
  /** The memory up to the heap before the instance was set up; null when nothing sets it up. */
  readonly initial: Uint32Array | null = null;
  readonly #memory: WebAssembly.Memory;
  readonly #exports: WebAssembly.Exports;
  readonly #globals: readonly WebAssembly.Global[];

  constructor(module: WasmModule, plan: ScratchPlan, compiled: WebAssembly.Module, pages: number) {
    const memory = (): WebAssembly.Memory =>
      new WebAssembly.Memory({ initial: pages, maximum: mostPages(pages) });
    this.firstEnd = pages * PAGE;
    this.ownEnd = Number(module.memories[0]!.minimum) * PAGE;
    const imports = standIns(module, memory, () => {
      this.importCalls += 1;
    });
    giveSbrk(module, imports, plan.heap, pages * PAGE);
    giveCopy(this, module, imports, plan.heap);
    this.#exports = accepted(() => new (engine().Instance)(compiled, imports)).exports;
    this.#memory = this.#exports[`${PREFIX}memory`] as WebAssembly.Memory;
    this.#setStackLimits(plan.heap);
    if (plan.setUp !== null) {
      this.initial = this.words.slice(0, (plan.heap + SET_UP_REACH) >>> 2);
      this.#try(() => void this.call(plan.setUp!));
    }
    this.#globals = Object.entries(this.#exports)
      .filter(([name]) => name.startsWith(`${PREFIX}global`))
      .map(([, value]) => value as WebAssembly.Global);
  }

  /** Code that checks for stack overflow needs its limits. */
  #setStackLimits(top: number): void {
    const run = (name: string, ...parameters: number[]): void => {
      const found = this.#exports[name];
      if (typeof found === 'function') this.#try(() => void found(...parameters));
    };
    run('emscripten_stack_init');
    run('__set_stack_limits', top, 0);
    run('__set_stack_limit', 0);
  }

  /** Runs code of the program, whose failures do not matter. */
  #try(run: () => void): void {
    this.#giveSteps();
    try {
      run();
    } catch (error) {
      if (!(error instanceof ScratchTrap || error instanceof WebAssembly.RuntimeError)) throw error;
    }
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer);
  }

  get words(): Uint32Array {
    return new Uint32Array(this.#memory.buffer);
  }

  /** Values of the globals that code can change. */
  globals(): number[] {
    return this.#globals.map(({ value }) => value as number);
  }

  /** Calls a function with numbers; its result as an unsigned number. Throws a ScratchTrap. */
  call(index: number, ...parameters: number[]): number {
    this.#giveSteps();
    try {
      const run = this.#exports[`${PREFIX}${index}`] as (...parameters: number[]) => unknown;
      return Number(run(...parameters) ?? 0) >>> 0;
    } catch (error) {
      throw new ScratchTrap((error as Error).message);
    }
  }

  #giveSteps(): void {
    (this.#exports[`${PREFIX}steps`] as WebAssembly.Global).value = STEPS;
  }
}
