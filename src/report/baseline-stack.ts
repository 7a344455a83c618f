// The form in which a baseline keeps a stack. It decides which stacks are the same across builds and machines.
//
// A baseline keeps the C frames with their function, their file relative to the root, and their line counted from
// the start of the function. JS frames count only when there is no C frame. Frames in libraries of the toolchain
// (libc, the C++ library) count only when there are no others, because each toolchain has its own libraries and a
// baseline holds with all toolchains. Repeated calls count once, also in cycles of several functions, so the depth
// of a recursion does not matter. The middle of a stack that is still very deep is kept as a hash.

import { type Frame, foldStacks, gapText, isLibraryFile, relativePath, type Stack } from '../frames/index.ts';

/** A frame of a known leak. */
export interface BaselineFrame {
  /** Name of the function, or how many frames are left out here. */
  readonly function: string;
  /** Path with forward slashes, relative to the root when the file lies below it. */
  readonly file: string;
  /** Lines from the start of the function; null when the line or the start is not known. */
  readonly line: number | null;
  /** Only where `function` says that frames are left out: a hash of the omitted frames and of those further out. */
  readonly hash?: string;
}

/** Longest cycle of calls that counts once. */
const LONGEST_CYCLE = 32;
/** Longest stack that is written out whole. A longer one is written with this many frames of each end. */
const MOST = 128;
const INNERMOST = 24;
const OUTERMOST = 8;

/** Frames from the outermost one inwards, without repeated cycles. */
interface Trace {
  readonly frame: BaselineFrame;
  readonly outer: Trace | null;
  readonly length: number;
  /** The two halves of a hash of all frames. */
  readonly high: number;
  readonly low: number;
  /** The traces with one more frame, as far as anybody asked for them. */
  readonly next: Map<BaselineFrame, Trace>;
}

/** Makes a function that gives the frames by which a baseline knows a stack, innermost first. */
export function baselineStacks(root: string | undefined): (stack: Stack) => readonly BaselineFrame[] {
  const intern = interning();
  const known = new Map<Frame, BaselineFrame>();
  const step = (outer: Trace | null, frame: Frame): Trace => {
    let entry = known.get(frame);
    if (entry === undefined) {
      const line = frame.line > 0 && frame.startLine > 0 ? frame.line - frame.startLine : null;
      entry = intern({ function: frame.function, file: relativePath(frame.file, root), line });
      known.set(frame, entry);
    }
    return push(outer, entry);
  };
  const traceOf = (counts: (frame: Frame) => boolean) =>
    foldStacks<Trace | null>(null, (outer, frame) => (counts(frame) ? step(outer, frame) : outer));
  const isC = ({ language }: Frame) => language === 'c';
  const ofC = traceOf(isC);
  const ofOwnC = traceOf((frame) => isC(frame) && isOwn(frame));
  const ofOwn = traceOf(isOwn);
  const ofAll = traceOf(() => true);
  // All stacks of a recursion lead to a few traces.
  const written = new WeakMap<Trace, readonly BaselineFrame[]>();
  return (stack) => {
    const c = ofC(stack);
    const trace = c === null ? (ofOwn(stack) ?? ofAll(stack)) : (ofOwnC(stack) ?? c);
    if (trace === null) return [];
    const frames = written.get(trace) ?? bounded(trace);
    written.set(trace, frames);
    return frames;
  };
}

/** Whether a frame is outside of the toolchain's libraries. */
function isOwn({ file }: { readonly file: string }): boolean {
  return file !== '' && !isLibraryFile(file);
}

/**
 * Brings a stack of a baseline file into this form. An older release may have written it with repeated calls and with
 * frames of libraries.
 */
export function normalised(stack: readonly BaselineFrame[]): readonly BaselineFrame[] {
  const intern = interning();
  let trace: Trace | null = null;
  const own = stack.filter((frame) => isOwn(frame) || frame.hash !== undefined);
  for (const frame of (own.some(isOwn) ? own : [...stack]).reverse()) trace = push(trace, intern(frame));
  return trace === null ? [] : bounded(trace);
}

/** Makes a function that gives one object for equal frames. */
function interning(): (frame: BaselineFrame) => BaselineFrame {
  const frames = new Map<string, BaselineFrame>();
  return (frame) => {
    const key = frameKey(frame);
    const known = frames.get(key) ?? frame;
    frames.set(key, known);
    return known;
  };
}

/** A key that tells stacks apart. */
export function fineKey(stack: readonly BaselineFrame[]): string {
  return stack.map(frameKey).join('\0\0');
}

/** A key that tells stacks apart only by functions and files. */
export function coarseKey(stack: readonly BaselineFrame[]): string {
  const names = stack.map((frame) => `${frame.function}\0${frame.file}`);
  return names.filter((name, index) => name !== names[index - 1]).join('\0\0');
}

function frameKey({ function: name, file, line, hash }: BaselineFrame): string {
  return `${name}\0${file}\0${line ?? ''}${hash === undefined ? '' : `\0${hash}`}`;
}

function push(outer: Trace | null, frame: BaselineFrame): Trace {
  const known = outer?.next.get(frame);
  if (known !== undefined) return known;
  const trace = extended(outer, frame);
  outer?.next.set(frame, trace);
  return trace;
}

/** The trace with one more frame. When a cycle now stands there twice, one of them is removed. */
function extended(outer: Trace | null, frame: BaselineFrame): Trace {
  const [high, low] = hashed(outer, frameKey(frame));
  const next = new Map<BaselineFrame, Trace>();
  const trace: Trace = { frame, outer, length: (outer?.length ?? 0) + 1, high, low, next };
  let before = outer;
  for (let period = 1; period <= LONGEST_CYCLE && before !== null; period++, before = before.outer) {
    if (before.frame === frame && isTwice(trace, before, period)) return before;
  }
  return trace;
}

/** Whether the `period` frames from `inner` on equal those from `outer` on. */
function isTwice(inner: Trace, outer: Trace, period: number): boolean {
  let x: Trace | null = inner;
  let y: Trace | null = outer;
  for (let i = 0; i < period; i++, x = x.outer!, y = y.outer) {
    if (y === null || x.frame !== y.frame) return false;
  }
  return true;
}

/** FNV-1a over UTF-16 units, with two primes. */
function hashed(outer: Trace | null, text: string): [high: number, low: number] {
  let high = outer?.high ?? 0x811c9dc5;
  let low = outer?.low ?? 0x9dc5811c;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x5bd1e995);
  }
  return [high >>> 0, low >>> 0];
}

function bounded(trace: Trace): readonly BaselineFrame[] {
  const frames: BaselineFrame[] = [];
  for (let at: Trace | null = trace; at !== null; at = at.outer) {
    if (trace.length > MOST && frames.length === INNERMOST) {
      const omitted = at.length - OUTERMOST;
      const hash = [at.high, at.low].map((half) => half.toString(16).padStart(8, '0')).join('');
      frames.push({ function: `[${gapText({ omitted, period: 0 })}]`, file: '', line: null, hash });
      while (at.outer !== null && at.length > OUTERMOST) at = at.outer;
    }
    frames.push(at.frame);
  }
  return frames;
}
