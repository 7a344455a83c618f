// Translates places in an instrumented module back to the original, which is what debug information speaks of.
// The instrumented code is the original one in runs of unchanged bytes with insertions between them, so a table of
// runs and a binary search say everything. The encoding (LEB128 deltas) takes about three bytes a run.

import type { ByteReader, ByteWriter } from '../binary/index.ts';

/** Runs of bytes that the instrumented code took over from the original, in order of both. */
export interface CodeRuns {
  readonly count: number;
  /** Start of each run, relative to the payload of the instrumented code section. */
  readonly instrumented: Uint32Array;
  /** Start of each run, relative to the payload of the original code section. */
  readonly original: Uint32Array;
  /** Bytes. */
  readonly length: Uint32Array;
}

/** Index of the last of the first `count` entries that is at most `value`, or -1. */
function lastAtMost(entries: Uint32Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Places in an instrumented module against places in the original. */
export class OffsetMap {
  constructor(
    /** File offset of the instrumented code section's payload. */
    readonly codeStart: number,
    readonly runs: CodeRuns,
  ) {}

  /**
   * Offset in the original code section's payload of the instruction at this offset of the instrumented file, as
   * engines print it (`wasm-function[7]:0x1a2b`). An inserted instruction counts as the one that it was inserted
   * before. Null in thunks and outside of code.
   */
  toOriginal(fileOffset: number): number | null {
    const { count, instrumented, original, length } = this.runs;
    const offset = fileOffset - this.codeStart;
    const run = lastAtMost(instrumented, count, offset);
    if (run < 0) return null;
    const within = offset - instrumented[run]!;
    if (within < length[run]!) return original[run]! + within;
    return run + 1 < count ? original[run + 1]! : null;
  }

  /** File offset in the instrumented module of an instruction of the original; null where none was taken over. */
  toInstrumented(originalOffset: number): number | null {
    const { count, instrumented, original, length } = this.runs;
    const run = lastAtMost(original, count, originalOffset);
    if (run < 0) return null;
    const within = originalOffset - original[run]!;
    return within < length[run]! ? this.codeStart + instrumented[run]! + within : null;
  }
}

/** Writes runs as deltas: bytes inserted before the run (doubled, plus one if bytes were left out), length. */
export function writeRuns(writer: ByteWriter, runs: CodeRuns): void {
  writer.unsigned(runs.count);
  let instrumented = 0;
  let original = 0;
  for (let run = 0; run < runs.count; run += 1) {
    const inserted = runs.instrumented[run]! - instrumented;
    const dropped = runs.original[run]! - original;
    const length = runs.length[run]!;
    writer.unsigned(inserted * 2 + (dropped > 0 ? 1 : 0));
    if (dropped > 0) writer.unsigned(dropped);
    writer.unsigned(length);
    instrumented += inserted + length;
    original += dropped + length;
  }
}

/** Reads what writeRuns wrote. Throws an InvalidModuleError when the data ends early or counts out of 32 bits. */
export function readRuns(reader: ByteReader): CodeRuns {
  const count = reader.count(2);
  const runs = {
    count,
    instrumented: new Uint32Array(count),
    original: new Uint32Array(count),
    length: new Uint32Array(count),
  };
  let instrumented = 0;
  let original = 0;
  for (let run = 0; run < count; run += 1) {
    const head = reader.u32();
    instrumented += head >>> 1;
    if ((head & 1) !== 0) original += reader.u32();
    const length = reader.u32();
    runs.instrumented[run] = instrumented;
    runs.original[run] = original;
    runs.length[run] = length;
    instrumented += length;
    original += length;
    if (instrumented > 0xffffffff || original > 0xffffffff) reader.fail('code offsets exceed 32 bits');
  }
  return runs;
}
