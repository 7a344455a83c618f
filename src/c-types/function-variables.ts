// The variables and parameters of one function and of the functions that were inlined into it: their types, and where the
// code keeps them.

import type { Unit } from '../symbols/debug-entries.ts';
import type { CType } from './c-type.ts';
import * as dw from './constants.ts';
import type { DebugIndex } from './debug-index.ts';
import { TypeEntry } from './entry.ts';
import { type CodeRange, eachPlace, type Place, placeOf } from './places.ts';
import type { TypeReader } from './type-reader.ts';

/** A variable in the part of the code where it is at this place. */
export interface PlacedVariable extends Place, CodeRange {
  readonly type: CType;
}

/** A function that was inlined. */
export interface InlinedFunction {
  /** Its code. */
  readonly ranges: readonly CodeRange[];
  readonly result: CType;
}

export interface FunctionVariables {
  /** The local that holds the address of the frame; null when there is none. */
  readonly frameLocal: number | null;
  /** By the start of their code. */
  readonly variables: readonly PlacedVariable[];
  /** Outer ones come before those that were inlined into them. */
  readonly inlined: readonly InlinedFunction[];
  readonly result: CType;
}

/** The type of the variable, or the result of the function, whose entry this is. */
export function typeAt(entry: number, index: DebugIndex, reader: TypeReader): CType {
  return reader.of(index.inOrigins(entry, (each) => each.type));
}

/** Reads the variables of a function. @param entry offset of the function's entry */
export function variablesOf(entry: number, index: DebugIndex, reader: TypeReader): FunctionVariables {
  const variables: PlacedVariable[] = [];
  const inlined: InlinedFunction[] = [];
  const own = new TypeEntry();
  const { unit } = index.read(entry, own);
  const ranges = rangesOf(own, unit);
  const frame = placeOf(own.frameBase, unit);
  const visit = (child: TypeEntry, at: number, scope: readonly CodeRange[]): readonly CodeRange[] | null => {
    switch (child.tag) {
      case dw.DW_TAG_formal_parameter:
      case dw.DW_TAG_variable: {
        let type: CType | null = null;
        eachPlace(child.location, unit, scope, (place, range) => {
          type ??= typeAt(at, index, reader);
          variables.push({ ...place, ...range, type });
        });
        return null;
      }
      case dw.DW_TAG_lexical_block: {
        const own = rangesOf(child, unit);
        return own.length === 0 ? scope : own;
      }
      case dw.DW_TAG_inlined_subroutine: {
        const own = rangesOf(child, unit);
        inlined.push({ ranges: own, result: typeAt(at, index, reader) });
        return own;
      }
      default:
        return null;
    }
  };
  index.eachDescendant(entry, ranges, visit);
  variables.sort((a, b) => a.low - b.low);
  return {
    frameLocal: frame?.kind === 'local' ? frame.value : null,
    variables,
    inlined,
    result: typeAt(entry, index, reader),
  };
}

function rangesOf(entry: TypeEntry, unit: Unit): readonly CodeRange[] {
  const ranges: CodeRange[] = [];
  unit.visitRanges(entry, (low, high) => {
    if (low > 0 && low < high) ranges.push({ low, high });
  });
  return ranges;
}

/** A variable that keeps its address as long as the program runs. */
export interface StaticVariable {
  readonly address: number;
  readonly type: CType;
}

/** The static variables of the module by address. */
export function staticVariables(index: DebugIndex, reader: TypeReader): StaticVariable[] {
  const found = new Map<number, StaticVariable>();
  index.eachVariable((entry, at, unit) => {
    const place = placeOf(entry.location, unit);
    if (place?.kind !== 'static' || place.value === 0) return;
    found.set(place.value, { address: place.value, type: typeAt(at, index, reader) });
  });
  return [...found.values()].sort((a, b) => a.address - b.address);
}
