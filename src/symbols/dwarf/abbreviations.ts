// .debug_abbrev (DWARF 5, 7.5.3): the shapes of debugging information entries. Each shape has an attribute
// list and a plan for skipping an entry, because most entries (types, variables) are only skipped on the way
// to the functions.

import { DwarfError } from '../../errors.ts';
import { DW_FORM_implicit_const } from './constants.ts';
import { Cursor } from './cursor.ts';
import { skipStepOf } from './forms.ts';
import type { WorkBudget } from './work-budget.ts';

/** The properties of a unit that decide how many bytes its forms take. */
export interface UnitFormat {
  readonly version: number;
  /** Bytes of a section offset: 4, or 8 in 64-bit DWARF. */
  readonly offsetSize: number;
  /** Bytes of a target address. */
  readonly addressSize: number;
}

export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly number[];
  readonly forms: readonly number[];
  /** Values of the DW_FORM_implicit_const attributes; 0 for others. */
  readonly implicit: readonly number[];
  /** The steps that skip an entry: counts of bytes (≥ 0), or negative SKIP_ codes of forms.ts. */
  readonly skip: readonly number[];
}

export class AbbreviationTable {
  // Compilers number abbreviations 1, 2, 3, …; abbreviations with other numbers are in the map.
  readonly #dense: (Abbreviation | undefined)[] = [undefined];
  readonly #sparse = new Map<number, Abbreviation>();

  constructor(section: Uint8Array, offset: number, format: UnitFormat, budget: WorkBudget) {
    const cursor = new Cursor(section, '.debug_abbrev', offset);
    for (;;) {
      const start = cursor.position;
      const code = cursor.uleb();
      if (code === 0) break;
      const tag = cursor.uleb();
      const hasChildren = cursor.u8() !== 0;
      const attributes: number[] = [];
      const forms: number[] = [];
      const implicit: number[] = [];
      const skip: number[] = [];
      for (;;) {
        const attribute = cursor.uleb();
        const form = cursor.uleb();
        const value = form === DW_FORM_implicit_const ? cursor.sleb() : 0;
        if (attribute === 0 && form === 0) break;
        attributes.push(attribute);
        forms.push(form);
        implicit.push(value);
        const step = skipStepOf(form, format);
        const last = skip.length - 1;
        if (step > 0 && last >= 0 && skip[last]! > 0) skip[last]! += step;
        else if (step !== 0) skip.push(step);
      }
      budget.spend(cursor.position - start, '.debug_abbrev', start);
      const abbreviation = { tag, hasChildren, attributes, forms, implicit, skip };
      if (code === this.#dense.length) this.#dense.push(abbreviation);
      else if (!this.#sparse.has(code)) this.#sparse.set(code, abbreviation);
    }
  }

  get(code: number, entryOffset: number): Abbreviation {
    const found = this.#dense[code] ?? this.#sparse.get(code);
    if (found) return found;
    throw new DwarfError(
      `.debug_info: the entry at offset 0x${entryOffset.toString(16)} uses abbreviation ${code}, which does not exist`,
      '.debug_info',
      entryOffset,
    );
  }
}
