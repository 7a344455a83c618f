// The debug sections of one module, and the look-ups that lead from one section to another: strings, indexed
// strings and addresses, range lists (DWARF 5, 7.26, 7.27, 7.28; DWARF 4, 2.17.3).

import { DwarfError } from '../../errors.ts';
import * as dw from './constants.ts';
import { Cursor } from './cursor.ts';
import * as form from './forms.ts';
import type { Unit } from './unit.ts';
import { WorkBudget } from './work-budget.ts';

const EMPTY = new Uint8Array(0);

const SECTION_NAMES = [
  '.debug_info',
  '.debug_abbrev',
  '.debug_line',
  '.debug_str',
  '.debug_line_str',
  '.debug_ranges',
  '.debug_rnglists',
  '.debug_loc',
  '.debug_loclists',
  '.debug_str_offsets',
  '.debug_addr',
] as const;

export type SectionName = (typeof SECTION_NAMES)[number];

/** Called with each range [low, high) of a list, in code offsets. */
export type RangeVisitor = (low: number, high: number) => void;

export class DebugSections {
  readonly budget: WorkBudget;
  readonly #sections = new Map<string, Uint8Array>();
  readonly #strings = new Map<number, string>();

  constructor(section: (name: string) => Uint8Array | undefined) {
    let total = 0;
    for (const name of SECTION_NAMES) {
      const bytes = section(name) ?? EMPTY;
      this.#sections.set(name, bytes);
      total += bytes.length;
    }
    this.budget = new WorkBudget(total);
  }

  bytes(name: SectionName): Uint8Array {
    return this.#sections.get(name) ?? EMPTY;
  }

  cursor(name: SectionName, offset: number): Cursor {
    return new Cursor(this.bytes(name), name, offset);
  }

  /** The string of an attribute; null if the attribute is not a string. `unit` is null outside of units. */
  string(kind: number, value: number, unit: Unit | null): string | null {
    switch (kind) {
      case form.VALUE_INLINE_STRING:
        return this.cursor('.debug_info', value).string();
      case form.VALUE_STRING_OFFSET:
        return this.#debugString(value);
      case form.VALUE_LINE_STRING_OFFSET:
        return this.cursor('.debug_line_str', value).string();
      case form.VALUE_STRING_INDEX: {
        if (unit === null) return null;
        const at = unit.stringOffsetsBase + value * unit.offsetSize;
        return this.#debugString(this.cursor('.debug_str_offsets', at).unsigned(unit.offsetSize));
      }
      default:
        return null;
    }
  }

  #debugString(offset: number): string {
    let text = this.#strings.get(offset);
    if (text === undefined) {
      text = this.cursor('.debug_str', offset).string();
      this.#strings.set(offset, text);
    }
    return text;
  }

  /** The address of an attribute of `unit`; null if the attribute is not an address. */
  address(kind: number, value: number, unit: Unit): number | null {
    if (kind === form.VALUE_ADDRESS) return value;
    if (kind !== form.VALUE_ADDRESS_INDEX) return null;
    const at = unit.addressBase + value * unit.addressSize;
    return this.cursor('.debug_addr', at).unsigned(unit.addressSize);
  }

  /** Visits the ranges that a DW_AT_ranges attribute of `unit` names. */
  ranges(kind: number, value: number, unit: Unit, visit: RangeVisitor): void {
    if (unit.version < 5) {
      this.#ranges4(value, unit, visit);
      return;
    }
    let offset = value;
    if (kind === form.VALUE_RANGE_LIST_INDEX) {
      const base = unit.rangeListsBase;
      offset =
        base + this.cursor('.debug_rnglists', base + value * unit.offsetSize).unsigned(unit.offsetSize);
    }
    this.#ranges5(offset, unit, visit);
  }

  #ranges4(offset: number, unit: Unit, visit: RangeVisitor): void {
    const cursor = this.cursor('.debug_ranges', offset);
    const size = unit.addressSize;
    const newBase = size === 8 ? 2 ** 64 : 2 ** (8 * size) - 1;
    let base = unit.baseAddress;
    for (;;) {
      this.budget.spend(2 * size, '.debug_ranges', cursor.position);
      const low = cursor.unsigned(size);
      const high = cursor.unsigned(size);
      if (low === 0 && high === 0) return;
      // As a double, the 8-byte mark is rounded to 2^64. So is every value within 1 KiB of it, but no code
      // lies there.
      if (low === newBase) base = high;
      else visit(base + low, base + high);
    }
  }

  #ranges5(offset: number, unit: Unit, visit: RangeVisitor): void {
    const cursor = this.cursor('.debug_rnglists', offset);
    const size = unit.addressSize;
    const indexed = (): number => this.address(form.VALUE_ADDRESS_INDEX, cursor.uleb(), unit)!;
    let base = unit.baseAddress;
    for (;;) {
      // Entries are charged at full width, because short ones cost as much memory.
      this.budget.spend(2 * size, '.debug_rnglists', cursor.position);
      const entry = cursor.u8();
      switch (entry) {
        case dw.DW_RLE_end_of_list:
          return;
        case dw.DW_RLE_base_addressx:
          base = indexed();
          break;
        case dw.DW_RLE_startx_endx: {
          const low = indexed();
          visit(low, indexed());
          break;
        }
        case dw.DW_RLE_startx_length: {
          const low = indexed();
          visit(low, low + cursor.uleb());
          break;
        }
        case dw.DW_RLE_offset_pair: {
          const low = cursor.uleb();
          visit(base + low, base + cursor.uleb());
          break;
        }
        case dw.DW_RLE_base_address:
          base = cursor.unsigned(size);
          break;
        case dw.DW_RLE_start_end: {
          const low = cursor.unsigned(size);
          visit(low, cursor.unsigned(size));
          break;
        }
        case dw.DW_RLE_start_length: {
          const low = cursor.unsigned(size);
          visit(low, low + cursor.uleb());
          break;
        }
        default:
          throw new DwarfError(
            `.debug_rnglists: entry of unknown kind ${entry} at offset 0x${cursor.position.toString(16)}`,
            '.debug_rnglists',
            cursor.position,
          );
      }
    }
  }
}
