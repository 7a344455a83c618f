// The heap as the host sees it: the runtime's ledger in linear memory, read without stopping or changing the
// guest. csrc/layout.h says what every field means and where it is.

export * as layout from '../runtime/layout.ts';
export { ContextStacks } from './context-stacks.ts';
export {
  type FailureRecord,
  type HeapBlock,
  type HeapTotals,
  type LeakCheckCounts,
  Ledger,
  type RawAccess,
  type RawHeapFault,
  type RawVariable,
  type RequestRecord,
  type TimelineTotals,
} from './ledger.ts';
export { MemoryView } from './memory-view.ts';
export { type HeapSnapshot, indicesIn } from './snapshot.ts';

import type { WasmMemory } from '../binary/wasm-types.ts';
import { Ledger } from './ledger.ts';
import type { HeapSnapshot } from './snapshot.ts';

/** Every context of the ledger at this address, with its counters. */
export function readSnapshot(memory: WasmMemory, runtimeAddress: number): HeapSnapshot {
  return new Ledger(memory, runtimeAddress, 0).snapshot();
}
