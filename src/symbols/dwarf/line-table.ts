// .debug_line (DWARF 5, 6.2; versions 2 to 5): runs one line-number program, and then gives file, line and
// column of a code offset. The look-up is that of LLVM: it takes the sequence with the lowest end above the
// offset, and in the sequence the last row at or below the offset.

import { lastAtMost } from '../../algorithms/binary-search.ts';
import { withRoom } from '../../algorithms/growable-array.ts';
import { normalize } from '../../algorithms/posix-path.ts';
import { DwarfError } from '../../errors.ts';
import * as dw from './constants.ts';
import type { Cursor } from './cursor.ts';
import { FormValue, readForm, VALUE_INLINE_STRING } from './forms.ts';
import type { DebugSections } from './sections.ts';

interface FileEntry {
  readonly name: string;
  readonly directory: number;
}

/** The properties of a unit that the header's entry formats depend on. */
interface HeaderFormat {
  readonly version: number;
  readonly offsetSize: number;
  readonly addressSize: number;
}

interface Sequence {
  readonly low: number;
  readonly high: number;
  /** The rows are [first, end) of the columns; the end_sequence row is not among them. */
  readonly first: number;
  readonly end: number;
}

export class LineTable {
  readonly #version: number;
  readonly #compilationDirectory: string;
  readonly #directories: string[] = [];
  readonly #files: FileEntry[] = [];
  readonly #paths: (string | undefined)[] = [];
  readonly #rows: Rows;
  readonly #sequences: Sequence[] = [];
  readonly #sequenceEnds: readonly number[];
  #rewritten = false;

  /**
   * Drops sequences that start at 0, or at or past `codeEnd`, because they belong to code that the linker
   * dropped.
   */
  constructor(
    sections: DebugSections,
    offset: number,
    compilationDirectory: string,
    addressSize: number,
    codeEnd: number,
  ) {
    this.#compilationDirectory = compilationDirectory;
    const cursor = sections.cursor('.debug_line', offset);
    const { length, offsetSize } = readInitialLength(cursor);
    if (length > cursor.end - cursor.position) cursor.fail('line table is longer than its section');
    cursor.end = cursor.position + length;
    this.#version = cursor.u16();
    if (this.#version < 2 || this.#version > 5) cursor.fail(`line table of version ${this.#version}`);
    if (this.#version >= 5) {
      addressSize = cursor.u8();
      cursor.u8(); // segment selector size
    }
    const headerLength = cursor.unsigned(offsetSize);
    if (headerLength > cursor.end - cursor.position)
      cursor.fail('line table header is longer than its table');
    const program = cursor.position + headerLength;
    const minimumInstructionLength = cursor.u8();
    const maximumOperations = this.#version >= 4 ? cursor.u8() : 1;
    cursor.u8(); // default_is_stmt
    const lineBase = cursor.i8();
    const lineRange = cursor.u8();
    const opcodeBase = cursor.u8();
    const operandCounts: number[] = [0];
    for (let opcode = 1; opcode < opcodeBase; opcode++) operandCounts.push(cursor.u8());
    if (this.#version >= 5) {
      const format = { version: this.#version, offsetSize, addressSize };
      for (const entry of readEntries(cursor, format, sections)) this.#directories.push(entry.name);
      for (const entry of readEntries(cursor, format, sections)) this.#files.push(entry);
    } else {
      for (let name = cursor.string(); name !== ''; name = cursor.string()) this.#directories.push(name);
      for (let name = cursor.string(); name !== ''; name = cursor.string()) {
        this.#files.push(readFileEntry(cursor, name));
      }
    }
    cursor.position = program;
    // A row takes about four bytes of a program, so most tables never grow.
    this.#rows = new Rows(64 + ((cursor.end - program) >>> 2));
    sections.budget.spend(cursor.end - program, '.debug_line', program);
    this.#run(cursor, {
      minimumInstructionLength,
      maximumOperations: maximumOperations || 1,
      lineBase,
      lineRange,
      opcodeBase,
      operandCounts,
      codeEnd,
    });
    this.#sequences.sort((a, b) => a.high - b.high);
    this.#sequenceEnds = this.#sequences.map(({ high }) => high);
  }

  /**
   * True if a post-link optimiser wrote this table anew. Compilers set the address once for each sequence and
   * count from there; Binaryen sets it for each row.
   */
  get rewritten(): boolean {
    return this.#rewritten;
  }

  /** The row at `offset`, or -1. */
  row(offset: number): number {
    const sequence = this.sequence(offset);
    if (sequence === null) return -1;
    return lastAtMost(this.#rows.address, offset, sequence.first + 1, sequence.end);
  }

  /** The sequence that holds `offset`; null if there is none. */
  sequence(offset: number): Sequence | null {
    const sequence = this.#sequences[lastAtMost(this.#sequenceEnds, offset) + 1];
    return sequence !== undefined && sequence.low <= offset ? sequence : null;
  }

  /** Line of a row, from 1; 0 for code that belongs to no line. */
  line(row: number): number {
    return this.#rows.line[row]!;
  }

  /** Column of a row, from 1; 0 if unknown. */
  column(row: number): number {
    return this.#rows.column[row]!;
  }

  /** Number of the file of a row, for `path`. */
  file(row: number): number {
    return this.#rows.file[row]!;
  }

  /** Path of a file; '' if unknown. DW_AT_call_file and the rows number files from 1, in version 5 from 0. */
  path(number: number): string {
    const index = this.#version >= 5 ? number : number - 1;
    const entry = this.#files[index];
    if (entry === undefined) return '';
    let path = this.#paths[index];
    if (path === undefined) {
      const directory = this.#directories[this.#version >= 5 ? entry.directory : entry.directory - 1] ?? '';
      path = joinPath(this.#compilationDirectory, directory, entry.name);
      this.#paths[index] = path;
    }
    return path;
  }

  #run(cursor: Cursor, header: ProgramHeader): void {
    const { minimumInstructionLength, maximumOperations, lineBase, lineRange, opcodeBase } = header;
    const rows = this.#rows;
    let address = 0;
    let operation = 0;
    let file = 1;
    let line = 1;
    let column = 0;
    let first = rows.length;
    let dropped = false;
    const advance = (operations: number): void => {
      if (maximumOperations === 1) {
        address += minimumInstructionLength * operations;
      } else {
        const total = operation + operations;
        address += minimumInstructionLength * Math.floor(total / maximumOperations);
        operation = total % maximumOperations;
      }
    };
    // The effect of each special opcode, computed once, because most opcodes of a program are special ones.
    const operationAdvance = new Uint8Array(256);
    const lineAdvance = new Int16Array(256);
    for (let adjusted = 0; adjusted < 256 && lineRange > 0; adjusted++) {
      operationAdvance[adjusted] = Math.floor(adjusted / lineRange);
      lineAdvance[adjusted] = lineBase + (adjusted % lineRange);
    }
    while (cursor.position < cursor.end) {
      const opcode = cursor.u8();
      if (opcode >= opcodeBase && opcode > 0) {
        const adjusted = opcode - opcodeBase;
        advance(operationAdvance[adjusted]!);
        line += lineAdvance[adjusted]!;
        if (!dropped) rows.push(address, file, line, column);
        continue;
      }
      switch (opcode) {
        case 0: {
          const length = cursor.uleb();
          if (length === 0) break;
          const next = cursor.position + length;
          if (next > cursor.end) cursor.fail('extended opcode is longer than its line table');
          switch (cursor.u8()) {
            case dw.DW_LNE_end_sequence: {
              const low = first < rows.length ? rows.address[first]! : address;
              if (!dropped && low < address) {
                this.#sequences.push({ low, high: address, first, end: rows.length });
              } else {
                rows.length = first;
              }
              address = 0;
              operation = 0;
              file = 1;
              line = 1;
              column = 0;
              first = rows.length;
              dropped = false;
              break;
            }
            case dw.DW_LNE_set_address:
              address = cursor.unsigned(length - 1);
              operation = 0;
              // Only the first address of a sequence counts. Post-link optimisers set each address anew, up
              // to the end of all code.
              if (rows.length > first) this.#rewritten = true;
              else dropped = address === 0 || address >= header.codeEnd;
              break;
            case dw.DW_LNE_define_file:
              this.#files.push(readFileEntry(cursor, cursor.string()));
              break;
          }
          cursor.position = next;
          break;
        }
        case dw.DW_LNS_copy:
          if (!dropped) rows.push(address, file, line, column);
          break;
        case dw.DW_LNS_advance_pc:
          advance(cursor.uleb());
          break;
        case dw.DW_LNS_advance_line:
          line += cursor.sleb();
          break;
        case dw.DW_LNS_set_file:
          file = cursor.uleb();
          break;
        case dw.DW_LNS_set_column:
          column = cursor.uleb();
          break;
        case dw.DW_LNS_const_add_pc:
          advance(operationAdvance[255 - opcodeBase]!);
          break;
        case dw.DW_LNS_fixed_advance_pc:
          address += cursor.u16();
          operation = 0;
          break;
        default:
          // A look-up does not need DW_LNS_negate_stmt, set_basic_block, set_prologue_end,
          // set_epilogue_begin, set_isa and opcodes of the future.
          for (let operands = header.operandCounts[opcode]!; operands > 0; operands--) cursor.uleb();
      }
    }
    rows.length = first; // drops a sequence that has no end
  }
}

interface ProgramHeader {
  readonly minimumInstructionLength: number;
  readonly maximumOperations: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operands of each standard opcode, all LEB128. */
  readonly operandCounts: readonly number[];
  readonly codeEnd: number;
}

/** The rows of all sequences as growing columns. */
class Rows {
  length = 0;
  address: Uint32Array<ArrayBuffer>;
  file: Uint32Array<ArrayBuffer>;
  line: Uint32Array<ArrayBuffer>;
  column: Uint32Array<ArrayBuffer>;

  constructor(capacity: number) {
    this.address = new Uint32Array(capacity);
    this.file = new Uint32Array(capacity);
    this.line = new Uint32Array(capacity);
    this.column = new Uint32Array(capacity);
  }

  push(address: number, file: number, line: number, column: number): void {
    const at = this.length++;
    if (at === this.address.length) this.#grow(at + 1);
    this.address[at] = address;
    this.file[at] = file;
    this.line[at] = line;
    this.column[at] = column;
  }

  #grow(length: number): void {
    this.address = withRoom(this.address, length);
    this.file = withRoom(this.file, length);
    this.line = withRoom(this.line, length);
    this.column = withRoom(this.column, length);
  }
}

/** Reads the initial length of a unit or table (DWARF 5, 7.4), which also distinguishes 32-bit and 64-bit DWARF. */
export function readInitialLength(cursor: Cursor): { length: number; offsetSize: 4 | 8 } {
  const length = cursor.u32();
  if (length === 0xffffffff) return { length: cursor.u64(), offsetSize: 8 };
  if (length >= 0xfffffff0) cursor.fail('reserved initial length');
  return { length, offsetSize: 4 };
}

/** Reads a file entry of versions 2 to 4. Modification time and size are not needed. */
function readFileEntry(cursor: Cursor, name: string): FileEntry {
  const directory = cursor.uleb();
  cursor.uleb();
  cursor.uleb();
  return { name, directory };
}

// A directory or file table of version 5: a description of the columns, then the entries.
function readEntries(cursor: Cursor, format: HeaderFormat, sections: DebugSections): FileEntry[] {
  const contents: number[] = [];
  const forms: number[] = [];
  for (let count = cursor.u8(); count > 0; count--) {
    contents.push(cursor.uleb());
    forms.push(cursor.uleb());
  }
  const count = cursor.uleb();
  const entries: FileEntry[] = [];
  const value = new FormValue();
  for (let i = 0; i < count; i++) {
    sections.budget.spend(1 + forms.length, '.debug_line', cursor.position);
    const start = cursor.position;
    let name = '';
    let directory = 0;
    for (let column = 0; column < forms.length; column++) {
      readForm(cursor, forms[column]!, 0, format, value);
      if (contents[column] === dw.DW_LNCT_path) {
        name = readString(sections, value);
      } else if (contents[column] === dw.DW_LNCT_directory_index) {
        directory = value.value;
      }
    }
    if (cursor.position === start) cursor.fail('entries of a file table take no space');
    entries.push({ name, directory });
  }
  return entries;
}

// An inline string stands in .debug_line itself here, not in .debug_info.
function readString(sections: DebugSections, value: FormValue): string {
  const text =
    value.kind === VALUE_INLINE_STRING
      ? sections.cursor('.debug_line', value.value).string()
      : sections.string(value.kind, value.value, null);
  if (text !== null) return text;
  throw new DwarfError('.debug_line: a path is not given as a string', '.debug_line', 0);
}

const WINDOWS_ABSOLUTE = /^(?:[A-Za-z]:[\\/]|\\\\)/;

function joinPath(compilationDirectory: string, directory: string, name: string): string {
  if (isAbsolute(name)) return normalise(name);
  if (isAbsolute(directory)) return normalise(`${directory}/${name}`);
  return normalise([compilationDirectory, directory, name].filter((part) => part !== '').join('/'));
}

function isAbsolute(path: string): boolean {
  return path.startsWith('/') || WINDOWS_ABSOLUTE.test(path);
}

function normalise(path: string): string {
  return normalize(WINDOWS_ABSOLUTE.test(path) ? path.replaceAll('\\', '/') : path);
}
