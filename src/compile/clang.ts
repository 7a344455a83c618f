// The driver for a clang on this machine with a WASI sysroot: wasi-sdk (WASI_SDK_PATH or /opt/wasi-sdk), or a
// distribution's clang with its wasi-libc. The link gets no -O, because with -O clang runs wasm-opt when it finds
// one, and wasm-opt rewrites code and spoils the DWARF.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import { isFile } from '../node/file-kinds.ts';
import { parseDepfile } from './depfile.ts';
import { compileError, linkError, noObjectError } from './diagnostics.ts';
import { commonFlags, emulationFlags, emulationLibraries, SETJMP_FLAGS, wasiCxxFlags } from './flags.ts';
import { type LinkJob, type LinkResult, WASI_LINK_IDENTITY, wasiLinkArguments } from './link.ts';
import { TEXT_FLAGS } from './marks.ts';
import { missingHeaderError } from './missing-headers.ts';
import { isCxx } from './options.ts';
import { runTool } from './process.ts';
import { cxxLibraryArguments, headerArguments, type Sysroot, sysrootArguments } from './sysroot.ts';
import { type CompiledObject, fileIdentity, findProgram, type Toolchain } from './toolchain.ts';
import { responseFile, withTemporaryDirectory, writeObjects } from './workspace.ts';

const NEWEST_CLANG = 30;
const OLDEST_CLANG = 14;
// clang 19 and later prefer the name wasm32-wasip1, but sysroots in the older layout only know this one.
const NOISE = /^.*argument '--target=wasm32-wasi' is deprecated.*\n/gm;

/** A header of C++ is missing, or libc++ has one that this compiler cannot read. Then group 1 is libc++'s folder. */
const CXX_LIBRARY_ERROR = /fatal error: '[\w/]+' file not found|^(\S+\/c\+\+\/v1)\/\S+: (?:fatal )?error: /m;

export const HOW_TO_GET_CLANG =
  'install wasi-sdk and set WASI_SDK_PATH, or on Debian: apt install clang lld wasi-libc libclang-rt-dev-wasm32';

/** The clangs that are worth trying. */
export interface ClangCandidates {
  /** Best first. */
  readonly clangs: readonly string[];
  /** The variable in which the user named the clang to use, with its value. Null when the user named none. */
  readonly named: string | null;
}

/** Only the clang that the user named; if the user named none, all clangs that were found. */
export function clangCandidates(): ClangCandidates {
  const asked = process.env.HEAPLINE_CLANG ?? '';
  if (asked !== '') return { clangs: present([findProgram(asked)]), named: `HEAPLINE_CLANG is ${asked}` };
  const sdk = process.env.WASI_SDK_PATH ?? '';
  if (sdk !== '') return { clangs: present([clangOfSdk(sdk)]), named: `WASI_SDK_PATH is ${sdk}` };
  const candidates = [clangOfSdk('/opt/wasi-sdk'), findProgram('clang')];
  for (let version = NEWEST_CLANG; version >= OLDEST_CLANG; version--) {
    candidates.push(findProgram(`clang-${version}`));
  }
  return { clangs: present(candidates), named: null };
}

const clangOfSdk = (directory: string): string | null =>
  findProgram('clang', [path.resolve(directory, 'bin')]);

const present = (files: readonly (string | null)[]): string[] => [
  ...new Set(files.filter((file) => file !== null)),
];

export class ClangToolchain implements Toolchain {
  readonly name = 'clang';
  readonly target = 'wasi';
  readonly linkIdentity = WASI_LINK_IDENTITY;
  readonly parallel = Math.max(1, os.availableParallelism());
  readonly identity: string;
  version: string;
  readonly #clang: string;
  readonly #sysroot: Sysroot;

  constructor(clang: string, sysroot: Sysroot) {
    this.#clang = clang;
    this.#sysroot = sysroot;
    this.version = path.basename(clang);
    this.identity = `clang ${fileIdentity(clang)} ${JSON.stringify(sysroot)} ${fileIdentity(sysroot.libc)}`;
  }

  /** Whether the sysroot has a library. Old sysroots lack some. */
  readonly #hasLibrary = (name: string): boolean =>
    isFile(path.join(path.dirname(this.#sysroot.libc), `lib${name}.a`));

  /** C++ with exceptions compiles setjmp without a flag of its own. */
  readonly #mayJump = (job: LinkJob): boolean => job.exceptions !== null && this.#hasLibrary('setjmp');

  /** Asks clang for its version; part of the probe. */
  async readVersion(): Promise<string> {
    const { stdout } = await runTool(this.#clang, ['--version']);
    const version = /clang version (\S+)/.exec(stdout)?.[1];
    return version === undefined ? this.version : `clang ${version}`;
  }

  async compile(source: string, flags: readonly string[]): Promise<CompiledObject> {
    return withTemporaryDirectory(this.name, async (directory) => {
      const plain = await this.#compileOnce(source, flags, directory);
      if (plain.status === 0) return this.#result(source, flags, plain.output, directory, false);
      if (/Setjmp\/longjmp support requires Exception handling/.test(plain.output)) {
        const again = await this.#compileOnce(source, [...flags, ...SETJMP_FLAGS], directory);
        if (again.status === 0) return this.#result(source, flags, again.output, directory, true);
        throw compileError(source, again.output);
      }
      const library = CXX_LIBRARY_ERROR.exec(plain.output);
      if (isCxx(source) && library !== null && !(await this.#hasCxx())) {
        const [, headers] = library;
        const has =
          headers === undefined
            ? 'has no C++ library for WASI'
            : `finds a C++ library that is made for another compiler (${headers})`;
        throw new ToolchainError(
          'clang',
          `${source} is C++, and ${this.version} (${this.#clang}) ${has}. Use the toolchain \`embedded\` or ` +
            '`emscripten`, install libc++-dev-wasm32 and libc++abi-dev-wasm32 of the same version as clang, or name another ' +
            'clang in HEAPLINE_CLANG.',
        );
      }
      throw this.#headerError(source, plain.output) ?? compileError(source, plain.output);
    });
  }

  async missingHeader(source: string, flags: readonly string[]): Promise<ToolchainError | null> {
    return withTemporaryDirectory(this.name, async (directory) => {
      const { status, output } = await this.#compileOnce(source, flags, directory, '-M');
      return status === 0 ? null : this.#headerError(source, output);
    });
  }

  async toText(source: string, flags: readonly string[]): Promise<string | null> {
    return withTemporaryDirectory(this.name, async (directory) => {
      const { status } = await this.#compileOnce(source, flags, directory, '-S');
      return status === 0 ? readFileSync(path.join(directory, 'object.o'), 'utf8') : null;
    });
  }

  #headerError(source: string, output: string): ToolchainError | null {
    if (!/'setjmp\.h' file not found/.test(output)) return missingHeaderError(this.name, output);
    return new ToolchainError(
      'clang',
      `${source} uses setjmp, which the wasi-libc of ${this.version} (${this.#clang}) does not have. ` +
        'Use the toolchain `embedded` or `emscripten`, or a wasi-sdk of version 25 or later.',
    );
  }

  /** Compiles a source. With `-M` it only reads the source and its headers, and with `-S` it writes LLVM's text. */
  async #compileOnce(
    source: string,
    flags: readonly string[],
    directory: string,
    mode: '-MD' | '-M' | '-S' = '-MD',
  ) {
    const object = path.join(directory, 'object.o');
    const { status, stdout, stderr } = await runTool(this.#clang, [
      ...(isCxx(source) ? ['--driver-mode=g++'] : []),
      ...sysrootArguments(this.#sysroot),
      ...commonFlags(source),
      ...emulationFlags(this.#hasLibrary),
      ...(isCxx(source) ? wasiCxxFlags(flags) : []),
      ...flags,
      ...headerArguments(this.#sysroot, isCxx(source)),
      ...(mode === '-S' ? TEXT_FLAGS : [mode, '-MF', path.join(directory, 'object.d')]),
      source,
      ...(mode === '-MD' ? ['-c'] : []),
      ...(mode === '-M' ? [] : ['-o', object]),
    ]);
    return { status, output: (stdout + stderr).replaceAll(NOISE, '') };
  }

  #result(
    source: string,
    flags: readonly string[],
    output: string,
    directory: string,
    setjmp: boolean,
  ): CompiledObject {
    const object = path.join(directory, 'object.o');
    if (!existsSync(object)) throw noObjectError(source, flags);
    const inputs = parseDepfile(readFileSync(path.join(directory, 'object.d'), 'utf8'));
    return {
      object: readFileSync(object),
      inputs: [...new Set([source, ...inputs.map((file) => path.resolve(path.dirname(source), file))])],
      setjmp,
      output,
    };
  }

  async #hasCxx(): Promise<boolean> {
    return withTemporaryDirectory(this.name, async (directory) => {
      const source = path.join(directory, 'probe.cc');
      writeFileSync(source, '#include <cstddef>\n');
      const { status } = await runTool(this.#clang, [
        '--driver-mode=g++',
        ...sysrootArguments(this.#sysroot),
        ...headerArguments(this.#sysroot, true),
        '-fsyntax-only',
        source,
      ]);
      return status === 0;
    });
  }

  async link(job: LinkJob): Promise<LinkResult> {
    return withTemporaryDirectory(this.name, async (directory) => {
      const { files, runtime } = writeObjects(directory, job);
      const output = path.join(directory, 'module.wasm');
      const cxx = job.objects.some((object) => isCxx(object.source));
      const { builtins } = this.#sysroot;
      const { status, stdout, stderr } = await runTool(this.#clang, [
        ...(cxx ? ['--driver-mode=g++'] : []),
        ...sysrootArguments(this.#sysroot),
        '-mexec-model=reactor',
        ...(builtins === null ? [] : ['-nodefaultlibs']),
        responseFile(directory, [
          ...files,
          ...runtime,
          ...wasiLinkArguments(job).flatMap((arg) => ['-Xlinker', arg]),
          ...job.link.filter((item) => !/^-O/.test(item)),
          ...(job.objects.some((object) => object.setjmp) || this.#mayJump(job) ? ['-lsetjmp'] : []),
          ...emulationLibraries(this.#hasLibrary),
          ...(cxx ? cxxLibraryArguments(this.#sysroot) : []),
          ...(builtins === null ? [] : [...(cxx ? ['-lc++', '-lc++abi'] : []), '-lc', builtins]),
        ]),
        '-o',
        output,
      ]);
      const printed = (stdout + stderr).replaceAll(NOISE, '').replaceAll(`${directory}${path.sep}`, '');
      if (status !== 0) throw linkError(printed);
      return { wasm: readFileSync(output), glue: null, output: printed };
    });
  }
}
