// A baseline lists the leaks and heap faults that a project knows of and lives with, so that a check fails only on new
// ones. It is
// a JSON file that people review and merge. Each frame therefore takes one line, and nothing in the file changes
// without a reason.
//
// A leak is known by its stack (baseline-stack.ts). Lines are counted from the start of the function, so edits
// elsewhere in the file change nothing. An edit inside the function moves the line. Entries and stacks that are
// left over are therefore paired again only by function and file, one entry for one stack. So a second leak beside
// a known one is new, and a known one that moved is not. A known leak covers its stack in the same or a milder
// class. The sizes are there for people who read the file.

import { BaselineError } from '../errors.ts';
import {
  type Frame,
  faultWords,
  type HeapFaultKind,
  type Stack,
  stackOf,
  stackOfFrames,
} from '../frames/index.ts';
import { text } from '../options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../options/option-table.ts';
import { platform } from '../platform/index.ts';
import { addFault, type BaselineFault, knownFaults, partedFaults } from './baseline-faults.ts';
import { type BaselineFrame, baselineStacks, coarseKey, fineKey, normalised } from './baseline-stack.ts';
import { type JsonNode, JsonSyntaxError, parseJsonLines } from './json-lines.ts';
import { anyLeakKinds, defaultLeakKinds, type LeakKind, leakKinds } from './leak-kinds.ts';
import type { LeakRecord, LeakReport } from './leak-report.ts';
import { wholeOf } from './lost-trees.ts';

const FORMAT = 'heapline-leak-baseline';
/** Version of the baseline file. */
export const BASELINE_VERSION = 1;

/** A known leak. */
export interface BaselineLeak {
  /** The gravest class in which it was seen. */
  readonly kind: LeakKind;
  /** Blocks that were lost there, with those that hang on them. */
  readonly blocks: number;
  /** Bytes of these blocks. */
  readonly bytes: number;
  /** Innermost frame first. */
  readonly stack: readonly BaselineFrame[];
}

/** The known leaks of a program. */
export interface Baseline {
  /** The known leaks, one per stack. */
  readonly leaks: readonly BaselineLeak[];
  /** The known heap faults, one for each kind and stack; none when it is left out. */
  readonly faults?: readonly BaselineFault[];
}

/** How stacks are made the same on two machines. */
export interface BaselineOptions {
  /** The project's folder, to which paths are relative. */
  readonly root?: string;
}

const OPTIONS = { root: text } satisfies OptionTable<BaselineOptions>;
const BASELINE_OF_OPTIONS = {
  ...OPTIONS,
  kinds: withDefault(anyLeakKinds, defaultLeakKinds),
} satisfies OptionTable<BaselineOptions & { readonly kinds?: readonly LeakKind[] }>;

/** The baseline of every leak and heap fault in a report, including those that were known before. */
export function baselineOf(
  report: LeakReport,
  options: BaselineOptions & { readonly kinds?: readonly LeakKind[] } = {},
): Baseline {
  const { kinds, root } = readOptions('baselineOf', options, BASELINE_OF_OPTIONS);
  const leaks = new Map<string, BaselineLeak>();
  const stackIn = baselineStacks(root);
  for (const record of [...report.records, ...(report.known ?? [])]) {
    if (!kinds.includes(record.kind)) continue;
    const { kind } = record;
    const { blocks, bytes } = wholeOf(record);
    addLeak(leaks, { kind, blocks, bytes, stack: stackIn(stackOf(record, 'frames')) });
  }
  const order = [...leaks.keys()].sort();
  const faults = knownFaults([...report.errors, ...report.knownErrors], root);
  return { leaks: order.map((key) => leaks.get(key)!), ...(faults.length === 0 ? {} : { faults }) };
}

/** The report with the known leaks and heap faults set aside, so that `records` and `errors` have only new ones. */
export function applyBaseline(
  report: LeakReport,
  baseline: Baseline,
  options: BaselineOptions = {},
): LeakReport {
  const { root } = readOptions('applyBaseline', options, OPTIONS);
  const exact = new Map(
    baseline.leaks.map(({ stack, ...leak }) => {
      const own = normalised(stack);
      return [fineKey(own), { ...leak, stack: own }];
    }),
  );
  const stacks = new Map<
    string,
    { readonly stack: readonly BaselineFrame[]; readonly records: LeakRecord[] }
  >();
  const stackIn = baselineStacks(root);
  for (const record of report.records) {
    const stack = stackIn(stackOf(record, 'frames'));
    const key = fineKey(stack);
    const group = stacks.get(key);
    if (group === undefined) stacks.set(key, { stack, records: [record] });
    else group.records.push(record);
  }
  const spare = new Map<string, BaselineLeak[]>();
  for (const [key, leak] of exact) {
    if (stacks.has(key)) continue;
    const coarse = coarseKey(leak.stack);
    spare.set(coarse, [...(spare.get(coarse) ?? []), leak]);
  }
  for (const leaks of spare.values()) leaks.sort((a, b) => compareLines(a.stack, b.stack));

  const records: LeakRecord[] = [];
  const known: LeakRecord[] = [...(report.known ?? [])];
  const inLineOrder = [...stacks.entries()].sort(([, a], [, b]) => compareLines(a.stack, b.stack));
  for (const [key, group] of inLineOrder) {
    const leak = exact.get(key) ?? spare.get(coarseKey(group.stack))?.shift();
    for (const record of group.records) {
      (leak !== undefined && gravity(record.kind) <= gravity(leak.kind) ? known : records).push(record);
    }
  }
  const faults = partedFaults(report.errors, baseline.faults ?? [], root);
  const knownErrors = [...report.knownErrors, ...faults.known];
  return report.with({ records, known, errors: faults.unknown, knownErrors });
}

/** A baseline as the text of its file. */
export function formatBaseline({ leaks, faults = [] }: Baseline): string {
  const leakEntries = leaks.map(({ kind, blocks, bytes, stack }) =>
    entryText(`"kind": ${JSON.stringify(kind)}, "blocks": ${blocks}, "bytes": ${bytes}`, stack),
  );
  const faultEntries = faults.map(({ kind, count, stack }) =>
    entryText(`"kind": ${JSON.stringify(kind)}, "count": ${count}`, stack),
  );
  const members = [
    `"format": "${FORMAT}"`,
    `"version": ${BASELINE_VERSION}`,
    `"leaks": ${listText(leakEntries)}`,
    ...(faults.length === 0 ? [] : [`"faults": ${listText(faultEntries)}`]),
  ];
  return `{\n  ${members.join(',\n  ')}\n}\n`;
}

function listText(entries: readonly string[]): string {
  return entries.length === 0 ? '[]' : `[\n${entries.join(',\n')}\n  ]`;
}

function entryText(head: string, stack: readonly BaselineFrame[]): string {
  const frames = stack.map(
    (frame) =>
      `        { "function": ${JSON.stringify(frame.function)}, "file": ${JSON.stringify(frame.file)}, "line": ${frame.line}${frame.hash === undefined ? '' : `, "hash": ${JSON.stringify(frame.hash)}`} }`,
  );
  return `    {\n      ${head},\n      "stack": ${listOfFrames(frames)}\n    }`;
}

function listOfFrames(frames: readonly string[]): string {
  return frames.length === 0 ? '[]' : `[\n${frames.join(',\n')}\n      ]`;
}

/** Reads the text of a baseline file. Throws a BaselineError that names the file and the line. */
export function parseBaseline(text: string, file: string): Baseline {
  let root: JsonNode;
  try {
    root = parseJsonLines(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new BaselineError(file, error.line, error.problem);
    throw error;
  }
  const fail = (node: JsonNode, problem: string): never => {
    throw new BaselineError(file, node.line, problem);
  };
  const member = (of: JsonNode, name: string): JsonNode => {
    if (of.type !== 'object') return fail(of, 'expected an object');
    return of.members.get(name) ?? fail(of, `"${name}" is missing`);
  };
  const string = (of: JsonNode, name: string): string => {
    const node = member(of, name);
    return node.type === 'string' ? node.value : fail(node, `"${name}" must be a string`);
  };
  const count = (node: JsonNode, name: string, least: number): number => {
    if (node.type === 'number' && Number.isSafeInteger(node.value) && node.value >= least) return node.value;
    return fail(node, `"${name}" must be a whole number`);
  };
  const list = (of: JsonNode, name: string): readonly JsonNode[] => {
    const node = member(of, name);
    return node.type === 'array' ? node.items : fail(node, `"${name}" must be a list`);
  };

  if (root.type !== 'object' || root.members.get('format') === undefined) {
    fail(root, `not a leak baseline: "format": "${FORMAT}" is missing`);
  }
  if (string(root, 'format') !== FORMAT) {
    fail(member(root, 'format'), `not a leak baseline: "format" must be "${FORMAT}"`);
  }
  const version = member(root, 'version');
  if (version.type !== 'number' || version.value !== BASELINE_VERSION) {
    fail(version, `this release reads version ${BASELINE_VERSION} of baselines only: write it anew`);
  }
  const stackIn = (node: JsonNode): readonly BaselineFrame[] =>
    list(node, 'stack').map((frame): BaselineFrame => {
      const line = member(frame, 'line');
      return {
        function: string(frame, 'function'),
        file: string(frame, 'file'),
        // A function's inlined or macro-made part may stand above its own declaration.
        line:
          line.type === 'literal' && line.value === null
            ? null
            : count(line, 'line', Number.MIN_SAFE_INTEGER),
        ...(frame.type === 'object' && frame.members.has('hash') ? { hash: string(frame, 'hash') } : {}),
      };
    });
  const kindIn = <Kind extends string>(node: JsonNode, kinds: readonly Kind[]): Kind => {
    const kind = string(node, 'kind') as Kind;
    return kinds.includes(kind)
      ? kind
      : fail(member(node, 'kind'), `"kind" must be one of ${kinds.join(', ')}`);
  };
  const once = (seen: Set<string>, key: string, node: JsonNode): void => {
    if (seen.has(key)) fail(node, 'this stack is listed twice');
    seen.add(key);
  };
  const seen = new Set<string>();
  const leaks = new Map<string, BaselineLeak>();
  for (const node of list(root, 'leaks')) {
    const kind = kindIn(node, leakKinds);
    const stack = stackIn(node);
    once(seen, fineKey(stack), node);
    addLeak(leaks, {
      kind,
      blocks: count(member(node, 'blocks'), 'blocks', 0),
      bytes: count(member(node, 'bytes'), 'bytes', 0),
      stack: normalised(stack),
    });
  }
  const faults = new Map<string, BaselineFault>();
  const seenFaults = new Set<string>();
  // Files of older releases have none.
  const listed = root.type === 'object' && root.members.has('faults') ? list(root, 'faults') : [];
  for (const node of listed) {
    const kind = kindIn(node, Object.keys(faultWords) as HeapFaultKind[]);
    const stack = stackIn(node);
    once(seenFaults, `${kind} ${fineKey(stack)}`, node);
    addFault(faults, { kind, count: count(member(node, 'count'), 'count', 1), stack: normalised(stack) });
  }
  return { leaks: [...leaks.values()], ...(faults.size === 0 ? {} : { faults: [...faults.values()] }) };
}

/** A stack's identity over builds and machines: 32 hexadecimal digits. Equal where a baseline sees one stack. */
export function stackFingerprint(frames: readonly Frame[], root?: string): string {
  return stackFingerprints(root)(stackOfFrames(frames));
}

/** The same for many stacks. */
export function stackFingerprints(root: string | undefined): (stack: Stack) => string {
  const stackIn = baselineStacks(root);
  // Stacks of one recursion have one fingerprint.
  const known = new WeakMap<readonly BaselineFrame[], string>();
  return (stack) => {
    const frames = stackIn(stack);
    let fingerprint = known.get(frames);
    if (fingerprint === undefined) {
      fingerprint = platform().sha256(fineKey(frames)).slice(0, 32);
      known.set(frames, fingerprint);
    }
    return fingerprint;
  };
}

/** Adds a leak to those known by their stacks. Leaks with the same stack become one. */
function addLeak(leaks: Map<string, BaselineLeak>, leak: BaselineLeak): void {
  const key = fineKey(leak.stack);
  const known = leaks.get(key);
  leaks.set(key, {
    kind: known === undefined ? leak.kind : graver(known.kind, leak.kind),
    blocks: leak.blocks + (known?.blocks ?? 0),
    bytes: leak.bytes + (known?.bytes ?? 0),
    stack: leak.stack,
  });
}

function compareLines(a: readonly BaselineFrame[], b: readonly BaselineFrame[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i]!.line ?? 0) - (b[i]!.line ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

// Definite and indirect leaks are equally lost: which of the two a block is depends on its neighbours.
function gravity(kind: LeakKind): number {
  return { definite: 2, indirect: 2, possible: 1, reachable: 0 }[kind];
}

function graver(a: LeakKind, b: LeakKind): LeakKind {
  return leakKinds.indexOf(a) <= leakKinds.indexOf(b) ? a : b;
}
