// Debug information is input from outside. With any bytes, reading types must end soon, and must raise no other errors
// than those of this package.

import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { threadTime } from '../../bench/clock.ts';
import { readModule, SectionId } from '../../src/binary/index.ts';
import { ModuleTypes, type ViewedMemory, viewAt } from '../../src/c-types/index.ts';
import { compile } from '../../src/compile/index.ts';
import { HeaplineError } from '../../src/errors.ts';
import { FULL } from '../support/full.ts';

interface Victim {
  readonly wasm: Uint8Array;
  /** File ranges of the debug sections that types are read from. */
  readonly debug: readonly { readonly start: number; readonly end: number }[];
}

const victims: Victim[] = [];

beforeAll(async () => {
  for (const [file, level] of [
    ['shapes.c', ['-O0', '-gdwarf-4']],
    ['shapes.c', ['-O2', '-gdwarf-5']],
    ['classes.cpp', ['-O0', '-g']],
  ] as const) {
    const path = new URL(`programs/${file}`, import.meta.url).pathname;
    const { wasm } = await compile([path], { toolchain: 'clang', flags: level });
    const debug = readModule(wasm)
      .sections.filter(
        ({ id, name }) => id === SectionId.Custom && /^\.debug_(?:info|abbrev|str|addr)/.test(name),
      )
      .map(({ content, end }) => ({ start: content, end }));
    victims.push({ wasm, debug });
  }
});

const bytes = new Uint8Array(4096).map((_, index) => index * 7);
const memory: ViewedMemory = {
  bytes,
  data: new DataView(bytes.buffer),
  frees: 0,
  checkOpen: () => {},
  blockAt: () => null,
};

/** Does all that can be done with types, and returns the time in milliseconds. */
function exercise(wasm: Uint8Array): number {
  const start = threadTime();
  const tolerant = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      expect(error).toBeInstanceOf(HeaplineError);
      return undefined;
    }
  };
  const types = tolerant(() => new ModuleTypes(wasm));
  if (types === undefined) return 0;
  const lines = tolerant(() => types.declarations()) ?? [];
  expect(lines.every((line) => typeof line === 'string')).toBe(true);
  for (const name of [
    'struct node',
    'point',
    'struct tail',
    'class ns::Shape',
    'enum color',
    'struct nothing',
  ]) {
    const view = tolerant(() => viewAt(types.find(name), 64, memory));
    // Integers of 64 bits are bigints, which JSON lacks.
    const text = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value);
    if (view !== undefined) tolerant(() => JSON.stringify(view, text));
  }
  return (threadTime() - start) / 1e6;
}

const RUNS = FULL ? 4000 : 250;
/** A limit in milliseconds that only an endless loop reaches, even on a busy machine. */
const SLOW = 30_000;

test('undamaged debug information is read', () => {
  for (const { wasm } of victims) {
    expect(exercise(wasm)).toBeLessThan(SLOW);
    expect(new ModuleTypes(wasm).known).toBe(true);
  }
});

test('debug sections with overwritten bytes are read or rejected', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(0, 1, 0x0b, 0x13, 0x7f, 0x80, 0xff)), {
    minLength: 1,
    maxLength: 32,
  });
  fc.assert(
    fc.property(fc.nat(2), damage, (which, changes) => {
      const { wasm, debug } = victims[which]!;
      const damaged = wasm.slice();
      for (const [section, place, value] of changes) {
        const { start, end } = debug[section % debug.length]!;
        if (end > start) damaged[start + (place % (end - start))] = value;
      }
      expect(exercise(damaged)).toBeLessThan(SLOW);
    }),
    { numRuns: RUNS },
  );
});

test('references to any other entry are read or rejected', () => {
  // Words that are offsets of entries: types then contain each other in all ways.
  fc.assert(
    fc.property(
      fc.nat(2),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 200 }),
      (which, changes) => {
        const { wasm, debug } = victims[which]!;
        const { start, end } = debug[0]!;
        const damaged = wasm.slice();
        const words = new DataView(damaged.buffer);
        for (const [place, target] of changes) {
          words.setUint32(start + (place % (end - start - 4)), target % (end - start), true);
        }
        expect(exercise(damaged)).toBeLessThan(SLOW);
      },
    ),
    { numRuns: RUNS },
  );
});

test('a section whose end is overwritten with one byte value is read or rejected', () => {
  fc.assert(
    fc.property(fc.nat(2), fc.nat(), fc.nat(), fc.nat(255), (which, section, place, value) => {
      const { wasm, debug } = victims[which]!;
      const { start, end } = debug[section % debug.length]!;
      const damaged = wasm.slice();
      damaged.fill(value, start + (place % Math.max(1, end - start)), end);
      expect(exercise(damaged)).toBeLessThan(SLOW);
    }),
    { numRuns: RUNS },
  );
});
