// The text of the table that `heapline serve --top` keeps in the terminal: the lines that hold the heap, below its
// totals. It is cut to the size of the terminal.

import { relativePath } from '../frames/index.ts';
import type { HeapStats } from '../index.ts';
import { formatQuantity, formatShare, type TopRow } from '../profile/index.ts';

/** What the user has chosen with keys. */
export interface TableChoice {
  readonly value: 'bytes' | 'objects';
  readonly sort: 'flat' | 'cum';
  readonly paused: boolean;
  /** Whether functions that allocate for their callers have rows. */
  readonly wrappers: boolean;
}

/** The heap at one moment, as a table needs it. */
export interface TableContents {
  readonly modules: number;
  readonly stats: Pick<
    HeapStats,
    'inUseBytes' | 'inUseObjects' | 'allocBytes' | 'allocObjects' | 'peakBytes'
  >;
  /** In the order of the choice. */
  readonly rows: readonly TopRow[];
}

/** The terminal, and what it says around the table. */
export interface TableFrame {
  /** What is served. */
  readonly name: string;
  /** Whether keys are read. */
  readonly keys: boolean;
  /** The directory to remove from the start of paths. */
  readonly trimPath: string;
  /** Characters in a line. */
  readonly columns: number;
  /** Lines of the terminal. The table leaves one free, where the cursor stands. */
  readonly lines: number;
}

/** The lines of the table. When the heap cannot be read, the reason stands in place of the rows. */
export function tableLines(
  contents: TableContents | Error,
  choice: TableChoice,
  frame: TableFrame,
): readonly string[] {
  const lines = [
    contents instanceof Error ? frame.name : totalsLine(contents, frame.name),
    keysLine(choice, frame.keys),
    ...(contents instanceof Error ? contents.message.split('\n') : rowLines(contents, choice, frame)),
  ];
  return lines.slice(0, Math.max(frame.lines - 1, 1)).map((line) => cut(line, frame.columns));
}

function totalsLine({ modules, stats }: TableContents, name: string): string {
  const amount = (bytes: number, objects: number): string =>
    `${formatQuantity(bytes, 'bytes')} in ${objects} ${objects === 1 ? 'object' : 'objects'}`;
  return [
    `in use ${amount(stats.inUseBytes, stats.inUseObjects)}`,
    `peak ${formatQuantity(stats.peakBytes, 'bytes')}`,
    `${modules} ${modules === 1 ? 'module' : 'modules'}`,
    `allocated ${amount(stats.allocBytes, stats.allocObjects)}`,
    name,
  ].join(', ');
}

function keysLine({ value, sort, paused, wrappers }: TableChoice, keys: boolean): string {
  const state = paused ? 'PAUSED' : 'live';
  if (!keys) return `${state}, Ctrl-C quits`;
  return [
    state,
    'q quits',
    `p ${paused ? 'continues' : 'pauses'}`,
    `s sorts by ${sort === 'flat' ? 'cum' : 'flat'}`,
    `v shows ${value === 'bytes' ? 'objects' : 'bytes'}`,
    `w ${wrappers ? 'hides' : 'shows'} wrappers`,
  ].join(', ');
}

function rowLines(
  { rows, stats }: TableContents,
  { value, sort }: TableChoice,
  { trimPath, columns, lines }: TableFrame,
): string[] {
  const unit = value === 'bytes' ? 'bytes' : 'count';
  const total = value === 'bytes' ? stats.inUseBytes : stats.inUseObjects;
  const title = (name: 'flat' | 'cum'): string => (name === sort ? `${name}↓` : name).padStart(10);
  const share = (name: string): string => name.padStart(6);
  const titles = [title('flat'), share('flat%'), title('cum'), share('cum%')].join(' ');
  if (rows.length === 0) return [titles, 'Nothing is in use.'];
  return [
    titles,
    ...rows.slice(0, lines).map((row) => {
      const figures = [row.flat, row.cum].flatMap((amount) => [
        formatQuantity(amount, unit).padStart(10),
        formatShare(amount, total),
      ]);
      // Names can have a megabyte.
      const file = relativePath(row.file, trimPath);
      const place = row.line === 0 ? file : `${file.slice(-2 * columns)}:${row.line}`;
      return `${figures.join(' ')}  ${[row.function, place].filter((part) => part !== '').join(' ')}`;
    }),
  ];
}

/** What a terminal could take for a command, or would not show: controls, marks of direction, halves of characters. */
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A line of at most `columns` characters that moves no cursor. */
function cut(line: string, columns: number): string {
  // A character has at most two units. More than what is shown need not be looked at.
  const characters = [...line.slice(0, 2 * columns + 2).replace(UNSHOWN, '�')];
  return characters.length <= columns ? characters.join('') : `${characters.slice(0, columns - 1).join('')}…`;
}
