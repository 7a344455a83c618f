// Translates places in a rewritten module back to the original, which is what debug information speaks of.
// The rewritten code is the original code in runs of unchanged bytes with insertions between them, so a table
// of runs and a binary search answer every question.

import { lastAtMost } from '../algorithms/binary-search.ts';
import { type CodeRuns, RunRecorder } from './code-runs.ts';

/** Places in a rewritten module against places in the original. */
export class OffsetMap {
  constructor(
    /** File offset of the rewritten code section's payload. */
    readonly codeStart: number,
    readonly runs: CodeRuns,
  ) {}

  /**
   * Offset in the original code section's payload of the instruction at this offset of the rewritten file, as
   * engines print it (`wasm-function[7]:0x1a2b`). An inserted instruction counts as the one that it was
   * inserted before. Null in appended functions and outside of code.
   */
  toOriginal(fileOffset: number): number | null {
    const { count, rewritten, original, length } = this.runs;
    const offset = fileOffset - this.codeStart;
    const run = lastAtMost(rewritten, offset, 0, count);
    if (run < 0) return null;
    const within = offset - rewritten[run]!;
    if (within < length[run]!) return original[run]! + within;
    return run + 1 < count ? original[run + 1]! : null;
  }

  /** File offset in the rewritten module of an instruction of the original; null if the instruction was left out. */
  toRewritten(originalOffset: number): number | null {
    const { count, rewritten, original, length } = this.runs;
    const run = lastAtMost(original, originalOffset, 0, count);
    if (run < 0) return null;
    const within = originalOffset - original[run]!;
    return within < length[run]! ? this.codeStart + rewritten[run]! + within : null;
  }

  /**
   * The map of two rewritings in a row: `earlier` made the module that this map calls the original. The
   * result leads from the module of this map to the original of `earlier`.
   */
  after(earlier: OffsetMap): OffsetMap {
    return new OffsetMap(this.codeStart, joinRuns(this.runs, earlier.runs));
  }
}

/** Splits the runs of `later` where those of `earlier` begin and end; both are in order. */
function joinRuns(later: CodeRuns, earlier: CodeRuns): CodeRuns {
  const joined = new RunRecorder(later.count + earlier.count);
  let inner = 0;
  for (let run = 0; run < later.count; run += 1) {
    const start = later.original[run]!;
    const end = start + later.length[run]!;
    while (inner < earlier.count && earlier.rewritten[inner]! + earlier.length[inner]! <= start) inner += 1;
    for (let each = inner; each < earlier.count && earlier.rewritten[each]! < end; each += 1) {
      const from = Math.max(start, earlier.rewritten[each]!);
      const to = Math.min(end, earlier.rewritten[each]! + earlier.length[each]!);
      const original = earlier.original[each]! + (from - earlier.rewritten[each]!);
      joined.add(later.rewritten[run]! + (from - start), original, to - from);
    }
  }
  return joined.take();
}
