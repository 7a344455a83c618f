// The output of the benchmark: tables on the terminal, the same tables in RESULTS.md, and results.json for machines.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import type { Machine } from './machine.ts';
import type { Spread } from './statistics.ts';

/** One measured promise. `value` and `bar` are in the unit that the name states. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly bar: number;
  /** Whether a value is good when it is lower or higher than the bar. */
  readonly better: 'lower' | 'higher';
  /** The ambitious goal, if there is one. */
  readonly moonshot: number | null;
  readonly ok: boolean;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Facts that a reader needs to read the numbers right. */
  readonly notes: readonly string[];
  /** The same as a picture: the name of the file without folder and `.svg`, and its text, which earlier runs lack. */
  readonly plot?: { readonly file: string; readonly title: string; readonly svg?: string };
}

/** The result of a measurement. */
export interface Outcome {
  readonly tables: readonly Table[];
  readonly bars: readonly Bar[];
  /** All numbers behind the tables, for results.json. */
  readonly data: unknown;
}

/** One call of the benchmark, and what it ran on. */
export interface Run {
  readonly date: string;
  readonly quick: boolean;
  readonly command: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
}

/** A measurement, and the run that took it. */
export interface Measured extends Outcome {
  readonly run: Run;
}

/** The latest outcome of each measurement, by name. A run of some measurements leaves the others as they were. */
export type Results = ReadonlyMap<string, Measured>;

export function bar(
  name: string,
  value: number,
  limit: number,
  better: Bar['better'],
  moonshot: number | null = null,
): Bar {
  return {
    name,
    value,
    bar: limit,
    better,
    moonshot,
    ok: better === 'lower' ? value <= limit : value >= limit,
  };
}

/** Three significant digits, no exponent. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const magnitude = Math.abs(value);
  if (magnitude >= 1000) return Math.round(value).toLocaleString('en-US');
  if (magnitude >= 100) return value.toFixed(0);
  if (magnitude >= 10) return value.toFixed(1);
  return value.toFixed(magnitude >= 0.1 || magnitude === 0 ? 2 : 3);
}

/** Bytes as mebibytes. */
export const mebibytes = (bytes: number): string => number(bytes / 2 ** 20);

/** `1.23 (1.20–1.30)`: median and quartiles. */
export const withQuartiles = (s: Spread): string =>
  `${number(s.median)} (${number(s.lower)}–${number(s.upper)})`;

export const milliseconds = (s: Spread): string =>
  withQuartiles({ ...s, median: s.median / 1e6, lower: s.lower / 1e6, upper: s.upper / 1e6 });

export function barTable(bars: readonly Bar[]): Table {
  return {
    title: 'Bars',
    columns: ['bar', 'measured', 'must be', 'moonshot', 'met'],
    rows: bars.map((b) => {
      const sign = b.better === 'lower' ? '≤' : '≥';
      return [
        b.name,
        number(b.value),
        `${sign} ${number(b.bar)}`,
        b.moonshot === null ? '' : `${sign} ${number(b.moonshot)}`,
        b.ok ? 'yes' : 'NO',
      ];
    }),
    notes: [],
  };
}

export function printTable(table: Table): void {
  const widths = table.columns.map((column, i) =>
    Math.max(column.length, ...table.rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  const missed = (row: readonly string[]): boolean => row.at(-1) === 'NO';
  console.log(`\n${pc.bold(table.title)}`);
  console.log(pc.dim(line(table.columns)));
  for (const row of table.rows) console.log(missed(row) ? pc.red(line(row)) : line(row));
  for (const note of table.notes) console.log(pc.dim(`  ${note}`));
}

function markdownTable(table: Table): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    `## ${table.title}`,
    '',
    row(table.columns),
    row(table.columns.map((_, i) => (i === 0 ? '---' : '--:'))),
    ...table.rows.map(row),
    '',
    ...(table.notes.length > 0 ? [...table.notes.map((note) => `- ${note}`), ''] : []),
    ...(table.plot ? [`![${table.plot.title}](plots/${table.plot.file}.svg)`, ''] : []),
  ].join('\n');
}

/** The runs of the results, each once. */
const runsOf = (results: Results): readonly Run[] => [
  ...new Set([...results.values()].map(({ run }) => run)),
];

function runText(results: Results, run: Run): string {
  const names = [...results].filter(([, measured]) => measured.run === run).map(([name]) => name);
  const { date, quick, command, machine, versions } = run;
  const tools = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `- ${names.join(', ')}: \`${command}\` on ${date}${quick ? QUICKLY : ''}.`,
    `  Machine: ${machineText(machine)}; load ${number(machine.load)} at the start.`,
    `  Versions: ${tools.join('; ')}.`,
  ].join('\n');
}

/** Said of a run with few rounds. */
export const QUICKLY = ' (few rounds and a wide spread, except for the measurements named as full)';

export const machineText = ({ processor, cores, memoryGiB, system }: Machine): string =>
  `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}`;

/** All bars, in the order of the measurements. */
export const allBars = (results: Results): readonly Bar[] =>
  [...results.values()].flatMap(({ bars }) => bars);

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Writes RESULTS.md, results.json and the plots beside this file. */
export function writeResults(results: Results): void {
  const tables = [...results.values()].flatMap((measured) => measured.tables);
  const text = [
    '# Benchmark results',
    '',
    'Written by `npm run bench`. With `--only`, it takes some of the measurements anew and leaves the others:',
    '',
    ...runsOf(results).map((run) => runText(results, run)),
    '',
    'Times are processor time of the thread (for native programs, of the process), as medians with quartiles in',
    'brackets. Ratios are medians of the ratios within each interleaved round.',
    '',
    markdownTable(barTable(allBars(results))),
    ...tables.map(markdownTable),
  ].join('\n');
  writeFileSync(here('RESULTS.md'), text);
  mkdirSync(here('plots'), { recursive: true });
  for (const { plot } of tables) if (plot?.svg) writeFileSync(here(`plots/${plot.file}.svg`), plot.svg);
  writeFileSync(here('results.json'), `${JSON.stringify(stored(results), null, 1)}\n`);
}

/** The form of results.json: measurements name their run by its index. */
interface Stored {
  readonly runs: readonly Run[];
  readonly measurements: Readonly<Record<string, Outcome & { readonly run: number }>>;
}

function stored(results: Results): Stored {
  const runs = runsOf(results);
  const measurements: Record<string, Outcome & { readonly run: number }> = {};
  for (const [name, { run, bars, tables, data }] of results) {
    // The pictures are left out, because all of their numbers are in `data`.
    const short = tables.map(({ plot, ...table }) =>
      plot === undefined ? table : { ...table, plot: { file: plot.file, title: plot.title } },
    );
    measurements[name] = { run: runs.indexOf(run), bars, tables: short, data };
  }
  return { runs, measurements };
}

/** Reads what `writeResults` has written; nothing when there is no file. */
export function readResults(): Results {
  const file = here('results.json');
  if (!existsSync(file)) return new Map();
  const { runs, measurements } = JSON.parse(readFileSync(file, 'utf8')) as Stored;
  return new Map(
    Object.entries(measurements).map(([name, { run, ...outcome }]) => [
      name,
      { ...outcome, run: runs[run]! },
    ]),
  );
}
