// Judges whether a function allocates for its callers, by what its code does: a function that asks an allocator for as much
// as its parameters say, and returns what it gets. A leak is never such a function's fault. Functions that it calls may be
// wrappers themselves, so they are judged as well, but only those to which it passes a parameter.
//
// A function that writes into the block that it hands out, or keeps its address, builds something: it is a constructor, and
// people want to read its name. It may fill the block or copy into it, as calloc and strndup do, end a string, and do as it
// likes in a header before the part that it hands out.

import { unitDone } from '../algorithms/watched-work.ts';
import { ExternalKind, type TypeDefinition, type WasmModule } from '../binary/index.ts';
import { InvalidModuleError, UnsupportedModuleError } from '../errors.ts';
import { debug, debugs } from '../platform/debug.ts';
import { ANNOUNCED, type BodyFacts, BodyWalk } from './body-walk.ts';
import { type Callees, type Summary, UNKNOWN_SUMMARY } from './callees.ts';
import { isNull, isOnly, joined, Kind, PARAMETERS, parameterBit, type Value } from './value.ts';

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

/** Longest code of a function that is judged, in bytes. Wrappers are short. */
const LONGEST = 6000;
/** The same of functions that another one calls. */
const LONGEST_CALLEE = 2000;
const DEEPEST_CALLEE = 4;
/** The code of i32, the type of addresses. */
const I32 = 0x7f;

/** What is known of a function. */
interface Judgement {
  readonly facts: BodyFacts | null;
  /** File offsets of the calls by which it allocates for its caller. */
  readonly calls: readonly number[];
  /** Positions of its arguments that say how much, as bits. */
  readonly sizes: number;
  /** How deep below the question it was when not all that it calls could be followed; 0 when all was. */
  readonly depth: number;
}

const UNKNOWN: Judgement = { facts: null, calls: [], sizes: 0, depth: 0 };

/** The functions of one module. Those without names in it have no wrapper that could be found. */
export class WrapperSearch implements Callees {
  readonly #module: WasmModule;
  readonly #stackPointer: number;
  readonly #names: ReadonlyMap<number, string>;
  #byName: ReadonlyMap<string, readonly number[]> | null = null;
  readonly #signatures: readonly number[];
  readonly #judged = new Map<number, Judgement>();
  /** Functions that are being judged: those that call themselves are met again. */
  readonly #open = new Set<number>();
  /** Arguments with sizes of the allocators that tables may have, by the number of the signature. */
  readonly #inTables = new Map<number, number>();
  /** Functions that tables may have, by the number of the signature. */
  readonly #referenced: ReadonlyMap<number, readonly number[]>;
  #depth = 0;
  /** Whether something could not be followed because it lies too deep. */
  #cut = false;

  /** @param isAllocator whether a function of this name is known to allocate as much as its arguments say */
  constructor(
    module: WasmModule,
    readonly isAllocator: (name: string) => boolean,
  ) {
    this.#module = module;
    this.#stackPointer = stackPointerOf(module);
    this.#names = namesOf(module);
    this.#signatures = numbered(module.types);
    const signatures = [...module.referencedFunctions].map(
      (index) => [index, this.#signatures[module.functions[index]!]!] as const,
    );
    this.#referenced = grouped(signatures);
  }

  /** File offsets of the calls by which the function with this index allocates for its caller; none if it does not. */
  callsOf(index: number): readonly number[] {
    return this.#sizesOfLibc(index) === 0 ? this.#judge(index, LONGEST).calls : [];
  }

  /** The functions with this name. */
  named(name: string): readonly number[] {
    this.#byName ??= grouped(this.#names);
    return this.#byName.get(name) ?? [];
  }

  #judge(index: number, longest: number): Judgement {
    const known = this.#judged.get(index);
    if (known !== undefined && known.depth <= this.#depth) {
      if (known.depth > 0) this.#cut = true;
      return known;
    }
    if (this.#lengthOf(index) > longest) return UNKNOWN;
    if (this.#open.has(index) || this.#depth > DEEPEST_CALLEE) {
      this.#cut = true;
      return UNKNOWN;
    }
    unitDone();
    const cutBefore = this.#cut;
    this.#cut = false;
    this.#open.add(index);
    this.#depth += 1;
    const facts = this.#factsOf(index);
    this.#depth -= 1;
    this.#open.delete(index);
    const judgement = { ...judgementOf(facts), depth: this.#cut ? this.#depth : 0 };
    this.#cut ||= cutBefore;
    this.#judged.set(index, judgement);
    if (judgement.calls.length > 0 && debugs('wrappers')) debug('wrappers', this.#names.get(index) ?? '');
    return judgement;
  }

  #lengthOf(index: number): number {
    const { bodies, importedFunctions, heads } = this.#module;
    const body = index - importedFunctions;
    const range = bodies[body];
    return range === undefined ? Number.POSITIVE_INFINITY : range.end - heads.code[body]!;
  }

  #factsOf(index: number): BodyFacts | null {
    const module = this.#module;
    try {
      return new BodyWalk(module, index - module.importedFunctions, this.#stackPointer, this).facts();
    } catch (error) {
      // Code that this release cannot read has run all the same. What it does stays unknown.
      if (!(error instanceof InvalidModuleError || error instanceof UnsupportedModuleError)) throw error;
      return null;
    }
  }

  #sizesOfLibc(index: number): number {
    return SIZES.get(this.#names.get(index) ?? '') ?? 0;
  }

  /** What is known by name, and does more than can be followed here, counts for its callers. */
  #sizesByName(index: number): number {
    const sizes = this.#sizesOfLibc(index);
    if (sizes !== 0 || !this.isAllocator(this.#names.get(index) ?? '')) return sizes;
    return 2 ** this.#module.functionType(index).parameters.length - 1;
  }

  // -- functions as callees ----------------------------------------------------------------------------------------

  sizesOf(index: number): number {
    const sizes = this.#sizesOfLibc(index);
    if (sizes !== 0 || index < this.#module.importedFunctions) return sizes;
    const { parameters, results } = this.#module.functionType(index);
    if (parameters.length === 0 || results.length !== 1 || results[0]!.code !== I32) return 0;
    return this.#judge(index, LONGEST_CALLEE).sizes || this.#sizesByName(index);
  }

  sizesOfType(type: number): number {
    const signature = this.#signatures[type] ?? -1;
    let sizes = this.#inTables.get(signature);
    if (sizes === undefined) {
      sizes = 0;
      this.#inTables.set(signature, sizes);
      for (const index of this.#referenced.get(signature) ?? []) sizes |= this.sizesOf(index);
      this.#inTables.set(signature, sizes);
    }
    return sizes;
  }

  fills(index: number): boolean {
    return FILLING.test(this.#names.get(index) ?? '');
  }

  frees(index: number): boolean {
    return this.#names.get(index) === FREE;
  }

  answersRequests(index: number): boolean {
    return this.#names.get(index) === REQUEST;
  }

  summaryOf(index: number): Summary {
    // The host's functions do not write into blocks that they are given.
    if (index < this.#module.importedFunctions) return { ...UNKNOWN_SUMMARY, touches: 0 };
    const { facts } = this.#judge(index, LONGEST_CALLEE);
    return facts === null ? UNKNOWN_SUMMARY : summaryOf(facts);
  }
}

function judgementOf(facts: BodyFacts | null): Omit<Judgement, 'depth'> {
  if (facts === null) return UNKNOWN;
  const passes = passesOn(facts);
  const announces = passes || facts.announces !== 0 || facts.returned.some(isAnnounced);
  return {
    facts,
    calls: [...(passes ? facts.allocations : []), ...(announces ? facts.announcements : [])],
    sizes: passes ? positionsOf(facts.sizes) : 0,
  };
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

/** The number of the signature of each type. Types that look alike have the same number. */
function numbered(types: readonly TypeDefinition[]): number[] {
  const numbers = new Map<string, number>();
  return types.map(({ kind, parameters, results }) => {
    const key = `${kind} ${parameters.map(({ code }) => code).join()}>${results.map(({ code }) => code).join()}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

/** Functions by what they have in common. */
function grouped<Key>(pairs: Iterable<readonly [index: number, key: Key]>): Map<Key, number[]> {
  const groups = new Map<Key, number[]>();
  for (const [index, key] of pairs) {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  return groups;
}
