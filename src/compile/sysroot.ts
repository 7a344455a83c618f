// Finds WASI's libc for a clang, and the target's name to use with it. Sysroots are laid out by target. The older
// ones have include/wasm32-wasi and lib/wasm32-wasi (Debian's wasi-libc, wasi-sdk before version 20). The current
// ones have include/wasm32-wasip1 and lib/wasm32-wasip1. wasi-sdk 20 to 33 have both. Clang only searches the
// directories of the target that it is given, so the directories that exist decide the target.

import os from 'node:os';
import path from 'node:path';
import { isDirectory, isFile } from '../node/file-kinds.ts';
import { type Cache, hashOf } from './cache.ts';
import { runTool } from './process.ts';
import { fileIdentity } from './toolchain.ts';

/** Targets that this driver knows, the current name first. Both names mean WASI preview 1. */
const TARGETS = ['wasm32-wasip1', 'wasm32-wasi'] as const;
type Target = (typeof TARGETS)[number];

/** The values that a clang needs to compile and link for WASI. */
export interface Sysroot {
  readonly target: Target;
  /** The sysroot's directory; null when the compiler finds the sysroot by itself. */
  readonly directory: string | null;
  /** Path of libc.a. The sysroot is the tree around this file. */
  readonly libc: string;
  /** The directory of C's headers; null when it is not beside libc, so that only the compiler knows it. */
  readonly headers: string | null;
  /** The compiler-rt library for WebAssembly if the compiler does not look where it is; otherwise null. */
  readonly builtins: string | null;
}

/** Sysroots of distributions (Arch, Alpine, Homebrew) whose clang does not find them by itself. */
const WELL_KNOWN = [
  '/usr/share/wasi-sysroot',
  '/usr/local/share/wasi-sysroot',
  '/opt/homebrew/share/wasi-sysroot',
  '/opt/wasi-sdk/share/wasi-sysroot',
];

/** Prefixes of the headers of this machine's own system. */
const HOST_PREFIXES = ['/', '/usr', '/usr/local'];

const libcIn = (directory: string, target: Target): string => path.join(directory, 'lib', target, 'libc.a');

/** The first target for which a directory has a libc. */
function targetIn(directory: string): Target | null {
  return TARGETS.find((target) => isFile(libcIn(directory, target))) ?? null;
}

async function ask(clang: string, target: Target, args: readonly string[]): Promise<string | null> {
  const { status, stdout } = await runTool(clang, [`--target=${target}`, ...args]);
  const answer = stdout.trim();
  // Clang prints the name it was asked for when it does not find the file.
  return status === 0 && path.isAbsolute(answer) ? path.normalize(answer) : null;
}

/** The libc that the compiler finds by itself. */
async function ownLibc(clang: string): Promise<{ target: Target; libc: string } | null> {
  const answers = await Promise.all(TARGETS.map((target) => ask(clang, target, ['-print-file-name=libc.a'])));
  for (const [index, libc] of answers.entries()) {
    if (libc !== null && isFile(libc)) return { target: TARGETS[index]!, libc };
  }
  return null;
}

/** The compiler-rt library in the compiler's own directory. Its path differs between versions of clang. */
function builtinsIn(resources: string): string | null {
  const folders = ['wasm32-unknown-wasip1', 'wasip1', 'wasm32-unknown-wasi', 'wasi'];
  const files = folders.flatMap((folder) =>
    ['libclang_rt.builtins.a', 'libclang_rt.builtins-wasm32.a'].map((name) =>
      path.join(resources, 'lib', folder, name),
    ),
  );
  return files.find(isFile) ?? null;
}

/** A compiler-rt that clang does not find for this target, because it is installed under the target's other name. */
async function misplacedBuiltins(clang: string, target: Target): Promise<string | null> {
  const [expected, resources] = await Promise.all([
    ask(clang, target, ['-print-libgcc-file-name']),
    ask(clang, target, ['-print-resource-dir']),
  ]);
  if (expected === null || isFile(expected) || resources === null) return null;
  return builtinsIn(resources);
}

/**
 * Finds the sysroot for a clang: the one that the caller named, otherwise the one beside the compiler, otherwise the
 * one that the compiler finds by itself, otherwise one at a well-known path. Null when there is none. The cache keeps
 * the compiler's answers, so that the compiler is not started again.
 * @param named the caller's directory, which no other directory replaces
 */
export async function findSysroot(
  clang: string,
  named: string | null,
  cache: Cache,
): Promise<Sysroot | null> {
  const beside = path.join(path.dirname(clang), '..', 'share', 'wasi-sysroot');
  const key = hashOf('sysroot', fileIdentity(clang), clang, named ?? '', os.platform());
  const what = `sysroot of ${clang}`;
  const known = cache.find(key, what)?.meta as Sysroot | undefined;
  if (known !== undefined && isFile(known.libc) && (known.builtins === null || isFile(known.builtins))) {
    // A sysroot that has appeared beside the compiler since then comes first.
    if (named !== null || known.directory === beside || targetIn(beside) === null) return known;
  }
  const found = await lookFor(clang, named === null ? [beside, null, ...WELL_KNOWN] : [named]);
  if (found !== null) cache.store(key, what, [], { meta: found, blobs: {} });
  return found;
}

async function lookFor(clang: string, directories: readonly (string | null)[]): Promise<Sysroot | null> {
  for (const directory of directories) {
    const target = directory === null ? null : targetIn(directory);
    const place =
      directory === null
        ? await ownLibc(clang)
        : target === null
          ? null
          : { target, libc: libcIn(directory, target) };
    if (place === null) continue;
    const headers = path.join(path.dirname(place.libc), '..', '..', 'include', place.target);
    return {
      ...place,
      directory,
      headers: isDirectory(headers) ? headers : null,
      builtins: await misplacedBuiltins(clang, place.target),
    };
  }
  return null;
}

/** The compiler's arguments for this sysroot, both for compiling and for linking. */
export function sysrootArguments({ target, directory }: Sysroot): string[] {
  return [`--target=${target}`, ...(directory === null ? [] : [`--sysroot=${directory}`])];
}

/**
 * The C++ library that is built without exceptions, in sysroots that have two (wasi-sdk 33 and later, in folders `eh`
 * and `noeh`). It is used whichever one clang would choose, because the other library uses the encoding of exceptions
 * that Node.js 20 does not run. The parts that this library lacks are linked anyway.
 */
function chosenLibrary({ headers, libc }: Sysroot): { headers: string; archives: string } | null {
  if (headers === null) return null;
  const library = path.join(headers, 'noeh', 'c++', 'v1');
  const archives = path.join(path.dirname(libc), 'noeh');
  return isDirectory(library) && isFile(path.join(archives, 'libc++.a'))
    ? { headers: library, archives }
    : null;
}

/** The compiler's arguments for the C++ library. They come after the caller's own. */
function cxxHeaderArguments(sysroot: Sysroot): string[] {
  const library = chosenLibrary(sysroot);
  return library === null ? [] : ['-cxx-isystem', library.headers];
}

/** The linker's arguments for the C++ library. */
export function cxxLibraryArguments(sysroot: Sysroot): string[] {
  const library = chosenLibrary(sysroot);
  return library === null ? [] : [`-L${library.archives}`];
}

/**
 * Arguments that hide the headers of this machine's own system. A distribution's clang searches /usr/include after
 * the directories of WASI. There it finds headers for another processor and another libc, which fail far from the
 * cause or, worse, do not fail. These arguments come after the caller's flags, so that the caller's directories come
 * first.
 */
export function headerArguments(sysroot: Sysroot, cxx: boolean): string[] {
  const { directory, headers } = sysroot;
  const chosen = cxx ? cxxHeaderArguments(sysroot) : [];
  if (directory !== null || headers === null) return chosen;
  const prefix = path.join(headers, '..', '..');
  if (!HOST_PREFIXES.includes(prefix)) return chosen;
  const library = path.join(headers, 'c++', 'v1');
  return [
    ...chosen,
    '-nostdlibinc',
    ...(cxx && isDirectory(library) ? ['-cxx-isystem', library] : []),
    // Comes after the compiler's own headers, which have to precede libc's.
    ...['-Xclang', '-internal-isystem', '-Xclang', headers],
  ];
}
