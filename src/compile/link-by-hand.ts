// The flags for users who link with a build of their own: they fulfil the contract in link.ts without Heapline's
// drivers. scripts/generate-interface.ts writes them into the files wasm/link-*.rsp, and `heapline link-flags` prints
// the paths of these files. With Emscripten there are two ways: a module may keep the JavaScript and all settings of its
// project (`attach`), or it may be linked for a sandbox, which runs Emscripten's JavaScript itself.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import { packageDirectory, runtimeDirectory } from '../node/own-files.ts';
import { lists } from './emscripten.ts';
import { defaultSettings, NEEDED_SETTINGS } from './emscripten-versions.ts';
import { exportArguments, LINKER_ARGUMENTS, WASI_LINKER_ARGUMENTS } from './link.ts';

/** What a link by hand can be for, with the file that has the runtime for it. */
const RUNTIMES = {
  wasi: 'heapline-wasi.o',
  emscripten: 'heapline-emscripten.o',
  'emscripten-sandbox': 'heapline-emscripten.o',
  rust: 'libheapline.a',
} as const;
export const LINK_TARGETS = Object.keys(RUNTIMES) as readonly (keyof typeof RUNTIMES)[];
export type LinkTarget = keyof typeof RUNTIMES;

export function isLinkTarget(name: string): name is LinkTarget {
  return (LINK_TARGETS as readonly string[]).includes(name);
}

const forDriver = (args: readonly string[]): string[] => args.map((argument) => `-Wl,${argument}`);

/** Stands for any version of Emscripten, because every version knows the settings of the oldest one. */
const EVERY_VERSION = '3.1.6';

/** Emscripten looks for the runtime's imports in its JavaScript libraries, which do not have them. */
const UNDEFINED_SYMBOLS = '-sERROR_ON_UNDEFINED_SYMBOLS=0';

/** The flags of a module that keeps its project's JavaScript and settings. */
const OWN_GLUE = [
  '-sMALLOC=none',
  UNDEFINED_SYMBOLS,
  // Keeps Binaryen from renaming the runtime's exports, and from inlining the allocator into its callers.
  '-g',
  ...forDriver([
    '--stack-first',
    // This export would take exit() to the sandbox, but the project's own JavaScript ends its program.
    ...exportArguments('emscripten').filter((argument) => argument !== '--export=__wrap_exit'),
  ]),
];

/**
 * The flags of the linker that rustc calls. Rust has a target without libc, which has no exit() either.
 */
const OF_RUST = [
  ...WASI_LINKER_ARGUMENTS.filter((argument) => argument !== '--undefined=exit'),
  ...exportArguments('wasi').filter((argument) => argument !== '--export=__wrap_exit'),
  '--export-if-defined=_initialize',
];

/** Flags of the compiler's driver, or with Rust of the linker. Where main makes a difference, they are those of a module that has one. */
export function linkFlagsByHand(target: LinkTarget): string[] {
  if (target === 'wasi')
    return ['-mexec-model=reactor', ...forDriver([...WASI_LINKER_ARGUMENTS, ...exportArguments('wasi')])];
  if (target === 'emscripten') return OWN_GLUE;
  if (target === 'rust') return OF_RUST;
  const defaults = defaultSettings(EVERY_VERSION, true).map(({ flag }) => flag);
  return [
    ...NEEDED_SETTINGS,
    ...defaults.filter((flag) => /^-s(?:ALLOW_MEMORY_GROWTH|EXIT_RUNTIME)=/.test(flag)),
    // Keeps 64-bit integers whole, because splitting them needs a pass of Binaryen. The default since 4.0.0.
    '-sWASM_BIGINT=1',
    UNDEFINED_SYMBOLS,
    ...Object.entries(lists(true)).map(([name, entries]) => `-s${name}=${entries.join(',')}`),
    ...forDriver([...LINKER_ARGUMENTS, ...exportArguments('emscripten')]),
  ];
}

/** The files that a link by hand names: the runtime, and the response file with the flags. */
export function linkFilesByHand(target: LinkTarget): readonly [runtime: string, flags: string] {
  const files = [
    path.join(runtimeDirectory(), RUNTIMES[target]),
    path.join(packageDirectory ?? '', 'wasm', `link-${target}.rsp`),
  ] as const;
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new ToolchainError(
      target,
      `The Heapline runtime is missing: there is no ${missing}. In a source tree, ./build.sh compiles it.`,
    );
  }
  return files;
}

/** The arguments that a build adds to its link: of emcc or clang, or of rustc. */
export function linkArgumentsByHand(target: LinkTarget): string[] {
  const [runtime, flags] = linkFilesByHand(target);
  if (target !== 'rust') return [runtime, `@${flags}`];
  // rustc puts a library before libc, whose malloc must not be found first. An object would come last.
  const library = 'static:-bundle,+whole-archive=heapline';
  return ['-L', `native=${path.dirname(runtime)}`, '-l', library, '-C', `link-arg=@${flags}`];
}
