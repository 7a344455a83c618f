// A baseline: the leaks that a project knows of and lives with, so that a check fails on new ones only. It is a
// JSON file that people review and merge, so one frame takes one line and nothing in it changes without a reason.
//
// A leak is known by its C stack: function, file (relative to the root) and the line counted from the start of the
// function, so that edits elsewhere in the file change nothing. Repeated frames count once (depth of recursion),
// and JS frames count only when there is no C frame. An edit inside the function moves the line: what is left over
// on both sides is therefore paired again by function and file alone, one entry for one stack. A second leak added
// beside a known one thus is new, and a known one that moved is not. A known leak covers its stack in the same or
// a milder class; sizes are for the reader. Frames in libraries of the toolchain (libc, the C++ library) do not count, unless
// there are no others: each toolchain has its own, and a baseline holds with all of them.

import { createHash } from 'node:crypto';
import { BaselineError, type Frame } from '../errors.ts';
import { checkOptionNames } from '../option-names.ts';
import { type JsonNode, JsonSyntaxError, parseJsonLines } from './json-lines.ts';
import {
  defaultLeakKinds,
  type LeakKind,
  type LeakRecord,
  type LeakReport,
  leakKinds,
} from './leak-report.ts';
import { relativePath } from './wording.ts';

const FORMAT = 'heapline-leak-baseline';
/** Version of the baseline file. */
export const BASELINE_VERSION = 1;

/** A frame of a known leak. */
export interface BaselineFrame {
  readonly function: string;
  /** Relative to the root where it lies below it, with forward slashes. */
  readonly file: string;
  /** Lines from the start of the function; null when that is not known. */
  readonly line: number | null;
}

/** A leak that is known. */
export interface BaselineLeak {
  /** The gravest class that was seen. */
  readonly kind: LeakKind;
  readonly blocks: number;
  readonly bytes: number;
  /** Innermost frame first. */
  readonly stack: readonly BaselineFrame[];
}

/** The known leaks of a program. */
export interface Baseline {
  readonly leaks: readonly BaselineLeak[];
}

/** What makes two machines agree on a stack. */
export interface BaselineOptions {
  /** Folder to which paths are relative: the project's. */
  readonly root?: string;
}

const OPTIONS = ['root'] as const satisfies readonly (keyof BaselineOptions)[];

/** The baseline that knows every leak of a report, those known before included. */
export function baselineOf(
  report: LeakReport,
  options: BaselineOptions & { readonly kinds?: readonly LeakKind[] } = {},
): Baseline {
  checkOptionNames('baselineOf', options, [...OPTIONS, 'kinds']);
  const kinds = options.kinds ?? defaultLeakKinds;
  const leaks = new Map<string, BaselineLeak>();
  for (const record of [...report.records, ...(report.known ?? [])]) {
    if (!kinds.includes(record.kind)) continue;
    const stack = baselineStack(record.frames, options.root);
    const key = fineKey(stack);
    const known = leaks.get(key);
    leaks.set(key, {
      kind: known === undefined ? record.kind : graver(known.kind, record.kind),
      blocks: record.blocks + (known?.blocks ?? 0),
      bytes: record.bytes + (known?.bytes ?? 0),
      stack,
    });
  }
  const order = [...leaks.keys()].sort();
  return { leaks: order.map((key) => leaks.get(key)!) };
}

/** The report with the known leaks set aside: what is left in `records` is new. Errors are always new. */
export function applyBaseline(
  report: LeakReport,
  baseline: Baseline,
  options: BaselineOptions = {},
): LeakReport {
  checkOptionNames('applyBaseline', options, OPTIONS);
  const exact = new Map(
    baseline.leaks.map(({ stack, ...leak }) => {
      const own = ownFrames(stack);
      return [fineKey(own), { ...leak, stack: own }];
    }),
  );
  const stacks = new Map<
    string,
    { readonly stack: readonly BaselineFrame[]; readonly records: LeakRecord[] }
  >();
  for (const record of report.records) {
    const stack = baselineStack(record.frames, options.root);
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
  return report.with({ records, known });
}

/** A baseline as the text of its file. */
export function formatBaseline(baseline: Baseline): string {
  const leaks = baseline.leaks.map((leak) => {
    const head = `"kind": ${JSON.stringify(leak.kind)}, "blocks": ${leak.blocks}, "bytes": ${leak.bytes}`;
    const frames = leak.stack.map(
      (frame) =>
        `        { "function": ${JSON.stringify(frame.function)}, "file": ${JSON.stringify(frame.file)}, "line": ${frame.line} }`,
    );
    const stack = frames.length === 0 ? '[]' : `[\n${frames.join(',\n')}\n      ]`;
    return `    {\n      ${head},\n      "stack": ${stack}\n    }`;
  });
  const list = leaks.length === 0 ? '[]' : `[\n${leaks.join(',\n')}\n  ]`;
  return `{\n  "format": "${FORMAT}",\n  "version": ${BASELINE_VERSION},\n  "leaks": ${list}\n}\n`;
}

/** Reads the text of a baseline file. Raises BaselineError that names file and line. */
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
    if (of.type !== 'object') return fail(of, 'an object must stand here');
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
  const seen = new Set<string>();
  const leaks = list(root, 'leaks').map((node): BaselineLeak => {
    const kind = string(node, 'kind') as LeakKind;
    if (!leakKinds.includes(kind)) {
      fail(member(node, 'kind'), `"kind" must be one of ${leakKinds.join(', ')}`);
    }
    const stack = list(node, 'stack').map((frame): BaselineFrame => {
      const line = member(frame, 'line');
      return {
        function: string(frame, 'function'),
        file: string(frame, 'file'),
        // A function's inlined or macro-made part may stand above its own declaration.
        line:
          line.type === 'literal' && line.value === null
            ? null
            : count(line, 'line', Number.MIN_SAFE_INTEGER),
      };
    });
    const key = fineKey(stack);
    if (seen.has(key)) fail(node, 'this stack is listed twice');
    seen.add(key);
    return {
      kind,
      blocks: count(member(node, 'blocks'), 'blocks', 0),
      bytes: count(member(node, 'bytes'), 'bytes', 0),
      stack,
    };
  });
  return { leaks };
}

/** A stack's identity over builds and machines: 32 hexadecimal digits. Equal where a baseline sees one stack. */
export function stackFingerprint(frames: readonly Frame[], root?: string): string {
  return createHash('sha256')
    .update(fineKey(baselineStack(frames, root)))
    .digest('hex')
    .slice(0, 32);
}

/** Sources of libc and the C++ library, as toolchains build them. */
const LIBRARY_FILE = /(^|\/)(system\/lib|libc-(top|bottom)-half|c\+\+\/v1|libcxx|libcxxabi|libc\/musl)\//;

function baselineStack(frames: readonly Frame[], root: string | undefined): BaselineFrame[] {
  const c = frames.filter((frame) => frame.language === 'c');
  const stack: BaselineFrame[] = [];
  let before = '';
  for (const frame of ownFrames(c.length > 0 ? c : frames)) {
    const entry = {
      function: frame.function,
      file: relativePath(frame.file, root),
      line: frame.line > 0 && frame.startLine > 0 ? frame.line - frame.startLine : null,
    };
    const key = fineKey([entry]);
    if (key !== before) stack.push(entry);
    before = key;
  }
  return stack;
}

/** The stack without the frames of libraries, which earlier releases wrote. */
function ownFrames<F extends { readonly file: string }>(stack: readonly F[]): readonly F[] {
  const own = stack.filter(({ file }) => file !== '' && !LIBRARY_FILE.test(file));
  return own.length > 0 ? own : stack;
}

function fineKey(stack: readonly BaselineFrame[]): string {
  return stack.map((frame) => `${frame.function}\0${frame.file}\0${frame.line ?? ''}`).join('\0\0');
}

function coarseKey(stack: readonly BaselineFrame[]): string {
  const names = stack.map((frame) => `${frame.function}\0${frame.file}`);
  return names.filter((name, index) => name !== names[index - 1]).join('\0\0');
}

function compareLines(a: readonly BaselineFrame[], b: readonly BaselineFrame[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i]!.line ?? 0) - (b[i]!.line ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

// Definite and indirect are equally lost: which of the two a block is depends on its neighbours.
function gravity(kind: LeakKind): number {
  return { definite: 2, indirect: 2, possible: 1, reachable: 0 }[kind];
}

function graver(a: LeakKind, b: LeakKind): LeakKind {
  return leakKinds.indexOf(a) <= leakKinds.indexOf(b) ? a : b;
}
