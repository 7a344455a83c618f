// What changed in Emscripten over its versions, as far as linking goes, and how an installation's version is found. What
// changed in its glue is handled in src/glue/emscripten-guest.ts. Each version of emcc that was run is in README.

import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { STACK_SIZE } from './link.ts';
import { isFile } from './options.ts';

/** The memory that a module starts with when it is linked without other bounds. Before 3.1.56 that is Emscripten's own. */
export const DEFAULT_INITIAL_MEMORY = 2 ** 24;

/** Of that memory, what is left for data beside the stack: Emscripten counts the heap alone since 3.1.56. */
const ROOM_FOR_DATA = 2 ** 20;

/** An installation of Emscripten. */
export interface EmccVersion {
  /** As in `3.1.69`; null when it does not say. */
  readonly number: string | null;
  /** Changes with the installation. */
  readonly identity: string;
}

/** What `emcc --version` and emscripten-version.txt say: text with a version in it, in quotes in older ones. */
export function versionIn(text: string): string | null {
  return /\b\d+\.\d+\.\d+\b/.exec(text)?.[0] ?? null;
}

/** Whether a version is at least `first`. One that is not known is taken for the newest. */
export function isSince(version: string | null, first: string): boolean {
  if (version === null) return true;
  const [a, b] = [version, first].map((each) => each.split('.').map(Number)) as [number[], number[]];
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return a[i]! > b[i]!;
  return true;
}

/** Where the version is written down, seen from the real place of emcc: beside it, or as Homebrew and Debian have it. */
const VERSION_FILES = ['.', '../libexec', '../share/emscripten', '../lib/emscripten'];
const VERSION_FILE = 'emscripten-version.txt';

/** Versions that only emcc itself could tell, by its real path. To ask takes as long as to compile a small source. */
const asked = new Map<string, string | null>();

/**
 * The version of an emcc. All versions of the SDK have the same launcher, so the file that says the version is what
 * identifies them; without it emcc is run, once in this process.
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

/** How a tool of Emscripten's is started. */
export interface EmscriptenCommand {
  readonly command: string;
  /** Arguments before the tool's own. */
  readonly before: readonly string[];
}

/**
 * How to start a tool of Emscripten's. Until 6.0.0 it is a batch file on Windows, which Node.js starts only through a
 * shell; it would run the Python program beside it, and so does this. On other systems that program is executable.
 */
export function commandOf(tool: string, platform: NodeJS.Platform = process.platform): EmscriptenCommand {
  const program = tool.replace(/\.(bat|cmd|py)$/i, '.py');
  if (platform !== 'win32' || program === tool.replace(/\.py$/, '')) return { command: tool, before: [] };
  if (!/\.py$/i.test(program) || !isFile(program)) return { command: tool, before: [] };
  const python = process.env.EMSDK_PYTHON ?? '';
  return { command: python === '' ? 'python' : python, before: ['-E', program] };
}

/** The C++ driver that belongs to an emcc; itself when there is none. */
export function cxxDriverOf(emcc: string): string {
  const driver = path.join(path.dirname(emcc), path.basename(emcc).replace('emcc', 'em++'));
  return isFile(driver) ? driver : emcc;
}

/** Settings that every module needs, also one that is linked by hand. Every version knows them. */
export const NEEDED_SETTINGS: readonly string[] = [
  '-sMALLOC=none',
  '-sMODULARIZE=1',
  '-sFORCE_FILESYSTEM=1',
  '-sINVOKE_RUN=0',
  // It looks for the stack's end above the data; here the stack lies below them, and its overflow traps by itself.
  '-sSTACK_OVERFLOW_CHECK=0',
];

/** Settings of the link that Heapline decides whatever the caller says, as `-s` flags. */
export function linkSettings(version: string | null): string[] {
  const since = (first: string): boolean => isSince(version, first);
  return [
    ...NEEDED_SETTINGS,
    '-sEXPORT_NAME=heaplineModule',
    '-sENVIRONMENT=node',
    // 64-bit integers as they are: what takes them apart is a pass of Binaryen. The default since 4.0.0, and since 6.0.8
    // setting it is warned of.
    ...(since('4.0.0') ? [] : ['-sWASM_BIGINT=1']),
    // The glue must not hang handlers of its own on the host's process. Since 5.0.2 it has none.
    ...(since('5.0.2') ? [] : ['-sNODEJS_CATCH_EXIT=0', '-sNODEJS_CATCH_REJECTION=0']),
    // Memory whose buffer grows in place was the default of 6.0.2 alone.
    ...(since('6.0.2') ? ['-sGROWABLE_ARRAYBUFFERS=0'] : []),
    // Archives may hold C++, whatever the sources are. The default until 6.0.6.
    ...(since('6.0.6') ? ['-sDEFAULT_TO_CXX=1'] : []),
  ];
}

/** Settings of the link that the caller's own replace, by the names that the caller may know them under. */
export function defaultSettings(
  version: string | null,
  hasMain: boolean,
): readonly { readonly flag: string; readonly replacedBy: readonly string[] }[] {
  return [
    { flag: '-sALLOW_MEMORY_GROWTH=1', replacedBy: ['ALLOW_MEMORY_GROWTH'] },
    // A program ends as C says. A library is there to be called again, also after its last timer has run.
    { flag: `-sEXIT_RUNTIME=${hasMain ? 1 : 0}`, replacedBy: ['EXIT_RUNTIME'] },
    { flag: `-s${stackSetting(version)}=${STACK_SIZE}`, replacedBy: ['STACK_SIZE', 'TOTAL_STACK'] },
    // Since 3.1.56 memory would start with a heap of 16 MiB beside stack and data, more than `maxMemory` may allow.
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

/** What the setting of the stack's size is called: the other name is an error in strict mode. */
export function stackSetting(version: string | null): 'STACK_SIZE' | 'TOTAL_STACK' {
  return isSince(version, '3.1.25') ? 'STACK_SIZE' : 'TOTAL_STACK';
}

/** Options of the module that the host gives the glue (src/glue/emscripten-guest.ts), as INCOMING_MODULE_JS_API names them. */
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
