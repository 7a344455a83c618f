// How those link who have a build of their own: the flags that make the contract in link.ts, without Heapline's drivers.
// They are what wasm/link-wasi.rsp and wasm/link-emscripten.rsp contain (scripts/generate-interface.ts writes them), and
// `heapline link-flags` prints where those files are.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import { packageDirectory } from '../node/own-files.ts';
import { lists } from './emscripten.ts';
import { defaultSettings, NEEDED_SETTINGS } from './emscripten-versions.ts';
import { exportArguments, LINKER_ARGUMENTS, WASI_LINKER_ARGUMENTS } from './link.ts';
import { runtimeDirectory } from './toolchain.ts';

/** The kinds of modules that there is a runtime object for. */
export const LINK_TARGETS = ['wasi', 'emscripten'] as const;
export type LinkTarget = (typeof LINK_TARGETS)[number];

export function isLinkTarget(name: string): name is LinkTarget {
  return (LINK_TARGETS as readonly string[]).includes(name);
}

const forDriver = (args: readonly string[]): string[] => args.map((argument) => `-Wl,${argument}`);

/** Any version of Emscripten, as far as settings go that every version knows. */
const EVERY_VERSION = '3.1.6';

/** Flags of the compiler's driver, for a module that has a main where that makes a difference. */
export function linkFlagsByHand(target: LinkTarget): string[] {
  if (target === 'wasi')
    return ['-mexec-model=reactor', ...forDriver([...WASI_LINKER_ARGUMENTS, ...exportArguments('wasi')])];
  const defaults = defaultSettings(EVERY_VERSION, true).map(({ flag }) => flag);
  return [
    ...NEEDED_SETTINGS,
    ...defaults.filter((flag) => /^-s(?:ALLOW_MEMORY_GROWTH|EXIT_RUNTIME)=/.test(flag)),
    // 64-bit integers as they are: what takes them apart is a pass of Binaryen. The default since 4.0.0.
    '-sWASM_BIGINT=1',
    // Emscripten looks for the runtime's imports in its JavaScript libraries, where they are not.
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
      `The Heapline runtime is missing: ${missing}. In a source tree, ./build.sh compiles it.`,
    );
  }
  return files;
}
