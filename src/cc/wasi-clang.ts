// Chooses the compiler of `heapline cc`: a clang of this machine and a sysroot for WASI, as one pair. Programs that
// are linked here see the host's files, so they are always WASI's. A sysroot without setjmp (Debian's) cannot compile
// many programs. In its place comes the sysroot of the embedded compiler, unpacked into the cache once, when there is a
// clang that is new enough for it.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import {
  type Cache,
  clangCandidates,
  fileIdentity,
  findSysroot,
  HOW_TO_GET_CLANG,
  hashOf,
  runTool,
  type Sysroot,
} from '../compile/index.ts';
import { ToolchainError } from '../errors.ts';
import { isFile } from '../node/file-kinds.ts';

/** A clang and the sysroot that it compiles for. */
export interface WasiClang {
  readonly clang: string;
  readonly sysroot: Sysroot;
  /** Major version of clang. */
  readonly major: number;
  /** Changes whenever objects may be compiled differently. */
  readonly identity: string;
}

/** The oldest clang whose linker reads the libraries of the unpacked sysroot. */
const OLDEST_FOR_UNPACKED = 19;

const hasLibrary = (sysroot: Sysroot, name: string): boolean =>
  isFile(path.join(path.dirname(sysroot.libc), `lib${name}.a`));

/** Whether a sysroot has a library. */
export const librariesOf =
  (sysroot: Sysroot) =>
  (name: string): boolean =>
    hasLibrary(sysroot, name);

/** The pair to use; null when the embedded compiler is to be used. Throws a ToolchainError when nothing can be used. */
export async function chooseClang(cache: Cache): Promise<WasiClang | null> {
  const asked = process.env.HEAPLINE_TOOLCHAIN ?? '';
  if (asked === 'embedded') return null;
  if (asked === 'emscripten') {
    throw new ToolchainError(
      'emscripten',
      'HEAPLINE_TOOLCHAIN is `emscripten`, and `heapline cc` makes programs for WASI, which see the files of this ' +
        'machine. Use `heapline emcc`, or unset the variable.',
    );
  }
  const { clangs, named } = clangCandidates();
  const sysrootNamed = process.env.WASI_SYSROOT ?? '';
  const key = hashOf('cc-clang', JSON.stringify([clangs.map(fileIdentity), sysrootNamed, unpackedName()]));
  const known = cache.find(key, 'compiler of heapline cc')?.meta as WasiClang | undefined;
  if (known !== undefined && isFile(known.sysroot.libc)) return known;
  const found = await search(clangs, sysrootNamed === '' ? null : path.resolve(sysrootNamed), cache);
  if (found !== null) {
    cache.store(key, 'compiler of heapline cc', [], { meta: found, blobs: {} });
    return found;
  }
  if (asked === 'clang' || named !== null) {
    throw new ToolchainError(
      'clang',
      `${named === null ? 'HEAPLINE_TOOLCHAIN is clang' : named}, but no clang was found that compiles for WASI: ${HOW_TO_GET_CLANG}.`,
    );
  }
  return null;
}

async function search(
  clangs: readonly string[],
  named: string | null,
  cache: Cache,
): Promise<WasiClang | null> {
  const usable: WasiClang[] = [];
  for (const clang of clangs) {
    const { status, stdout } = await runTool(clang, ['--version']);
    const major = Number(/version (\d+)/.exec(stdout)?.[1] ?? 0);
    if (status !== 0 || major === 0 || !(await canLink(clang))) continue;
    const sysroot = await findSysroot(clang, named, cache);
    const pair = (chosen: Sysroot): WasiClang => ({
      clang,
      sysroot: chosen,
      major,
      identity: `${fileIdentity(clang)} ${JSON.stringify(chosen)} ${fileIdentity(chosen.libc)}`,
    });
    if (sysroot !== null && (named !== null || hasLibrary(sysroot, 'setjmp'))) return pair(sysroot);
    if (named === null && major >= OLDEST_FOR_UNPACKED) {
      const unpacked = unpackedSysroot(cache);
      if (unpacked !== null) return pair(unpacked);
    }
    if (sysroot !== null) usable.push(pair(sysroot));
  }
  return usable[0] ?? null;
}

async function canLink(clang: string): Promise<boolean> {
  const { stdout } = await runTool(clang, ['--target=wasm32-wasi', '-print-prog-name=wasm-ld']);
  return path.isAbsolute(stdout.trim());
}

function embeddedPackage(): string | null {
  try {
    return path.join(path.dirname(createRequire(import.meta.url).resolve('@yowasp/clang')), '..');
  } catch {
    return null;
  }
}

function embeddedVersion(): string {
  const directory = embeddedPackage();
  if (directory === null) return '';
  return (JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as { version: string })
    .version;
}

const unpackedName = (): string => `wasi-sysroot-${embeddedVersion()}`;

/** The embedded compiler's sysroot as files; null when its package is missing or nothing can be written. */
function unpackedSysroot(cache: Cache): Sysroot | null {
  const source = embeddedPackage();
  if (source === null || cache.directory === null) return null;
  const directory = path.join(cache.directory, unpackedName());
  const target = 'wasm32-wasip1';
  const sysroot: Sysroot = {
    target,
    directory,
    libc: path.join(directory, 'lib', target, 'libc.a'),
    headers: path.join(directory, 'include', target),
    builtins: path.join(directory, 'lib', 'wasm32-unknown-wasip1', 'libclang_rt.builtins.a'),
  };
  if (isFile(sysroot.libc)) return sysroot;
  let beside: string | undefined;
  try {
    mkdirSync(cache.directory, { recursive: true });
    beside = mkdtempSync(`${directory}.`);
    unpack(readFileSync(path.join(source, 'gen', 'llvm-resources.tar')), beside);
    renameSync(beside, directory);
  } catch {
    // Another process was faster, or the cache cannot be written.
    if (beside !== undefined) rmSync(beside, { recursive: true, force: true });
  }
  return existsSync(sysroot.libc) ? sysroot : null;
}

/** The parts of the tar file that a sysroot consists of. */
const WANTED =
  /^(?:include\/wasm32-wasip1|include\/c\+\+|lib\/wasm32-wasip1|lib\/wasm32-unknown-wasip1)\/(?!.*\.\.)/;

function unpack(tar: Buffer, directory: string): void {
  const BLOCK = 512;
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const text = (from: number, to: number): string =>
      tar.toString('latin1', at + from, at + to).replace(/\0.*$/s, '');
    const name = `${text(345, 500)}${text(345, 500) === '' ? '' : '/'}${text(0, 100)}`;
    const size = Number.parseInt(text(124, 136), 8) || 0;
    const isRegular = tar[at + 156] === 0x30 || tar[at + 156] === 0;
    const content = tar.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (!isRegular || !WANTED.test(name)) continue;
    const file = path.join(directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}
