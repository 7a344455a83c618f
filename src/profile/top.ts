// The table of `go tool pprof -top` as text: a header as pprof prints it, and a line for each row.

import { basename } from '../algorithms/posix-path.ts';
import { relativePath, type StackView } from '../frames/index.ts';
import type { ProfileModel } from './model.ts';
import { formatQuantity, formatShare, tableFormat } from './quantity.ts';
import { sampleTypeIndex } from './sample-types.ts';
import { printedName, type TopSettings, topRows, totalOf } from './top-rows.ts';

/** What a table says around its rows. */
export interface TableContext {
  /** The expressions that have filtered the profile. */
  readonly names: readonly string[];
  /** The profile to which shares refer. */
  readonly whole: ProfileModel;
  /** The line below the table; '' for none. */
  readonly note: string;
}

/** The table as text with its header. */
export function topText(
  model: ProfileModel,
  view: StackView,
  options: TopSettings,
  { names, whole, note }: TableContext,
): string {
  const index = sampleTypeIndex(model, options.sampleType);
  const all = topRows(model, view, options);
  const rows = all.slice(0, options.limit);
  const { type, unit } = model.sampleTypes[index]!;
  const total = totalOf(whole, index);
  let smallest = 0;
  let shown = 0;
  for (const { flat, cum } of rows) {
    const value = Math.abs(flat) || Math.abs(cum);
    if (value > 0 && (smallest === 0 || value < smallest)) smallest = value;
    shown += flat;
  }
  const format = tableFormat(unit, smallest, total);
  const objects = options.objects && rows.some((row) => row.flatObjects !== null);

  const lines = headerLines(model, type, format(total));
  if (names.length > 0) lines.push('Active filters:', ...names.map(shortFilter));
  lines.push(
    `Showing nodes accounting for ${format(shown)}, ${formatShare(shown, total).trim()} of ${format(total)} total`,
  );
  if (rows.length < all.length) lines.push(`Showing top ${rows.length} nodes out of ${all.length}`);
  lines.push(`      flat  flat%   sum%        cum   cum%${objects ? '    objects' : ''}`);
  let sum = 0;
  for (const row of rows) {
    sum += row.flat;
    const columns = [
      format(row.flat).padStart(10),
      formatShare(row.flat, total),
      formatShare(sum, total),
      format(row.cum).padStart(10),
      formatShare(row.cum, total),
    ];
    if (objects) columns.push(String(row.flatObjects).padStart(10));
    const inlined = row.inlined === 'no' ? '' : row.inlined === 'always' ? ' (inline)' : ' (partial-inline)';
    const file = options.trimPath === undefined ? row.file : relativePath(row.file, options.trimPath);
    lines.push(`${columns.join(' ')}  ${printedName(row.function, file, row.line, '')}${inlined}`);
  }
  return `${lines.join('\n')}\n${note}`;
}

/** A filter as pprof prints it. */
function shortFilter(text: string): string {
  return `   ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`;
}

function headerLines(model: ProfileModel, type: string, total: string): string[] {
  const lines: string[] = [];
  const [mapping] = model.mappings;
  if (mapping !== undefined && mapping.file !== '') lines.push(`File: ${basename(mapping.file)}`);
  if (mapping !== undefined && mapping.buildId !== '') lines.push(`Build ID: ${mapping.buildId}`);
  for (const comment of model.comments) if (!comment.startsWith('#')) lines.push(comment);
  lines.push(`Type: ${type}`);
  if (model.timeNanos !== 0n) lines.push(`Time: ${printedTime(model.timeNanos)}`);
  if (model.durationNanos !== 0n) {
    const nanoseconds = Number(model.durationNanos);
    lines.push(`Duration: ${formatQuantity(nanoseconds, 'nanoseconds')}, Total samples = ${total}`);
  }
  return lines;
}

// toLocaleString would first load the tables of Intl, which takes 20 ms.
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A time in Go's layout `Jan 2, 2006 at 3:04pm (MST)`, always in UTC. */
function printedTime(nanoseconds: bigint): string {
  const date = new Date(Number(nanoseconds / 1_000_000n));
  if (Number.isNaN(date.getTime())) return 'out of range';
  const month = MONTHS[date.getUTCMonth()];
  const hour = date.getUTCHours();
  const minute = String(date.getUTCMinutes()).padStart(2, '0');
  return `${month} ${date.getUTCDate()}, ${date.getUTCFullYear()} at ${hour % 12 || 12}:${minute}${hour < 12 ? 'am' : 'pm'} (UTC)`;
}
