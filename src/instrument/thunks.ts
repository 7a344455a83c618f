// The pass that puts thunks behind exports: functions by which the host's entries get a slot of their own
// (slot-code.ts). Thunks come after all functions, so no index changes.

import { ExternalKind, type WasmModule } from '../binary/index.ts';
import type { Rewriter } from '../rewrite/index.ts';
import type { CallGraph } from './call-graph.ts';
import type { CallSites } from './scan.ts';
import { type SlotAddresses, thunkBody } from './slot-code.ts';

/**
 * Functions that get a thunk: those that the host enters, if they keep slots or are of the allocation family.
 * @param all whether the others get one, too
 */
function chooseTargets(module: WasmModule, { instrumented, sinks }: CallGraph, all: boolean): Set<number> {
  const entries = module.exports
    .filter((each) => each.kind === ExternalKind.Function)
    .map((each) => each.index);
  if (module.start !== null) entries.push(module.start);
  return new Set(
    entries.filter(
      (index) => index >= module.importedFunctions && (all || (instrumented[index]! | sinks[index]!) === 1),
    ),
  );
}

/** Adds the thunks and lets exports and the start function lead to them; returns how many they are. */
export function addThunks(
  rewriter: Rewriter,
  sites: CallSites,
  graph: CallGraph,
  addresses: SlotAddresses,
  all: boolean,
): number {
  const { module } = rewriter;
  const thunks = new Map<number, number>();
  for (const target of chooseTargets(module, graph, all)) {
    const body = thunkBody(target, module.functionType(target).parameters.length, addresses);
    thunks.set(target, rewriter.addFunction(module.functions[target]!, body));
  }
  if (thunks.size === 0) return 0;
  rewriter.redirectExports(thunks);
  const start = module.start === null ? undefined : thunks.get(module.start);
  if (start !== undefined) rewriter.setStart(start);
  // Functions that only exports named outside of code are no longer named there.
  const undeclared = [...thunks.keys()].filter(
    (index) => sites.referenced.has(index) && !module.referencedFunctions.has(index),
  );
  if (undeclared.length > 0) rewriter.declareFunctions(undeclared);
  return thunks.size;
}
