// The closure check: after malloc and its relatives are replaced, nothing that is left may touch the old allocator's
// state or read the headers of its blocks. Optimisers inline realloc into its callers, and programs may call mallinfo().
// Such a function would work on a heap that is not used any more, so it blocks grafting.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import { type FunctionFacts, placesIn } from './function-facts.ts';
import { type HeaderTest, headerTests } from './header-tests.ts';
import type { RoleFunction } from './roles.ts';

const INLINED_CALLOC = 'it looks into the headers of blocks (an inlined calloc or free?)';

/** Why a function that is left blocks grafting. */
export interface Blocker {
  readonly index: number;
  readonly reason: string;
}

/** Functions that may be called from places that are not in code: by the host, through tables and at instantiation. */
function seenFunctions(module: WasmModule): Set<number> {
  const seen = new Set<number>(module.referencedFunctions);
  for (const { kind, index } of module.exports) if (kind === ExternalKind.Function) seen.add(index);
  if (module.start !== null) seen.add(module.start);
  return seen;
}

/** The function that runs all constructors: by its name, or the first export that takes and gives nothing. */
export function constructorsOf(module: WasmModule): number | undefined {
  const found = module.exports.find(({ kind, index }) => {
    if (kind !== ExternalKind.Function || index < module.importedFunctions) return false;
    const { parameters, results } = module.functionType(index);
    return parameters.length === 0 && results.length === 0;
  });
  return found?.index;
}

interface Below {
  readonly functions: ReadonlySet<number>;
  readonly places: ReadonlySet<number>;
}

/** What is left of an allocator when the functions with roles are replaced. */
export class Closure {
  readonly blockers: readonly Blocker[];
  /** Tests of headers by calloc that was inlined. They can be answered in advance, so they do not block. */
  readonly headerTests: readonly HeaderTest[];
  readonly #replaced: ReadonlySet<number>;
  readonly #seen: ReadonlySet<number>;
  /** The replaced functions, and those that run only because a replaced one calls them: they never run again. */
  readonly #dead: ReadonlySet<number>;
  readonly #callers = new Map<number, number[]>();

  /** @param range where the module has its static data */
  constructor(
    readonly module: WasmModule,
    readonly facts: readonly FunctionFacts[],
    readonly roles: readonly RoleFunction[],
    readonly range: readonly [number, number],
  ) {
    this.#replaced = new Set(roles.map(({ index }) => index));
    this.#seen = seenFunctions(module);
    this.#dead = this.#findDead();
    const { ofMalloc, ofFree, state } = this.#ownData();
    const getsState = (callee: number): boolean =>
      ofMalloc.functions.has(callee) || ofFree.functions.has(callee);
    const setUp = this.#findSetUp();
    const blockers: Blocker[] = [];
    const tests: HeaderTest[] = [];
    for (const each of facts) {
      if (this.#dead.has(each.index)) continue;
      const touched = [...placesIn(each, range, getsState)].find((place) => state.has(place));
      if (touched !== undefined && !setUp.has(each.index)) {
        blockers.push({
          index: each.index,
          reason: `it uses the allocator's own data at address ${touched}`,
        });
        continue;
      }
      if (![...each.calls].some((callee) => this.#replaced.has(callee))) continue;
      const { answerable, others } = headerTests(module, each.index, this.#replaced);
      tests.push(...answerable);
      if (others > 0) blockers.push({ index: each.index, reason: INLINED_CALLOC });
    }
    this.blockers = blockers;
    this.headerTests = tests;
  }

  /** Functions that are left and call one of these. */
  callersOf(indices: readonly number[]): number[] {
    const callers = indices.flatMap((index) => this.#callers.get(index) ?? []);
    return [...new Set(callers)].filter((index) => !this.#dead.has(index));
  }

  #findDead(): Set<number> {
    const { facts } = this;
    for (const { index, calls } of facts) {
      for (const callee of calls) {
        const list = this.#callers.get(callee);
        if (list === undefined) this.#callers.set(callee, [index]);
        else list.push(index);
      }
    }
    const dead = new Set(this.#replaced);
    for (let grown = true; grown; ) {
      grown = false;
      for (const { index } of facts) {
        const own = this.#callers.get(index);
        if (dead.has(index) || this.#seen.has(index) || own === undefined) continue;
        if (own.every((caller) => caller === index || dead.has(caller))) {
          dead.add(index);
          grown = true;
        }
      }
    }
    return dead;
  }

  /** The allocator's own data: the places that malloc and free have in common. */
  #ownData(): { readonly ofMalloc: Below; readonly ofFree: Below; readonly state: ReadonlySet<number> } {
    const find = (mayBelong: (callee: number) => boolean) => {
      const ofMalloc = this.#below('malloc', mayBelong);
      const ofFree = this.#below('free', mayBelong);
      const state = new Set([...ofMalloc.places].filter((place) => ofFree.places.has(place)));
      return { ofMalloc, ofFree, state };
    };
    const dead = find((callee) => this.#dead.has(callee));
    if (dead.state.size > 0) return dead;
    // They do their work in functions that others call, too: in debug builds malloc only calls what realloc calls.
    return find((callee) => callee >= this.module.importedFunctions);
  }

  /** The functions with a role and those below them that may belong to the allocator, and the places that these name. */
  #below(role: string, mayBelong: (callee: number) => boolean): Below {
    const functions = new Set(this.roles.filter((each) => each.role === role).map(({ index }) => index));
    const places = new Set<number>();
    for (const index of functions) {
      const own = this.facts[index - this.module.importedFunctions];
      if (own === undefined) continue;
      for (const place of placesIn(own, this.range, () => true)) places.add(place);
      for (const callee of own.calls) if (mayBelong(callee)) functions.add(callee);
    }
    return { functions, places };
  }

  /**
   * Functions that only set the old allocator up, as emmalloc's constructor does: nothing but constructors calls them, or
   * the allocator itself, which is dead. The constructor may be inlined into the function that runs all of them.
   * Constructors call functions of the program as well. What gets something from its caller is the allocator's when the
   * allocator, or such a function of it, is a caller.
   */
  #findSetUp(): Set<number> {
    const setUp = new Set<number>();
    const own = new Set<number>();
    const constructors = constructorsOf(this.module);
    if (constructors !== undefined) setUp.add(constructors);
    for (let grown = true; grown; ) {
      grown = false;
      for (const each of this.facts) {
        const { index } = each;
        if (setUp.has(index) || this.#dead.has(index) || this.#seen.has(index)) continue;
        const callers = this.#callers.get(index) ?? [];
        if (callers.length === 0 || !callers.every((one) => setUp.has(one) || this.#dead.has(one))) continue;
        const isOwn = callers.some((one) => this.#dead.has(one) || own.has(one));
        if (!isOwn && !this.#givesNothing(each)) continue;
        setUp.add(index);
        if (isOwn) own.add(index);
        grown = true;
      }
    }
    return setUp;
  }

  /** Whether a function takes and returns nothing, and has no block of the runtime's. */
  #givesNothing({ index, calls, callsIndirectly }: FunctionFacts): boolean {
    const { parameters, results } = this.module.functionType(index);
    if (parameters.length + results.length > 0 || callsIndirectly) return false;
    return ![...calls].some((callee) => this.#replaced.has(callee));
  }
}
