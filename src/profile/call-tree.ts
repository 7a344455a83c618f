// The tree of calls that hold the heap, the outermost functions first, each with what it holds together with all that it
// called. Calls of one function from one place in the tree are one row. Small rows and deep ones are left out, and counted.

import { normalize } from '../algorithms/posix-path.ts';
import { printable, relativePath, type StackView } from '../frames/index.ts';
import { readOptions } from '../options/option-table.ts';
import { viewOf } from './drop-frames.ts';
import type { ProfileModel } from './model.ts';
import { formatShare, tableFormat } from './quantity.ts';
import { sampleTypeIndex } from './sample-types.ts';
import { shownPart } from './shown-part.ts';
import { sumStacks } from './stack-sums.ts';
import { printedName, totalOf } from './top-rows.ts';
import { TREE_OPTIONS } from './tree-options.ts';

/** What a tree shows. */
export interface TreeOptions {
  /** Which values to show, such as `inuse_space`. Default: the profile's default type. */
  sampleType?: string;
  /** What a row stands for. Default `'functions'`. */
  granularity?: 'functions' | 'lines';
  /** The most levels. Default 64. */
  depth?: number;
  /** Leave out what holds less than this many percent. Default 1. */
  minShare?: number;
  /** Directory to remove from the start of paths. */
  trimPath?: string;
  /** Patterns of functions that allocate for others, which are left out, as in TopOptions. */
  wrappers?: readonly string[];
  /** The profile to which shares refer, where this one is a part of it. */
  whole?: ProfileModel;
}

/** One row of the tree. Rows are in the order in which the tree is printed. */
export interface TreeRow {
  /** 0 for the outermost functions. */
  readonly depth: number;
  readonly function: string;
  /** Source file; '' in a tree of functions, and when it is unknown. */
  readonly file: string;
  /** Source line of the call or allocation; 0 in a tree of functions, and when it is unknown. */
  readonly line: number;
  /** What was allocated here and in the functions called from here. */
  readonly total: number;
  /** What was allocated here. */
  readonly self: number;
  /** Rows below this one that are left out. */
  readonly left: number;
}

interface Node {
  readonly parent: number;
  readonly function: string;
  readonly file: string;
  readonly line: number;
  total: number;
  self: number;
  readonly children: number[];
}

/** The rows of the tree. */
export function treeRows(model: ProfileModel, options: TreeOptions = {}): TreeRow[] {
  return treeOf('treeRows', model, options).rows;
}

/** @param caller name of the function in messages about its options */
function treeOf(
  caller: string,
  model: ProfileModel,
  options: TreeOptions,
): { readonly rows: TreeRow[]; readonly index: number; readonly total: number; readonly note: string } {
  const { depth, minShare, whole = model, ...settings } = readOptions(caller, options, TREE_OPTIONS);
  const index = sampleTypeIndex(model, settings.sampleType);
  const { view, ...shown } = shownPart(model, viewOf(model), settings.wrappers);
  const nodes = nodesOf(shown.model, view, index, settings.granularity === 'lines');
  const total = totalOf(whole, index);
  const least = (total * minShare) / 100;
  const rows: TreeRow[] = [];
  const pending: { readonly node: number; readonly level: number }[] = [{ node: 0, level: -1 }];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const node = nodes[at.node]!;
    const level = at.level + 1;
    const held = node.children.filter((child) => weightOf(nodes[child]!) > 0);
    const shown = level >= depth ? [] : held.filter((child) => weightOf(nodes[child]!) >= least);
    if (at.level >= 0) {
      const { function: name, file, line, total, self } = node;
      const trimmed = settings.trimPath === undefined ? file : relativePath(file, settings.trimPath);
      const left = held.length - shown.length;
      rows.push({ depth: at.level, function: name, file: trimmed, line, total, self, left });
    }
    shown.sort(
      (a, b) =>
        weightOf(nodes[a]!) - weightOf(nodes[b]!) || (nodes[a]!.function < nodes[b]!.function ? 1 : -1),
    );
    for (const child of shown) pending.push({ node: child, level });
  }
  return { rows, index, total, note: shown.note };
}

/** The tree as text, with its header. */
export function treeText(model: ProfileModel, options: TreeOptions = {}): string {
  const { rows, index, total, note } = treeOf('treeText', model, options);
  const { type, unit } = model.sampleTypes[index]!;
  const values = rows
    .flatMap((row) => [row.total, row.self])
    .map(Math.abs)
    .filter((value) => value > 0);
  const format = tableFormat(
    unit,
    values.reduce((a, b) => Math.min(a, b), total),
    total,
  );
  const lines = [`Type: ${type}`, `Total: ${format(total)}`, '     total total%       self'];
  for (const row of rows) {
    const columns = [
      format(row.total).padStart(10),
      formatShare(row.total, total),
      format(row.self).padStart(10),
    ];
    const name = printable(printedName(row.function, row.file, row.line, ''));
    const left = row.left === 0 ? '' : `  (${row.left} smaller or deeper left out)`;
    lines.push(`${columns.join(' ')}  ${'  '.repeat(row.depth)}${name}${left}`);
  }
  return `${lines.join('\n')}\n${note}`;
}

function weightOf({ total }: Node): number {
  return Math.abs(total);
}

/** The nodes of the tree; the first one is above the outermost functions. A node comes after its parent. */
function nodesOf(model: ProfileModel, view: StackView, index: number, lines: boolean): Node[] {
  const { own } = sumStacks(model, view, [index]);
  const nodes: Node[] = [{ parent: -1, function: '', file: '', line: 0, total: 0, self: 0, children: [] }];
  const known = new Map<string, number>();
  const nodeOfStack = new Int32Array(model.stacks.count);
  const childOf = (parent: number, name: string, file: string, line: number): number => {
    const key = `${parent}\0${name}\0${file}\0${line}`;
    let child = known.get(key);
    if (child === undefined) {
      child = nodes.push({ parent, function: name, file, line, total: 0, self: 0, children: [] }) - 1;
      nodes[parent]!.children.push(child);
      known.set(key, child);
    }
    return child;
  };
  for (let stack = 0; stack < model.stacks.count; stack++) {
    let node = stack === 0 ? 0 : nodeOfStack[model.stacks.parent[stack]!]!;
    const location = model.stacks.location[stack]!;
    const shown =
      stack === 0 ? [] : (model.locations[location]?.lines.slice(view.firstLine[location]!) ?? []);
    for (const { function: id, line } of shown.reverse()) {
      const { name, file } = model.functions[id] ?? { name: '', file: '' };
      node = childOf(node, name, lines && file !== '' ? normalize(file) : '', lines ? line : 0);
    }
    nodeOfStack[stack] = node;
    nodes[node]!.self += own[stack]!;
  }
  for (let at = nodes.length - 1; at >= 0; at--) {
    const node = nodes[at]!;
    node.total += node.self;
    if (node.parent >= 0) nodes[node.parent]!.total += node.total;
  }
  return nodes;
}
