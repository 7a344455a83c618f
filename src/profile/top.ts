// The table of `go tool pprof -top`: how much each function, line or file holds itself (flat) and with all it called
// (cum). Values are summed up the stack tree once, so the cost does not depend on the depth of the stacks.

import { basename, normalize } from '../algorithms/posix-path.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { ProfileModel } from './model.ts';
import { formatQuantity, formatShare, tableFormat } from './quantity.ts';
import type { StackView } from './stacks.ts';

/** What a row of the table stands for. */
export type Granularity = 'functions' | 'lines' | 'files';

export interface TopOptions {
  /** Which values to show, such as `inuse_space`; the profile's default otherwise. */
  sampleType?: string;
  /** One row per function, source line (the default) or file. */
  granularity?: Granularity;
  /** Sort by own values (the default) or by values with everything called. */
  sort?: 'flat' | 'cum';
  /** Show at most so many rows; all otherwise. */
  limit?: number;
  /** Add the number of objects where the profile has it (default true). */
  objects?: boolean;
  /** Directory to leave out at the start of paths, for narrower output. */
  trimPath?: string;
}

/** One row of the table. */
export interface TopRow {
  /** Function name; '' in a table of files. */
  readonly function: string;
  /** Source file; '' in a table of functions and where it is unknown. */
  readonly file: string;
  /** Source line; 0 in tables of functions and files and where it is unknown. */
  readonly line: number;
  readonly flat: number;
  readonly cum: number;
  /** Objects that belong to `flat`; null when the profile does not count them. */
  readonly flatObjects: number | null;
  readonly cumObjects: number | null;
  readonly inlined: 'no' | 'partly' | 'always';
}

interface Node {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly values: Float64Array;
  /** For each calling node, whether all calls from there were inlined. */
  readonly callers: Map<number, boolean>;
}

/** Marks of stacks that hold something of the type shown, or objects alone (of blocks of size 0). */
const SHOWN = 1;
const COUNTED = 2;

/** Index of a sample type by name. */
export function sampleTypeIndex(model: ProfileModel, name: string | undefined): number {
  const wanted = name ?? model.defaultSampleType;
  const index = model.sampleTypes.findIndex(({ type }) => type === wanted);
  if (index < 0) {
    throw new InvalidArgumentError(
      'sampleType',
      `This profile has no sample type '${wanted}': it has ${model.sampleTypes.map(({ type }) => type).join(', ')}.`,
    );
  }
  return index;
}

/** Index of the objects that belong to a column of bytes (`inuse_objects` to `inuse_space`), or -1. */
function objectsIndex(model: ProfileModel, index: number): number {
  const { type, unit } = model.sampleTypes[index]!;
  if (unit === 'count') return -1;
  const sibling = type.replace(/_(?:space|bytes|size)$/, '');
  const wanted = new Set([`${sibling}_objects`, `${sibling}_count`, sibling === 'space' ? 'objects' : '']);
  const found = model.sampleTypes.findIndex((candidate) => wanted.has(candidate.type));
  if (found >= 0) return found;
  return model.sampleTypes.length === 2 && model.sampleTypes[1 - index]!.unit === 'count' ? 1 - index : -1;
}

/** All rows, sorted; rows that sum up to nothing are left out as in pprof. */
export function topRows(model: ProfileModel, view: StackView, options: TopOptions = {}): TopRow[] {
  const index = sampleTypeIndex(model, options.sampleType);
  const objects = objectsIndex(model, index);
  const columns = objects < 0 ? [index] : [index, objects];
  const granularity = options.granularity ?? 'lines';
  if (granularity !== 'functions' && granularity !== 'lines' && granularity !== 'files') {
    throw new InvalidArgumentError(
      'granularity',
      `There is no granularity '${granularity as string}': use functions, lines or files.`,
    );
  }
  const first = options.sort ?? 'flat';
  if (first !== 'flat' && first !== 'cum') {
    throw new InvalidArgumentError('sort', `There is no order '${first as string}': use flat or cum.`);
  }
  const width = columns.length;
  const nodes: Node[] = [];
  const nodesOfLocation = nodeTable(model, view, granularity, width, nodes);

  // Per visible stack: what its samples hold (own) and what they hold together with all stacks under it (below).
  const { stacks, samples, sampleTypes } = model;
  const own = new Float64Array(stacks.count * width);
  const below = new Float64Array(stacks.count * width);
  const used = new Uint8Array(stacks.count);
  for (let s = 0; s < samples.count; s++) {
    const row = s * sampleTypes.length;
    const stack = view.visible[samples.stack[s]!]!;
    for (let c = 0; c < width; c++) {
      const value = samples.values[row + columns[c]!]!;
      own[stack * width + c]! += value;
      if (value !== 0) used[stack]! |= c === 0 ? SHOWN : COUNTED;
    }
  }
  below.set(own);
  for (let i = stacks.count - 1; i > 0; i--) {
    if (used[i] === 0) continue;
    const parent = stacks.parent[i]!;
    used[parent]! |= used[i]!;
    for (let c = 0; c < width; c++) below[parent * width + c]! += below[i * width + c]!;
  }

  // Depth first from the root, so that a recursive function's cum counts at its outermost frame only.
  const firstChild = new Int32Array(stacks.count);
  const nextSibling = new Int32Array(stacks.count);
  for (let i = stacks.count - 1; i > 0; i--) {
    if (used[i] === 0) continue;
    const parent = stacks.parent[i]!;
    nextSibling[i] = firstChild[parent]!;
    firstChild[parent] = i;
  }
  const flat = nodes.map(() => new Float64Array(width));
  const active = new Int32Array(nodes.length);
  let at = 0;
  let caller = -1;
  const callers: number[] = [];
  // Calls on the way from the root: in a recursion only the outermost of equal calls says whether it was inlined,
  // and samples without a value of the type shown say nothing; both as in pprof.
  const calls = new Set<number>();
  const callsOnTheWay: number[] = [];
  const callsBefore: number[] = [];
  const enter = (stack: number) => {
    callers.push(caller);
    callsBefore.push(callsOnTheWay.length);
    const frames = nodesOfLocation[stacks.location[stack]!]!;
    for (let k = frames.length - 1; k >= 0; k--) {
      const id = frames[k]!;
      const node = nodes[id]!;
      if (active[id]!++ === 0) for (let c = 0; c < width; c++) node.values[c]! += below[stack * width + c]!;
      const call = caller * nodes.length + id;
      if (caller >= 0 && caller !== id && (used[stack]! & SHOWN) !== 0 && !calls.has(call)) {
        calls.add(call);
        callsOnTheWay.push(call);
        const inlined = k !== frames.length - 1;
        node.callers.set(caller, (node.callers.get(caller) ?? true) && inlined);
      }
      caller = id;
    }
    if (caller >= 0) for (let c = 0; c < width; c++) flat[caller]![c]! += own[stack * width + c]!;
  };
  const leave = (stack: number) => {
    for (const id of nodesOfLocation[stacks.location[stack]!]!) active[id]!--;
    caller = callers.pop()!;
    const before = callsBefore.pop()!;
    while (callsOnTheWay.length > before) calls.delete(callsOnTheWay.pop()!);
  };
  for (;;) {
    if (firstChild[at] !== 0) {
      at = firstChild[at]!;
      enter(at);
      continue;
    }
    while (at !== 0 && nextSibling[at] === 0) {
      leave(at);
      at = stacks.parent[at]!;
    }
    if (at === 0) break;
    leave(at);
    at = nextSibling[at]!;
    enter(at);
  }

  const rows: (TopRow & { readonly name: string })[] = [];
  for (const [id, node] of nodes.entries()) {
    const own = flat[id]!;
    if (own[0] === 0 && node.values[0] === 0) continue;
    const inlined = [...node.callers.values()];
    rows.push({
      function: node.function,
      file: node.file,
      line: node.line,
      name: node.name,
      flat: own[0]!,
      cum: node.values[0]!,
      flatObjects: width > 1 ? own[1]! : null,
      cumObjects: width > 1 ? node.values[1]! : null,
      inlined: inlined.includes(true) ? (inlined.includes(false) ? 'partly' : 'always') : 'no',
    });
  }
  const second = first === 'cum' ? 'flat' : 'cum';
  rows.sort(
    (a, b) =>
      Math.abs(b[first]) - Math.abs(a[first]) ||
      (a.name < b.name ? -1 : a.name > b.name ? 1 : Math.abs(b[second]) - Math.abs(a[second])),
  );
  return rows.map(({ name: _, ...row }) => row);
}

/** The nodes that each location's visible lines belong to, innermost first. */
function nodeTable(
  model: ProfileModel,
  view: StackView,
  granularity: Granularity,
  width: number,
  nodes: Node[],
): readonly (readonly number[])[] {
  const index = new Map<string, number>();
  const nodeOf = (name: string, file: string, line: number, object: string): number => {
    const shownFunction = granularity === 'files' ? '' : name;
    const shownFile = granularity === 'functions' || file === '' ? '' : normalize(file);
    const shownLine = granularity === 'lines' ? line : 0;
    const known = shownFunction !== '' || shownFile !== '' || shownLine !== 0;
    const printed = printedName(shownFunction, shownFile, shownLine, known ? '' : object);
    let id = index.get(printed);
    if (id === undefined) {
      id =
        nodes.push({
          function: known ? shownFunction : printed,
          file: shownFile,
          line: shownLine,
          name: printed,
          values: new Float64Array(width),
          callers: new Map(),
        }) - 1;
      index.set(printed, id);
    }
    return id;
  };
  return model.locations.map((location, i) => {
    const object = model.mappings[location.mapping]?.file ?? '';
    if (location.lines.length === 0) return [nodeOf('', '', 0, object)];
    return location.lines.slice(view.firstLine[i]!).map(({ function: fn, line }) => {
      const { name, file } = model.functions[fn] ?? { name: '', file: '' };
      return nodeOf(name, file, line, object);
    });
  });
}

function printedName(name: string, file: string, line: number, object: string): string {
  const parts = name === '' ? [] : [name];
  if (line !== 0) parts.push(`${file}:${line}`);
  else if (file !== '') parts.push(file);
  else if (name === '') parts.push(object === '' ? '<unknown>' : `[${basename(object)}]`);
  return parts.join(' ');
}

/** The table as text, header included. */
export function topText(model: ProfileModel, view: StackView, options: TopOptions = {}): string {
  const index = sampleTypeIndex(model, options.sampleType);
  const all = topRows(model, view, options);
  const rows = options.limit === undefined ? all : all.slice(0, Math.max(0, options.limit));
  const { type, unit } = model.sampleTypes[index]!;
  const total = totalOf(model, index);
  let smallest = 0;
  let shown = 0;
  for (const { flat, cum } of rows) {
    const value = Math.abs(flat) || Math.abs(cum);
    if (value > 0 && (smallest === 0 || value < smallest)) smallest = value;
    shown += flat;
  }
  const format = tableFormat(unit, smallest, total);
  const objects = options.objects !== false && rows.some((row) => row.flatObjects !== null);

  const lines = headerLines(model, type, format(total));
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
    const file = trimmedPath(row.file, options.trimPath);
    lines.push(`${columns.join(' ')}  ${printedName(row.function, file, row.line, '')}${inlined}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What shares are shares of: as in pprof, a difference that pprof wrote itself is compared with its base alone. */
function totalOf({ samples, sampleTypes }: ProfileModel, index: number): number {
  const ofBase = samples.labelSets.map((labels) =>
    labels.some((label) => label.key === 'pprof::base' && 'text' in label && label.text === 'true'),
  );
  let total = 0;
  let base = 0;
  for (let s = 0; s < samples.count; s++) {
    const value = Math.abs(samples.values[s * sampleTypes.length + index]!);
    total += value;
    if (ofBase[samples.labelSet[s]!]) base += value;
  }
  return base > 0 ? base : total;
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

/** As Go's layout `Jan 2, 2006 at 3:04pm (MST)`, always in UTC. */
// Not by toLocaleString, which loads the tables of Intl first: 20 ms.
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function printedTime(nanoseconds: bigint): string {
  const date = new Date(Number(nanoseconds / 1_000_000n));
  if (Number.isNaN(date.getTime())) return 'out of range';
  const month = MONTHS[date.getUTCMonth()];
  const hour = date.getUTCHours();
  const minute = String(date.getUTCMinutes()).padStart(2, '0');
  return `${month} ${date.getUTCDate()}, ${date.getUTCFullYear()} at ${hour % 12 || 12}:${minute}${hour < 12 ? 'am' : 'pm'} (UTC)`;
}

function trimmedPath(file: string, directory: string | undefined): string {
  if (directory === undefined || directory === '') return file;
  const prefix = directory.endsWith('/') ? directory : `${directory}/`;
  return file.startsWith(prefix) ? file.slice(prefix.length) : file;
}
