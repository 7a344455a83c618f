// The stacks of one report, as all its writers see them: the place of each that a tool can point at, and what is shown
// of it. Made anew for every text, because what is shown of a stack depends on how much was shown before.

import type { Frame } from '../errors.ts';
import {
  foldStacks,
  frameText,
  isBelow,
  rememberedByFrame,
  type ShownFrame,
  type ShownLimits,
  ShownStacks,
  type Stack,
  stackLines,
  stackOf,
} from '../frames/index.ts';
import type { HeapFaultRecord } from './leak-report.ts';

/** Frames shown of one stack in any report. */
const MOST = 128;

// 10,000 deep records are to stay below 20 MB. A frame takes 50 to 100 bytes in text, 200 in JSON, 500 in SARIF.
export const inText: ShownLimits = { most: MOST, total: 50_000, least: 8 };
export const inJson: ShownLimits = { most: MOST, total: 30_000, least: 4 };
export const inSarif: ShownLimits = { most: MOST, total: 6_000, least: 3 };

/** Reads the stacks of a report for one writer. */
export class ReportStacks {
  /** Folder below which paths are relative to it. */
  readonly root: string | undefined;
  /**
   * The place that a tool can point at: of the frames whose source line is known the innermost one of C below `root`,
   * since nobody has the sources of a libc before them; else the innermost one of C; else any. Null when there is none.
   */
  readonly place: (stack: Stack) => Frame | null;
  /** A frame as text. */
  readonly text: (frame: Frame) => string;
  readonly #shown: ShownStacks;

  constructor(root: string | undefined, limits: ShownLimits) {
    this.root = root;
    this.place = sourceFrames(root);
    this.text = rememberedByFrame((frame) => frameText(frame, root));
    this.#shown = new ShownStacks(limits);
  }

  /** Whether there is room for more than the least of each stack. */
  get plenty(): boolean {
    return this.#shown.plenty;
  }

  /** What is shown of the next stack, the most important one first. */
  shown(stack: Stack): readonly ShownFrame[] {
    return this.#shown.of(stack);
  }

  /** The same as text, a line for each frame and gap. */
  lines(stack: Stack, indent: string): string {
    return stackLines(this.shown(stack), this.text, indent).join('\n');
  }

  /** Name of the function that a headline names; '' for the empty stack. */
  functionOf(stack: Stack): string {
    return (this.place(stack) ?? (stack.depth > 0 ? stack.frame : null))?.function ?? '';
  }
}

interface Places {
  readonly below: Frame | null;
  readonly c: Frame | null;
  readonly any: Frame | null;
}

function sourceFrames(root: string | undefined): (stack: Stack) => Frame | null {
  const below = new Map<string, boolean>();
  const isOurs = (file: string): boolean => {
    const known = below.get(file) ?? isBelow(file, root);
    below.set(file, known);
    return known;
  };
  const none: Places = { below: null, c: null, any: null };
  const places = foldStacks(none, (outer, frame): Places => {
    if (frame.file === '' || frame.line <= 0) return outer;
    if (frame.language !== 'c') return { ...outer, any: frame };
    return { below: isOurs(frame.file) ? frame : outer.below, c: frame, any: frame };
  });
  return (stack) => {
    const found = places(stack);
    return found.below ?? found.c ?? found.any;
  };
}

/** The three stacks of a fault under their titles, as far as they are known. */
export function faultStacks(fault: HeapFaultRecord): readonly (readonly [string, Stack])[] {
  const stacks: [string, Stack][] = [['here', stackOf(fault, 'frames')]];
  const freed = stackOf(fault, 'freedAt');
  if (freed !== null) stacks.push(['freed before', freed]);
  const allocated = stackOf(fault, 'allocatedAt');
  if (allocated !== null) stacks.push(['allocated', allocated]);
  return stacks;
}
