// Blocks of C++ that are freed in another way than the one in which they were allocated. Each wrong pair is reported once,
// with both ways and three stacks, and nothing else is. mismatches.witness.test.ts has the verdicts of other tools.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compile, type ToolchainName } from '../../src/compile/index.ts';
import { formatText, type HeapFault, loadC, loadWasm, type Sandbox } from '../../src/index.ts';
import { FULL } from '../support/full.ts';
import { mismatchCases, mismatchSource, REPLACED, SMALL } from './mismatch-cases.ts';

const ALL = (['embedded', 'emscripten'] as const).flatMap((toolchain) =>
  (['-O0', '-O2'] as const).map((level) => [toolchain, level] as const),
);

const folder = mkdtempSync(join(tmpdir(), 'heapline-mismatches-'));
const source = join(folder, 'mismatches.cpp');
const replaced = join(folder, 'replaced.cpp');
writeFileSync(source, mismatchSource(false));
const smallSource = join(folder, 'small.cpp');
writeFileSync(replaced, REPLACED);
writeFileSync(smallSource, SMALL);
afterAll(() => rmSync(folder, { recursive: true }));

type Functions = Record<string, () => void>;
type Small = { fits(): void; crossed(times: number): void; twice(): void };

const names = mismatchCases.map(({ name }) => name);
const compileOptions = (toolchain: ToolchainName, level: string) => ({
  toolchain,
  // Newer compilers do so by themselves.
  flags: [level, '-std=gnu++17', '-fsized-deallocation', '-w'],
  exports: names,
});

/** Calls a function, and gives the faults that this leads to. */
function faultsOf(lib: Sandbox<Functions>, name: string): readonly HeapFault[] {
  const before = lib.heap.faults().length;
  lib.exports[name]!();
  return lib.heap.faults().slice(before);
}

/** @param sizes whether sizes are compared, which checks of accesses do */
function expectVerdicts(lib: Sandbox<Functions>, sizes: boolean): void {
  for (const { name, expected, size } of mismatchCases) {
    const found = faultsOf(lib, name).map(({ kind, mismatch }) => [kind, mismatch]);
    const ways = expected && { allocatedBy: expected[0], freedBy: expected[1] };
    const wanted =
      size === undefined
        ? ['alloc-dealloc-mismatch', ways]
        : ['new-delete-type-mismatch', { ...ways, freedSize: size }];
    const silent = expected === null || (size !== undefined && !sizes);
    expect([name, ...found]).toEqual([name, ...(silent ? [] : [wanted])]);
  }
}

describe.each(FULL ? ALL : [['emscripten', '-O2'] as const])('with %s %s', (toolchain, level) => {
  it('reports each pair that does not fit together, and no other', async () => {
    using lib = await loadC<Functions>(source, { ...compileOptions(toolchain, level), quarantine: 65_536 });
    expectVerdicts(lib, false);
    const report = formatText(lib.heap.leaks());
    const line = (text: string): number =>
      mismatchSource(false)
        .split('\n')
        .findIndex((each) => each.includes(text)) + 1;
    const at = line('void array_delete()');
    expect(report).toMatch(
      new RegExp(
        String.raw`alloc-dealloc-mismatch in array_delete: block of 12 bytes at 0x[0-9a-f]{8}, allocated by operator new\[\] and freed by operator delete\n` +
          String.raw`(?:  at operator delete.*\n)*  at array_delete \(.*mismatches\.cpp:${at}:\d+\)[^]*?\n  allocated\n(?:    at operator new.*\n)*    at array_delete \(.*mismatches\.cpp:${at}:`,
      ),
    );
  }, 60_000);

  it('compares the sizes that delete is given, with checks of accesses', async () => {
    const checked = { checks: true, stack: false };
    using lib = await loadC<Functions>(source, { ...compileOptions(toolchain, level), ...checked });
    expectVerdicts(lib, true);
    expect(formatText(lib.heap.leaks())).toMatch(
      /new-delete-type-mismatch in without_virtual_destructor: block of 44 bytes at 0x[0-9a-f]{8}, allocated by operator new and freed by operator delete, which was told 4 bytes\n/,
    );
  }, 60_000);
});

const small = { toolchain: 'embedded', flags: ['-O2'], exports: ['fits', 'crossed', 'twice'] } as const;
const kinds = (lib: Sandbox<object>): string[] => lib.heap.faults().map(({ kind }) => kind);
const both = ['alloc-dealloc-mismatch', 'alloc-dealloc-mismatch'];

it('reports each place once, and frees the blocks', async () => {
  using lib = await loadC<Small>(smallSource, { ...small, checks: true });
  lib.exports.fits();
  lib.exports.crossed(5);
  expect(kinds(lib)).toEqual(both);
  expect(lib.heap.stats().inUseObjects).toBe(0);
  // The number of elements is before the array, and is read by a function of its own where variables have room.
  lib.exports.twice();
  const [number, again] = lib.heap.faults().slice(both.length);
  expect(number).toMatchObject({
    kind: 'heap-use-after-free',
    access: { kind: 'read', size: 4, position: '0 bytes into a freed block of 12 bytes' },
  });
  expect(number!.frames[0]).toMatchObject({ function: 'twice' });
  expect(again).toMatchObject({ kind: 'double-free' });
});

it("stops before the block is freed with onError: 'throw'", async () => {
  using lib = await loadC<Small>(smallSource, { ...small, quarantine: 1000, onError: 'throw' });
  expect(() => lib.exports.crossed(1)).toThrow(
    /^Pointer 0x[0-9a-f]+ was allocated by operator new\[\] and freed by operator delete\n/,
  );
  expect(lib.heap.stats().inUseObjects).toBe(1);
});

it('looks only while freed blocks are kept', async () => {
  using lib = await loadC<Small>(smallSource, { ...small, quarantine: 0 });
  lib.exports.crossed(1);
  expect(kinds(lib)).toEqual([]);
});

it('judges modules as linkers write them, and none that was optimised afterwards', async () => {
  const { wasm } = await compile([smallSource], small);
  using linked = await loadWasm<Small>(wasm, { quarantine: 1000 });
  linked.exports.fits();
  linked.exports.crossed(1);
  expect(kinds(linked)).toEqual(both);
  const file = join(folder, 'small.wasm');
  writeFileSync(file, wasm);
  const optimise = ['--all-features', '--strip-dwarf', '-O2', '-g', file, '-o', file];
  expect(spawnSync('wasm-opt', optimise, { encoding: 'utf8' })).toMatchObject({ status: 0 });
  using optimised = await loadWasm<Small>(file, { quarantine: 1000, debugInfo: wasm });
  optimised.exports.fits();
  optimised.exports.crossed(1);
  expect(kinds(optimised)).toEqual([]);
});

it.each(FULL ? ['-O0', '-O2'] : ['-O2'])(
  "leaves a program's own operators alone, inlined or not, at %s",
  async (level) => {
    const exports = ['pairs', 'crossed', 'sizes'] as const;
    const options = { toolchain: 'embedded', flags: [level], exports, checks: true, stack: false } as const;
    using lib = await loadC<Record<(typeof exports)[number], () => void>>(replaced, options);
    lib.exports.sizes();
    lib.exports.pairs();
    lib.exports.crossed();
    expect(kinds(lib)).toEqual([]);
  },
);
