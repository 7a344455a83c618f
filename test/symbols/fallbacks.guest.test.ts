// Symbols of modules whose own debug information is missing or bad.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { InvalidModuleError } from '../../src/errors.ts';
import '../../src/symbols/install-source-maps.ts';
import { Symbolizer } from '../../src/symbols/index.ts';
import { lengthPrefixed, withoutSections, withSection, withSectionsOf } from '../support/custom-sections.ts';
import { callOffsets } from '../support/llvm-symbolizer.ts';
import { build } from '../support/symbol-modules.ts';
import { nestedInlines } from '../support/symbol-programs.ts';

const DEBUG = /^\.debug_/;
const program = { ...nestedInlines, exports: ['outer', 'entry', 'dispatch'] };

let optimised: Uint8Array;
let unoptimised: Uint8Array;
let optimisedPath: string;
let offsets: number[];

beforeAll(async () => {
  optimisedPath = await build(program, { toolchain: 'clang-22', flags: ['-g', '-O1'] });
  optimised = readFileSync(optimisedPath);
  unoptimised = readFileSync(await build(program, { toolchain: 'clang-22', flags: ['-g', '-O0'] }));
  offsets = callOffsets(optimised);
});

describe('without DWARF in the module', () => {
  test('external debug information is as good as that of the module itself', () => {
    const own = Symbolizer.open(optimised);
    const external = Symbolizer.open(withoutSections(optimised, /./), { debugInfo: optimised });
    expect(external.source).toBe('dwarf');
    for (const offset of offsets) expect(external.frames(offset)).toEqual(own.frames(offset));
  });

  test('the symbolizer knows the path of external debug information', () => {
    const stripped = withSection(
      withoutSections(optimised, DEBUG),
      'external_debug_info',
      lengthPrefixed('out/main.debug.wasm'),
    );
    expect(Symbolizer.open(stripped).externalDebugInfo).toBe('out/main.debug.wasm');
    expect(Symbolizer.open(optimised).externalDebugInfo).toBeNull();
  });

  test('external debug information of another build is rejected, and names are used instead', () => {
    const symbolizer = Symbolizer.open(withoutSections(optimised, DEBUG), { debugInfo: unoptimised });
    expect(symbolizer.source).toBe('names');
    expect(symbolizer.warnings.join()).toMatch(/external debug information is stale/);
    expect(symbolizer.frames(offsets[0]!)[0]).toMatchObject({ function: 'outer', file: '', line: 0 });
  });

  test('external debug information that is not a module is rejected', () => {
    const symbolizer = Symbolizer.open(withoutSections(optimised, DEBUG), {
      debugInfo: Uint8Array.of(1, 2, 3),
    });
    expect(symbolizer.source).toBe('names');
    expect(symbolizer.warnings.join()).toMatch(/external debug information is not used/);
  });

  test('functions have the name of the name section, or of their export, or their index', () => {
    const named = Symbolizer.open(withoutSections(optimised, DEBUG));
    expect(named.source).toBe('names');
    const exported = Symbolizer.open(withoutSections(optimised, /./));
    const module = readModule(optimised);
    const names = module.functionNames();
    const exports = new Map(
      module.exports.filter((each) => each.kind === 0).map((each) => [each.index, each.name]),
    );
    module.bodies.forEach((body, which) => {
      const index = module.importedFunctions + which;
      const offset = body.start - module.codeStart;
      expect(named.frames(offset).map((frame) => frame.function)).toEqual([names.get(index)]);
      const name = exports.get(index) ?? `wasm-function[${index}]`;
      expect(exported.frames(offset).map((frame) => frame.function)).toEqual([name]);
    });
  });

  test('functions of a module without names have only their indices', () => {
    const wasm = Uint8Array.of(
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...[1, 4, 1, 0x60, 0, 0],
      ...[3, 2, 1, 0],
      ...[10, 4, 1, 2, 0, 0x0b],
    );
    const symbolizer = Symbolizer.open(wasm);
    expect(symbolizer.source).toBe('none');
    expect(symbolizer.frames(3)).toMatchObject([
      { function: 'wasm-function[0]', inlined: false, language: 'c' },
    ]);
    expect(symbolizer.frames(3)[0]).toBe(symbolizer.frames(2)[0]);
  });

  test('an offset outside of every function still has a frame', () => {
    const symbolizer = Symbolizer.open(optimised);
    for (const offset of [0, 1e9, 2 ** 32]) expect(symbolizer.frames(offset)).toHaveLength(1);
  });
});

describe('with a source map', () => {
  test('positions come from the map and names from the module', () => {
    const module = readModule(optimised);
    const [first, second] = module.bodies as [(typeof module.bodies)[0], (typeof module.bodies)[0]];
    const sourceMap = {
      version: 3,
      names: [],
      sources: ['/src/main.c'],
      mappings: [
        [
          [first.start + 1, 0, 6, 2],
          [first.end - 1, 0, 8, 0],
        ],
      ],
    };
    const symbolizer = Symbolizer.open(withoutSections(optimised, DEBUG), { sourceMap });
    expect(symbolizer.source).toBe('source-map');
    const frames = (offset: number) => symbolizer.frames(offset - module.codeStart);
    expect(frames(first.start + 2)).toMatchObject([
      { function: 'outer', file: '/src/main.c', line: 7, column: 3 },
    ]);
    expect(frames(first.end - 1)).toMatchObject([
      { function: 'outer', file: '/src/main.c', line: 9, column: 1 },
    ]);
    // The last mapping before a function belongs to the previous function.
    expect(frames(second.start + 1)).toMatchObject([{ file: '', line: 0 }]);
  });

  test('a map by Emscripten agrees with the DWARF of the same unoptimised program', async () => {
    const path = await build(program, {
      toolchain: 'emscripten',
      flags: ['-g', '-O0'],
      link: ['-gsource-map'],
    });
    // Since 3.1.17 there is DWARF beside the map.
    const stripped = withoutSections(readFileSync(path), DEBUG);
    const withDwarf = readFileSync(await build(program, { toolchain: 'emscripten', flags: ['-g', '-O0'] }));
    const mapped = Symbolizer.open(stripped, { sourceMap: readFileSync(`${path}.map`, 'utf8') });
    const known = Symbolizer.open(withDwarf);
    expect(mapped.source).toBe('source-map');
    expect(mapped.sourceMapUrl).toMatch(/\.wasm\.map$/);
    // The two modules differ in the width of some numbers, but not in their calls.
    const calls = callOffsets(stripped).map((offset) => mapped.frames(offset)[0]!);
    const expected = callOffsets(withDwarf).map((offset) => known.frames(offset)[0]!);
    expect(calls).toHaveLength(expected.length);
    let compared = 0;
    calls.forEach((frame, index) => {
      // When Binaryen writes maps, it loses positions of optimised code, and the C library is optimised.
      if (!/(main\.c|buffer\.h)$/.test(expected[index]!.file)) return;
      expect(frame.line).toBe(expected[index]!.line);
      expect(frame.file.split('/').at(-1)).toBe(expected[index]!.file.split('/').at(-1));
      compared++;
    });
    expect(compared).toBeGreaterThan(10);
  });

  test('a malformed map is rejected, and names are used instead', () => {
    for (const sourceMap of [
      'not JSON',
      '{"version":3}',
      '{"version":3,"sources":[],"names":[],"mappings":7}',
    ]) {
      const symbolizer = Symbolizer.open(withoutSections(optimised, DEBUG), { sourceMap });
      expect(symbolizer.source).toBe('names');
      expect(symbolizer.warnings.join()).toMatch(/source map is not used/);
      expect(symbolizer.frames(offsets[0]!)[0]!.function).toBe('outer');
    }
  });
});

describe('debug information that does not fit the code', () => {
  test('is rejected as stale', () => {
    const symbolizer = Symbolizer.open(withSectionsOf(optimised, unoptimised, DEBUG));
    expect(symbolizer.source).toBe('names');
    expect(symbolizer.warnings.join()).toMatch(
      /stale: of the \d+ pieces of code that it describes, \d+ start where/,
    );
    for (const offset of offsets) expect(symbolizer.frames(offset)).toMatchObject([{ file: '', line: 0 }]);
  });

  test('is rejected after an optimiser that did not update it', () => {
    const output = `${optimisedPath}.opt`;
    const { status, stderr } = spawnSync('wasm-opt', [optimisedPath, '-O2', '-o', output], {
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const symbolizer = Symbolizer.open(readFileSync(output));
    expect(symbolizer.source).toBe('names');
    expect(symbolizer.warnings.join()).toMatch(/debug information .* not used/);
  });

  test('is used only for the functions that it fits', () => {
    // One function grows by a byte, so the functions after it move and those before it do not.
    const module = readModule(optimised);
    const moved = module.bodies.map(({ start, end }, index) => ({
      start: start - module.codeStart + (index > 8 ? 1 : 0),
      end: end - module.codeStart + (index >= 8 ? 1 : 0),
    }));
    const symbolizer = Symbolizer.open(optimised, { bodies: moved });
    const before = Symbolizer.open(optimised);
    expect(symbolizer.source).toBe('dwarf');
    expect(symbolizer.frames(offsets[0]!)).toEqual(before.frames(offsets[0]!));
    for (const { start, end } of moved.slice(9)) {
      for (let offset = start; offset < end; offset++) {
        expect(symbolizer.frames(offset)).toMatchObject([{ file: '', line: 0 }]);
      }
    }
    expect(symbolizer.warnings.join()).toMatch(/start where no function of the module does/);
  });
});

describe('frames', () => {
  test('that are equal are one object', () => {
    const symbolizer = Symbolizer.open(optimised);
    const seen = new Map<string, object>();
    for (const offset of offsets) {
      expect(symbolizer.frames(offset)).toBe(symbolizer.frames(offset));
      for (const frame of symbolizer.frames(offset)) {
        const key = JSON.stringify(frame);
        expect(seen.get(key) ?? frame).toBe(frame);
        seen.set(key, frame);
      }
    }
  });

  test('have absolute normalised paths, the linkage name and the line of the declaration', async () => {
    const symbolizer = Symbolizer.open(optimised);
    const frames = offsets.flatMap((offset) => symbolizer.frames(offset));
    const grow = frames.find((frame) => frame.function === 'buffer_grow')!;
    expect(grow).toMatchObject({ linkageName: 'buffer_grow', startLine: 3, line: 4, inlined: true });
    expect(grow.file).toMatch(/^\/.*\/nested-inlines\/include\/buffer\.h$/);
    expect(frames.every((frame) => !/\/\.\.?\//.test(frame.file))).toBe(true);
  });
});

test('bytes that are not a module raise an InvalidModuleError', () => {
  for (const bytes of [new Uint8Array(0), Buffer.from('int main;'), optimised.subarray(0, 100)]) {
    expect(() => Symbolizer.open(bytes)).toThrow(InvalidModuleError);
  }
});
