// Packages of npm, used through their public interface: once plainly in a process of its own, once with Heapline. None of
// them knows of Heapline, and most have neither names nor exports that say which function is malloc. Four run always;
// HEAPLINE_FULL=1 runs them all.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { attach } from '../../src/attach/index.ts';
import type { Sandbox } from '../../src/index.ts';
import { fetchPackages } from '../corpora/fetch.mjs';
import { FULL } from '../support/full.ts';
import pinned from './npm/packages.json' with { type: 'json' };

const run = promisify(execFile);
const here = join(import.meta.dirname, 'npm');

/** What a program beside this file gives. */
interface Used {
  readonly result: unknown;
  /** What the package counts itself. */
  readonly used?: () => number;
}

interface Case {
  /** File of the program in `npm/`, without its ending. */
  readonly program: string;
  /** The packages that it needs, dependencies included. */
  readonly packages: readonly (keyof typeof pinned)[];
  /** Runs always. */
  readonly always?: boolean;
  /** What the package's own counter must be, by Heapline's ledger. */
  readonly count?: (sandbox: Sandbox<object>) => number;
}

/** Blocks by the function that called malloc, the largest sums first. */
function byFunction(sandbox: Sandbox<object>): { readonly blocks: number; readonly bytes: number }[] {
  const sums = new Map<string, { blocks: number; bytes: number }>();
  for (const { context, size } of sandbox.heap.blocks()) {
    const name = sandbox.heap.contextFrames(context)[0]?.function ?? '';
    const sum = sums.get(name) ?? { blocks: 0, bytes: 0 };
    sums.set(name, { blocks: sum.blocks + 1, bytes: sum.bytes + size });
  }
  return [...sums.values()].sort((one, other) => other.bytes - one.bytes);
}

const CASES: readonly Case[] = [
  {
    program: 'sqlite-wasm',
    packages: ['@sqlite.org/sqlite-wasm'],
    always: true,
    // sqlite3MemMalloc and sqlite3MemRealloc allocate; each block has 8 bytes more, in which SQLite keeps its size.
    count: (sandbox) => {
      const [malloc, realloc] = byFunction(sandbox);
      return malloc!.bytes + realloc!.bytes - 8 * (malloc!.blocks + realloc!.blocks);
    },
  },
  {
    program: 'quickjs',
    packages: ['quickjs-emscripten-core', '@jitl/quickjs-ffi-types', '@jitl/quickjs-wasmfile-release-sync'],
    always: true,
    // js_def_malloc and js_def_realloc. QuickJS counts blocks, because it does not know their sizes in WebAssembly.
    count: (sandbox) => {
      const [malloc, realloc] = byFunction(sandbox);
      return malloc!.blocks + realloc!.blocks;
    },
  },
  { program: 'yoga', packages: ['yoga-layout'], always: true },
  { program: 'sql-js', packages: ['sql.js'], always: true },
  { program: 'sql-js-debug', packages: ['sql.js'] },
  { program: 'libsodium', packages: ['libsodium-wrappers', 'libsodium'] },
  {
    program: 'hunspell',
    packages: [
      'hunspell-asm',
      'emscripten-wasm-loader',
      'getroot',
      'nanoid',
      'unixify',
      'normalize-path',
      'remove-trailing-separator',
      'tslib',
    ],
  },
  { program: 'graphviz', packages: ['@hpcc-js/wasm-graphviz'] },
  { program: 'opusscript', packages: ['opusscript'] },
  { program: 'opus', packages: ['@evan/opus'] },
  { program: 'zstd', packages: ['@bokuweb/zstd-wasm'] },
  { program: 'zstd-codec', packages: ['zstd-codec'] },
  { program: 'webp', packages: ['@jsquash/webp', 'wasm-feature-detect'] },
];

async function useWithHeapline(
  program: string,
  folder: string,
): Promise<{ module: Used; sandbox: Sandbox<object> }> {
  const { use } = (await import(join(here, `${program}.mjs`))) as { use(folder: string): Promise<Used> };
  return attach<Used>(() => use(folder));
}

describe.each(CASES.filter(({ always }) => always || FULL))('$program', ({ program, packages, count }) => {
  it('gives the same results as without Heapline, and its profile holds what is in use', async () => {
    const wanted = Object.fromEntries(packages.map((name) => [name, pinned[name]]));
    const folder = await fetchPackages('npm-packages/node_modules', wanted);
    const plain = await run(
      process.execPath,
      [join(here, 'plain.mjs'), join(here, `${program}.mjs`), folder],
      {
        maxBuffer: 1 << 26,
      },
    );
    const { module, sandbox } = await useWithHeapline(program, folder);
    expect(JSON.stringify(module.result)).toBe(plain.stdout);
    if (count !== undefined) expect(module.used!()).toBe(count(sandbox));
    const { heap } = sandbox;
    expect(heap.faults()).toEqual([]);
    expect(heap.failures()).toEqual([]);
    const { inUseBytes, allocBytes, allocObjects } = heap.stats();
    expect(allocObjects).toBeGreaterThan(2);
    const profile = heap.profile();
    expect(profile.comments.join()).toMatch(/malloc is function \d+, (exported as|recognised by)/);
    const sum = (at: number): number =>
      [...profile.samples()].reduce((all, { values }) => all + values[at]!, 0);
    expect([sum(1), sum(3)]).toEqual([allocBytes, inUseBytes]);
    const stacks = [...profile.samples()].map(({ frames }) => frames);
    expect(stacks.some((frames) => frames.some(({ language }) => language === 'js'))).toBe(true);
    sandbox.dispose();
  });
});
