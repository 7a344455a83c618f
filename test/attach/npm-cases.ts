// Programs that use packages of npm through their public interface, and what their results are without Heapline. None of
// the packages knows of Heapline, and most have neither names nor exports that say which function is malloc.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type AttachOptions, attach } from '../../src/attach/index.ts';
import type { Sandbox } from '../../src/index.ts';
import { fetchPackages } from '../corpora/fetch.mjs';
import pinned from './npm/packages.json' with { type: 'json' };

const run = promisify(execFile);
const here = join(import.meta.dirname, 'npm');

/** What a program beside this file gives. */
export interface Used {
  readonly result: unknown;
  /** What keeps the package's memory in use. */
  readonly keep?: unknown;
  /** What the package counts itself. */
  readonly used?: () => number;
}

export interface NpmCase {
  /** File of the program in `npm/`, without its ending. */
  readonly program: string;
  /** The packages that it needs, dependencies included. */
  readonly packages: readonly (keyof typeof pinned)[];
  /** Runs always. */
  readonly always?: boolean;
  /** Its accesses are checked always; with null never. */
  readonly checked?: true | null;
  /** Its JavaScript can make another instance in the same process, so it can be used with both allocators. */
  readonly again?: true;
  /** It can be recorded only. */
  readonly recordOnly?: true;
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

export const npmCases: readonly NpmCase[] = [
  {
    program: 'sqlite-wasm',
    packages: ['@sqlite.org/sqlite-wasm'],
    always: true,
    checked: true,
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
    // Its JavaScript is of the first generation, and does not start with a memory that grows.
    checked: null,
  },
  { program: 'graphviz', packages: ['@hpcc-js/wasm-graphviz'] },
  // The package takes byte addresses as indices of 16-bit numbers, so it works only with a heap in the lower half of memory.
  { program: 'opusscript', packages: ['opusscript'], checked: null },
  { program: 'opus', packages: ['@evan/opus'] },
  { program: 'zstd', packages: ['@bokuweb/zstd-wasm'] },
  { program: 'zstd-codec', packages: ['zstd-codec'] },
  { program: '7z', packages: ['7z-wasm', 'readline-sync'] },
  { program: 'jq', packages: ['jq-web'] },
  { program: 'mupdf', packages: ['mupdf'] },
  // Compiled from Rust: its allocator takes all memory from memory.grow, and its realloc has four parameters.
  { program: 'png', packages: ['@jsquash/png'], always: true },
  { program: 'resvg', packages: ['@resvg/resvg-wasm'], again: true },
  // Rust's free, which looks into the headers of blocks, is inlined into others.
  {
    program: 'rapier',
    packages: ['@dimforge/rapier2d-compat'],
    again: true,
    recordOnly: true,
    checked: null,
  },
  // calloc is inlined into others.
  { program: 'webp', packages: ['@jsquash/webp', 'wasm-feature-detect'], again: true, checked: true },
];

/** The folder with the packages of a case. */
export function fetchCase({ packages }: NpmCase): Promise<string> {
  const wanted = Object.fromEntries(packages.map((name) => [name, pinned[name]]));
  return fetchPackages('npm-packages/node_modules', wanted);
}

/** The result of a program in a process of its own, as JSON. */
export async function plainResult({ program }: NpmCase, folder: string): Promise<string> {
  const files = [join(here, 'plain.mjs'), join(here, `${program}.mjs`), folder];
  const { stdout } = await run(process.execPath, files, { maxBuffer: 1 << 26 });
  return stdout;
}

/** Runs a program in this process. Packages make one instance of their module in a process. */
export async function useWithHeapline(
  { program }: NpmCase,
  folder: string,
  options: AttachOptions = {},
): Promise<{ module: Used; sandbox: Sandbox<object> }> {
  const { use } = (await import(join(here, `${program}.mjs`))) as { use(folder: string): Promise<Used> };
  return attach<Used>(() => use(folder), {}, options);
}
