// The text that Go's net/http/pprof writes for debug=1, which comes from gperftools: a line of totals, then one
// record per stack `in use: bytes [allocated: bytes] @ addresses`, with comment lines that name each address. pprof
// reads it. `heap/2` says that the numbers are exact (pprof halves the rate, and a rate of 1 needs no scaling).
// Reference: runtime/pprof/pprof.go, writeHeapInternal and printStackRecord.

import { STEP, type Steps } from '../algorithms/steps.ts';
import { boundedStack, CUT, omittedCalls, quantity, shapeOf, TRUNCATED } from '../frames/index.ts';
import type { ProfileModel } from './model.ts';
import { isSize } from './quantity.ts';

/** Records that are written between two yields. */
const TEXT_STEP = 64;

export function* legacyText(model: ProfileModel): Steps<string> {
  const { samples, stacks, locations } = model;
  const width = model.sampleTypes.length;
  const [allocObjects, allocBytes, liveObjects, liveBytes] = recordColumns(model);
  const shape = shapeOf(stacks);

  // The text has no labels, so samples that differ only in their labels are one record.
  const records = new Map<number, [number, number, number, number]>();
  const total: [number, number, number, number] = [0, 0, 0, 0];
  for (let s = 0; s < samples.count; s++) {
    if (s % STEP === 0) yield;
    const row = s * width;
    const stack = samples.stack[s]!;
    let record = records.get(stack);
    if (record === undefined) {
      record = [0, 0, 0, 0];
      records.set(stack, record);
    }
    for (const [i, column] of [liveObjects, liveBytes, allocObjects, allocBytes].entries()) {
      record[i]! += column < 0 ? 0 : samples.values[row + column]!;
    }
  }
  for (const record of records.values()) {
    // Memory outside of heaps has no count of objects, and pprof rejects bytes without an object.
    for (const i of [0, 2]) if (record[i] === 0 && record[i + 1] !== 0) record[i] = 1;
    for (const [i, value] of record.entries()) total[i]! += value;
  }

  const parts = [`heap profile: ${counts(total)} @ heap/2\n`];
  const sorted = [...records].sort(([, a], [, b]) => b[1] - a[1] || b[3] - a[3]);
  for (const [i, [stack, record]] of sorted.entries()) {
    if (i % TEXT_STEP === 0) yield;
    const bounded = boundedStack(stacks, shape, stack);
    const chain = bounded.filter((at) => at !== CUT);
    const addresses = chain.map((at) => `0x${locations[at]!.address.toString(16)}`);
    parts.push(
      `${counts(record)} @${chain.map((at) => ` ${returnAddress(locations[at]!.address)}`).join('')}\n`,
    );
    const rows: string[][] = [];
    for (const [i, at] of chain.entries()) {
      if (bounded[i] === CUT) {
        rows.push(['#', '', `${TRUNCATED}: ${quantity(omittedCalls(shape.depth[stack]!), 'call')}`]);
      }
      const { lines } = locations[at]!;
      if (lines.length === 0) rows.push(['#', addresses[i]!]);
      for (const { function: fn, line } of lines) {
        const { name, file } = model.functions[fn] ?? { name: '', file: '' };
        const cells = ['#', addresses[i]!, oneLine(name) || '?'];
        if (file !== '') cells.push(`${oneLine(file)}:${line}`);
        rows.push(cells);
      }
    }
    parts.push(aligned(rows), '\n');
  }
  return parts.join('');
}

/** Readers would take the rest of a name for a record if it continued on another line. */
function oneLine(name: string): string {
  return name.replace(/[\r\n]+/g, ' ');
}

/**
 * Records have return addresses, from which readers subtract one. The lines below have the addresses of the calls.
 */
function returnAddress(address: number | bigint): string {
  const next = typeof address === 'bigint' ? BigInt.asUintN(64, address + 1n) : address + 1;
  return `0x${next.toString(16)}`;
}

function counts([liveObjects, liveBytes, allocObjects, allocBytes]: readonly number[]): string {
  return `${liveObjects}: ${liveBytes} [${allocObjects}: ${allocBytes}]`;
}

/** Columns of allocated objects and bytes, and of in-use objects and bytes. Kinds with one pair show it as both. */
function recordColumns(model: ProfileModel): readonly [number, number, number, number] {
  const find = (name: string) => model.sampleTypes.findIndex(({ type }) => type === name);
  const live = [find('inuse_objects'), find('inuse_space')] as const;
  const alloc = [find('alloc_objects'), find('alloc_space')] as const;
  if (live[1] >= 0) return alloc[1] >= 0 ? [...alloc, ...live] : [...live, ...live];
  // A profile may show objects first, but the text always has bytes.
  const sizes = model.sampleTypes.filter(({ unit }) => isSize(unit));
  const shown = sizes.find(({ type }) => type === model.defaultSampleType) ?? sizes[0]!;
  const space = model.sampleTypes.indexOf(shown);
  const objects = model.sampleTypes.findIndex(({ unit }) => unit === 'count');
  return [objects, space, objects, space];
}

/** Columns separated by tabs of 8, as Go's text/tabwriter does it. Cells at the end of a row are not padded. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.slice(0, -1).entries()) {
      widths[i] = Math.max(widths[i] ?? 0, Math.ceil((cell.length + 1) / 8) * 8);
    }
  }
  let text = '';
  for (const row of rows) {
    for (const [i, cell] of row.entries()) {
      text += cell;
      if (i < row.length - 1) text += '\t'.repeat(Math.ceil((widths[i]! - cell.length) / 8));
    }
    text += '\n';
  }
  return text;
}
