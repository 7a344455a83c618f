// The driver for Emscripten, 3.1.6 and later: the emcc that HEAPLINE_EMCC names, the one on PATH, or the one in the
// SDK that EMSDK names. Sources are compiled at the caller's optimisation. The link runs at -O1 and leaves 64-bit
// integers as they are, so that no pass of Binaryen touches the code and the offsets in DWARF stay the linker's own.
//
// The differences between versions are in emscripten-versions.ts, and the flags that callers may pass are in
// emscripten-settings.ts.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ExternalKind, readModule } from '../binary/index.ts';
import { ToolchainError } from '../errors.ts';
import { type UserPart, withUserParts } from '../host/index.ts';
import { parseDepfile } from './depfile.ts';
import { compileError, linkError, missingSymbols, noObjectError } from './diagnostics.ts';
import { linkFlags, namedSettings } from './emscripten-settings.ts';
import { commandOf, cxxDriverOf, DEFAULT_INITIAL_MEMORY, readEmccVersion } from './emscripten-versions.ts';
import { commonFlags } from './flags.ts';
import { userPartsOf } from './glue-sources.ts';
import {
  ALL_MESSAGES,
  exportArguments,
  type HostImport,
  initialMemory,
  LINKER_ARGUMENTS,
  type LinkJob,
  type LinkResult,
} from './link.ts';
import { TEXT_FLAGS } from './marks.ts';
import { isCxx } from './options.ts';
import { runTool, TOOLS_AT_ONCE, type ToolResult } from './process.ts';
import { markOf, runtimeImports, standIns } from './stand-ins.ts';
import type { CompiledObject, Toolchain } from './toolchain.ts';
import { responseFile, withTemporaryDirectory, writeObjects } from './workspace.ts';

/** Linker flags that are not settings. */
const LINKER_FLAGS = [...LINKER_ARGUMENTS, ALL_MESSAGES].map((argument) => `-Wl,${argument}`);

/** Must change whenever the text that Heapline adds to the glue takes another form. */
const GLUE_FORM = 'places of the user code';

/**
 * Entries of Emscripten's lists that the host needs in the glue and the module. They are joined with the caller's.
 */
export const lists = (hasMain: boolean): Record<string, string[]> => ({
  EXPORTED_FUNCTIONS: [...(hasMain ? ['_main'] : []), '_malloc', '_free', '_fflush'],
  EXPORTED_RUNTIME_METHODS: ['FS', 'ENV', ...(hasMain ? ['callMain'] : [])],
  DEFAULT_LIBRARY_FUNCS_TO_INCLUDE: ['$ENV'],
});

/** Most bytes of memory of a module that is linked without other bounds. */
const DEFAULT_MAXIMAL_MEMORY = 2 ** 31;

/**
 * Throws a ToolchainError when a module linked with these flags, and those of EMCC_CFLAGS, cannot be limited to
 * `maxMemory` bytes of memory. The memory that a module starts with contains its stack of `stackSize` bytes.
 */
export function checkMaximalMemory(
  maxMemory: number | undefined,
  link: readonly string[],
  stackSize: number | null = null,
): void {
  if (maxMemory === undefined) return;
  const settings = namedSettings(link);
  const isInitialChosen = ['INITIAL_MEMORY', 'TOTAL_MEMORY', 'INITIAL_HEAP'].some((name) =>
    settings.has(name),
  );
  const initial = initialMemory(stackSize);
  if (maxMemory < initial && !isInitialChosen) {
    const stack = initial === DEFAULT_INITIAL_MEMORY ? '' : `, of which stackSize is ${stackSize} bytes`;
    throw new ToolchainError(
      'emscripten',
      `maxMemory is ${maxMemory} bytes, but modules linked by Emscripten start with ` +
        `${stack === '' ? '16 MiB' : `${initial} bytes`} of memory${stack}. Add ` +
        `\`link: ['-sINITIAL_MEMORY=${Math.max(2, Math.ceil((stackSize ?? 0) / 2 ** 20) + 1)}MB']\`, or as much as ` +
        'the program needs at its start, or use another toolchain.',
    );
  }
  if (maxMemory <= DEFAULT_MAXIMAL_MEMORY || settings.has('MAXIMUM_MEMORY')) return;
  throw new ToolchainError(
    'emscripten',
    `maxMemory is ${maxMemory} bytes, but modules linked by Emscripten have at most 2 GiB of memory. Add ` +
      "`link: ['-sMAXIMUM_MEMORY=4GB']` (version 3.1.6 needs the npm package acorn for it), or use another toolchain.",
  );
}

/** Make the linkers accept everything that they report as missing. */
const LENIENT_FLAGS = ['-sERROR_ON_UNDEFINED_SYMBOLS=0', '-Wl,--warn-unresolved-symbols'];

const MODULE_JS = 'module.js';

function readLinked(directory: string): { wasm: Uint8Array; glue: string } {
  return {
    wasm: readFileSync(path.join(directory, 'module.wasm')),
    glue: readFileSync(path.join(directory, MODULE_JS), 'utf8'),
  };
}

/** The module of functions that C declares without naming a module. */
const PLAIN_MODULE = 'env';
/**
 * Functions that nothing defines and that were accepted only because an import has the same name. Example: C means
 * its own `now`, and the host gives a `now` of the module `clock`.
 */
function mistaken(given: readonly HostImport[], wasm: Uint8Array, glue: string): string[] {
  const isGiven = (name: string): boolean =>
    given.some((each) => each.module === PLAIN_MODULE && each.name === name);
  return readModule(wasm)
    .imports.filter(({ module, name }) => module === PLAIN_MODULE && !isGiven(name))
    .map(({ name }) => name)
    .filter((name) => glue.includes(markOf(name)));
}

/** The parts of the glue that the caller wrote. */
function userParts(job: LinkJob, wasm: Uint8Array, glue: string): UserPart[] {
  const functions = readModule(wasm).imports.filter(({ kind }) => kind === ExternalKind.Function);
  const files = [...new Set(job.objects.flatMap(({ source, inputs = [] }) => [source, ...inputs]))];
  return userPartsOf(
    glue,
    functions.map(({ name }) => name),
    files,
    job.link,
  );
}

/**
 * The environment variables that emcc reads. They are part of the identity because they may change what emcc does.
 */
const variables = (): string[] =>
  Object.entries(process.env)
    .filter(([name]) => /^(EM|EMCC|EMSDK)_/.test(name))
    .map(([name, value]) => `${name}=${value}`)
    .sort();

export class EmscriptenToolchain implements Toolchain {
  readonly name = 'emscripten';
  readonly target = 'emscripten';
  readonly parallel = TOOLS_AT_ONCE;
  readonly linkIdentity: string;
  readonly identity: string;
  version: string;
  readonly #emcc: string;
  readonly #number: string | null;

  constructor(emcc: string) {
    this.#emcc = emcc;
    const { number, identity } = readEmccVersion(emcc);
    this.#number = number;
    this.version = number === null ? 'emcc' : `emcc ${number}`;
    this.linkIdentity = JSON.stringify([
      ...[true, false].map((hasMain) => linkFlags(number, [], lists(hasMain), hasMain)),
      LINKER_FLAGS,
      exportArguments('emscripten'),
      GLUE_FORM,
    ]);
    this.identity = JSON.stringify(['emscripten', identity, variables()]);
  }

  async readVersion(): Promise<string> {
    return this.version;
  }

  #run(cxx: boolean, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<ToolResult> {
    const { command, before } = commandOf(cxx ? cxxDriverOf(this.#emcc) : this.#emcc);
    return runTool(command, [...before, ...args], env === undefined ? {} : { env });
  }

  async compile(source: string, flags: readonly string[]): Promise<CompiledObject> {
    return withTemporaryDirectory(this.name, async (directory) => {
      const object = path.join(directory, 'object.o');
      const depfile = path.join(directory, 'object.d');
      const { status, stdout, stderr } = await this.#run(isCxx(source), [
        ...commonFlags(source),
        ...flags,
        '-MD',
        '-MF',
        depfile,
        '-c',
        source,
        '-o',
        object,
      ]);
      const output = stdout + stderr;
      if (status !== 0) throw compileError(source, output);
      if (!existsSync(object)) throw noObjectError(source, flags);
      const inputs = parseDepfile(readFileSync(depfile, 'utf8'));
      return {
        object: readFileSync(object),
        inputs: [...new Set([source, ...inputs.map((file) => path.resolve(path.dirname(source), file))])],
        setjmp: false,
        output,
      };
    });
  }

  async toText(source: string, flags: readonly string[]): Promise<string | null> {
    return withTemporaryDirectory(this.name, async (directory) => {
      const text = path.join(directory, 'object.ll');
      const { status } = await this.#run(isCxx(source), [
        ...commonFlags(source),
        ...flags,
        ...TEXT_FLAGS,
        source,
        '-o',
        text,
      ]);
      return status === 0 ? readFileSync(text, 'utf8') : null;
    });
  }

  async link(job: LinkJob): Promise<LinkResult> {
    return withTemporaryDirectory(this.name, async (directory) => {
      const given = [...runtimeImports(job.runtime), ...job.imports];
      const run = this.#linker(job, given, directory);
      const { status, output } = await run();
      if (status === 0) {
        const { wasm, glue } = readLinked(directory);
        const missing = mistaken(given, wasm, glue);
        if (missing.length > 0) throw linkError(output, missing);
        return { wasm, glue: withUserParts(glue, userParts(job, wasm, glue)), output };
      }
      const missing = missingSymbols(output);
      if (missing.length === 0) throw linkError(output);
      // Each tool that emcc runs stops the tools after it when a symbol is missing. As warnings, all are reported.
      const lenient = await run(true);
      missing.push(...missingSymbols(lenient.output));
      if (lenient.status === 0) {
        const { wasm, glue } = readLinked(directory);
        missing.push(...mistaken(given, wasm, glue));
      }
      throw linkError(output, missing);
    });
  }

  /**
   * Writes the files of the link. Returns a function that links them; `lenient` turns missing symbols into warnings.
   */
  #linker(job: LinkJob, given: readonly HostImport[], directory: string) {
    const { files, runtime } = writeObjects(directory, job);
    const library = path.join(directory, 'heapline-imports.js');
    writeFileSync(library, standIns(given));
    const cxx = job.objects.some((object) => isCxx(object.source));
    return async (lenient = false): Promise<{ status: number; output: string }> => {
      const { before, after } = linkFlags(this.#number, job.link, lists(job.hasMain), job.hasMain);
      const args = [
        '-g',
        ...files,
        ...runtime,
        ...before,
        '-O1',
        ...after,
        ...LINKER_FLAGS,
        ...(job.hasMain ? [] : ['--no-entry']),
        ...(lenient ? LENIENT_FLAGS : []),
        responseFile(directory, [
          ...exportArguments('emscripten').map((argument) => `-Wl,${argument}`),
          ...job.exports.map((name) => `-Wl,--export${lenient ? '-if-defined' : ''}=${name}`),
        ]),
        '--js-library',
        library,
        '-o',
        path.join(directory, MODULE_JS),
      ];
      // The flags of EMCC_CFLAGS are among the caller's. At the end they would override Heapline's settings.
      const { status, stdout, stderr } = await this.#run(cxx, args, { ...process.env, EMCC_CFLAGS: '' });
      return { status, output: (stdout + stderr).replaceAll(`${directory}${path.sep}`, '') };
    };
  }
}
