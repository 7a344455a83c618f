// The driver for Emscripten, 3.1.6 and later: emcc on PATH, or of the SDK that EMSDK names. Sources compile at the
// caller's optimisation; the link runs at -O1 with WASM_BIGINT, where no pass of Binaryen touches the code, so
// that offsets in DWARF stay the linker's own.
//
// Emscripten's JavaScript compiler wants to know every import by name, whatever its module, so a small library of
// stand-ins names the runtime's and those that the caller gives; the host passes the real ones.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readModule } from '../binary/index.ts';
import { ToolchainError } from '../errors.ts';
import { parseDepfile } from './depfile.ts';
import { compileError, linkError, missingSymbols, noObjectError } from './diagnostics.ts';
import { commonFlags } from './flags.ts';
import { type HostImport, type LinkJob, type LinkResult, STACK_SIZE } from './link.ts';
import { isCxx } from './options.ts';
import { runTool, TOOLS_AT_ONCE } from './process.ts';
import { type CompiledObject, fileIdentity, findProgram, type Toolchain } from './toolchain.ts';
import { responseFile, withTemporaryDirectory, writeObjects } from './workspace.ts';

export const HOW_TO_GET_EMSCRIPTEN =
  'install the Emscripten SDK (3.1.6 or later) and put emcc on PATH or set EMSDK; on Debian: apt install emscripten';

/** emcc, from PATH or EMSDK. */
export function findEmcc(): string | null {
  const sdk = process.env.EMSDK ?? '';
  return (
    findProgram('emcc') ??
    (sdk === '' ? null : findProgram('emcc', [path.join(sdk, 'upstream', 'emscripten')]))
  );
}

/** How Emscripten links for us; part of what a result depends on. */
const LINK_FLAGS = [
  '-O1',
  '-sMALLOC=none',
  '-sMODULARIZE=1',
  '-sEXPORT_NAME=heaplineModule',
  '-sENVIRONMENT=node',
  '-sWASM_BIGINT=1',
  '-sALLOW_MEMORY_GROWTH=1',
  '-sFORCE_FILESYSTEM=1',
  '-sINVOKE_RUN=0',
  '-sEXIT_RUNTIME=1',
  // The glue must not hang handlers of its own on the host's process.
  '-sNODEJS_CATCH_EXIT=0',
  '-sNODEJS_CATCH_REJECTION=0',
  `-sTOTAL_STACK=${STACK_SIZE}`,
  '-sEXPORTED_RUNTIME_METHODS=FS,ENV',
  '-sDEFAULT_LIBRARY_FUNCS_TO_INCLUDE=$ENV',
  // As in wasiLinkArguments: later versions have exit in an archive.
  '-Wl,--undefined=exit',
  '-Wl,--wrap=exit',
  // All that is missing, not the first 20.
  '-Wl,--error-limit=0',
];

/** The memory that a module starts with, and where it ends, when it is linked without other bounds. */
const DEFAULT_INITIAL_MEMORY = 2 ** 24;
const DEFAULT_MAXIMAL_MEMORY = 2 ** 31;

/** Throws a ToolchainError when a module that is linked with these flags cannot have at most so many bytes of memory. */
export function checkMaximalMemory(maxMemory: number | undefined, link: readonly string[]): void {
  if (maxMemory === undefined) return;
  if (maxMemory < DEFAULT_INITIAL_MEMORY && !link.some((item) => /(?:INITIAL|TOTAL)_MEMORY=/.test(item))) {
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

export class EmscriptenToolchain implements Toolchain {
  readonly name = 'emscripten';
  readonly target = 'emscripten';
  readonly parallel = TOOLS_AT_ONCE;
  readonly linkIdentity = JSON.stringify(LINK_FLAGS);
  readonly identity: string;
  version = 'emcc';
  readonly #emcc: string;
  readonly #onProgress: (message: string) => void;

  constructor(emcc: string, onProgress: (message: string) => void) {
    this.#emcc = emcc;
    this.#onProgress = onProgress;
    this.identity = JSON.stringify([
      'emscripten',
      fileIdentity(emcc),
      process.env.EM_CONFIG ?? '',
      LINK_FLAGS,
    ]);
  }

  async readVersion(): Promise<string> {
    const { stdout } = await runTool(this.#emcc, ['--version']);
    const version = /\b(\d+\.\d+\.\d+)\b/.exec(stdout)?.[1];
    return version === undefined ? 'emcc' : `emcc ${version}`;
  }

  #compiler(cxx: boolean): string {
    if (!cxx) return this.#emcc;
    const emxx = path.join(path.dirname(this.#emcc), path.basename(this.#emcc).replace('emcc', 'em++'));
    return existsSync(emxx) ? emxx : this.#emcc;
  }

  async compile(source: string, flags: readonly string[]): Promise<CompiledObject> {
    this.#onProgress(`compiling ${source}`);
    return withTemporaryDirectory(this.name, async (directory) => {
      const object = path.join(directory, 'object.o');
      const depfile = path.join(directory, 'object.d');
      const { status, stdout, stderr } = await runTool(this.#compiler(isCxx(source)), [
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
        return { wasm, glue, output };
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
    const needed = ['__stack_pointer', '__heap_base', '__data_end', ...job.runtimeExports];
    const cxx = job.objects.some((object) => isCxx(object.source));
    return async (lenient = false): Promise<{ status: number; output: string }> => {
      const { status, stdout, stderr } = await runTool(this.#compiler(cxx), [
        '-g',
        ...files,
        runtime,
        ...job.link.filter((item) => !/^-O/.test(item)),
        ...LINK_FLAGS,
        `-sEXPORTED_FUNCTIONS=${[...(job.hasMain ? ['_main'] : []), '_malloc', '_free', '_fflush'].join(',')}`,
        ...(job.hasMain ? [] : ['--no-entry']),
        ...(lenient ? LENIENT_FLAGS : []),
        responseFile(directory, [
          ...needed.map((name) => `-Wl,--export=${name}`),
          ...job.exports.map((name) => `-Wl,--export${lenient ? '-if-defined' : ''}=${name}`),
        ]),
        '--js-library',
        library,
        '-o',
        path.join(directory, MODULE_JS),
      ]);
      return { status, output: (stdout + stderr).replaceAll(`${directory}${path.sep}`, '') };
    };
  }
}
