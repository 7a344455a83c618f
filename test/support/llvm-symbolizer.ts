// llvm-symbolizer, the outside oracle of the symbol tests. Up to LLVM 22 it takes offsets from the start of the code
// section payload. If a version took other offsets, no line would agree and the tests would fail.

import { spawnSync } from 'node:child_process';
import { posix } from 'node:path';
import { Opcode, readModule, skipInstruction } from '../../src/binary/index.ts';
import type { Symbolizer } from '../../src/symbols/index.ts';

const CALLS = new Set<number>([Opcode.Call, Opcode.CallIndirect, 0x12, 0x13, 0x14, 0x15]);

/** Offsets of all call opcodes, from the start of the code section payload. */
export function callOffsets(wasm: Uint8Array): number[] {
  return instructionOffsets(wasm, (opcode) => CALLS.has(opcode));
}

/** Offsets of the instructions with certain opcodes. */
export function instructionOffsets(wasm: Uint8Array, wanted: (opcode: number) => boolean): number[] {
  const module = readModule(wasm);
  const offsets: number[] = [];
  for (const body of module.bodies) {
    let at = skipLocals(wasm, body.start);
    while (at < body.end) {
      if (wanted(wasm[at]!)) offsets.push(at - module.codeStart);
      at = skipInstruction(wasm, at, body.end);
    }
  }
  return offsets;
}

function skipLocals(wasm: Uint8Array, start: number): number {
  let at = start;
  const leb = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  for (let groups = leb(); groups > 0; groups--) {
    leb();
    at++; // C has no value types beyond one byte
  }
  return at;
}

export interface OracleFrame {
  /** '' if llvm-symbolizer does not know the name; the same applies to `file`. */
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The frames that llvm-symbolizer prints for each offset, innermost first. */
export function llvmFrames(
  path: string,
  offsets: readonly number[],
  tool = 'llvm-symbolizer-22',
): OracleFrame[][] {
  const { status, stdout, stderr, error } = spawnSync(tool, ['--functions=short', `--obj=${path}`], {
    input: offsets.map((offset) => `0x${offset.toString(16)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (error !== undefined || status !== 0) throw new Error(`${tool} failed: ${error?.message ?? stderr}`);
  const stacks = stdout
    .trimEnd()
    .split('\n\n')
    .map((block) => {
      const lines = block.split('\n');
      const frames: OracleFrame[] = [];
      for (let i = 0; i + 1 < lines.length; i += 2) {
        const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(lines[i + 1]!)!;
        frames.push({
          function: lines[i] === '??' ? '' : lines[i]!,
          file: file === '??' ? '' : posix.normalize(file!),
          line: Number(line),
          column: Number(column),
        });
      }
      return frames;
    });
  if (stacks.length !== offsets.length)
    throw new Error(`${tool}: ${stacks.length} answers to ${offsets.length} offsets`);
  return stacks;
}

export interface Comparison {
  /** Number of offsets that were looked up. */
  compared: number;
  /** Number of offsets about which the oracle knows nothing: code without debug information. */
  unknown: number;
  /** Number of offsets with at least one inlined frame. */
  inlined: number;
  /** Readable descriptions of the offsets whose frames differ. */
  differences: string[];
}

/** Compares the frames of a Symbolizer with those of the oracle at every given offset. */
export function compareFrames(
  symbolizer: Symbolizer,
  path: string,
  offsets: readonly number[],
  tool?: string,
): Comparison {
  const comparison: Comparison = { compared: 0, unknown: 0, inlined: 0, differences: [] };
  llvmFrames(path, offsets, tool).forEach((expected, index) => {
    const offset = offsets[index]!;
    comparison.compared++;
    if (expected.every((frame) => frame.function === '' && frame.file === '')) {
      comparison.unknown++;
      return;
    }
    if (expected.length > 1) comparison.inlined++;
    const actual = symbolizer.frames(offset);
    const theirs = expected.map(describe);
    const ours = actual.map((frame, depth) =>
      describe({ ...frame, function: expected[depth]?.function === '' ? '' : frame.function }),
    );
    const marked = actual.every((frame, depth) => frame.inlined === depth < actual.length - 1);
    if (theirs.join('\n') !== ours.join('\n') || !marked) {
      comparison.differences.push(
        `0x${offset.toString(16)}\n  llvm     ${theirs.join('\n           ')}\n  heapline ${ours.join('\n           ')}`,
      );
    }
  });
  return comparison;
}

function describe({ function: name, file, line, column }: OracleFrame): string {
  return `${name} ${file}:${line}:${column}`;
}
