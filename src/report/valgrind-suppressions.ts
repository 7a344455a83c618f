// Suppressions in the format of Valgrind. A block in braces has a name, a line `Memcheck:Leak`, perhaps
// `match-leak-kinds:`, and the innermost frames of the stacks that it is for: `fun:`, `obj:` and `src:` with the
// wildcards `*` and `?`, and `...` for any number of frames. Further frames outside of these may be anything.
// Suppressions for other kinds of errors and for other tools of Valgrind are checked and left out. Reference:
// Valgrind's manual, section 2.5, and load_one_suppressions_file() in coregrind/m_errormgr.c.
//
// Valgrind's stacks start with the allocation function, and Heapline's with its caller. A first pattern that allows
// an allocation function is therefore matched with a frame that stands for it.

import { SuppressionError } from '../errors.ts';
import { ALLOCATION_FAMILY, type Frame, rememberedByFrame, stackOf } from '../frames/index.ts';
import type { LeakKind } from './leak-kinds.ts';
import type { LeakRecord } from './leak-report.ts';
import type { Suppression } from './suppressions.ts';

/** Valgrind's words for the classes. */
const KINDS: Readonly<Record<string, readonly LeakKind[]>> = {
  definite: ['definite'],
  indirect: ['indirect'],
  possible: ['possible'],
  reachable: ['reachable'],
  all: ['definite', 'indirect', 'possible', 'reachable'],
  none: [],
};
const KINDS_LINE = 'match-leak-kinds:';

/** A line of a file, without white space around it. */
interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/** Tells whether a frame matches; `null` stands for any number of frames. */
type FramePattern = ((frame: Frame | typeof ALLOCATOR, module: string) => boolean) | null;

/** Stands for the allocation function inside of the innermost frame. */
const ALLOCATOR = Symbol('allocation function');

/** Whether a suppression in this format starts with this line. */
export function startsValgrindSuppression(line: string): boolean {
  return line === '{';
}

/**
 * Reads the suppression that starts at the line `lines[at]`, which is a brace. Returns it, or null when it is for
 * something else than leaks, and the place behind its closing brace.
 */
export function parseValgrindSuppression(
  lines: readonly string[],
  at: number,
  file: string,
): { suppression: Suppression | null; next: number } {
  const reader = new BlockReader(lines, at, file);
  const name = reader.next('its name');
  const type = reader.next('its type, such as Memcheck:Leak');
  const [tools = '', kind = '', ...rest] = type.text.split(':');
  if (kind === '' || rest.length > 0) {
    throw reader.error(type, `"${type.text}" is not the type of a suppression, such as Memcheck:Leak`);
  }
  const leaks = tools.split(',').includes('Memcheck') && kind === 'Leak';
  // An argument of system calls stands here, for instance. Only Valgrind's own tools know which kinds have one.
  if (!leaks) {
    while (reader.next('its closing brace').text !== '}');
    return { suppression: null, next: reader.at };
  }
  let line = reader.next('its stack');
  let kinds = KINDS.all!;
  if (line.text.startsWith(KINDS_LINE)) {
    kinds = leakKindsOf(line, reader);
    line = reader.next('its stack');
  }
  const patterns: FramePattern[] = [];
  for (; line.text !== '}'; line = reader.next('its closing brace'))
    patterns.push(framePattern(line, reader));
  if (patterns.every((pattern) => pattern === null)) {
    throw reader.error(line, `suppression "${name.text}" has no frames, which would hide every leak`);
  }
  const matches = stackMatcher(patterns);
  const suppression = {
    text: name.text,
    file,
    line: name.number,
    matches: (record: LeakRecord, module: string) => kinds.includes(record.kind) && matches(record, module),
  };
  return { suppression, next: reader.at };
}

/** Gives the lines of one suppression. Empty lines and comments count nowhere, as in Valgrind. */
class BlockReader {
  at: number;
  readonly #lines: readonly string[];
  readonly #file: string;
  readonly #start: number;

  constructor(lines: readonly string[], start: number, file: string) {
    this.#lines = lines;
    this.#file = file;
    this.#start = start;
    this.at = start + 1;
  }

  /** @param missing what to miss when the file ends here */
  next(missing: string): Line {
    while (this.at < this.#lines.length) {
      const text = this.#lines[this.at++]!.trim();
      if (text !== '' && !text.startsWith('#')) return { text, number: this.at };
    }
    const start = { text: '{', number: this.#start + 1 };
    throw this.error(
      start,
      `the file ends inside of the suppression that starts here: ${missing} is missing`,
    );
  }

  error(line: Line, problem: string): SuppressionError {
    return new SuppressionError(this.#file, line.number, problem);
  }
}

function leakKindsOf(line: Line, reader: BlockReader): readonly LeakKind[] {
  const words = line.text.slice(KINDS_LINE.length).split(',');
  return words.flatMap((word) => {
    const kinds = Object.hasOwn(KINDS, word.trim()) ? KINDS[word.trim()] : undefined;
    if (kinds !== undefined) return kinds;
    throw reader.error(line, `unknown leak kind "${word.trim()}": write ${Object.keys(KINDS).join(', ')}`);
  });
}

function framePattern(line: Line, reader: BlockReader): FramePattern {
  if (line.text === '...') return null;
  const [, type, pattern] = /^(fun|obj|src):(.+)$/.exec(line.text) ?? [];
  if (pattern === undefined) {
    throw reader.error(line, `"${line.text.slice(0, 60)}" is not a frame: write fun:, obj:, src: or ...`);
  }
  const fits = (text: string) => matchesWildcards(pattern, text);
  if (type === 'obj') return (_, module) => fits(module);
  if (type === 'src') {
    const matches = rememberedByFrame(
      (frame) => fits(frame.file) || fits(baseOf(frame.file)) || fits(`${baseOf(frame.file)}:${frame.line}`),
    );
    return (frame) => frame !== ALLOCATOR && matches(frame);
  }
  const allocates = ALLOCATION_FAMILY.some(fits);
  const matches = rememberedByFrame((frame) => fits(frame.function) || fits(frame.linkageName));
  return (frame) => (frame === ALLOCATOR ? allocates : matches(frame));
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function stackMatcher(patterns: readonly FramePattern[]): (record: LeakRecord, module: string) => boolean {
  return (record, module) => {
    const frames = stackOf(record, 'frames').frames();
    return startsWith([ALLOCATOR, ...frames], patterns, module) || startsWith(frames, patterns, module);
  };
}

/** Whether the innermost frames match. Only the last `...` is ever tried again, so the time is a product of lengths. */
function startsWith(
  frames: readonly (Frame | typeof ALLOCATOR)[],
  patterns: readonly FramePattern[],
  module: string,
): boolean {
  let frame = 0;
  let pattern = 0;
  let again: { frame: number; readonly pattern: number } | null = null;
  while (pattern < patterns.length) {
    const matches = patterns[pattern]!;
    if (matches === null) {
      again = { frame, pattern: pattern + 1 };
      pattern++;
    } else if (frame < frames.length && matches(frames[frame]!, module)) {
      frame++;
      pattern++;
    } else if (again !== null && again.frame < frames.length) {
      again.frame++;
      frame = again.frame;
      pattern = again.pattern;
    } else return false;
  }
  return true;
}

/** Whether a text matches a pattern with `*` for any characters and `?` for one. */
function matchesWildcards(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    const c = pattern[p];
    if (c === '*') {
      star = p++;
      resume = t;
    } else if (c === '?' || c === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
