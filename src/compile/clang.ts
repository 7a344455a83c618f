// The driver for a clang on this machine with a WASI sysroot: wasi-sdk (WASI_SDK_PATH or /opt/wasi-sdk), or
// Debian's clang with wasi-libc and libclang-rt-*-dev-wasm32. No -O is passed when linking, because clang then
// runs wasm-opt when it finds one, and that rewrites code and spoils the DWARF.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import { parseDepfile } from './depfile.ts';
import { compileError, linkError, noObjectError } from './diagnostics.ts';
import { commonFlags, SETJMP_FLAGS, WASI_CXX_FLAGS } from './flags.ts';
import { type LinkJob, type LinkResult, WASI_LINK_IDENTITY, wasiLinkArguments } from './link.ts';
import { isCxx, isFile } from './options.ts';
import { runTool } from './process.ts';
import { type CompiledObject, fileIdentity, findProgram, type Toolchain } from './toolchain.ts';
import { responseFile, withTemporaryDirectory, writeObjects } from './workspace.ts';

const NEWEST_CLANG = 30;
const OLDEST_CLANG = 14;
const SYSROOT_LIBC = [
  'share/wasi-sysroot/lib/wasm32-wasi/libc.a',
  'share/wasi-sysroot/lib/wasm32-wasip1/libc.a',
];
const DEBIAN_LIBC = '/usr/lib/wasm32-wasi/libc.a';
const TARGET = '--target=wasm32-wasi';
// clang 19 and later would rather hear wasm32-wasip1, but sysroots in the older layout know only this name.
const NOISE = /^.*argument '--target=wasm32-wasi' is deprecated.*\n/gm;

/** A header of C++ is missing, or one of libc++'s is more than the compiler can take: then group 1 is its folder. */
const CXX_LIBRARY_ERROR = /fatal error: '[\w/]+' file not found|^(\S+\/c\+\+\/v1)\/\S+: (?:fatal )?error: /m;

export const HOW_TO_GET_CLANG =
  'install wasi-sdk and set WASI_SDK_PATH, or on Debian: apt install clang lld wasi-libc libclang-rt-dev-wasm32';

/** The clangs worth trying, best first. */
export function clangCandidates(): string[] {
  const asked = process.env.HEAPLINE_CLANG ?? '';
  if (asked !== '') {
    const found = findProgram(asked);
    return found === null ? [] : [found];
  }
  const sdks = [process.env.WASI_SDK_PATH ?? '', '/opt/wasi-sdk'].filter((directory) => directory !== '');
  const candidates = sdks.map((directory) => findProgram('clang', [path.join(directory, 'bin')]));
  candidates.push(findProgram('clang'));
  for (let version = NEWEST_CLANG; version >= OLDEST_CLANG; version--) {
    candidates.push(findProgram(`clang-${version}`));
  }
  return [...new Set(candidates.filter((file) => file !== null))];
}

export class ClangToolchain implements Toolchain {
  readonly name = 'clang';
  readonly target = 'wasi';
  readonly linkIdentity = WASI_LINK_IDENTITY;
  readonly parallel = Math.max(1, os.availableParallelism());
  readonly identity: string;
  version: string;
  readonly #clang: string;
  readonly #onProgress: (message: string) => void;

  constructor(clang: string, onProgress: (message: string) => void) {
    this.#clang = clang;
    this.#onProgress = onProgress;
    this.version = path.basename(clang);
    const libc = SYSROOT_LIBC.map((file) => path.join(path.dirname(clang), '..', file)).find(isFile);
    this.identity = `clang ${fileIdentity(clang)} ${fileIdentity(libc ?? DEBIAN_LIBC)}`;
  }

  /** Asks the tool for its version; part of the probe. */
  async readVersion(): Promise<string> {
    const { stdout } = await runTool(this.#clang, ['--version']);
    const version = /clang version (\S+)/.exec(stdout)?.[1];
    return version === undefined ? this.version : `clang ${version}`;
  }

  async compile(source: string, flags: readonly string[]): Promise<CompiledObject> {
    this.#onProgress(`compiling ${source}`);
    return withTemporaryDirectory(this.name, async (directory) => {
      const plain = await this.#compileOnce(source, flags, directory);
      if (plain.status === 0) return this.#result(source, flags, plain.output, directory, false);
      if (/Setjmp\/longjmp support requires Exception handling/.test(plain.output)) {
        const again = await this.#compileOnce(source, [...flags, ...SETJMP_FLAGS], directory);
        if (again.status === 0) return this.#result(source, flags, again.output, directory, true);
        throw compileError(source, again.output);
      }
      // Debian's clang goes on to the headers of this machine's own libc, which needs a part it does not see.
      if (/'(bits\/)?setjmp\.h' file not found/.test(plain.output)) {
        throw new ToolchainError(
          'clang',
          `${source} uses setjmp, which the wasi-libc of ${this.version} (${this.#clang}) does not have: ` +
            'use the toolchain `embedded` or `emscripten`, or a wasi-sdk of version 25 or later.',
        );
      }
      const library = CXX_LIBRARY_ERROR.exec(plain.output);
      if (isCxx(source) && library !== null && !(await this.#hasCxx())) {
        const [, headers] = library;
        const has =
          headers === undefined
            ? 'has no C++ library for WASI'
            : `finds a C++ library for WASI that is not for it (${headers})`;
        throw new ToolchainError(
          'clang',
          `${source} is C++, and ${this.version} (${this.#clang}) ${has}: use the toolchain \`embedded\` or ` +
            '`emscripten`, install libc++-dev-wasm32 and libc++abi-dev-wasm32 of its version, or name another clang ' +
            'in HEAPLINE_CLANG.',
        );
      }
      throw compileError(source, plain.output);
    });
  }

  async #compileOnce(source: string, flags: readonly string[], directory: string) {
    const object = path.join(directory, 'object.o');
    const { status, stdout, stderr } = await runTool(this.#clang, [
      ...(isCxx(source) ? ['--driver-mode=g++'] : []),
      TARGET,
      ...commonFlags(source),
      ...(isCxx(source) ? WASI_CXX_FLAGS : []),
      ...flags,
      '-MD',
      '-MF',
      path.join(directory, 'object.d'),
      '-c',
      source,
      '-o',
      object,
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
      const { status } = await runTool(this.#clang, [TARGET, '-fsyntax-only', source]);
      return status === 0;
    });
  }

  async link(job: LinkJob): Promise<LinkResult> {
    this.#onProgress('linking');
    return withTemporaryDirectory(this.name, async (directory) => {
      const { files, runtime } = writeObjects(directory, job);
      const output = path.join(directory, 'module.wasm');
      const { status, stdout, stderr } = await runTool(this.#clang, [
        ...(job.objects.some((object) => isCxx(object.source)) ? ['--driver-mode=g++'] : []),
        TARGET,
        '-mexec-model=reactor',
        responseFile(directory, [
          ...files,
          runtime,
          ...wasiLinkArguments(job).flatMap((arg) => ['-Xlinker', arg]),
          ...job.link.filter((item) => !/^-O/.test(item)),
          ...(job.objects.some((object) => object.setjmp) ? ['-lsetjmp'] : []),
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
