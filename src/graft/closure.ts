// The closure check: after malloc and its relatives are replaced, nothing that is left may touch the old allocator's
// state or read the headers of its blocks. Optimisers inline calloc and realloc into their callers, and programs may
// call mallinfo() or sbrk(). Such a function would work on a heap that is not used any more, so it blocks grafting.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import type { FunctionFacts } from './function-facts.ts';
import type { RoleFunction } from './roles.ts';

/** Why a function that is left blocks grafting. */
export interface Blocker {
  readonly index: number;
  readonly reason: string;
}

/** Places in static data that a function names. */
function staticPlaces(facts: FunctionFacts, start: number, end: number): Set<number> {
  const places = new Set<number>();
  for (const value of [...facts.constants, ...facts.offsets]) {
    const address = value >>> 0;
    if (address >= Math.max(start, 1024) && address < end && address % 4 === 0) places.add(address);
  }
  return places;
}

/** Functions that run only because a replaced one calls them: they never run again. */
function deadWith(
  module: WasmModule,
  facts: readonly FunctionFacts[],
  replaced: ReadonlySet<number>,
): Set<number> {
  const callers = new Map<number, number[]>();
  for (const { index, calls } of facts) {
    for (const callee of calls) {
      const list = callers.get(callee);
      if (list === undefined) callers.set(callee, [index]);
      else list.push(index);
    }
  }
  const seen = new Set<number>(module.referencedFunctions);
  for (const { kind, index } of module.exports) if (kind === ExternalKind.Function) seen.add(index);
  if (module.start !== null) seen.add(module.start);
  const dead = new Set(replaced);
  for (let grown = true; grown; ) {
    grown = false;
    for (const { index } of facts) {
      const own = callers.get(index);
      if (dead.has(index) || seen.has(index) || own === undefined) continue;
      if (own.every((caller) => caller === index || dead.has(caller))) {
        dead.add(index);
        grown = true;
      }
    }
  }
  return dead;
}

/** Places that malloc and free, with the functions below them, both use. */
function allocatorState(
  module: WasmModule,
  facts: readonly FunctionFacts[],
  dead: ReadonlySet<number>,
  roles: readonly RoleFunction[],
  [start, end]: readonly [number, number],
): Set<number> {
  const below = (role: string): Set<number> => {
    const pending = roles.filter((each) => each.role === role).map((each) => each.index);
    const reached = new Set(pending);
    const places = new Set<number>();
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const own = facts[next - module.importedFunctions];
      if (own === undefined) continue;
      for (const place of staticPlaces(own, start, end)) places.add(place);
      for (const callee of own.calls) {
        if (reached.has(callee) || !dead.has(callee)) continue;
        reached.add(callee);
        pending.push(callee);
      }
    }
    return places;
  };
  const ofFree = below('free');
  return new Set([...below('malloc')].filter((place) => ofFree.has(place)));
}

/** dlmalloc's and emmalloc's tests of a block's header and of a request's size, where they are inlined. */
function readsHeaders(each: FunctionFacts, allocating: ReadonlySet<number>): string | null {
  if (![...each.calls].some((callee) => allocating.has(callee))) return null;
  const { constants } = each;
  if (constants.has(-4) && constants.has(3))
    return 'it looks into the headers of blocks (an inlined calloc?)';
  if (constants.has(-8) && (constants.has(-64) || constants.has(-65))) {
    return 'it changes blocks in place (an inlined realloc?)';
  }
  return null;
}

/** The functions that block grafting. */
export function findBlockers(
  module: WasmModule,
  facts: readonly FunctionFacts[],
  roles: readonly RoleFunction[],
  range: readonly [number, number],
): Blocker[] {
  const replaced = new Set(roles.map((each) => each.index));
  const dead = deadWith(module, facts, replaced);
  const state = allocatorState(module, facts, dead, roles, range);
  const blockers: Blocker[] = [];
  for (const each of facts) {
    if (dead.has(each.index)) continue;
    const touched = [...staticPlaces(each, ...range)].filter((place) => state.has(place));
    const headers = readsHeaders(each, replaced);
    if (touched.length > 0) {
      blockers.push({
        index: each.index,
        reason: `it uses the allocator's own data at address ${touched[0]}`,
      });
    } else if (headers !== null) blockers.push({ index: each.index, reason: headers });
  }
  return blockers;
}
