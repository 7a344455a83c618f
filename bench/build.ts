// Builds every program in every variant from the same objects: one compilation per toolchain, then one link with the
// toolchain's own allocator and one with the Heapline runtime. A ratio therefore compares only allocators and slots.
// Results are cached in bench/out by the content of all inputs.
//
// The clang driver must not get -O at the link, because it would run wasm-opt on one of the two.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ALLOCATION_FAMILY } from '../src/frames/index.ts';
import type { Program } from './programs.ts';

const execute = promisify(execFile);
/** The repository, with a slash at its end. */
export const root: string = fileURLToPath(new URL('..', import.meta.url));

/** The folder of built modules and of the peers' profiles; ignored by git. */
export const outFolder: string = fileURLToPath(new URL('out/', import.meta.url));
mkdirSync(outFolder, { recursive: true });

/** A wasm module (with its Emscripten glue) or a native executable, ready to run. */
export interface Artifact {
  readonly path: string;
  /** Path of the Emscripten glue, '' for others. */
  readonly glue: string;
}

/**
 * Clang deletes allocations whose blocks it can see through. This flag keeps them, because the sources ask for them.
 */
export const keepAllocations: readonly string[] = [
  'malloc',
  'calloc',
  'realloc',
  'free',
  'aligned_alloc',
].map((name) => `-fno-builtin-${name}`);

/** A build tool and its arguments. */
export interface Target {
  readonly name: 'wasi' | 'emscripten' | 'emscripten-asan' | 'native' | 'native-asan';
  readonly compiler: string;
  readonly compile: readonly string[];
}

const common = ['-O2', '-g', '-std=gnu11', '-w', '-DNDEBUG', ...keepAllocations];

export const targets: Readonly<Record<Target['name'], Target>> = {
  wasi: {
    name: 'wasi',
    compiler: 'clang',
    compile: [
      '--target=wasm32-wasi',
      ...common,
      '-D_WASI_EMULATED_SIGNAL',
      '-D_WASI_EMULATED_PROCESS_CLOCKS',
    ],
  },
  emscripten: { name: 'emscripten', compiler: 'emcc', compile: common },
  'emscripten-asan': {
    name: 'emscripten-asan',
    compiler: 'emcc',
    compile: [...common, '-fsanitize=address'],
  },
  native: { name: 'native', compiler: 'gcc', compile: [...common, '-fno-omit-frame-pointer'] },
  'native-asan': {
    name: 'native-asan',
    compiler: 'gcc',
    compile: [...common, '-fno-omit-frame-pointer', '-fsanitize=address'],
  },
};

export async function run(
  command: string,
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<string> {
  try {
    const { stdout } = await execute(command, [...args], {
      cwd: root,
      maxBuffer: 64 << 20,
      ...(env ? { env: { ...process.env, ...env } } : {}),
    });
    return stdout;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new Error(`${command} failed: ${(stderr || message).slice(0, 2000)}`, { cause: error });
  }
}

let building = 0;

/** Seconds spent on compilers and linkers so far; a second run finds their output in bench/out. */
export const buildSeconds = (): number => building / 1e3;

async function runBuild(command: string, args: readonly string[]): Promise<void> {
  const start = performance.now();
  // Emscripten's sanitizers need acorn, which Debian's Emscripten lacks.
  await run(command, args, command === 'emcc' ? { NODE_PATH: `${root}node_modules` } : undefined);
  building += performance.now() - start;
}

const versions = new Map<string, Promise<string>>();

/** First line of `command --version`, '' when the command does not work. */
export function version(command: string, args: readonly string[] = ['--version']): Promise<string> {
  let known = versions.get(command);
  if (!known) {
    known = run(command, args).then(
      (text) =>
        text
          .split('\n')
          .find((line) => line.trim() !== '')
          ?.trim() ?? '',
      () => '',
    );
    versions.set(command, known);
  }
  return known;
}

const digests = new Map<string, string>();

function digest(path: string): string {
  let known = digests.get(path);
  if (!known) {
    known = createHash('sha256').update(readFileSync(path)).digest('hex');
    digests.set(path, known);
  }
  return known;
}

/** Key of a build step: the tool's version, its arguments and the content of its inputs. */
async function key(command: string, args: readonly string[], inputs: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([await version(command), args]));
  for (const input of inputs) hash.update(digest(input));
  return hash.digest('hex').slice(0, 16);
}

async function compileOne(
  target: Target,
  source: string,
  flags: readonly string[],
  headers: readonly string[],
): Promise<string> {
  const args = [...target.compile, ...flags, '-c', source];
  const name = source.replace(/^.*\//, '').replace(/\.c$/, '');
  const output = `${outFolder}${name}-${target.name}-${await key(target.compiler, args, [source, ...headers])}.o`;
  if (!existsSync(output)) {
    await runBuild(target.compiler, [...args, '-o', `${output}.part`]);
    renameSync(`${output}.part`, output);
  }
  return output;
}

/** Compiles sources one after the other. The caller runs at most two such builds at a time. */
export async function compileAll(
  target: Target,
  sources: readonly string[],
  flags: readonly string[],
  headers: readonly string[] = [],
): Promise<string[]> {
  const objects: string[] = [];
  for (const source of sources) objects.push(await compileOne(target, source, flags, headers));
  return objects;
}

async function link(
  command: string,
  name: string,
  suffix: string,
  objects: readonly string[],
  args: readonly string[],
  glue: boolean,
): Promise<Artifact> {
  const stem = `${outFolder}${name}-${await key(command, args, objects)}`;
  const output = `${stem}${glue ? '.js' : suffix}`;
  if (!existsSync(output)) {
    if (glue) await runBuild(command, [...objects, ...args, '-o', output]);
    else {
      await runBuild(command, [...objects, ...args, '-o', `${output}.part`]);
      renameSync(`${output}.part`, output);
    }
  }
  return glue ? { path: `${stem}.wasm`, glue: output } : { path: output, glue: '' };
}

/** 1 MB of C stack, below the data so that an overflow traps. The recursive programs need it. */
const stackSize = 1 << 20;

const exportsOfRuntime = [
  'heapline_runtime',
  'heapline_shadow',
  'heapline_set_flags',
  'heapline_set_checks',
  ...['heapline_access', 'heapline_access_range', 'heapline_access_string'],
];

export const runtimeObject = (toolchain: 'wasi' | 'emscripten'): string =>
  `${root}wasm/heapline-${toolchain}.o`;

/**
 * How a wasm module is linked: with the toolchain's default allocator, with another of its allocators, or the
 * runtime.
 */
export type Allocator = 'dlmalloc' | 'emmalloc' | 'heapline';

/** Arguments of a link to a WASI reactor. */
const wasiLinkArguments = (entry: string, allocator: 'dlmalloc' | 'heapline'): string[] => [
  '--target=wasm32-wasi',
  '-mexec-model=reactor',
  `-Wl,-z,stack-size=${stackSize}`,
  '-Wl,--stack-first',
  `-Wl,--export=${entry}`,
  '-lm',
  '-lwasi-emulated-signal',
  '-lwasi-emulated-process-clocks',
  '-lwasi-emulated-getpid',
  '-lwasi-emulated-mman',
  ...(allocator === 'heapline'
    ? [...exportsOfRuntime, ...ALLOCATION_FAMILY].map((name) => `-Wl,--export=${name}`)
    : []),
];

/** WASI reactor (clang + wasi-libc). `extra` takes further objects and link flags, for the peers. */
export async function linkWasi(
  program: Program,
  allocator: 'dlmalloc' | 'heapline',
  extra: { sources?: readonly string[]; flags?: readonly string[] } = {},
): Promise<Artifact> {
  const target = targets.wasi;
  const objects = await compileAll(target, program.sources, program.flags, program.headers);
  if (extra.sources) objects.push(...(await compileAll(target, extra.sources, [])));
  if (allocator === 'heapline') objects.push(runtimeObject('wasi'));
  const args = [...wasiLinkArguments(program.entry, allocator), ...(extra.flags ?? [])];
  return link(target.compiler, `${program.name}-${allocator}`, '.wasm', objects, args, false);
}

/** Links objects with the runtime to a file of the caller. It is not cached, because it may be very large. */
export async function linkWasiObjects(
  objects: readonly string[],
  entry: string,
  flags: readonly string[],
  output: string,
): Promise<void> {
  const args = [...wasiLinkArguments(entry, 'heapline'), ...flags];
  await runBuild(targets.wasi.compiler, [...objects, runtimeObject('wasi'), ...args, '-o', output]);
}

/** Emscripten module with glue for Node.js. */
export async function linkEmscripten(
  program: Program,
  allocator: Allocator,
  extra: { flags?: readonly string[]; name?: string; target?: Target } = {},
): Promise<Artifact> {
  const target = extra.target ?? targets.emscripten;
  const objects = await compileAll(target, program.sources, program.flags, program.headers);
  const exported = [
    program.entry,
    ...(allocator === 'heapline' ? [...exportsOfRuntime, ...ALLOCATION_FAMILY] : ['malloc', 'free']),
  ];
  const args = [
    '-O1',
    '-g',
    '-sMODULARIZE=1',
    '-sEXPORT_NAME=createModule',
    '-sENVIRONMENT=node',
    '-sALLOW_MEMORY_GROWTH=1',
    '-sMAXIMUM_MEMORY=2GB',
    `-sTOTAL_STACK=${stackSize}`,
    '-sINITIAL_MEMORY=4MB',
    '-sNODEJS_CATCH_EXIT=0',
    '-sNODEJS_CATCH_REJECTION=0',
    `-sEXPORTED_FUNCTIONS=${exported.map((name) => `_${name}`).join(',')}`,
    `-sMALLOC=${allocator === 'heapline' ? 'none' : allocator}`,
    ...(extra.flags ?? []),
  ];
  if (allocator === 'heapline') {
    objects.push(runtimeObject('emscripten'));
    // Emscripten's JS libraries do not know the runtime's imports; guest.ts supplies them.
    args.push('-sERROR_ON_UNDEFINED_SYMBOLS=0', '-sWARN_ON_UNDEFINED_SYMBOLS=0');
  }
  return link(target.compiler, `${program.name}-${extra.name ?? `em-${allocator}`}`, '', objects, args, true);
}

/** Native executable around the program's entry. Its output is described in native-main.c. */
export async function linkNative(
  program: Program,
  target: Target = targets.native,
  flags: readonly string[] = [],
): Promise<Artifact> {
  const objects = await compileAll(target, program.sources, program.flags, program.headers);
  objects.push(
    ...(await compileAll(target, [`${root}bench/peers/native-main.c`], [`-DENTRY=${program.entry}`])),
  );
  const asan = target.name === 'native-asan' ? ['-fsanitize=address'] : [];
  return link(
    target.compiler,
    `${program.name}-${target.name}`,
    '.exe',
    objects,
    ['-rdynamic', '-lm', '-lpthread', '-ldl', ...asan, ...flags],
    false,
  );
}
