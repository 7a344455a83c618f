// The table of `heapline serve --top`: what it says, and that no name and no size of a terminal breaks it.

import { describe, expect, test } from 'vitest';
import {
  type TableChoice,
  type TableContents,
  type TableFrame,
  tableLines,
} from '../../src/cli/live-table.ts';

const LIVE: TableChoice = { value: 'bytes', sort: 'flat', paused: false, wrappers: false };
const WIDE: TableFrame = { name: 'store.c', keys: true, trimPath: '/home/me', columns: 120, lines: 24 };

function row(name: string, flat: number, cum: number, file = '/home/me/src/store.c', line = 12) {
  const objects = { flatObjects: null, cumObjects: null };
  return { function: name, file, line, flat, cum, ...objects, inlined: 'no' as const };
}

function contents(...rows: ReturnType<typeof row>[]): TableContents {
  const stats = { inUseBytes: 2048, inUseObjects: 3, allocBytes: 4096, allocObjects: 1, peakBytes: 3072 };
  return { modules: 1, stats, rows };
}

describe('the live table', () => {
  test('has totals, keys and the lines that hold the heap', () => {
    expect(tableLines(contents(row('keep', 1536, 1536), row('main', 0, 2048)), LIVE, WIDE)).toEqual([
      'in use 2kB in 3 objects, peak 3kB, 1 module, allocated 4kB in 1 object, store.c',
      'live, q quits, p pauses, s sorts by cum, v shows objects, w shows wrappers',
      '     flat↓  flat%        cum   cum%',
      '    1.50kB 75.00%     1.50kB 75.00%  keep src/store.c:12',
      '         0     0%        2kB   100%  main src/store.c:12',
    ]);
  });

  test('counts objects, says that it is paused, and what the keys do then', () => {
    const choice: TableChoice = { value: 'objects', sort: 'cum', paused: true, wrappers: true };
    expect(tableLines(contents(row('keep', 2, 3)), choice, WIDE).slice(1)).toEqual([
      'PAUSED, q quits, p continues, s sorts by flat, v shows bytes, w hides wrappers',
      '      flat  flat%       cum↓   cum%',
      '         2 66.67%          3   100%  keep src/store.c:12',
    ]);
  });

  test('names no keys where none are read', () => {
    expect(tableLines(contents(), LIVE, { ...WIDE, keys: false })[1]).toBe('live, Ctrl-C quits');
  });

  test('says that nothing is in use, and why a heap cannot be read', () => {
    expect(tableLines(contents(), LIVE, WIDE).at(-1)).toBe('Nothing is in use.');
    expect(tableLines(new Error('The ledger is damaged.\nIt was\x1b[2J here.'), LIVE, WIDE)).toEqual([
      'store.c',
      'live, q quits, p pauses, s sorts by cum, v shows objects, w shows wrappers',
      'The ledger is damaged.',
      'It was�[2J here.',
    ]);
  });

  test('names that are hostile, long or unknown stay one line of the right width', () => {
    const hostile = row('a\x1b[2Jb\r\nc\u009bd\u202ee\u2028f\ud800g\u200bh', 1, 1, '', 0);
    expect(tableLines(contents(hostile), LIVE, WIDE)[3]).toMatch(/ {2}a�\[2Jb��c�d�e�f�g�h$/);
    for (const columns of [1, 2, 37, 60, 200]) {
      const long = row('😀'.repeat(1_000_000), 1, 1, `/${'x'.repeat(1_000_000)}`);
      for (const line of tableLines(contents(long, hostile), LIVE, { ...WIDE, columns })) {
        expect([...line].length).toBeLessThanOrEqual(columns);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }
    }
    expect(tableLines(contents(row('é', 1, 1)), LIVE, { ...WIDE, columns: 40 })[3]).toHaveLength(40);
    expect(tableLines(contents(row('keep', 1, 1)), LIVE, { ...WIDE, columns: 40 })[3]).toMatch(/ {2}ke…$/);
  });

  test('has as many lines as the terminal, without the one of the cursor', () => {
    const many = contents(...Array.from({ length: 100 }, (_, at) => row(`f${at}`, 1, 1)));
    for (const [lines, height] of [
      [24, 23],
      [4, 3],
      [2, 1],
      [1, 1],
    ] as const) {
      expect(tableLines(many, LIVE, { ...WIDE, lines })).toHaveLength(height);
    }
    expect(tableLines(many, LIVE, WIDE).at(-1)).toMatch(/f19 /);
  });
});
