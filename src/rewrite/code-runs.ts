// The runs of code that a rewritten module takes over from the original: what an offset map consists of. The encoding
// (LEB128 deltas) takes about three bytes a run.

import type { ByteReader, ByteWriter } from '../binary/index.ts';

/** Runs of bytes that the rewritten code took over from the original, in order of both. */
export interface CodeRuns {
  readonly count: number;
  /** Start of each run, relative to the payload of the rewritten code section. */
  readonly rewritten: Uint32Array;
  /** Start of each run, relative to the payload of the original code section. */
  readonly original: Uint32Array;
  /** Bytes. */
  readonly length: Uint32Array;
}

/** Collects runs in order; runs that continue each other on both sides become one. */
export class RunRecorder {
  #count = 0;
  readonly #rewritten: Uint32Array;
  readonly #original: Uint32Array;
  readonly #length: Uint32Array;

  /** @param capacity most runs that will be added */
  constructor(capacity: number) {
    this.#rewritten = new Uint32Array(capacity);
    this.#original = new Uint32Array(capacity);
    this.#length = new Uint32Array(capacity);
  }

  /**
   * Notes that `length` bytes at `original` are now at `rewritten`; both count from the payload of the code
   * section.
   */
  add(rewritten: number, original: number, length: number): void {
    if (length === 0) return;
    const last = this.#count - 1;
    if (
      last >= 0 &&
      this.#original[last]! + this.#length[last]! === original &&
      this.#rewritten[last]! + this.#length[last]! === rewritten
    ) {
      this.#length[last]! += length;
      return;
    }
    this.#rewritten[this.#count] = rewritten;
    this.#original[this.#count] = original;
    this.#length[this.#count] = length;
    this.#count += 1;
  }

  take(): CodeRuns {
    const count = this.#count;
    return {
      count,
      rewritten: this.#rewritten.slice(0, count),
      original: this.#original.slice(0, count),
      length: this.#length.slice(0, count),
    };
  }
}

/** Writes runs as deltas: bytes inserted before the run (doubled, plus one if bytes were left out), length. */
export function writeRuns(writer: ByteWriter, runs: CodeRuns): void {
  writer.unsigned(runs.count);
  let rewritten = 0;
  let original = 0;
  for (let run = 0; run < runs.count; run += 1) {
    const inserted = runs.rewritten[run]! - rewritten;
    const dropped = runs.original[run]! - original;
    const length = runs.length[run]!;
    writer.unsigned(inserted * 2 + (dropped > 0 ? 1 : 0));
    if (dropped > 0) writer.unsigned(dropped);
    writer.unsigned(length);
    rewritten += inserted + length;
    original += dropped + length;
  }
}

/** Reads what writeRuns wrote. Throws an InvalidModuleError if the data ends early or an offset exceeds 32 bits. */
export function readRuns(reader: ByteReader): CodeRuns {
  const count = reader.count(2);
  const runs = {
    count,
    rewritten: new Uint32Array(count),
    original: new Uint32Array(count),
    length: new Uint32Array(count),
  };
  let rewritten = 0;
  let original = 0;
  for (let run = 0; run < count; run += 1) {
    const head = reader.u32();
    rewritten += head >>> 1;
    if ((head & 1) !== 0) original += reader.u32();
    const length = reader.u32();
    runs.rewritten[run] = rewritten;
    runs.original[run] = original;
    runs.length[run] = length;
    rewritten += length;
    original += length;
    if (rewritten > 0xffffffff || original > 0xffffffff) reader.fail('code offsets exceed 32 bits');
  }
  return runs;
}
