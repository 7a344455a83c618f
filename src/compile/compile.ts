// From sources to a linked module: choose a toolchain, compile the sources that the cache does not have, link, and
// store the result.

import { readModule } from '../binary/index.ts';
import type { WasmImports } from '../binary/wasm-types.ts';
import { type Diagnostic, ToolchainError } from '../errors.ts';
import { workingDirectory } from '../node/working-directory.ts';
import type { OnProgress } from '../options/progress.ts';
import { Cache, hashOf } from './cache.ts';
import { candidates } from './choose.ts';
import type { CompileOptions, ToolchainName } from './compile-options.ts';
import { parseDiagnostics } from './diagnostics.ts';
import { commonFlags, emulationFlags, hasExceptions, SETJMP_FLAGS, wasiCxxFlags } from './flags.ts';
import { collectFiles } from './includes.ts';
import { definedFunctions, type HostImport, type ObjectFile, stackFlags } from './link.ts';
import { linkInputs } from './link-inputs.ts';
import { readMarks, TEXT_FLAGS } from './marks.ts';
import { mayMissHeader } from './missing-headers.ts';
import { isCxx, type Request, readRequest } from './options.ts';
import { refuseFor } from './support.ts';
import { readRuntime, type Toolchain } from './toolchain.ts';
import { TemporaryFilesError } from './workspace.ts';

/** A linked module, not instrumented yet. */
export interface CompiledModule {
  readonly wasm: Uint8Array;
  /** Emscripten's JavaScript (a CommonJS module whose export makes a Module); null for WASI. */
  readonly glue: string | null;
  readonly toolchain: { readonly name: ToolchainName; readonly version: string };
  /** The functions of the sources that are exported, without main. */
  readonly exports: readonly string[];
  readonly hasMain: boolean;
  /** The export to call for main: `__main_void` takes nothing, the others take argc and argv. Null without main. */
  readonly main: string | null;
  readonly warnings: readonly Diagnostic[];
  /** True when no tool had to run. */
  readonly cached: boolean;
}

/** What a module finds where it runs, as far as toolchains need to know. */
export interface Surroundings {
  /** Functions that it imports, by module and name. */
  readonly imports?: WasmImports;
  /** Most bytes of linear memory. */
  readonly maxMemory?: number;
}

/** The path of the JavaScript that belongs to a module of Emscripten's: beside the module's file. */
export function gluePath(module: string): string {
  return module.replace(/(?:\.wasm)?$/, '.glue.js');
}

interface ObjectMeta {
  readonly setjmp: boolean;
  readonly output: string;
  readonly inputs: readonly string[];
}

type ModuleMeta = Pick<CompiledModule, 'exports' | 'hasMain' | 'main' | 'warnings'>;

/**
 * Compiles and links C (and C++) sources with the Heapline runtime.
 *
 * Throws FileError and InvalidArgumentError before any tool starts, ToolchainError when no toolchain can compile the
 * sources, and CompileError and LinkError with the tool's diagnostics.
 * @param surroundings what the module will be given when it runs
 */
export async function compile(
  sources: readonly string[],
  options: CompileOptions = {},
  surroundings: Surroundings = {},
): Promise<CompiledModule> {
  const request = readRequest(sources, options);
  const cache = new Cache(request.cacheDir ?? undefined);
  let refusal: ToolchainError | null = null;
  const notices: Diagnostic[] = [];
  const passedOver = (message: string) =>
    void notices.push({ severity: 'warning', file: null, line: 0, column: 0, message });
  // What the caller's function throws says nothing about the toolchain.
  let thrown: { readonly error: unknown } | null = null as { readonly error: unknown } | null;
  const tell: OnProgress = (progress) => {
    try {
      request.onProgress?.(progress);
    } catch (error) {
      thrown ??= { error };
      throw error;
    }
  };
  const search = { cache, sysroot: request.sysroot };
  for await (const candidate of candidates(request.toolchain, search, passedOver)) {
    const { toolchain } = candidate;
    try {
      refuseFor(toolchain.name, request);
      let given: readonly HostImport[] = [];
      if (toolchain.target === 'emscripten') {
        const [{ checkMaximalMemory }, { checkLinkFlags }] = await Promise.all([
          import('./emscripten.ts'),
          import('./emscripten-settings.ts'),
        ]);
        checkLinkFlags(request.link);
        checkMaximalMemory(surroundings.maxMemory, request.link, request.stackSize);
        // wasm-ld accepts every function that C declares as an import. Only Emscripten needs to know the names.
        given = functionsOf(surroundings.imports ?? {});
      }
      const module = await build(toolchain, request, given, cache, tell);
      await candidate.worked();
      return {
        ...module,
        warnings: [...notices, ...module.warnings],
        toolchain: { name: toolchain.name, version: toolchain.version },
      };
    } catch (error) {
      if (thrown !== null) throw thrown.error;
      const meaning = await candidate.judge(error);
      if (meaning === null) continue;
      // This toolchain cannot do it (no setjmp, no C++ library, too little memory). With `auto` the next one may.
      if (!(meaning instanceof ToolchainError)) throw meaning;
      if (meaning instanceof TemporaryFilesError && !(refusal instanceof TemporaryFilesError)) {
        passedOver(meaning.message);
      }
      refusal ??= meaning;
    }
  }
  throw refusal ?? new ToolchainError(request.toolchain, 'No toolchain works.');
}

function functionsOf(imports: WasmImports): HostImport[] {
  const functions = Object.entries(imports).flatMap(([module, values]) =>
    Object.entries(values)
      .filter(([, value]) => typeof value === 'function')
      .map(([name]) => ({ module, name })),
  );
  return functions.sort((a, b) => compareText(a.module, b.module) || compareText(a.name, b.name));
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function build(
  toolchain: Toolchain,
  request: Request,
  imports: readonly HostImport[],
  cache: Cache,
  tell: OnProgress,
): Promise<Omit<CompiledModule, 'toolchain'>> {
  const runtime = readRuntime(toolchain.target);
  const throws = toolchain.target === 'wasi' && request.sources.some(isCxx) && hasExceptions(request.flags);
  const exceptions = throws ? readRuntime('exceptions') : null;
  const link = [...request.link, ...stackFlags(toolchain.target, request.stackSize, request.link)];
  const named = linkInputs(request.link, workingDirectory());
  const key = hashOf(
    'module',
    toolchain.identity,
    hashOf(runtime, exceptions ?? ''),
    // The same relative name is another file in another directory.
    JSON.stringify([request.sources, request.flags, link, named, request.exports, imports]),
    toolchain.linkIdentity,
    ...request.sources.map(flagsIdentity),
  );
  const what = `module of ${request.sources.join(' ')} by ${toolchain.name}`;
  const known = cache.find(key, what);
  const wasm = known?.blobs.wasm;
  if (known !== null && wasm !== undefined) {
    const glue = known.blobs.glue;
    return {
      ...(known.meta as ModuleMeta),
      wasm,
      glue: glue === undefined ? null : Buffer.from(glue).toString(),
      cached: true,
    };
  }

  const since = Date.now();
  await refuseMissingHeaders(toolchain, request, cache);
  const total = request.sources.length;
  let done = 0;
  const compiled = await inParallel(request.sources, toolchain.parallel, async (source) => {
    const result = await compileSource(toolchain, source, request.flags, cache, () =>
      tell({ step: 'compile', detail: source, done, total }),
    );
    done++;
    return result;
  });
  const objects = compiled.map(({ object }) => object);
  const defined = objects.map(definedFunctions);
  const hasMain = defined.some((each) => each.hasMain);
  const exports = request.exports ?? [...new Set(defined.flatMap((each) => each.names))];
  tell({ step: 'link' });
  const result = await toolchain.link({
    objects,
    runtime,
    exceptions,
    link,
    exports,
    imports,
    hasMain,
  });
  const meta: ModuleMeta = {
    exports,
    hasMain,
    main: hasMain ? mainExport(result.wasm, toolchain) : null,
    warnings: parseDiagnostics([...compiled.map(({ output }) => output), result.output].join('\n')),
  };
  const inputs = [...compiled.flatMap((each) => each.inputs), ...named];
  const blobs: Record<string, Uint8Array> = { wasm: result.wasm };
  if (result.glue !== null) blobs.glue = Buffer.from(result.glue);
  cache.store(key, what, inputs, { meta, blobs }, since);
  return { ...meta, wasm: result.wasm, glue: result.glue, cached: false };
}

/** Heapline's own flags, because an object depends on them, too. */
function flagsIdentity(source: string): string {
  return JSON.stringify([
    commonFlags(source),
    emulationFlags(),
    SETJMP_FLAGS,
    isCxx(source) ? wasiCxxFlags([]) : [],
    TEXT_FLAGS,
  ]);
}

/** Throws a ToolchainError, before anything is compiled, when a source needs a header that the toolchain lacks. */
async function refuseMissingHeaders(toolchain: Toolchain, request: Request, cache: Cache): Promise<void> {
  const { sources, flags } = request;
  if (toolchain.missingHeader === undefined) return;
  const suspects = sources.filter(
    (source) =>
      mayMissHeader(collectFiles(source, flags, (file) => file).values(), toolchain.name === 'clang') &&
      cache.find(objectKey(toolchain, source, flags), `object of ${source} by ${toolchain.name}`) === null,
  );
  const errors = await inParallel(suspects, toolchain.parallel, (source) =>
    toolchain.missingHeader!(source, flags),
  );
  const first = errors.find((error) => error !== null);
  if (first != null) throw first;
}

function objectKey(toolchain: Toolchain, source: string, flags: readonly string[]): string {
  return hashOf('object', toolchain.identity, source, JSON.stringify(flags), flagsIdentity(source));
}

async function compileSource(
  toolchain: Toolchain,
  source: string,
  flags: readonly string[],
  cache: Cache,
  begins: () => void,
): Promise<{ object: ObjectFile; inputs: readonly string[]; output: string }> {
  const key = objectKey(toolchain, source, flags);
  const what = `object of ${source} by ${toolchain.name}`;
  const known = cache.find(key, what);
  const bytes = known?.blobs.object;
  if (known !== null && bytes !== undefined) {
    const meta = known.meta as ObjectMeta;
    const { inputs, setjmp, output } = meta;
    return { object: { source, bytes, inputs, setjmp }, inputs, output };
  }
  begins();
  const since = Date.now();
  const marks = await readMarks(source, flags, () => toolchain.toText(source, flags));
  const compiled = await toolchain.compile(source, [...flags, ...marks.flags]);
  const { inputs, setjmp } = compiled;
  const output = marks.output + compiled.output;
  const object = marks.list(compiled.object);
  const meta: ObjectMeta = { setjmp, output, inputs };
  cache.store(key, what, inputs, { meta, blobs: { object } }, since);
  return { object: { source, bytes: object, inputs, setjmp }, inputs, output };
}

// Emscripten's name for main has changed over the versions.
function mainExport(wasm: Uint8Array, toolchain: Toolchain): string {
  const names = new Set(readModule(wasm).exports.map((each) => each.name));
  const order =
    toolchain.target === 'wasi'
      ? ['__main_void']
      : ['main', '__main_argc_argv', '__original_main', '__main_void'];
  const found = order.find((name) => names.has(name));
  if (found === undefined) {
    throw new ToolchainError(
      toolchain.name,
      `${toolchain.version} linked a program but did not export its main. Use another toolchain.`,
    );
  }
  return found;
}

/** Maps the items and keeps their order, with at most `limit` at once. Throws the failure of the earliest item. */
async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: PromiseSettledResult<R>[] = [];
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = { status: 'fulfilled', value: await work(items[index]!) };
      } catch (error) {
        failed = true;
        results[index] = { status: 'rejected', reason: error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
