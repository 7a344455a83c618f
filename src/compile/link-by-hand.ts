// The flags for users who link with a build of their own: they fulfil the contract in link.ts without Heapline's
// drivers. scripts/generate-interface.ts writes them into wasm/link-wasi.rsp and wasm/link-emscripten.rsp, and
// `heapline link-flags` prints the paths of these files.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import { packageDirectory } from '../node/own-files.ts';
import { lists } from './emscripten.ts';
import { defaultSettings, NEEDED_SETTINGS } from './emscripten-versions.ts';
import { exportArguments, LINKER_ARGUMENTS, WASI_LINKER_ARGUMENTS } from './link.ts';
import { runtimeDirectory } from './toolchain.ts';

/** The kinds of modules for which there is a runtime object. */
export const LINK_TARGETS = ['wasi', 'emscripten'] as const;
export type LinkTarget = (typeof LINK_TARGETS)[number];

export function isLinkTarget(name: string): name is LinkTarget {
  return (LINK_TARGETS as readonly string[]).includes(name);
}

const forDriver = (args: readonly string[]): string[] => args.map((argument) => `-Wl,${argument}`);

/** Stands for any version of Emscripten, because every version knows the settings of the oldest one. */
const EVERY_VERSION = '3.1.6';

/** Flags of the compiler's driver. Where main makes a difference, they are those of a module that has one. */
export function linkFlagsByHand(target: LinkTarget): string[] {
  if (target === 'wasi')
    return ['-mexec-model=reactor', ...forDriver([...WASI_LINKER_ARGUMENTS, ...exportArguments('wasi')])];
  const defaults = defaultSettings(EVERY_VERSION, true).map(({ flag }) => flag);
  return [
    ...NEEDED_SETTINGS,
    ...defaults.filter((flag) => /^-s(?:ALLOW_MEMORY_GROWTH|EXIT_RUNTIME)=/.test(flag)),
    // Keeps 64-bit integers whole, because splitting them needs a pass of Binaryen. The default since 4.0.0.
    '-sWASM_BIGINT=1',
    // Emscripten looks for the runtime's imports in its JavaScript libraries, which do not have them.
    '-sERROR_ON_UNDEFINED_SYMBOLS=0',
    ...Object.entries(lists(true)).map(([name, entries]) => `-s${name}=${entries.join(',')}`),
    ...forDriver([...LINKER_ARGUMENTS, ...exportArguments('emscripten')]),
  ];
}

/** The files that a link by hand names: the runtime's object, and the response file with the flags. */
export function linkFilesByHand(target: LinkTarget): readonly [object: string, flags: string] {
  const files = [
    path.join(runtimeDirectory(), `heapline-${target}.o`),
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
