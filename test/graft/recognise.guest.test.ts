// Recognising an allocator without names. The oracle is the name section of the same module: no function may get a role
// that its name does not say, and none that is needed may be missed.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, describe, expect, it } from 'vitest';
import { attach } from '../../src/attach/index.ts';
import { readModule } from '../../src/binary/index.ts';
import { readFacts } from '../../src/graft/function-facts.ts';
import { findHeapPlace } from '../../src/graft/heap-place.ts';
import { type Allocator, Recognition } from '../../src/graft/recognise.ts';
import type { Role } from '../../src/graft/roles.ts';
import { Rewriter } from '../../src/rewrite/index.ts';
import { BuiltPackages } from '../attach/built-packages.ts';
import { FULL } from '../support/full.ts';

const require = createRequire(import.meta.url);

interface Program {
  _counted(size: number): number;
  _uncounted(block: number): void;
  _page(size: number): number;
  _prefixed(size: number): number;
  _unprefixed(block: number): void;
  _zeroed(count: number, each: number): number;
  _zeroed_or_die(size: number): number;
  _grown(block: number, size: number): number;
  _aligned(size: number): number;
  _usable(block: number): number;
  _release(block: number): void;
  _error(size: number): number;
}

const packages = new BuiltPackages();
afterAll(() => packages.remove());

/** The names that the functions of a role have in dlmalloc and emmalloc. */
const NAMES: Readonly<Record<string, RegExp>> = {
  malloc: /^(dl|emmalloc_|emscripten_builtin_)?malloc$/,
  free: /^(dl|emmalloc_|emscripten_builtin_)?free$/,
  calloc: /^(dl|emmalloc_|emscripten_builtin_)?calloc$|^zeroed$/,
  realloc: /^(dl|emmalloc_|emscripten_builtin_)?realloc$|^grown$|^emmalloc_aligned_realloc$/,
  memalign: /^(dl|emmalloc_|internal_|emscripten_builtin_)?memalign$|^(emmalloc_)?aligned_alloc$/,
  posix_memalign: /^(dl|emmalloc_)?posix_memalign$/,
  malloc_usable_size: /^(dl|emmalloc_)?(malloc_)?usable_size$|^usable$/,
};

const BUILDS = ['dlmalloc', 'emmalloc'].flatMap((allocator) =>
  ['-O0', '-O1', '-O2', '-O3', '-Os', '-Oz'].map((level) => ({ allocator, level })),
);
const ALWAYS = ['dlmalloc -O1', 'dlmalloc -O3', 'emmalloc -O2'];

async function link(allocator: string, level: string): Promise<string> {
  return packages.build({
    source: 'allocators.c',
    ending: '.cjs',
    flags: [
      '-sMODULARIZE',
      '-sALLOW_MEMORY_GROWTH',
      '-sINCOMING_MODULE_JS_API=wasmBinary',
      `-sMALLOC=${allocator}`,
      level,
    ],
    plain: true,
  });
}

const wasmOf = (glue: string): Uint8Array => new Uint8Array(readFileSync(glue.replace(/\.cjs$/, '.wasm')));

function recognise(glue: string): { found: Allocator | null; names: Map<number, string> } {
  const module = readModule(wasmOf(glue));
  const facts = readFacts(module);
  const found = new Recognition(module, facts, findHeapPlace(module, facts)).find([]);
  return { found, names: module.functionNames() };
}

/** The module without the names of its functions. */
function nameless(wasm: Uint8Array): Uint8Array {
  const rewriter = new Rewriter(readModule(wasm));
  rewriter.removeCustomSections('name');
  return rewriter.write().bytes;
}

/** Uses the program of this module with the runtime in place of its allocator: all that it does has to be right. */
async function useGrafted(glue: string): Promise<void> {
  const create = require(glue) as (options?: object) => PromiseLike<Program>;
  const { module, sandbox } = await attach(create, { wasmBinary: nameless(wasmOf(glue)) });
  const live = (): number => sandbox.heap.stats().inUseBytes;
  const before = live();
  const counted = module._counted(100);
  const page = module._page(200);
  expect(page % 4096).toBe(0);
  expect(live() - before).toBe(300);
  module._uncounted(counted);
  const zeroed = module._zeroed(10, 10);
  sandbox.heap.bytes(zeroed, 100).fill(7);
  module._release(zeroed);
  for (const block of [module._zeroed_or_die(100), module._zeroed(50, 2)]) {
    expect(sandbox.heap.bytes(block, 100).every((byte) => byte === 0)).toBe(true);
    sandbox.heap.bytes(block, 100).fill(9);
    const grown = module._grown(block, 5000);
    expect(sandbox.heap.bytes(grown, 100).every((byte) => byte === 9)).toBe(true);
    module._release(grown);
  }
  const prefixed = module._prefixed(50);
  expect(live() - before).toBe(258);
  module._unprefixed(prefixed);
  const aligned = module._aligned(128);
  expect([aligned % 64, module._usable(aligned) >= 128]).toEqual([0, true]);
  module._release(aligned);
  module._release(page);
  expect(live()).toBe(before);
  const NO_MEMORY = 48;
  expect([module._error(10), module._error(0xfff00000 | 0)]).toEqual([0, NO_MEMORY]);
  module._release(page);
  expect(sandbox.heap.faults().map(({ kind }) => kind)).toEqual(['double-free']);
  sandbox.dispose();
}

describe.each(BUILDS.filter(({ allocator, level }) => FULL || ALWAYS.includes(`${allocator} ${level}`)))(
  '$allocator, linked with $level',
  ({ allocator, level }) => {
    it('is recognised without its names, with no role wrong', async () => {
      const glue = await link(allocator, level);
      const { found, names } = recognise(glue);
      expect(found).not.toBeNull();
      const { roles, blockers, learnt } = found!;
      for (const { role, index } of roles) expect(names.get(index), `as ${role}`).toMatch(NAMES[role]!);
      const has = (role: Role): boolean => roles.some((each) => each.role === role);
      expect([has('malloc') || has('memalign'), has('free')]).toEqual([true, true]);
      expect(learnt?.errno).toBeGreaterThan(1024);
      // What blocks grafting is a function into which one of the family was inlined, or a part of one.
      for (const { index } of blockers)
        expect(names.get(index)).toMatch(/realloc|^(grown|try_|dispose_|internal_)/);
      if (blockers.length === 0) await useGrafted(glue);
    });
  },
);
