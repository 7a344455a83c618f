// Functions that allocate for their callers are known by what they do, at any level of optimisation: the program says by
// its names which they are.

import { beforeAll, describe, expect, test } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { compile } from '../../src/compile/index.ts';
import { HeaplineError } from '../../src/errors.ts';
import { formatText, loadWasm, toJson } from '../../src/index.ts';
import { instrument } from '../../src/instrument/index.ts';
import { WrapperSearch } from '../../src/shapes/index.ts';
import { FULL } from '../support/full.ts';
import { randomFrom } from '../support/random.ts';

const source = new URL('wrappers.c', import.meta.url).pathname;
const builds = [
  ['clang', '-O0'],
  ['clang', '-O2'],
  ...(FULL
    ? (['emscripten', 'embedded'] as const).flatMap((name) =>
        ['-O0', '-O2'].map((level) => [name, level] as const),
      )
    : []),
] as const;

/** No function is known by its name. */
const none = () => false;

describe.each(builds)('%s %s', (toolchain, level) => {
  let wasm: Uint8Array;
  beforeAll(async () => {
    ({ wasm } = await compile([source], { toolchain, flags: [level, '-g'] }));
  });
  const found = (): string[] => {
    const module = readModule(wasm);
    const names = module.functionNames();
    const search = new WrapperSearch(module, none);
    const ours = [...names].filter(([, name]) => /^[wc]_/.test(name));
    return ours.flatMap(([index, name]) => (search.callsOf(index).length > 0 ? [name] : [])).sort();
  };
  const meant = (): string[] => {
    const names = [...readModule(wasm).functionNames().values()];
    return names.filter((name) => name.startsWith('w_')).sort();
  };

  test('functions that allocate for their callers are found, and no others', () => {
    expect(found()).toEqual(meant());
    expect(meant().length).toBeGreaterThan(13);
  });

  test('reports name the callers of the first, and the others themselves', async () => {
    using lib = await loadWasm(wasm, { hostFrames: 'off', quarantine: 0 });
    lib.run();
    const { records } = toJson(lib.heap.leaks());
    const places = records.map(({ place }) => place!.function);
    const constructors = new Set(
      [...readModule(wasm).functionNames().values()].filter((name) => /^c_/.test(name)),
    );
    expect(new Set(places)).toEqual(new Set(['main', 'c_inlined', ...constructors]));
    expect(places.filter((name) => name === 'main').length, 'one for each line of main').toBe(14);
    const rows = lib.heap
      .profile()
      .topRows()
      .filter(({ flat }) => flat > 0);
    const inTable = new Set(rows.map((row) => row.function).filter((name) => /^[wc]_/.test(name)));
    expect(inTable, 'tables do the same').toEqual(new Set(places.filter((name) => name !== 'main')));
    const innermost = records.map(({ stack }) => stack[0]!.function);
    expect(innermost, 'the stacks are whole').toContain('w_plain');
  });

  test('a pattern behind ! names what is no wrapper', async () => {
    using lib = await loadWasm(wasm, { hostFrames: 'off', quarantine: 0 });
    lib.run();
    const headline = (wrappers: readonly string[]) =>
      formatText(lib.heap.leaks(), { all: true, wrappers }).match(/w_\w+(?= \()/g) ?? [];
    const place = (wrappers: readonly string[], name: string) =>
      toJson(lib.heap.leaks(), { wrappers }).records.some((record) => record.place?.function === name);
    expect(headline([]).length).toBeGreaterThan(0);
    expect(place(['!w_filled'], 'w_filled')).toBe(true);
    expect(place(['!w_*'], 'w_plain')).toBe(true);
    expect(place(['!w_*', 'w_plain'], 'w_plain'), 'a name of your own wins').toBe(false);
  });

  test('the same is found in the instrumented module', async () => {
    const { bytes } = instrument(wasm);
    using lib = await loadWasm(bytes, { hostFrames: 'off', quarantine: 0 });
    using original = await loadWasm(wasm, { hostFrames: 'off', quarantine: 0 });
    const placesOf = (of: typeof lib) => {
      of.run();
      return toJson(of.heap.leaks())
        .records.map(({ place }) => place)
        .sort();
    };
    expect(placesOf(lib)).toEqual(placesOf(original));
  });
});

test('damaged code gives an answer or none, and no error of another kind', async () => {
  const { wasm } = await compile([source], { toolchain: 'clang', flags: ['-O2', '-g'] });
  const { codeStart, codeEnd } = readModule(wasm);
  const next = randomFrom(7);
  for (let round = 0; round < 300; round += 1) {
    const damaged = wasm.slice();
    for (let times = next(8); times >= 0; times -= 1) {
      damaged[codeStart + next(codeEnd - codeStart)] = next(256);
    }
    try {
      const module = readModule(damaged);
      const search = new WrapperSearch(module, none);
      module.functions.forEach((_, index) => void search.callsOf(index));
    } catch (error) {
      expect(error).toBeInstanceOf(HeaplineError);
    }
  }
});
