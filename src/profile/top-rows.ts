// The rows of the table of `go tool pprof -top`: how much each function, line or file holds itself (flat), and
// together with everything that it called (cum).

import { basename, normalize } from '../algorithms/posix-path.ts';
import type { StackView } from '../frames/index.ts';
import type { SettingsOf } from '../options/option-table.ts';
import type { ProfileModel } from './model.ts';
import type { TOP_OPTIONS } from './profile-options.ts';
import { objectsIndex, sampleTypeIndex } from './sample-types.ts';
import { type Node, sumNodes, sumStacks } from './stack-sums.ts';

/** What a row of the table stands for. */
export type Granularity = 'functions' | 'lines' | 'files';

/** What a table shows. */
export interface TopOptions {
  /** Which values to show, such as `inuse_space`. Default: the profile's default type. */
  sampleType?: string;
  /** What a row stands for. Default `'lines'`. */
  granularity?: Granularity;
  /** Sort by own values, or by values together with everything called. Default `'flat'`. */
  sort?: 'flat' | 'cum';
  /** Show at most this many rows. Default: all rows. */
  limit?: number;
  /** Show the number of objects if the profile has it (default true). */
  objects?: boolean;
  /** Directory to remove from the start of paths, for narrower output. */
  trimPath?: string;
  /**
   * Frames of functions that allocate for others, such as `xmalloc`, are left out, so that their callers have what they
   * allocated: `go tool pprof -hide` with the expression in the profile's comments has the same figures. The profile says
   * which functions these are; here patterns name more of them, and behind `!` those to show. `['!*']` shows all.
   */
  wrappers?: readonly string[];
}

export type TopSettings = SettingsOf<typeof TOP_OPTIONS>;

/** One row of the table. */
export interface TopRow {
  /** Function name; '' in a table of files. */
  readonly function: string;
  /** Source file; '' in a table of functions, and when it is unknown. */
  readonly file: string;
  /** Source line; 0 in tables of functions and files, and when it is unknown. */
  readonly line: number;
  /** What was allocated here, in the unit of the sample type. */
  readonly flat: number;
  /** What was allocated here and in the functions called from here. */
  readonly cum: number;
  /** Number of objects in `flat`; null when the profile does not count objects. */
  readonly flatObjects: number | null;
  /** Objects that belong to `cum`; null when the profile does not count them. */
  readonly cumObjects: number | null;
  /** Whether the function was inlined into its callers: nowhere, in some places, or everywhere. */
  readonly inlined: 'no' | 'partly' | 'always';
}

/** All rows, sorted. Rows whose sums are zero are left out, as in pprof. */
export function topRows(model: ProfileModel, view: StackView, settings: TopSettings): TopRow[] {
  const { sampleType, granularity, sort } = settings;
  const index = sampleTypeIndex(model, sampleType);
  const objects = objectsIndex(model, index);
  const columns = objects < 0 ? [index] : [index, objects];
  const nodes: Node[] = [];
  const nodesOfLocation = nodeTable(model, view, granularity, columns.length, nodes);
  sumNodes(model.stacks, nodesOfLocation, nodes, sumStacks(model, view, columns));
  return sortedRows(nodes, sort);
}

/** The rows of all nodes that have values. */
function sortedRows(nodes: readonly Node[], first: 'flat' | 'cum'): TopRow[] {
  const rows: (TopRow & { readonly name: string })[] = [];
  for (const { name, file, line, ...node } of nodes) {
    const [flat, flatObjects = null] = node.flat;
    const [cum, cumObjects = null] = node.cum;
    if (flat === 0 && cum === 0) continue;
    const calls = [...node.callers.values()];
    const inlined = calls.includes(true) ? (calls.includes(false) ? 'partly' : 'always') : 'no';
    const values = { flat: flat!, cum: cum!, flatObjects, cumObjects };
    rows.push({ function: node.function, file, line, name, ...values, inlined });
  }
  const second = first === 'cum' ? 'flat' : 'cum';
  rows.sort(
    (a, b) =>
      Math.abs(b[first]) - Math.abs(a[first]) ||
      (a.name < b.name ? -1 : a.name > b.name ? 1 : Math.abs(b[second]) - Math.abs(a[second])),
  );
  return rows.map(({ name: _, ...row }) => row);
}

/** For each location the nodes of its visible lines, innermost first. */
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
          flat: new Float64Array(width),
          cum: new Float64Array(width),
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

/** The name that pprof prints for a row. */
export function printedName(name: string, file: string, line: number, object: string): string {
  const parts = name === '' ? [] : [name];
  if (line !== 0) parts.push(`${file}:${line}`);
  else if (file !== '') parts.push(file);
  else if (name === '') parts.push(object === '' ? '<unknown>' : `[${basename(object)}]`);
  return parts.join(' ');
}

/**
 * The total to which shares refer. As in pprof, the shares of a difference that pprof wrote refer to its base
 * alone.
 */
export function totalOf({ samples, sampleTypes }: ProfileModel, index: number): number {
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
