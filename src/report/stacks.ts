// The stacks of one report as its writers see them: the place that a tool can point at, and the frames that are
// shown. Each text has an object of its own, because the number of frames that are shown of a stack depends on how
// many were shown before.

import {
  type Frame,
  foldStacks,
  frameText,
  isBelow,
  rememberedByFrame,
  type ShownFrame,
  type ShownLimits,
  ShownStacks,
  type Stack,
  stackLines,
} from '../frames/index.ts';

/** Most frames of one stack that any report shows. */
const MOST = 128;

// A report of 10,000 deep records must stay below 20 MB. A frame takes 50 to 100 bytes in text, 200 in JSON, and
// 500 in SARIF.
export const inText: ShownLimits = { most: MOST, total: 50_000, least: 8 };
export const inJson: ShownLimits = { most: MOST, total: 30_000, least: 4 };
export const inSarif: ShownLimits = { most: MOST, total: 6_000, least: 3 };

/** Reads the stacks of a report for one writer. */
export class ReportStacks {
  /** Paths below this folder are relative to it. */
  readonly root: string | undefined;
  /**
   * The place that a tool can point at. Only frames whose source line is known count. It is the innermost C frame
   * below `root`, because nobody has the sources of a libc open; otherwise the innermost C frame; otherwise the
   * innermost frame of any language. Null when there is none. Wrappers of malloc (frames/wrappers.ts) count only where
   * there is nothing but wrappers.
   */
  readonly place: (stack: Stack) => Frame | null;
  /** A frame as text. */
  readonly text: (frame: Frame) => string;
  readonly #shown: ShownStacks;
  readonly #reduced: (stack: Stack) => Stack;

  /**
   * @param isWrapper whether a frame belongs to a function that allocates for others (frames/wrappers.ts)
   * @param reduced a stack without the frames that are not shown
   */
  constructor(
    root: string | undefined,
    limits: ShownLimits,
    isWrapper: (frame: Frame) => boolean,
    reduced: (stack: Stack) => Stack = (stack) => stack,
  ) {
    this.#reduced = reduced;
    this.root = root;
    this.place = sourceFrames(root, isWrapper);
    this.text = rememberedByFrame((frame) => frameText(frame, root));
    this.#shown = new ShownStacks(limits);
  }

  /** Whether there is still room for more than a few frames of each stack. */
  get plenty(): boolean {
    return this.#shown.plenty;
  }

  /** The frames and gaps of the next stack that are shown. Ask for the most important stack first. */
  shown(stack: Stack): readonly ShownFrame[] {
    return this.#shown.of(this.#reduced(stack));
  }

  /** The same as text, with a line for each frame and gap. */
  lines(stack: Stack, indent: string): string {
    return stackLines(this.shown(stack), this.text, indent).join('\n');
  }

  /** The function that a headline names; '' for the empty stack. */
  functionOf(stack: Stack): string {
    return (this.place(stack) ?? (stack.depth > 0 ? stack.frame : null))?.function ?? '';
  }
}

interface Places {
  readonly below: Frame | null;
  readonly c: Frame | null;
  readonly any: Frame | null;
}

function sourceFrames(
  root: string | undefined,
  isWrapper: (frame: Frame) => boolean,
): (stack: Stack) => Frame | null {
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
    // The caller of a wrapper stands for it.
    const inner = (caller: Frame | null) => (caller !== null && isWrapper(frame) ? caller : frame);
    return {
      below: isOurs(frame.file) ? inner(outer.below) : outer.below,
      c: inner(outer.c),
      any: inner(outer.any),
    };
  });
  return (stack) => {
    const found = places(stack);
    return found.below ?? found.c ?? found.any;
  };
}
