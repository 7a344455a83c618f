// What has changed in linking over Emscripten's versions, and how an installation's version is found. Changes of the
// glue are handled in src/glue/emscripten-guest.ts. docs/toolchains.md lists the versions of emcc that were run.

import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { isFile } from '../node/file-kinds.ts';
import { STACK_SIZE } from './link.ts';

/**
 * Bytes of memory that a module starts with when the link names no other size. Before 3.1.56 this is emcc's default.
 */
export const DEFAULT_INITIAL_MEMORY = 2 ** 24;

/** Bytes of that memory for data beside the stack, because Emscripten counts the heap alone since 3.1.56. */
const ROOM_FOR_DATA = 2 ** 20;

/** An installation of Emscripten. */
export interface EmccVersion {
  /** Such as `3.1.69`; null when the version is unknown. */
  readonly number: string | null;
  /** Changes when the installation changes. */
  readonly identity: string;
}

/** The version in the text of `emcc --version` or emscripten-version.txt. Older texts put it in quotes. */
export function versionIn(text: string): string | null {
  return /\b\d+\.\d+\.\d+\b/.exec(text)?.[0] ?? null;
}

/** Whether a version is at least `first`. An unknown version counts as the newest. */
export function isSince(version: string | null, first: string): boolean {
  if (version === null) return true;
  const [a, b] = [version, first].map((each) => each.split('.').map(Number)) as [number[], number[]];
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return a[i]! > b[i]!;
  return true;
}

/** Directories of the version file, relative to the real path of emcc: its own, and those of Homebrew and Debian. */
const VERSION_FILES = ['.', '../libexec', '../share/emscripten', '../lib/emscripten'];
const VERSION_FILE = 'emscripten-version.txt';

/**
 * Versions that only emcc itself could tell, by emcc's real path. Asking takes as long as compiling a small source.
 */
const asked = new Map<string, string | null>();

/**
 * The version of an emcc. All versions of the SDK have the same launcher, so the file that contains the version
 * identifies the installation. Without this file emcc is run, once in this process.
 */
export function readEmccVersion(emcc: string, ask: (emcc: string) => string = askEmcc): EmccVersion {
  const real = realPath(emcc);
  const file = VERSION_FILES.map((directory) => path.join(path.dirname(real), directory, VERSION_FILE)).find(
    isFile,
  );
  if (file !== undefined) {
    const text = readFileSync(file, 'utf8').trim();
    const number = versionIn(text);
    if (number !== null) return { number, identity: JSON.stringify([real, text, statSync(file).mtimeMs]) };
  }
  let number = asked.get(real);
  if (number === undefined) {
    number = versionIn(ask(emcc));
    asked.set(real, number);
  }
  return { number, identity: JSON.stringify([real, number, timeOf(real)]) };
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function timeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function askEmcc(emcc: string): string {
  const { command, before } = commandOf(emcc);
  const { stdout } = spawnSync(command, [...before, '--version'], { encoding: 'utf8', windowsHide: true });
  return stdout ?? '';
}

/** How one of Emscripten's tools is started. */
export interface EmscriptenCommand {
  readonly command: string;
  /** Arguments before the tool's own. */
  readonly before: readonly string[];
}

/**
 * How to start one of Emscripten's tools. Before 6.0.0 a tool is a batch file on Windows, which Node.js starts only
 * through a shell. The batch file would run the Python program beside it, so this function names that program. On
 * other systems the program is executable.
 */
export function commandOf(tool: string, platform: NodeJS.Platform = process.platform): EmscriptenCommand {
  const program = tool.replace(/\.(bat|cmd|py)$/i, '.py');
  if (platform !== 'win32' || program === tool.replace(/\.py$/, '')) return { command: tool, before: [] };
  if (!/\.py$/i.test(program) || !isFile(program)) return { command: tool, before: [] };
  const python = process.env.EMSDK_PYTHON ?? '';
  return { command: python === '' ? 'python' : python, before: ['-E', program] };
}

/** The C++ driver beside an emcc, or emcc itself when there is none. */
export function cxxDriverOf(emcc: string): string {
  const driver = path.join(path.dirname(emcc), path.basename(emcc).replace('emcc', 'em++'));
  return isFile(driver) ? driver : emcc;
}

/** Settings that every module needs, even one that is linked by hand. Every version knows them. */
export const NEEDED_SETTINGS: readonly string[] = [
  '-sMALLOC=none',
  '-sMODULARIZE=1',
  '-sFORCE_FILESYSTEM=1',
  '-sINVOKE_RUN=0',
  // The check looks for the stack's end above the data. Here the stack lies below, and its overflow traps anyway.
  '-sSTACK_OVERFLOW_CHECK=0',
];

/** Settings of the link, as `-s` flags, that Heapline decides regardless of the caller's flags. */
export function linkSettings(version: string | null): string[] {
  const since = (first: string): boolean => isSince(version, first);
  return [
    ...NEEDED_SETTINGS,
    '-sEXPORT_NAME=heaplineModule',
    '-sENVIRONMENT=node',
    // Keeps 64-bit integers whole, because splitting them needs a pass of Binaryen. This is the default since 4.0.0,
    // and since 6.0.8 emcc warns when the setting is given.
    ...(since('4.0.0') ? [] : ['-sWASM_BIGINT=1']),
    // The glue must not attach handlers to the host's process. Since 5.0.2 it has none.
    ...(since('5.0.2') ? [] : ['-sNODEJS_CATCH_EXIT=0', '-sNODEJS_CATCH_REJECTION=0']),
    // Memory whose buffer grows in place was the default in 6.0.2 only.
    ...(since('6.0.2') ? ['-sGROWABLE_ARRAYBUFFERS=0'] : []),
    // Archives may contain C++ even when all sources are C. This was the default until 6.0.6.
    ...(since('6.0.6') ? ['-sDEFAULT_TO_CXX=1'] : []),
  ];
}

/**
 * Settings of the link that the caller's own settings replace, with the names under which the caller may set them.
 */
export function defaultSettings(
  version: string | null,
  hasMain: boolean,
): readonly { readonly flag: string; readonly replacedBy: readonly string[] }[] {
  return [
    { flag: '-sALLOW_MEMORY_GROWTH=1', replacedBy: ['ALLOW_MEMORY_GROWTH'] },
    // A program ends when C says so. A library can be called again, even after its last timer has run.
    { flag: `-sEXIT_RUNTIME=${hasMain ? 1 : 0}`, replacedBy: ['EXIT_RUNTIME'] },
    { flag: `-s${stackSetting(version)}=${STACK_SIZE}`, replacedBy: ['STACK_SIZE', 'TOTAL_STACK'] },
    // Since 3.1.56 memory would start with a 16 MiB heap beside stack and data, and `maxMemory` may not allow that.
    ...(isSince(version, '3.1.56')
      ? [
          {
            flag: `-sINITIAL_HEAP=${DEFAULT_INITIAL_MEMORY - STACK_SIZE - ROOM_FOR_DATA}`,
            replacedBy: ['INITIAL_HEAP', 'INITIAL_MEMORY', 'TOTAL_MEMORY', 'STACK_SIZE', 'TOTAL_STACK'],
          },
        ]
      : []),
  ];
}

/** The name of the setting for the stack's size. The other name is an error in strict mode. */
export function stackSetting(version: string | null): 'STACK_SIZE' | 'TOTAL_STACK' {
  return isSince(version, '3.1.25') ? 'STACK_SIZE' : 'TOTAL_STACK';
}

/** Options of the module that the host gives the glue (src/glue/emscripten-guest.ts), for INCOMING_MODULE_JS_API. */
export function moduleOptions(version: string | null): string[] {
  return [
    'thisProgram',
    'noInitialRun',
    'instantiateWasm',
    'preRun',
    'print',
    'printErr',
    'onAbort',
    'onExit',
    ...(isSince(version, '3.1.65') ? [] : ['quit']),
  ];
}
