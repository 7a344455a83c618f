// Reads DWARF 2 to 5 of a WebAssembly module: for a code offset it gives the function, the calls that were
// inlined into it, and their source positions. Offsets count from the start of the code section payload, as
// LLVM writes them ("DWARF for WebAssembly", yurydelendik.github.io/webassembly-dwarf). The functions and
// lines of a unit are read at the first look-up of an offset in the unit.
//
// .debug_aranges is not read on purpose: the root entries contain the same facts, and post-link optimisers
// rewrite the root entries but not .debug_aranges.

import { lastAtMost } from '../../algorithms/binary-search.ts';
import { unitDone } from '../../algorithms/watched-work.ts';
import { DwarfError } from '../../errors.ts';
import { RangeMap } from '../range-map.ts';
import { DW_UT_split_type, DW_UT_type } from './constants.ts';
import { handsOutMemory } from './declaration.ts';
import { Entry } from './entry.ts';
import * as form from './forms.ts';
import { type StartsBody, UnitFunctions } from './functions.ts';
import type { LineTable } from './line-table.ts';
import { DebugSections } from './sections.ts';
import { readUnits, type Unit } from './unit.ts';

/** One frame as DWARF describes it. */
export interface DwarfFrame {
  /** DW_AT_name, or the linkage name if there is none, or '' if there is neither. */
  readonly function: string;
  readonly linkageName: string;
  readonly startLine: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly inlined: boolean;
}

/** What is known about the code that the debug information claims to describe. */
export interface CodeLayout {
  /** Size of the code section payload, in bytes. */
  readonly codeEnd: number;
  /** True if a function body starts at this offset of the payload. */
  readonly startsBody: StartsBody;
  /** True if a function body ends at this offset of the payload. */
  readonly endsBody: (offset: number) => boolean;
}

interface FunctionName {
  readonly name: string;
  readonly linkageName: string;
  readonly startLine: number;
}

const MAX_REFERENCE_HOPS = 32;
const MAX_INLINE_DEPTH = 1000;
const MAX_WARNINGS = 20;

export class DwarfInfo {
  readonly #sections: DebugSections;
  readonly #layout: CodeLayout;
  readonly #units: Unit[];
  readonly #unitEnds: readonly number[];
  readonly #unitRanges = new RangeMap();
  readonly #functions = new Map<Unit, UnitFunctions | null>();
  readonly #brokenLineTables = new Set<Unit>();
  readonly #names = new Map<number, FunctionName>();
  /** One inlined call of each function, by linkage name: the offset of its entry. */
  readonly #inlined = new Map<string, number>();
  /** What is known of their declarations: reports ask about the same functions again and again. */
  readonly #handsOut = new Map<string, boolean>();
  readonly #entry = new Entry();
  readonly #warnings = new Set<string>();
  /** Number of code ranges that units claim, and how many of them start where a function body of this module does. */
  rangeCount = 0;
  matchingRangeCount = 0;

  constructor(section: (name: string) => Uint8Array | undefined, layout: CodeLayout) {
    this.#layout = layout;
    this.#sections = new DebugSections(section);
    this.#units = readUnits(this.#sections, (error) => this.#warn(error.message));
    this.#unitEnds = this.#units.map(({ end }) => end);
    // Where units overlap, the first one must win, but a RangeMap prefers the last.
    for (let index = this.#units.length - 1; index >= 0; index--) {
      unitDone();
      this.#open(this.#units[index]!, index);
    }
  }

  /** The faults found so far. The list grows as units are read. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  get unitCount(): number {
    return this.#units.length;
  }

  /** The frames at a code offset, innermost first; null if the debug information does not describe the code. */
  frames(offset: number): DwarfFrame[] | null {
    const unit = this.#units[this.#unitRanges.get(offset)];
    if (unit === undefined) return null;
    return this.#guard(unit, () => this.#framesIn(unit, offset));
  }

  /** Whether a function that was inlined hands out memory, as its declaration says. Its frames must have been asked for. */
  handsOutMemory(linkageName: string): boolean {
    const known = this.#handsOut.get(linkageName);
    if (known !== undefined) return known;
    const call = this.#inlined.get(linkageName);
    if (call === undefined) return false;
    const unitAt = (offset: number): Unit => this.#unitAt(offset);
    const judged = this.#guard(unitAt(call), () => handsOutMemory(call, unitAt)) === true;
    this.#handsOut.set(linkageName, judged);
    return judged;
  }

  #open(unit: Unit, index: number): void {
    if (unit.type === DW_UT_type || unit.type === DW_UT_split_type) return;
    this.#guard(unit, () => {
      const add = (low: number, high: number): void => {
        // Linkers mark dropped code with the address 0 or one past the code.
        if (low === 0 || low >= this.#layout.codeEnd || low >= high) return;
        this.rangeCount++;
        if (this.#layout.startsBody(low)) this.matchingRangeCount++;
        this.#unitRanges.add(low, high, index);
      };
      unit.open(this.#entry, add);
      if (!unit.hasRanges) this.#functionsOf(unit)?.ranges.forEach(add);
      if (unit.splitFile !== null) {
        this.#warn(
          `the debug information of ${unit.name || 'a unit'} is in ${unit.splitFile}, which Heapline does not read: inlined calls there are unknown`,
        );
      }
    });
  }

  #framesIn(unit: Unit, offset: number): DwarfFrame[] | null {
    const functions = this.#functionsOf(unit);
    if (functions === null) return null;
    const table = this.#lineTableOf(unit);
    const row = table === null ? -1 : table.row(offset);
    let file = table !== null && row >= 0 ? table.path(table.file(row)) : '';
    let line = table !== null && row >= 0 ? table.line(row) : 0;
    let column = table !== null && row >= 0 ? table.column(row) : 0;
    const index = functions.find(offset);
    if (index < 0) {
      // The unit does not describe the function, as in split debug information: only lines are known.
      if (table === null || row < 0 || !this.#fitsBodies(table.sequence(offset))) return null;
      return [{ function: '', linkageName: '', startLine: 0, file, line, column, inlined: false }];
    }
    const frames: DwarfFrame[] = [];
    let call = functions.inlinedCall(index, offset);
    while (call !== null) {
      if (frames.length === MAX_INLINE_DEPTH) {
        throw new DwarfError('.debug_info: inlined calls nest too deep', '.debug_info', call.entry);
      }
      const { name, linkageName, startLine } = this.#nameOf(unit, call.entry);
      this.#inlined.set(linkageName, call.entry);
      frames.push({ function: name, linkageName, startLine, file, line, column, inlined: true });
      // The place of the call is in the caller's source, so it is the position of the next outer frame.
      file = table === null ? '' : table.path(call.callFile);
      line = call.callLine;
      column = call.callColumn;
      call = call.parent;
    }
    const { name, linkageName, startLine } = this.#nameOf(unit, functions.entry(index));
    frames.push({ function: name, linkageName, startLine, file, line, column, inlined: false });
    if (table?.rewritten && row >= 0)
      this.#dropForeignCalls(frames, functions.definitionAt(table.file(row), table.line(row)));
    return frames;
  }

  // Lines belong to this module's code if their run starts or ends with a function. Most runs do both. But if
  // clang 22 gives no line to the code after the declarations of locals, it gives none to the declarations,
  // and the run starts later.
  #fitsBodies(run: { readonly low: number; readonly high: number } | null): boolean {
    return run !== null && (this.#layout.startsBody(run.low) || this.#layout.endsBody(run.high));
  }

  // Binaryen moves code and keeps only the ends of the ranges of inlined calls, so that these ranges may
  // contain code of the caller. It tracks the rows one by one. So if the row's line is in the source of a
  // caller on the stack, the inlined calls within this caller are not really here.
  #dropForeignCalls(frames: DwarfFrame[], definition: number): void {
    if (definition === 0 || frames[0]!.startLine === definition) return;
    const depth = frames.findIndex((frame) => frame.startLine === definition);
    if (depth < 1) return;
    const { file, line, column } = frames[0]!;
    frames.splice(0, depth + 1, { ...frames[depth]!, file, line, column });
  }

  // A name may be part of the entry itself, of its abstract origin, or of the declaration that it specifies,
  // possibly in another unit. The nearest name wins. The number of hops is bounded, because references may
  // form a cycle.
  #nameOf(unit: Unit, offset: number): FunctionName {
    const known = this.#names.get(offset);
    if (known !== undefined) return known;
    let name: string | null = null;
    let linkageName: string | null = null;
    let startLine = 0;
    const pending = [offset];
    for (let hops = 0; pending.length > 0 && hops < MAX_REFERENCE_HOPS; hops++) {
      const at = pending.pop()!;
      const home = at >= unit.entries && at < unit.end ? unit : this.#unitAt(at);
      const entry = this.#entry;
      home.read(at, entry);
      name ??= home.string(entry.name);
      linkageName ??= home.string(entry.linkageName);
      if (startLine === 0 && entry.declarationLine.kind === form.VALUE_CONSTANT) {
        startLine = entry.declarationLine.value;
      }
      for (const { kind, value } of [entry.abstractOrigin, entry.specification]) {
        if (kind === form.VALUE_UNIT_REFERENCE) pending.push(home.offset + value);
        else if (kind === form.VALUE_INFO_REFERENCE) pending.push(value);
      }
    }
    const found = {
      name: name ?? linkageName ?? '',
      linkageName: linkageName ?? name ?? '',
      startLine,
    };
    this.#names.set(offset, found);
    return found;
  }

  #unitAt(offset: number): Unit {
    const unit = this.#units[lastAtMost(this.#unitEnds, offset) + 1];
    if (unit !== undefined && offset >= unit.entries) return unit;
    throw new DwarfError(
      `.debug_info: reference to offset 0x${offset.toString(16)}, where no unit is`,
      '.debug_info',
      offset,
    );
  }

  #functionsOf(unit: Unit): UnitFunctions | null {
    let functions = this.#functions.get(unit);
    if (functions === undefined) {
      // This is set first, so that a unit that cannot be read is not read again.
      this.#functions.set(unit, null);
      functions = new UnitFunctions(unit, this.#layout.codeEnd, this.#layout.startsBody);
      this.#functions.set(unit, functions);
      if (functions.misplaced > 0) {
        this.#warn(
          `${unit.name}: ${functions.misplaced} function(s) of the debug information start where no function of the module does; their names come from elsewhere`,
        );
      }
    }
    return functions;
  }

  #lineTableOf(unit: Unit): LineTable | null {
    if (this.#brokenLineTables.has(unit)) return null;
    try {
      return unit.lineTable(this.#layout.codeEnd);
    } catch (error) {
      if (!(error instanceof DwarfError)) throw error;
      this.#brokenLineTables.add(unit);
      this.#warn(`no line numbers for ${unit.name}: ${error.message}`);
      return null;
    }
  }

  #guard<T>(unit: Unit, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DwarfError)) throw error;
      this.#warn(
        `debug information of ${unit.name || `the unit at offset 0x${unit.offset.toString(16)}`}: ${error.message}`,
      );
      return null;
    }
  }

  #warn(message: string): void {
    if (this.#warnings.size < MAX_WARNINGS) this.#warnings.add(message);
    else if (this.#warnings.size === MAX_WARNINGS) this.#warnings.add('further warnings are left out');
  }
}
