// The driver for Emscripten, 3.1.6 and later: the emcc that HEAPLINE_EMCC names, the one on PATH, or that of the SDK that
// EMSDK names. Sources compile at the caller's optimisation; the link runs at -O1 without legalisation of 64-bit
// integers, where no pass of Binaryen touches the code, so that offsets in DWARF stay the linker's own.
//
// What differs between versions is in emscripten-versions.ts, what callers may pass in emscripten-settings.ts.
//
// Emscripten's JavaScript compiler wants to know every import by name, whatever its module, so a small library of
// stand-ins names the runtime's and those that the caller gives; the host passes the real ones.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ExternalKind, readModule } from '../binary/index.ts';
import { ToolchainError } from '../errors.ts';
import { type UserPart, withUserParts } from '../host/index.ts';
import { parseDepfile } from './depfile.ts';
import { compileError, linkError, missingSymbols, noObjectError } from './diagnostics.ts';
import { linkFlags } from './emscripten-settings.ts';
import { commandOf, cxxDriverOf, DEFAULT_INITIAL_MEMORY, readEmccVersion } from './emscripten-versions.ts';
import { commonFlags } from './flags.ts';
import { userPartsOf } from './glue-sources.ts';
import {
  ALL_MESSAGES,
  exportArguments,
  type HostImport,
  LINKER_ARGUMENTS,
  type LinkJob,
  type LinkResult,
} from './link.ts';
import { isCxx } from './options.ts';
import { runTool, TOOLS_AT_ONCE, type ToolResult } from './process.ts';
import { type CompiledObject, findProgram, type Toolchain } from './toolchain.ts';
import { responseFile, withTemporaryDirectory, writeObjects } from './workspace.ts';

export const HOW_TO_GET_EMSCRIPTEN =
  'install the Emscripten SDK (3.1.6 or later) and put emcc on PATH or set EMSDK; on Debian: apt install emscripten';

/** The emcc that the user named in HEAPLINE_EMCC; empty when there is none. */
export function namedEmcc(): string {
  return process.env.HEAPLINE_EMCC ?? '';
}

/** The emcc that HEAPLINE_EMCC names, and no other; else that of PATH or EMSDK. A source tree may have emcc.py alone. */
export function findEmcc(): string | null {
  if (namedEmcc() !== '') return findProgram(namedEmcc());
  const sdk = process.env.EMSDK ?? '';
  const directories = sdk === '' ? [] : [path.join(sdk, 'upstream', 'emscripten')];
  return (
    findProgram('emcc') ??
    findProgram('emcc', directories) ??
    findProgram('emcc.py') ??
    findProgram('emcc.py', directories)
  );
}

/** Linker flags that are no settings. */
const LINKER_FLAGS = [...LINKER_ARGUMENTS, ALL_MESSAGES].map((argument) => `-Wl,${argument}`);

/** Changes with what is written into the glue beside Emscripten's own text. */
const GLUE_FORM = 'places of the user code';

/** What the host asks of the glue and the module, among what the caller asks. */
export const lists = (hasMain: boolean): Record<string, string[]> => ({
  EXPORTED_FUNCTIONS: [...(hasMain ? ['_main'] : []), '_malloc', '_free', '_fflush'],
  EXPORTED_RUNTIME_METHODS: ['FS', 'ENV', ...(hasMain ? ['callMain'] : [])],
  DEFAULT_LIBRARY_FUNCS_TO_INCLUDE: ['$ENV'],
});

/** Where the memory of a module ends when it is linked without other bounds. */
const DEFAULT_MAXIMAL_MEMORY = 2 ** 31;

/** Throws a ToolchainError when a module that is linked with these flags cannot have at most so many bytes of memory. */
export function checkMaximalMemory(maxMemory: number | undefined, link: readonly string[]): void {
  if (maxMemory === undefined) return;
  if (
    maxMemory < DEFAULT_INITIAL_MEMORY &&
    !link.some((item) => /(?:INITIAL_MEMORY|TOTAL_MEMORY|INITIAL_HEAP)=/.test(item))
  ) {
    throw new ToolchainError(
      'emscripten',
      `maxMemory is ${maxMemory} bytes, but what Emscripten links starts with 16 MiB of memory: add ` +
        "`link: ['-sINITIAL_MEMORY=2MB']` or as much as the program needs at its start, or use another toolchain.",
    );
  }
  if (maxMemory <= DEFAULT_MAXIMAL_MEMORY) return;
  if (link.some((item) => item.includes('MAXIMUM_MEMORY='))) return;
  throw new ToolchainError(
    'emscripten',
    `maxMemory is ${maxMemory} bytes, but what Emscripten links has a memory that ends at 2 GiB: add ` +
      "`link: ['-sMAXIMUM_MEMORY=4GB']` (version 3.1.6 needs the npm package acorn for it), or use another toolchain.",
  );
}

/** Lets everything pass that the linkers only miss. */
const LENIENT_FLAGS = ['-sERROR_ON_UNDEFINED_SYMBOLS=0', '-Wl,--warn-unresolved-symbols'];

const MODULE_JS = 'module.js';

function readLinked(directory: string): { wasm: Uint8Array; glue: string } {
  return {
    wasm: readFileSync(path.join(directory, 'module.wasm')),
    glue: readFileSync(path.join(directory, MODULE_JS), 'utf8'),
  };
}

/** Module of the functions that C declares without naming one. */
const PLAIN_MODULE = 'env';
/** Emscripten's JavaScript compiler makes variables of the names. */
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** The functions that the runtime imports from the host. */
function runtimeImports(runtime: Uint8Array): HostImport[] {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(runtime as BufferSource));
  return imports.filter(({ module }) => module === 'heapline');
}

const markOf = (name: string): string => `heapline stand-in: ${name};`;

/** A JavaScript library for emcc. What Emscripten's own library has under the same name is kept. */
function standIns(given: readonly HostImport[]): string {
  const names = new Set(given.map(({ name }) => name).filter((name) => IDENTIFIER.test(name)));
  return [...names]
    .map((name) => {
      const quoted = JSON.stringify(name);
      const body = `throw ${JSON.stringify(markOf(name))};`;
      return `if (!(${quoted} in LibraryManager.library)) mergeInto(LibraryManager.library, { ${quoted}: function() { ${body} } });\n`;
    })
    .join('');
}

/**
 * Functions that nothing defines and that only the name of an import let pass: `now` where C means the caller's own
 * and the host gives one of the module `clock`.
 */
function mistaken(given: readonly HostImport[], wasm: Uint8Array, glue: string): string[] {
  const isGiven = (name: string): boolean =>
    given.some((each) => each.module === PLAIN_MODULE && each.name === name);
  return readModule(wasm)
    .imports.filter(({ module, name }) => module === PLAIN_MODULE && !isGiven(name))
    .map(({ name }) => name)
    .filter((name) => glue.includes(markOf(name)));
}

/** What of the glue the caller wrote. */
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

/** Changes whatever emcc does: it reads some of these variables. */
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
  readonly #onProgress: (message: string) => void;

  constructor(emcc: string, onProgress: (message: string) => void) {
    this.#emcc = emcc;
    this.#onProgress = onProgress;
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
    this.#onProgress(`compiling ${source}`);
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

  async link(job: LinkJob): Promise<LinkResult> {
    this.#onProgress('linking');
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
      // Each of the tools that emcc runs stops the others when it misses something. As warnings, all can be had.
      const lenient = await run(true);
      missing.push(...missingSymbols(lenient.output));
      if (lenient.status === 0) {
        const { wasm, glue } = readLinked(directory);
        missing.push(...mistaken(given, wasm, glue));
      }
      throw linkError(output, missing);
    });
  }

  /** Writes what is to be linked; what it returns links that, if so asked with errors made warnings. */
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
      // Its flags are among the caller's: at the end of the line they would replace what Heapline decides.
      const { status, stdout, stderr } = await this.#run(cxx, args, { ...process.env, EMCC_CFLAGS: '' });
      return { status, output: (stdout + stderr).replaceAll(`${directory}${path.sep}`, '') };
    };
  }
}
