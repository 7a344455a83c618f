// The module reader reads a linked module as wasm-objdump does, and every damaged module that V8 accepts.

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExternalKind, readModule } from '../../src/binary/index.ts';
import { HeaplineError } from '../../src/errors.ts';
import { SectionId } from '../support/module-builder.ts';
import { Workshop } from '../support/workshop.ts';

const source = `
  static int table_entry(int x) { return x + 1; }
  static int other_entry(int x) { return x - 1; }
  int (*const entries[])(int) = {table_entry, other_entry};
  static int counters[100] = {1, 2, 3};
  __attribute__((import_module("env"), import_name("host"))) int host(const char *);
  __attribute__((export_name("work"))) int work(int n) {
    int sum = host("text");
    for (int i = 0; i < n; i += 1) sum += entries[i & 1](i) + counters[i % 100];
    switch (n) { case 1: return 5; case 2: return sum; case 3: return 9; case 4: return sum / n; default: return sum; }
  }
`;

let workshop: Workshop;
let linked: Uint8Array;
beforeAll(() => {
  workshop = new Workshop();
  const object = workshop.object(workshop.file('.c', source));
  const path = workshop.path('.wasm');
  execFileSync('wasm-ld-22', ['--no-entry', '--export-table', object, '-o', path]);
  linked = new Uint8Array(workshop.read(path));
});
afterAll(() => workshop.remove());

test('a linked module is read as wasm-objdump reads it', () => {
  const read = readModule(linked);
  const details = workshop.run('wasm-objdump', '-x', workshop.file('.wasm', linked));
  const headers = workshop.run('wasm-objdump', '-h', workshop.file('.wasm', linked));
  const theirs = [...headers.matchAll(/^ +(\w+) start=0x(\w+) end=0x(\w+)/gm)].map((line) => ({
    end: Number.parseInt(line[3]!, 16),
    payload: Number.parseInt(line[2]!, 16),
  }));
  expect(read.sections.map(({ end }) => end)).toEqual(theirs.map(({ end }) => end));
  const headerOfCode = theirs[read.sections.findIndex(({ id }) => id === SectionId.Code)]!;
  expect(read.codeStart).toBe(headerOfCode.payload);
  expect(read.codeEnd).toBe(headerOfCode.end);
  const sizes = [...details.matchAll(/^ - func\[\d+\] size=(\d+)/gm)].map((line) => Number(line[1]));
  expect(read.bodies.map(({ start, end }) => end - start)).toEqual(sizes);
  expect(read.imports.map((each) => `${each.module}.${each.name}`)).toEqual(['env.host']);
  expect(read.export('work', ExternalKind.Function)?.index).toBeGreaterThan(0);
  expect(read.elements).toHaveLength(1);
  expect(read.elements[0]!.functions).toHaveLength(2);
  expect([...read.functionNames().values()]).toContain('table_entry');
  expect(read.customSection('.debug_info')?.length).toBeGreaterThan(0);
  expect(read.customSection('absent')).toBeUndefined();
});

describe('arbitrary damage', () => {
  /** Reads a module and returns the error that was thrown, which must be one of Heapline's. */
  const failure = (bytes: Uint8Array): HeaplineError | null => {
    try {
      const read = readModule(bytes);
      read.functionNames();
      return null;
    } catch (error) {
      if (error instanceof HeaplineError) return error;
      throw error;
    }
  };

  test('a module that is cut anywhere is either rejected or read', () => {
    for (let length = 0; length < linked.length; length += 7) {
      const cut = linked.subarray(0, length);
      const error = failure(cut);
      if (WebAssembly.validate(Uint8Array.from(cut))) expect(error).toBe(null);
    }
  });

  test('a module that V8 accepts after a few bytes changed is read', () => {
    let accepted = 0;
    const change = fc.record({ at: fc.nat(linked.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = linked.slice();
        for (const { at, to } of changes) bytes[at] = to;
        const error = failure(bytes);
        if (WebAssembly.validate(bytes)) {
          accepted += 1;
          expect(error).toBe(null);
        }
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
