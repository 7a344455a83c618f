// What is in the objects: the interface that csrc/interface.h declares and nothing else, all state in two variables, and
// no code for assertions where there are none.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { readObjectSymbols } from '../../src/binary/object-symbols.ts';
import { hashOf } from '../../src/compile/cache.ts';
import { compile } from '../../src/compile/index.ts';
import { HOST_EXPORTS, REQUEST_FUNCTIONS, RUNTIME_EXPORTS } from '../../src/runtime/index.ts';
import { flavours } from '../support/runtime-module.ts';
import { type RuntimeBuild, runtimeObjects } from '../support/runtime-objects.ts';
import { sourceTree } from '../support/source-tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const objectOf = (flavour: string, build: RuntimeBuild = 'shipped'): Uint8Array =>
  readFileSync(path.join(runtimeObjects(build), `heapline-${flavour}.o`));

function symbolsOf(object: Uint8Array) {
  return readObjectSymbols(object).symbols.filter(({ defined }) => defined);
}

/** Functions that the object imports from the host. */
function importsOf(object: Uint8Array): string[] {
  return readModule(object)
    .imports.filter(({ module }) => module === 'heapline')
    .map(({ name }) => name)
    .sort();
}

const isTestHook = (name: string): boolean => name.startsWith('heapline_test_');

describe.each(flavours)('the object for %s', (flavour) => {
  it('defines for others what the interface declares, and nothing else', () => {
    const names = symbolsOf(objectOf(flavour))
      .filter(({ binding, kind }) => binding !== 'local' && (kind === 'function' || kind === 'data'))
      .map(({ name }) => name);
    const header = readFileSync(path.join(root, 'csrc/interface.h'), 'utf8');
    const linked = [...header.matchAll(/^HL_LINKED .*?(\w+)\(/gm)].map(([, name]) => name!);
    const expected = [...RUNTIME_EXPORTS, ...linked].filter(
      (name) => flavour === 'emscripten' || !/^(?:emscripten_|sbrk$)/.test(name),
    );
    expect(names.sort()).toEqual(expected.sort());
  });

  it('imports from the host what the interface declares', () => {
    expect(importsOf(objectOf(flavour))).toEqual(['exiting', 'fault', 'host_stack', 'point']);
  });

  it('has all of its state in two variables, which the leak scan leaves out', () => {
    const data = symbolsOf(objectOf(flavour)).filter(({ kind }) => kind === 'data');
    const sizes = Object.fromEntries(data.map(({ name, size }) => [name, size]));
    // Code that clang writes finds the shadow by this word. It points to no block.
    expect(sizes).toEqual({
      __asan_shadow_memory_dynamic_address: 4,
      heapline_runtime: expect.any(Number),
      heapline_shadow: expect.any(Number),
    });
    expect(sizes.heapline_shadow).toBeGreaterThan(80_000);
  });

  it('has no hooks of tests, which the object for tests has', () => {
    const hooked = objectOf(flavour, 'hooks');
    expect(
      symbolsOf(hooked)
        .map(({ name }) => name)
        .filter(isTestHook),
    ).toEqual(['heapline_test_scan_limits']);
    expect(importsOf(hooked)).toContain('trace');
    expect(
      symbolsOf(objectOf(flavour))
        .map(({ name }) => name)
        .filter(isTestHook),
    ).toEqual([]);
  });
});

it.each(['embedded', 'clang', 'emscripten'] as const)(
  'a module linked by %s exports the interface, and no hook of tests',
  async (toolchain) => {
    using tree = sourceTree({ 'a.c': '#include <stdlib.h>\nvoid *grab(int n) { return malloc(n); }\n' });
    const { wasm } = await compile([tree.file('a.c')], { toolchain });
    const names = readModule(wasm).exports.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...RUNTIME_EXPORTS]));
    const heaplines = names.filter((name) => name.startsWith('heapline_')).sort();
    const own = [...HOST_EXPORTS, ...REQUEST_FUNCTIONS].filter((name) => name.startsWith('heapline_'));
    expect(heaplines).toEqual(own.sort());
    expect(importsOf(wasm)).not.toContain('trace');
  },
);

/** The sections of an object by their content, without the one that the build replaces. */
function sectionsOf(object: Uint8Array): string[] {
  return readModule(object)
    .sections.filter(({ name }) => name !== 'target_features')
    .map(({ id, name, start, end }) => `${id} ${name} ${hashOf(object.subarray(start, end))}`);
}

it('an assertion is no code in the objects that are shipped', () => {
  using tree = sourceTree({});
  const build = (name: string, change: (source: string) => string): string[] => {
    const directory = path.join(tree.directory, name);
    mkdirSync(directory);
    for (const folder of ['csrc', 'include'].map((each) => path.join(root, each)))
      for (const file of readdirSync(folder).filter((each) => /\.[ch]$/.test(each)))
        writeFileSync(path.join(directory, file), change(readFileSync(path.join(folder, file), 'utf8')));
    // As scripts/build-runtime.mjs does it, with a compiler that is faster.
    const flags = ['-O3', '-g0', '-std=c17', '-ffreestanding', '-fno-builtin', '-fno-ident'];
    const instructions = ['-mcpu=mvp', '-mbulk-memory', '-msign-ext', '-mmutable-globals'];
    const target = [...instructions, '--target=wasm32-unknown-wasip1'];
    execFileSync('clang-22', ['-c', 'heapline.c', ...flags, ...target, '-o', 'out.o'], { cwd: directory });
    return sectionsOf(readFileSync(path.join(directory, 'out.o')));
  };
  let removed = 0;
  const sections = build('without', (source) =>
    source.replaceAll(/^ +HL_ASSERT\w*\(.*\);$/gm, () => {
      removed++;
      return '';
    }),
  );
  expect(removed).toBeGreaterThan(50);
  expect(sections.length).toBeGreaterThan(5);
  expect(sections).toEqual(build('with', (source) => source));
});
