// Debug information is input from outside. With any bytes, opening and looking up must end soon, must raise
// no other error than an InvalidModuleError, and must give a frame for every offset.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { threadTime } from '../../bench/clock.ts';
import { readModule, SectionId } from '../../src/binary/index.ts';
import { InvalidModuleError } from '../../src/errors.ts';
import { Symbolizer } from '../../src/symbols/index.ts';
import { FULL } from '../support/full.ts';
import { callOffsets } from '../support/llvm-symbolizer.ts';
import { build } from '../support/symbol-modules.ts';
import { nestedInlines, shapes } from '../support/symbol-programs.ts';

interface Victim {
  readonly wasm: Uint8Array;
  readonly offsets: readonly number[];
  /** File ranges of the debug sections. */
  readonly debug: readonly { start: number; end: number }[];
}

const victims: Victim[] = [];

beforeAll(async () => {
  for (const flags of [
    ['-g', '-gdwarf-4', '-O2'],
    ['-g', '-gdwarf-5', '-O1'],
  ]) {
    for (const program of [nestedInlines, shapes]) {
      const wasm = new Uint8Array(readFileSync(await build(program, { toolchain: 'clang-22', flags })));
      const debug = readModule(wasm)
        .sections.filter(({ id, name }) => id === SectionId.Custom && name.startsWith('.debug_'))
        .map(({ content, end }) => ({ start: content, end }));
      const offsets = callOffsets(wasm);
      victims.push({ wasm, debug, offsets: offsets.filter((_, index) => index % 3 === 0) });
    }
  }
});

// Looks up every offset and returns the time in milliseconds.
function exercise(wasm: Uint8Array, offsets: readonly number[]): number {
  const start = threadTime();
  let symbolizer: Symbolizer;
  try {
    symbolizer = Symbolizer.open(wasm);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidModuleError);
    return 0;
  }
  for (const offset of offsets) {
    const frames = symbolizer.frames(offset);
    expect(frames.length).toBeGreaterThan(0);
    for (const frame of frames) {
      expect(frame.function).not.toBe('');
      symbolizer.handsOutMemory(frame);
    }
  }
  expect(symbolizer.warnings.every((warning) => warning.length > 0)).toBe(true);
  return (threadTime() - start) / 1e6;
}

const RUNS = FULL ? 5000 : 300;
/** A limit in milliseconds that only an endless loop reaches, even on a busy machine. */
const SLOW = 30_000;

test('questions about the same functions do not use up the work that one module may cause', () => {
  const { wasm, offsets } = victims[0]!;
  const fresh = Symbolizer.open(wasm);
  const asked = Symbolizer.open(wasm);
  const inlined = offsets.find((offset) => asked.frames(offset)[0]!.inlined)!;
  const [frame] = asked.frames(inlined);
  for (let time = 0; time < 500_000; time += 1) asked.handsOutMemory(frame!);
  expect(offsets.map((offset) => asked.frames(offset))).toEqual(
    offsets.map((offset) => fresh.frames(offset)),
  );
  expect(asked.warnings).toEqual([]);
});

describe('damaged debug information', () => {
  test('debug sections with overwritten bytes still give frames', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x2a)), {
      minLength: 1,
      maxLength: 24,
    });
    fc.assert(
      fc.property(fc.nat(3), damage, (which, changes) => {
        const { wasm, debug, offsets } = victims[which]!;
        const damaged = wasm.slice();
        for (const [section, place, value] of changes) {
          const { start, end } = debug[section % debug.length]!;
          if (end > start) damaged[start + (place % (end - start))] = value;
        }
        expect(exercise(damaged, offsets)).toBeLessThan(SLOW);
      }),
      { numRuns: RUNS },
    );
  });

  test('a section whose end is overwritten with one byte value still gives frames', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(), fc.nat(), fc.nat(255), (which, section, place, value) => {
        const { wasm, debug, offsets } = victims[which]!;
        const { start, end } = debug[section % debug.length]!;
        const damaged = wasm.slice();
        damaged.fill(value, start + (place % Math.max(1, end - start)), end);
        expect(exercise(damaged, offsets)).toBeLessThan(SLOW);
      }),
      { numRuns: RUNS },
    );
  });

  test('sections that are cut short still give frames', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(), fc.nat(), (which, section, place) => {
        const { wasm, debug, offsets } = victims[which]!;
        const { start, end } = debug[section % debug.length]!;
        expect(
          exercise(cutSection(wasm, start, start + (place % Math.max(1, end - start)), end), offsets),
        ).toBeLessThan(SLOW);
      }),
      { numRuns: RUNS },
    );
  });

  test('swapped debug sections still give frames', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(), fc.nat(), (which, one, other) => {
        const { wasm, debug, offsets } = victims[which]!;
        const a = debug[one % debug.length]!;
        const b = debug[other % debug.length]!;
        const damaged = wasm.slice();
        damaged.set(wasm.subarray(b.start, Math.min(b.end, b.start + a.end - a.start)), a.start);
        expect(exercise(damaged, offsets)).toBeLessThan(SLOW);
      }),
      { numRuns: 60 },
    );
  });

  test('a module that is cut anywhere is either rejected or read', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(), (which, place) => {
        const { wasm, offsets } = victims[which]!;
        exercise(wasm.slice(0, place % wasm.length), offsets);
      }),
      { numRuns: RUNS },
    );
  });
});

// Drops [cut, end) from a custom section by making this part a custom section of its own after the cut one.
// The length of the first section shrinks, and its LEB128 is padded to as many bytes as before.
function cutSection(wasm: Uint8Array, content: number, cut: number, end: number): Uint8Array {
  const section = readModule(wasm).sections.find((each) => each.content === content)!;
  const header = wasm.subarray(section.start, content);
  let lengthBytes = 1;
  while (header[lengthBytes]! >= 0x80) lengthBytes++;
  const body = cut - (section.start + 1 + lengthBytes);
  const result = new Uint8Array(wasm.length - (end - cut));
  result.set(wasm.subarray(0, cut));
  result.set(wasm.subarray(end), cut);
  for (let at = 0; at < lengthBytes; at++) {
    result[section.start + 1 + at] =
      (Math.floor(body / 128 ** at) & 0x7f) | (at < lengthBytes - 1 ? 0x80 : 0);
  }
  return result;
}
