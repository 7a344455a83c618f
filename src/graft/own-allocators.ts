// Allocators beside malloc: an operator new of C++ that does not call malloc, and an allocator of Rust that is not one that
// behaves like malloc. Names say where they are. They can be recorded, and not replaced, because nobody knows what else
// uses their data.

import type { WasmModule } from '../binary/index.ts';
import type { FunctionFacts } from './function-facts.ts';
import type { Allocator } from './recognise.ts';
import { findOwnRoles, type RoleFunction } from './roles.ts';

/** Calls through which an operator new may reach malloc. Further away there is what it does when there is no memory. */
const DEPTH = 6;
const REASON = 'it has an allocator of its own, of which there can be only records';

/** Adds the functions that allocate without the module's malloc. Returns null when there is neither malloc nor such one. */
export function withOwnAllocators(
  module: WasmModule,
  facts: readonly FunctionFacts[],
  allocator: Allocator | null,
): Allocator | null {
  const known = new Set(allocator?.roles.map(({ index }) => index));
  const own = findOwnRoles(module).filter(({ index }) => !reaches(module, facts, index, known));
  if (!own.some(allocates)) return allocator;
  const blockers = own.map(({ index }) => ({ index, reason: REASON }));
  if (allocator === null) return { roles: own, blockers, headerTests: [], learnt: null };
  return {
    ...allocator,
    roles: [...allocator.roles, ...own],
    blockers: [...allocator.blockers, ...blockers],
  };
}

/** Whether a function returns new blocks. */
function allocates({ role }: RoleFunction): boolean {
  return role === 'operator new' || role === '__rust_alloc';
}

/** Whether a function is one of the module's allocator, or calls one. */
function reaches(
  module: WasmModule,
  facts: readonly FunctionFacts[],
  index: number,
  known: ReadonlySet<number>,
): boolean {
  let reached = new Set([index]);
  for (let depth = 0; depth <= DEPTH && reached.size > 0; depth += 1) {
    const next = new Set<number>();
    for (const each of reached) {
      if (known.has(each)) return true;
      for (const callee of facts[each - module.importedFunctions]!.calls) {
        if (callee >= module.importedFunctions) next.add(callee);
      }
    }
    reached = next;
  }
  return false;
}
