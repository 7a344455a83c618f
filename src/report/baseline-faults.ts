// Heap faults that a baseline knows. A fault is known by its kind and by the stack of the place where it happened, in the
// same form as a leak's. Faults and entries that are left over are paired again by kind, functions and files, one entry
// for one stack, because an edit inside a function moves its lines.

import { type HeapFault, type HeapFaultKind, stackOf } from '../frames/index.ts';
import { type BaselineFrame, baselineStacks, coarseKey, fineKey, normalised } from './baseline-stack.ts';

/** A known heap fault. */
export interface BaselineFault {
  /** Which misuse it is. */
  readonly kind: HeapFaultKind;
  /** How often it happened. */
  readonly count: number;
  /** Where it happened, innermost frame first. */
  readonly stack: readonly BaselineFrame[];
}

/** The known faults of a report, one for each kind and stack. */
export function knownFaults(faults: readonly HeapFault[], root: string | undefined): BaselineFault[] {
  const stackIn = baselineStacks(root);
  const known = new Map<string, BaselineFault>();
  for (const fault of faults) {
    addFault(known, { kind: fault.kind, count: 1, stack: stackIn(stackOf(fault, 'frames')) });
  }
  return [...known.keys()].sort().map((key) => known.get(key)!);
}

/** Adds a fault to those known by kind and stack. */
export function addFault(known: Map<string, BaselineFault>, fault: BaselineFault): void {
  const key = keyOf(fault.kind, fineKey(fault.stack));
  const other = known.get(key);
  known.set(key, other === undefined ? fault : { ...fault, count: fault.count + other.count });
}

/** The faults that are new, and those that a baseline knows. */
export function partedFaults(
  faults: readonly HeapFault[],
  baseline: readonly BaselineFault[],
  root: string | undefined,
): { readonly unknown: readonly HeapFault[]; readonly known: readonly HeapFault[] } {
  const stackIn = baselineStacks(root);
  const keyed = faults.map((fault) => {
    const stack = stackIn(stackOf(fault, 'frames'));
    return { fault, fine: keyOf(fault.kind, fineKey(stack)), coarse: keyOf(fault.kind, coarseKey(stack)) };
  });
  const seen = new Set(keyed.map(({ fine }) => fine));
  const exact = new Set<string>();
  const spare = new Map<string, number>();
  for (const { kind, stack } of baseline) {
    const own = normalised(stack);
    const fine = keyOf(kind, fineKey(own));
    exact.add(fine);
    const coarse = keyOf(kind, coarseKey(own));
    if (!seen.has(fine)) spare.set(coarse, (spare.get(coarse) ?? 0) + 1);
  }
  const known: HeapFault[] = [];
  const unknown: HeapFault[] = [];
  for (const { fault, fine, coarse } of keyed) {
    const left = spare.get(coarse) ?? 0;
    if (!exact.has(fine) && left > 0) {
      spare.set(coarse, left - 1);
      // The other faults with this stack are the same one.
      exact.add(fine);
    }
    (exact.has(fine) ? known : unknown).push(fault);
  }
  return { unknown, known };
}

function keyOf(kind: HeapFaultKind, stack: string): string {
  return `${kind}\0\0${stack}`;
}
