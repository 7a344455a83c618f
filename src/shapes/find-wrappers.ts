// Finds the functions that allocate for their callers, by what their code does: a function that asks an allocator for as much
// as its parameters say, and returns what it gets. A leak is never such a function's fault. Functions that call a wrapper
// may be wrappers themselves, so the search goes on with their callers until nothing new is found.
//
// A function that writes into the block that it hands out, or keeps its address, builds something: it is a constructor, and
// people want to read its name. It may fill the block or copy into it, as calloc and strndup do, end a string, and do as it
// likes in a header before the part that it hands out.

import { unitDone } from '../algorithms/watched-work.ts';
import { ExternalKind, type WasmModule } from '../binary/index.ts';
import { InvalidModuleError, UnsupportedModuleError } from '../errors.ts';
import { ANNOUNCED, type BodyFacts, BodyWalk } from './body-walk.ts';
import { type CallIndex, indexCalls } from './call-index.ts';
import { type Callees, type Summary, UNKNOWN_SUMMARY } from './callees.ts';
import { isNull, isOnly, joined, Kind, PARAMETERS, parameterBit, type Value } from './value.ts';

/** Where functions allocate for their callers. */
export interface Wrappers {
  /** File offsets of the calls in them that allocate. */
  readonly calls: readonly number[];
  /** Indices of the functions. */
  readonly functions: ReadonlySet<number>;
}

/** The arguments of allocators that say how much, as bits. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ['malloc', 0b1],
  ['calloc', 0b11],
  ['realloc', 0b10],
  ['reallocarray', 0b110],
  ['aligned_alloc', 0b10],
  ['memalign', 0b10],
  ['valloc', 0b1],
]);
const REQUEST = 'heapline_request';
const FREE = 'free';
/** Functions of libc that fill the memory that their first argument points to, or copy into it, and return the argument. */
const FILLING =
  /^(?:__)?(?:memset|memcpy|memmove|bzero|explicit_bzero|(?:st[rp]n?|wc[sp]n?|wmem)(?:cpy|set|cat|move)|memcpy_big)$/;

/** Longest code of a function that is looked at, in bytes. Wrappers are short. */
const LONGEST = 6000;
/** Functions that are looked at for what a wrapper passes to them. */
const LONGEST_CALLEE = 2000;
const DEEPEST_CALLEE = 6;
/** How often one function is looked at, because another that it calls has turned out to be a wrapper. */
const MOST_LOOKS = 6;

/**
 * Finds the wrappers of a module. A module without names of functions has none that could be found.
 * @param isAllocator whether a function of this name is known to allocate as much as its arguments say
 */
export function findWrappers(module: WasmModule, isAllocator: (name: string) => boolean): Wrappers {
  try {
    return new Search(module, isAllocator).run();
  } catch (error) {
    // Code that this release cannot read has run all the same. What its wrappers are stays unknown.
    if (!(error instanceof InvalidModuleError || error instanceof UnsupportedModuleError)) throw error;
    return { calls: [], functions: new Set() };
  }
}

class Search implements Callees {
  readonly #module: WasmModule;
  readonly #calls: CallIndex;
  readonly #stackPointer: number;
  readonly #names: ReadonlyMap<number, string>;
  readonly #fills = new Set<number>();
  readonly #frees = new Set<number>();
  readonly #requests = new Set<number>();
  /** Arguments with sizes, by function. */
  readonly #sizes = new Map<number, number>();
  /** The same of functions that tables may have, by the number of the signature. */
  readonly #sizesOfSignature = new Map<number, number>();
  readonly #summaries = new Map<number, Summary>();
  readonly #found = new Map<number, readonly number[]>();
  readonly #looks = new Map<number, number>();
  readonly #pending = new Set<number>();
  #depth = 0;

  constructor(
    module: WasmModule,
    readonly isAllocator: (name: string) => boolean,
  ) {
    this.#module = module;
    this.#calls = indexCalls(module);
    this.#stackPointer = stackPointerOf(module);
    this.#names = namesOf(module);
    for (const [index, name] of this.#names) this.#enrol(index, name);
  }

  run(): Wrappers {
    for (const index of [...this.#sizes.keys(), ...this.#requests]) this.#lookAtCallersOf(index);
    this.#judgeAll();
    // What is known by name, and does more than can be followed here, counts for its callers.
    for (const [index, name] of this.#names) {
      if (this.#sizes.has(index) || !this.isAllocator(name)) continue;
      this.#addAllocator(index, 2 ** this.#module.functionType(index).parameters.length - 1);
      this.#lookAtCallersOf(index);
    }
    this.#judgeAll();
    return { calls: [...this.#found.values()].flat(), functions: new Set(this.#found.keys()) };
  }

  #judgeAll(): void {
    for (const index of this.#pending) {
      unitDone();
      this.#pending.delete(index);
      this.#judge(index);
    }
  }

  #enrol(index: number, name: string): void {
    const sizes = SIZES.get(name);
    if (sizes !== undefined) this.#addAllocator(index, sizes);
    else if (name === FREE) this.#frees.add(index);
    else if (name === REQUEST) this.#requests.add(index);
    else if (FILLING.test(name)) this.#fills.add(index);
  }

  #addAllocator(index: number, sizes: number): void {
    this.#sizes.set(index, sizes);
    if (!this.#calls.referenced.has(index)) return;
    const signature = this.#signatureOf(this.#module.functions[index]!);
    this.#sizesOfSignature.set(signature, (this.#sizesOfSignature.get(signature) ?? 0) | sizes);
  }

  #signatureOf(type: number): number {
    return this.#calls.signatures[type] ?? -1;
  }

  #lookAtCallersOf(index: number): void {
    const { callers, indirectCallers, referenced } = this.#calls;
    for (const caller of callers.get(index) ?? []) this.#pending.add(caller);
    if (!referenced.has(index)) return;
    const signature = this.#signatureOf(this.#module.functions[index]!);
    for (const caller of indirectCallers.get(signature) ?? []) this.#pending.add(caller);
  }

  /** Decides whether a function is a wrapper, and looks at its callers if it is. */
  #judge(index: number): void {
    const { importedFunctions } = this.#module;
    if (this.#sizes.has(index) && !this.#found.has(index)) return;
    const looks = this.#looks.get(index) ?? 0;
    if (looks >= MOST_LOOKS) return;
    this.#looks.set(index, looks + 1);
    const facts = this.#factsOf(index - importedFunctions, LONGEST);
    if (facts === null) return;
    const passes = passesOn(facts);
    const calls = [
      ...(passes ? facts.allocations : []),
      ...(passes || facts.announces !== 0 || facts.returned.some(isAnnounced) ? facts.announcements : []),
    ];
    if (calls.length === 0) return;
    const isNew = !this.#found.has(index);
    this.#found.set(index, calls);
    const sizes = passes ? positionsOf(facts.sizes) : 0;
    const known = this.#sizes.get(index) ?? 0;
    if (sizes !== 0 && (known | sizes) !== known) this.#addAllocator(index, known | sizes);
    else if (!isNew) return;
    this.#lookAtCallersOf(index);
  }

  #factsOf(body: number, longest: number): BodyFacts | null {
    const module = this.#module;
    const range = module.bodies[body];
    if (range === undefined || range.end - module.heads.code[body]! > longest) return null;
    return new BodyWalk(module, body, this.#stackPointer, this).facts();
  }

  // -- functions as callees ----------------------------------------------------------------------------------------

  sizesOf(index: number): number {
    return this.#sizes.get(index) ?? 0;
  }

  sizesOfType(type: number): number {
    return this.#sizesOfSignature.get(this.#signatureOf(type)) ?? 0;
  }

  fills(index: number): boolean {
    return this.#fills.has(index);
  }

  frees(index: number): boolean {
    return this.#frees.has(index);
  }

  answersRequests(index: number): boolean {
    return this.#requests.has(index);
  }

  summaryOf(index: number): Summary {
    const known = this.#summaries.get(index);
    if (known !== undefined) return known;
    // The host's functions do not write into blocks that they are given.
    if (index < this.#module.importedFunctions) return { ...UNKNOWN_SUMMARY, touches: 0 };
    if (this.#depth >= DEEPEST_CALLEE) return UNKNOWN_SUMMARY;
    // For a function that calls itself.
    this.#summaries.set(index, UNKNOWN_SUMMARY);
    this.#depth += 1;
    const facts = this.#factsOf(index - this.#module.importedFunctions, LONGEST_CALLEE);
    this.#depth -= 1;
    const summary = facts === null ? UNKNOWN_SUMMARY : summaryOf(facts);
    this.#summaries.set(index, summary);
    return summary;
  }
}

/** Whether a function returns the block that it has asked for as its parameters say, and has not made anything of it. */
function passesOn({ returned, allocations, writes, keeps }: BodyFacts): boolean {
  if (allocations.length === 0 || returned.length === 0) return false;
  const result = returned.reduce((sofar, value) => joined(sofar, value, Number.NaN));
  if ((result.bits & Kind.Block) === 0) return false;
  if (!isOnly(result, Kind.Block | Kind.Constant | PARAMETERS)) return false;
  return [...writes, ...keeps].every((offset) => offset < result.at);
}

function isAnnounced({ bits, at }: Value): boolean {
  return (bits & Kind.Other) !== 0 && at === ANNOUNCED;
}

function summaryOf({ returned, touches, announces }: BodyFacts): Summary {
  let result = 0;
  let passesOnItself = true;
  for (const value of returned) {
    if (isNull(value)) continue;
    if (!isOnly(value, PARAMETERS | Kind.Constant))
      return { touches, announces, result: null, passesOn: false };
    result |= value.bits & PARAMETERS;
    if (value.at !== 0 || (value.bits & Kind.Constant) !== 0) passesOnItself = false;
  }
  return { touches, announces, result, passesOn: passesOnItself };
}

/** Positions of parameters, from their bits. */
function positionsOf(bits: number): number {
  let positions = 0;
  for (let index = 0; index < 31; index += 1) {
    const bit = parameterBit(index);
    if (bit !== Kind.Other && (bits & bit) !== 0) positions |= 1 << index;
  }
  return positions;
}

/** The names of functions, by which allocators are known: those of the name section, and exports. */
function namesOf(module: WasmModule): Map<number, string> {
  const names = new Map<number, string>();
  for (const { kind, name, index } of module.exports) {
    if (kind === ExternalKind.Function) names.set(index, name);
  }
  for (const [index, name] of module.functionNames()) {
    if (index < module.functions.length && name !== '') names.set(index, name);
  }
  return names;
}

/** The global that has the stack pointer. Linkers define it first when they do not export it. */
function stackPointerOf(module: WasmModule): number {
  const exported = module.export('__stack_pointer', ExternalKind.Global);
  if (exported !== undefined) return exported.index;
  return module.globals.findIndex(({ mutable, type }) => mutable && type.code === 0x7f);
}
