// The functions of one unit, and the inlined calls in each: a code offset leads to a function, and from there
// to the innermost inlined call. The first pass over the unit's entries only records the ranges of functions.
// The inlined calls of a function are read at the first look-up of an offset in the function.

import { lastAtMost } from '../../algorithms/binary-search.ts';
import { RangeMap } from '../range-map.ts';
import { DW_TAG_inlined_subroutine, DW_TAG_subprogram } from './constants.ts';
import { Entry } from './entry.ts';
import * as form from './forms.ts';
import type { Unit } from './unit.ts';

/** True if a function body starts at this offset. Only then can an entry be about the code there. */
export type StartsBody = (offset: number) => boolean;

export interface InlinedCall {
  /** Offset of the callee's entry in .debug_info. */
  readonly entry: number;
  /** Place of the call in the caller's source: file number in the unit's line table, line and column. */
  readonly callFile: number;
  readonly callLine: number;
  readonly callColumn: number;
  /** The inlined call into which this one was inlined; null if it was inlined into the function itself. */
  readonly parent: InlinedCall | null;
}

export class UnitFunctions {
  readonly ranges = new RangeMap();
  /** Number of ranges that do not start where a function body does, and so cannot be about this module's code. */
  misplaced = 0;
  readonly #unit: Unit;
  readonly #codeEnd: number;
  readonly #entries: number[] = [];
  /** Lines on which functions are defined, by file number. */
  readonly #definitions = new Map<number, number[]>();
  readonly #inlined: (InlinedCalls | undefined)[] = [];

  constructor(unit: Unit, codeEnd: number, startsBody: StartsBody) {
    this.#unit = unit;
    this.#codeEnd = codeEnd;
    const cursor = unit.cursor(unit.entries);
    const entry = new Entry();
    unit.sections.budget.spend(unit.end - unit.entries, '.debug_info', unit.entries);
    while (cursor.position < cursor.end) {
      const offset = cursor.position;
      const code = cursor.uleb();
      if (code === 0) continue;
      const abbreviation = unit.abbreviations.get(code, offset);
      if (abbreviation.tag !== DW_TAG_subprogram) {
        const { skip } = abbreviation;
        for (let i = 0; i < skip.length; i++) form.skipForm(cursor, skip[i]!, unit);
        continue;
      }
      entry.read(cursor, abbreviation, unit);
      const index = this.#entries.length;
      unit.visitRanges(entry, (low, high) => {
        if (low === 0 || low >= codeEnd || low >= high) return;
        if (startsBody(low)) this.ranges.add(low, high, index);
        else this.misplaced++;
      });
      this.#entries.push(offset);
      const file = constant(entry.declarationFile);
      const line = constant(entry.declarationLine);
      if (line > 0 && constant(entry.declaration) === 0) {
        const lines = this.#definitions.get(file);
        if (lines === undefined) this.#definitions.set(file, [line]);
        else lines.push(line);
      }
    }
    for (const lines of this.#definitions.values()) lines.sort((a, b) => a - b);
  }

  /** Line of the last function definition at or before a line of a file; 0 if there is none. */
  definitionAt(file: number, line: number): number {
    const lines = this.#definitions.get(file) ?? [];
    return lines[lastAtMost(lines, line)] ?? 0;
  }

  /** Index of the function at a code offset, or -1. */
  find(offset: number): number {
    return this.ranges.get(offset);
  }

  /** Offset of a function's entry in .debug_info. */
  entry(index: number): number {
    return this.#entries[index]!;
  }

  /** The innermost inlined call at a code offset in a function; null if the code is the function's own. */
  inlinedCall(index: number, offset: number): InlinedCall | null {
    let calls = this.#inlined[index];
    if (calls === undefined) {
      calls = new InlinedCalls(this.#unit, this.#entries[index]!, this.#codeEnd);
      this.#inlined[index] = calls;
    }
    return calls.find(offset);
  }
}

class InlinedCalls {
  readonly #ranges = new RangeMap();
  readonly #calls: InlinedCall[] = [];

  constructor(unit: Unit, functionEntry: number, codeEnd: number) {
    const cursor = unit.cursor(functionEntry);
    const own = unit.abbreviations.get(cursor.uleb(), functionEntry);
    for (const step of own.skip) form.skipForm(cursor, step, unit);
    if (!own.hasChildren) return;
    const entry = new Entry();
    // The scope at each depth: an inlined call, null for the function itself, or undefined inside a nested function,
    // whose calls do not belong to this function.
    const scopes: (InlinedCall | null | undefined)[] = [null];
    while (cursor.position < cursor.end) {
      const offset = cursor.position;
      const code = cursor.uleb();
      if (code === 0) {
        scopes.pop();
        if (scopes.length === 0) break;
        continue;
      }
      const abbreviation = unit.abbreviations.get(code, offset);
      const scope = scopes[scopes.length - 1];
      let inner = scope;
      if (abbreviation.tag === DW_TAG_inlined_subroutine && scope !== undefined) {
        entry.read(cursor, abbreviation, unit);
        inner = {
          entry: offset,
          callFile: constant(entry.callFile),
          callLine: constant(entry.callLine),
          callColumn: constant(entry.callColumn),
          parent: scope,
        };
        const index = this.#calls.length;
        unit.visitRanges(entry, (low, high) => {
          if (low !== 0 && low < codeEnd) this.#ranges.add(low, high, index);
        });
        this.#calls.push(inner);
      } else {
        if (abbreviation.tag === DW_TAG_subprogram) inner = undefined;
        for (const step of abbreviation.skip) form.skipForm(cursor, step, unit);
      }
      if (abbreviation.hasChildren) scopes.push(inner);
    }
    unit.sections.budget.spend(cursor.position - functionEntry, '.debug_info', functionEntry);
  }

  find(offset: number): InlinedCall | null {
    return this.#calls[this.#ranges.get(offset)] ?? null;
  }
}

function constant(value: form.FormValue): number {
  return value.kind === form.VALUE_CONSTANT ? value.value : 0;
}
