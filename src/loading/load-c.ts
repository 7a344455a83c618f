// From C sources to a sandbox: compile, instrument, instantiate.

import { basename, resolve } from 'node:path';
import { COMPILE_OPTIONS, type CompiledModule, type CompileOptions, compile } from '../compile/index.ts';
import { type Diagnostic, InvalidArgumentError } from '../errors.ts';
import { pathOf } from '../node/file-url.ts';
import { isListOf } from '../options/option-rules.ts';
import { type OptionTable, readOptions } from '../options/option-table.ts';
import {
  checksOf,
  type GuestExports,
  type GuestTypes,
  loadRoom,
  loadShapes,
  loadViews,
  openSandbox,
  prepareModule,
  SANDBOX_OPTIONS,
  type Sandbox,
  type SandboxOptions,
} from '../sandbox/index.ts';
import { guestWithGlue } from './guest-with-glue.ts';

/** Options of loadC(): how to compile, and what the guest may see. */
export interface LoadCOptions extends SandboxOptions, CompileOptions {}

const COMPILE_NAMES = Object.keys(COMPILE_OPTIONS) as (keyof CompileOptions)[];
const LOAD_C_OPTIONS = { ...SANDBOX_OPTIONS, ...COMPILE_OPTIONS } satisfies OptionTable<LoadCOptions>;

/**
 * Compiles C sources and opens a sandbox of the result.
 * @param sources one C file, or several that are linked into one module: paths, or file: URLs
 */
export async function loadC<Exports extends object = GuestExports, Types extends object = GuestTypes>(
  sources: string | URL | readonly (string | URL)[],
  options: LoadCOptions = {},
): Promise<Sandbox<Exports, Types>> {
  const [sandbox] = await Promise.all([openC<Exports, Types>(sources, options), loadViews(), loadShapes()]);
  return sandbox;
}

/** The same for commands, which load no code for views. */
export async function openC<Exports extends object = GuestExports, Types extends object = GuestTypes>(
  sources: string | URL | readonly (string | URL)[],
  options: LoadCOptions,
): Promise<Sandbox<Exports, Types>> {
  const { compiled, files, settings } = await compileC('loadC', sources, options);
  const { toolchain } = compiled;
  const path = resolve(files[0]!);
  const openGuest = await guestWithGlue(compiled.glue);
  return openSandbox<Exports, Types>(
    {
      module: await prepareModule(compiled.wasm, settings.maxMemory, {
        access: checksOf(settings).access,
        addChecks: async (bytes, limits, around) =>
          (await import('./kept-modules.ts')).keptChecks(bytes, limits, settings.cacheDir, around),
        onProgress: settings.onProgress,
        name: basename(path),
      }),
      symbolOptions: {},
      name: basename(path),
      path,
      toolchain,
      warnings: compiled.warnings.map(formatDiagnostic),
      comments: [`toolchain: ${toolchain.name} (${toolchain.version})`],
      names: compiled.exports.filter((name) => name !== 'main'),
    },
    settings,
    openGuest,
  );
}

/** What `loadC()` opens a sandbox of. @param caller the function that messages name */
export async function compileC(
  caller: string,
  sources: string | URL | readonly (string | URL)[],
  given: LoadCOptions,
): Promise<{
  readonly compiled: CompiledModule;
  readonly files: readonly string[];
  readonly settings: LoadCOptions;
}> {
  const settings: LoadCOptions = readOptions(caller, given, LOAD_C_OPTIONS);
  const named: unknown = isFile(sources) ? [sources] : sources;
  if (!isFileList(named)) {
    throw new InvalidArgumentError(
      'sources',
      `${caller}() takes the path of a C file, or its file: URL, or an array of such.`,
    );
  }
  const files = named.map((file) => pathOf('sources', file));
  await loadRoom(settings);
  const options = { ...compileOptionsOf(settings), stack: settings.stack ?? checksOf(settings).access };
  return { compiled: await compile(files, options, settings), files, settings };
}

function compileOptionsOf(options: LoadCOptions): CompileOptions {
  const given: Record<string, unknown> = {};
  for (const name of COMPILE_NAMES) if (options[name] !== undefined) given[name] = options[name];
  return given;
}

function isFile(value: unknown): value is string | URL {
  return (typeof value === 'string' && value !== '') || value instanceof URL;
}

function isFileList(value: unknown): value is readonly (string | URL)[] {
  return isListOf(value, isFile) && (value as readonly unknown[]).length > 0;
}

function formatDiagnostic(diagnostic: Diagnostic): string {
  const { severity, file, line, column, message } = diagnostic;
  return file === null ? `${severity}: ${message}` : `${file}:${line}:${column}: ${severity}: ${message}`;
}
