// Finds the allocator of a module: by names where there are some, otherwise by what functions do. Functions that could be
// malloc and free by their types and the data that they name are tried out. Of all pairs that work, the lowest ones are
// the allocator: those that call no others. Its relatives (realloc, calloc, ...) are found among the functions that would
// be left behind.

import { unitDone } from '../algorithms/watched-work.ts';
import { ExternalKind, type WasmModule } from '../binary/index.ts';
import { type Blocker, Closure, constructorsOf } from './closure.ts';
import { type FunctionFacts, placesIn } from './function-facts.ts';
import type { HeaderTest } from './header-tests.ts';
import { type HeapPlace, memoryEnd } from './heap-place.ts';
import {
  PREFIXED_REALLOC,
  type Role,
  type RoleFunction,
  RUST_DEALLOC,
  RUST_REALLOC,
  RUST_ROLES,
} from './roles.ts';
import { SBRK, ScratchModule } from './scratch.ts';
import { firstBlock, type Learnt, type StaticData, Trial, unsetBreaks } from './trial.ts';

/** Functions that an allocation function may reach, itself included. */
const MOST_REACHED = 60;
/** Functions that are tried as free for one malloc. */
const MOST_PARTNERS = 12;
/** Functions that are tried as malloc. */
const MOST_CANDIDATES = 200;
/** Distances between blocks and their headers. */
const HEADER = [-8, -4, 4, 8];
/** Callers without a role whose own callers are tried. */
const MOST_WITHOUT_ROLE = 8;
/** Offsets from the header of a block that are read. */
const MOST_OFFSETS = 3;
const I32 = 'i';

const NO_WORDS: ReadonlyMap<number, number> = new Map();

/** Functions that work together as malloc and free do, and the blocks that they give out. */
interface Pair {
  readonly malloc: number;
  readonly free: number;
  readonly trace: readonly number[];
}

/** A function to be called before the allocator is tried; null for none. */
type SetUp = number | null;

/** What was found. */
export interface Allocator {
  readonly roles: readonly RoleFunction[];
  /** What would be left behind. */
  readonly blockers: readonly Blocker[];
  /** Tests of inlined calloc that must be answered. */
  readonly headerTests: readonly HeaderTest[];
  /** What the scratch instance has shown; null when malloc and free did not work there. */
  readonly learnt: Learnt | null;
}

/** Recognises the allocator of one module. */
export class Recognition {
  readonly #types: readonly string[];
  readonly #reach = new Map<number, ReadonlySet<number> | null>();
  readonly #data: StaticData;
  /** The trial began with an end of the heap that JavaScript sets otherwise. */
  #setBreak = false;
  /** Makes another instance in which malloc and free have been tried. */
  #again: (() => Trial) | null = null;

  constructor(
    readonly module: WasmModule,
    readonly facts: readonly FunctionFacts[],
    readonly place: HeapPlace,
  ) {
    this.#types = module.functions.map((_, index) => typeText(module, index));
    this.#data = { end: place.least, stackTop: place.stackTop };
  }

  /** The allocator; null when no functions are malloc and free. Throws an AmbiguousAllocator when several are. */
  find(named: readonly RoleFunction[]): Allocator | null {
    const has = (role: Role): boolean => named.some((each) => each.role === role);
    for (const setUp of [null, constructorsOf(this.module) ?? null]) {
      const base = has('malloc') && has('free') ? [...named] : this.#search(named, setUp);
      const found = base === null ? null : this.#complete(base, setUp);
      if (found !== null && (found.learnt !== null || setUp !== null)) return found;
    }
    return has('malloc') && has('free') ? this.#complete([...named], null) : null;
  }

  /** Pairs of malloc and free by what they do. */
  #search(named: readonly RoleFunction[], setUp: SetUp): RoleFunction[] | null {
    const size = (index: number): number => this.#reached(index)!.size;
    const mallocs = this.#candidates(named, 'malloc', (index) => this.#mayBeMalloc(index))
      .filter((index) => this.#reached(index) !== null)
      .sort((one, other) => size(one) - size(other))
      .slice(0, MOST_CANDIDATES);
    const scratch = this.#scratch(new Set(mallocs), setUp);
    const working: Pair[] = [];
    for (const malloc of mallocs) {
      // Whatever calls one that works is not below it.
      const reached = this.#reached(malloc)!;
      if (working.some((pair) => reached.has(pair.malloc))) continue;
      const first = firstBlock(scratch.open(), this.#data, malloc);
      if (first === null) continue;
      const frees = this.#partners(malloc, named);
      const both = this.#scratch(new Set([malloc, ...frees]), setUp);
      for (const free of frees) {
        const trial = new Trial(() => both.open(), this.#data, [malloc, free, first]);
        if (trial.behaves()) working.push({ malloc, free, trace: trial.trace });
      }
    }
    return this.#lowest(working, named);
  }

  #candidates(
    named: readonly RoleFunction[],
    role: Role,
    mayBe: (index: number) => boolean,
  ): readonly number[] {
    const known = named.filter((each) => each.role === role).map(({ index }) => index);
    return known.length > 0 ? known : this.facts.map(({ index }) => index).filter(mayBe);
  }

  /** malloc reaches code that asks for the size of the memory. */
  #mayBeMalloc(index: number): boolean {
    if (this.#types[index] !== `${I32}>${I32}`) return false;
    const reached = this.#reached(index);
    if (reached === null) return false;
    return [...reached].some((each) => {
      const { readsMemorySize, growsMemory } = this.#factsOf(each);
      return readsMemorySize || growsMemory;
    });
  }

  /**
   * Functions that could be the free of a malloc, those first that have most of its data in common. Whatever calls free has
   * that data as well, and large programs have hundreds of such functions, so they come behind the function that they call.
   */
  #partners(malloc: number, named: readonly RoleFunction[]): readonly number[] {
    const own = this.#placesBelow(malloc);
    const shared = new Map<number, number>();
    const frees = this.#candidates(named, 'free', (index) => {
      if (this.#types[index] !== `${I32}>`) return false;
      const reached = this.#reached(index);
      if (reached === null || reached.has(malloc)) return false;
      const common = [...this.#placesBelow(index)].filter((place) => own.has(place)).length;
      shared.set(index, common);
      return common > 0;
    });
    const sharedBy = (index: number): number => shared.get(index) ?? 0;
    const reached = (index: number): ReadonlySet<number> => this.#reached(index) ?? new Set();
    const callers = new Set(
      frees.filter((index) =>
        [...reached(index)].some((each) => each !== index && 2 * sharedBy(each) > sharedBy(index)),
      ),
    );
    const rank = (one: number, other: number): number =>
      Number(callers.has(one)) - Number(callers.has(other)) ||
      sharedBy(other) - sharedBy(one) ||
      reached(one).size - reached(other).size;
    return [...frees].sort(rank).slice(0, MOST_PARTNERS);
  }

  /** The pair below all others. Functions that do the same on the same level have the same role. */
  #lowest(pairs: readonly Pair[], named: readonly RoleFunction[]): RoleFunction[] | null {
    if (pairs.length === 0) return null;
    const lowest = (side: 'malloc' | 'free', within: readonly Pair[]): Pair[] =>
      within.filter((pair) =>
        within.every((other) => other[side] === pair[side] || !this.#reached(pair[side])?.has(other[side])),
      );
    const low = lowest('free', lowest('malloc', pairs));
    // Of those that differ, the ones that need least memory add nothing: no room at the end, no larger alignment.
    const need = ({ trace }: Pair): number => trace.reduce((sum, address) => sum + address, 0);
    const least = low.reduce((one, other) => (need(other) < need(one) ? other : one));
    const same = low.filter(({ trace }) => String(trace) === String(least.trace));
    const [mallocs, frees] = [
      [...new Set(same.map(({ malloc }) => malloc))],
      [...new Set(same.map(({ free }) => free))],
    ];
    // Two allocators: each malloc works with a free of its own only.
    if (same.length !== mallocs.length * frees.length) return null;
    const found = (role: Role, indices: readonly number[]): RoleFunction[] =>
      indices.map(
        (index) => named.find((each) => each.index === index) ?? { role, index, name: '', by: 'behaviour' },
      );
    const base = [...found('malloc', mallocs), ...found('free', frees)];
    return [...base, ...named.filter(({ index }) => !base.some((each) => each.index === index))];
  }

  /** Adds the relatives that would be left behind, until nothing is. */
  #complete(roles: RoleFunction[], setUp: SetUp): Allocator {
    // Where nothing is named, nothing need be as linkers of C lay it out, so the trial tells first where the heap begins.
    let trial = roles.some(({ by }) => by !== 'behaviour') ? null : this.#openTrial(roles, [], setUp);
    let learnt = trial === null ? null : this.#learntFrom(trial);
    const tried = new Set<number>();
    for (;;) {
      const closure = new Closure(this.module, this.facts, roles, [
        this.place.dataStart,
        this.#heapBegins(learnt),
      ]);
      const left = closure.blockers.map(({ index }) => index);
      const callers = closure.callersOf(left);
      // emmalloc's realloc only calls a function that has no role and does the work.
      const failed = callers.filter(
        (index) => tried.has(index) && !roles.some((each) => each.index === index),
      );
      const above = failed.length > MOST_WITHOUT_ROLE ? [] : closure.callersOf(failed);
      const readers = this.#readers(roles);
      // Callers of what has a role need none.
      const stages = [[...left, ...readers], callers, above];
      const untried = stages.map((stage) => [...new Set(stage)].filter((index) => !tried.has(index)));
      const open = untried.find((stage) => stage.length > 0) ?? [];
      if (trial === null || open.length > 0) {
        trial = this.#openTrial(roles, open, setUp);
        learnt = trial === null ? learnt : this.#learntFrom(trial);
      }
      if (open.length === 0 || trial === null) {
        const blockers = [...closure.blockers, ...this.#otherSbrk(closure, learnt)];
        return { roles, learnt, blockers, headerTests: closure.headerTests };
      }
      for (const index of open) {
        unitDone();
        tried.add(index);
        const role = readers.has(index) ? this.#sizeRoleOf(index, trial) : this.#roleOf(index);
        if (role !== null) roles.push({ role, index, name: '', by: 'behaviour' });
      }
    }
  }

  /** Static data ends here at the latest. */
  #heapBegins(learnt: Learnt | null): number {
    const end = memoryEnd(this.module);
    if (learnt?.onlyGrows) return end;
    return this.place.heapBase ?? Math.min(learnt?.first ?? this.place.least, end);
  }

  /** Where JavaScript sets the end of the heap, it would take back what is set in advance. */
  #learntFrom({ learnt }: Trial): Learnt {
    return this.#setBreak ? { ...learnt, breakWord: null } : learnt;
  }

  /** What is left and takes memory without the runtime's knowledge. */
  #otherSbrk(closure: Closure, learnt: Learnt | null): Blocker[] {
    if ((learnt?.breakWord ?? this.place.breakWord) !== null) return [];
    const imports = this.module.imports
      .filter(({ kind, name }) => kind === ExternalKind.Function && SBRK.test(name))
      .map(({ index }) => index);
    if (this.place.resize !== null) imports.push(this.place.resize);
    const reason = 'it takes memory from the system beside the allocator (sbrk)';
    return closure.callersOf(imports).map((index) => ({ index, reason }));
  }

  /** An instance in which malloc and free have been tried, and these functions can be. */
  #openTrial(roles: readonly RoleFunction[], others: readonly number[], setUp: SetUp): Trial | null {
    const malloc = roles.find(({ role }) => role === 'malloc')!.index;
    const free = roles.find(({ role }) => role === 'free')!.index;
    if (this.#reached(malloc) === null || this.#reached(free) === null) return null;
    const callable = others.filter((index) => ROLES_BY_TYPE.has(this.#types[index]!));
    const scratch = this.#scratch(new Set([malloc, free, ...callable]), setUp);
    for (const words of [NO_WORDS, ...this.#breaks(scratch, malloc)]) {
      const first = firstBlock(scratch.open(words), this.#data, malloc);
      if (first === null) continue;
      const trial = new Trial(() => scratch.open(words), this.#data, [malloc, free, first]);
      this.#setBreak = words.size > 0;
      if (!trial.behaves()) continue;
      this.#again = () => this.#openAgain(scratch, words, [malloc, free, first]);
      return trial;
    }
    return null;
  }

  #openAgain(
    scratch: ScratchModule,
    words: ReadonlyMap<number, number>,
    functions: readonly [number, number, number],
  ): Trial {
    const trial = new Trial(() => scratch.open(words), this.#data, functions);
    trial.behaves();
    return trial;
  }

  /** Ways to set the end of the heap, as the JavaScript of old versions of Emscripten does. */
  *#breaks(scratch: ScratchModule, malloc: number): Generator<ReadonlyMap<number, number>> {
    const heap = Math.ceil(this.place.least / 16) * 16;
    for (const address of unsetBreaks(scratch.open(), this.#data, malloc)) yield new Map([[address, heap]]);
  }

  /** The role that a function has by what it does. What does not have a role may damage the heap of its instance. */
  #roleOf(index: number): Role | null {
    const isKnown = this.#reached(index) !== null;
    for (const role of ROLES_BY_TYPE.get(this.#types[index]!) ?? []) {
      if (!isKnown && role !== PREFIXED_REALLOC && !RUST_ROLES.includes(role)) continue;
      if (this.#again!().has(role, index)) return role;
    }
    return null;
  }

  /** malloc_usable_size, or null for another function that only reads memory. */
  #sizeRoleOf(index: number, trial: Trial): Role | null {
    const role = 'malloc_usable_size';
    return trial.seemsSize(index) && this.#again!().has(role, index) ? role : null;
  }

  /** Functions that might be malloc_usable_size: they look into the header of a block and do nothing else. */
  #readers(roles: readonly RoleFunction[]): Set<number> {
    const found = this.facts.filter((each) => {
      const { index, constants, offsets } = each;
      if (this.#types[index] !== `${I32}>${I32}` || each.writes || each.callsIndirectly) return false;
      // What checks the header calls JavaScript when it is wrong.
      if ([...each.calls].some((callee) => callee >= this.module.importedFunctions)) return false;
      if (roles.some((known) => known.index === index)) return false;
      return offsets.size > 0 && offsets.size <= MOST_OFFSETS && HEADER.some((size) => constants.has(size));
    });
    return new Set(found.map(({ index }) => index));
  }

  #scratch(callable: ReadonlySet<number>, setUp: SetUp): ScratchModule {
    const reached = new Set<number>();
    for (const index of callable) for (const each of this.#reached(index) ?? []) reached.add(each);
    // Constructors may reach everything, and so may functions that call others through the table.
    const mayReachAll = setUp !== null || [...callable].some((index) => this.#reached(index) === null);
    if (mayReachAll) for (const { index } of this.facts) reached.add(index);
    return new ScratchModule(this.module, { callable, reached, setUp, heap: this.place.least });
  }

  #factsOf(index: number): FunctionFacts {
    return this.facts[index - this.module.importedFunctions]!;
  }

  /** A function and all that it may call, without imports; null when they are many or not all known. */
  #reached(index: number): ReadonlySet<number> | null {
    const known = this.#reach.get(index);
    if (known !== undefined) return known;
    const reached = new Set([index]);
    for (const each of reached) {
      const { calls, callsIndirectly } = this.#factsOf(each);
      if (callsIndirectly || reached.size > MOST_REACHED) {
        this.#reach.set(index, null);
        return null;
      }
      for (const callee of calls) if (callee >= this.module.importedFunctions) reached.add(callee);
    }
    this.#reach.set(index, reached);
    return reached;
  }

  #placesBelow(index: number): ReadonlySet<number> {
    const places = new Set<number>();
    const range = [this.place.dataStart, memoryEnd(this.module)] as const;
    for (const each of this.#reached(index) ?? []) {
      for (const place of placesIn(this.#factsOf(each), range, () => true)) places.add(place);
    }
    return places;
  }
}

/** Roles that a function of a type may have, in the order in which they are tried. */
const ROLES_BY_TYPE: ReadonlyMap<string, readonly Role[]> = new Map([
  ['i>i', ['malloc_usable_size', 'malloc', 'valloc']],
  ['i>', ['free']],
  ['ii>i', ['realloc', 'calloc', 'memalign', PREFIXED_REALLOC]],
  ['iii>i', ['posix_memalign', 'reallocarray']],
  ['iiii>i', [RUST_REALLOC]],
  // Optimisers leave the alignment out.
  ['ii>', [RUST_DEALLOC]],
  ['iii>', [RUST_DEALLOC]],
] as const satisfies readonly (readonly [string, readonly Role[]])[]);

function typeText(module: WasmModule, index: number): string {
  const text = (types: readonly { readonly code: number }[]): string =>
    types.map(({ code }) => (code === 0x7f ? I32 : '?')).join('');
  const { parameters, results } = module.functionType(index);
  return `${text(parameters)}>${text(results)}`;
}
