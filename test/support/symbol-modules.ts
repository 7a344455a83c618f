// Builds the modules of the symbol tests with each supported compiler. The cache key of a result contains all inputs,
// so a second run of the tests compiles nothing.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EMCC, EMCC_VERSION } from './emcc.ts';

export type Toolchain = 'clang-14' | 'clang-22' | 'embedded' | 'emscripten';

export interface Program {
  readonly name: string;
  /** Translation units. */
  readonly sources: readonly string[];
  /** Directories of headers. Compilers without access to the disk receive every file in them. */
  readonly include?: readonly string[];
  readonly defines?: readonly string[];
  /** Exported functions. If there are none, all functions are kept. */
  readonly exports?: readonly string[];
}

export interface BuildOptions {
  readonly toolchain: Toolchain;
  /** Compiler flags, such as -O2 and -gdwarf-5. */
  readonly flags: readonly string[];
  /** Linker flags besides those for the exports. For Emscripten they are flags of emcc. */
  readonly link?: readonly string[];
}

const CACHE = fileURLToPath(new URL('../../.cache/symbols/', import.meta.url));
const SYSROOT_LIBRARIES = '/usr/lib/wasm32-wasi';

/** Builds a program and returns the path of the linked module. */
export async function build(program: Program, options: BuildOptions): Promise<string> {
  const objects: string[] = [];
  for (const source of program.sources) objects.push(await compile(program, source, options));
  const keep =
    program.exports === undefined ? ['--no-gc-sections'] : program.exports.map((name) => `--export=${name}`);
  const arguments_ = ['--no-entry', '--allow-undefined', ...keep, ...(options.link ?? [])];
  const output = cachePath(program.name, 'wasm', [...identity(options.toolchain), ...arguments_, ...objects]);
  if (existsSync(output)) return output;
  const partial = `${output}.${process.pid}`;
  if (options.toolchain === 'emscripten') {
    const exports = (program.exports ?? ['*']).map((name) => `_${name}`).join(',');
    run(EMCC, [
      ...objects,
      '-o',
      `${partial}.wasm`,
      '-g',
      '-sSTANDALONE_WASM',
      '-sERROR_ON_UNDEFINED_SYMBOLS=0',
      '--no-entry',
      program.exports === undefined ? '-sLINKABLE=1' : `-sEXPORTED_FUNCTIONS=${exports}`,
      ...(program.exports === undefined ? ['-sEXPORT_ALL=1'] : []),
      ...(options.link ?? []),
    ]);
    renameSync(`${partial}.wasm`, output);
    if (existsSync(`${partial}.wasm.map`)) renameSync(`${partial}.wasm.map`, `${output}.map`);
    return output;
  }
  const linker = options.toolchain === 'clang-14' ? 'wasm-ld-14' : 'wasm-ld-22';
  run(linker, [...arguments_, `-L${SYSROOT_LIBRARIES}`, ...objects, '-lc', '-o', partial]);
  renameSync(partial, output);
  return output;
}

async function compile(
  program: Program,
  source: string,
  { toolchain, flags }: BuildOptions,
): Promise<string> {
  const include = program.include ?? [];
  const arguments_ = [
    ...flags,
    ...include.map((directory) => `-I${directory}`),
    ...(program.defines ?? []).map((define) => `-D${define}`),
    '-c',
    source,
  ];
  const output = cachePath(program.name, 'o', [
    ...identity(toolchain),
    ...arguments_,
    digest(readFileSync(source)),
  ]);
  if (existsSync(output)) return output;
  const partial = `${output}.${process.pid}`;
  if (toolchain === 'embedded') {
    writeFileSync(partial, await compileEmbedded(arguments_, source, include));
  } else if (toolchain === 'emscripten') {
    run(EMCC, [...arguments_, '-w', '-o', partial]);
  } else {
    run(toolchain, ['--target=wasm32-wasi', '-w', ...arguments_, '-o', partial]);
  }
  renameSync(partial, output);
  return output;
}

// The embedded compiler sees only the files that it receives. They keep their absolute paths.
async function compileEmbedded(
  arguments_: readonly string[],
  source: string,
  include: readonly string[],
): Promise<Uint8Array> {
  const { commands } = await import('@yowasp/clang');
  type Tree = { [name: string]: Tree | string | Uint8Array };
  const tree: Tree = {};
  const add = (path: string): void => {
    let at = tree;
    const parts = path.split('/').filter((part) => part !== '');
    for (const part of parts.slice(0, -1)) {
      at[part] ??= {};
      at = at[part] as Tree;
    }
    at[parts[parts.length - 1]!] = readFileSync(path);
  };
  const addAll = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) addAll(path);
      else if (/\.(c|h|cc|cpp|hpp|inc)$/.test(entry.name)) add(path);
    }
  };
  add(source);
  for (const directory of new Set([...include, dirname(source)])) addAll(directory);
  arguments_.forEach((argument, index) => {
    if (argument === '-include') add(arguments_[index + 1]!);
  });
  let output = '';
  const command = commands[source.endsWith('.c') ? 'clang' : 'clang++'];
  const result = await command(['--target=wasm32-wasip1', '-w', ...arguments_, '-o', 'out.o'], tree, {
    fetchProgress: () => {},
    stderr: (bytes) => {
      if (bytes !== null) output += Buffer.from(bytes).toString();
    },
  });
  const object = result?.['out.o'];
  if (!(object instanceof Uint8Array)) throw new Error(`the embedded compiler made no object:\n${output}`);
  return object;
}

function run(command: string, arguments_: readonly string[]): void {
  const { status, stderr, stdout, error } = spawnSync(command, arguments_, { encoding: 'utf8' });
  if (error !== undefined || status !== 0) {
    throw new Error(`${command} ${arguments_.join(' ')}\n${error?.message ?? ''}${stdout}${stderr}`);
  }
}

const identity = (toolchain: Toolchain): string[] => [
  toolchain,
  ...(toolchain === 'emscripten' ? [EMCC_VERSION.identity] : []),
];

function cachePath(name: string, extension: string, key: readonly string[]): string {
  mkdirSync(CACHE, { recursive: true });
  return join(CACHE, `${name}-${digest(key.join('\0'))}.${extension}`);
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
