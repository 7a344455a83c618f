/**
 * The entry `heapline/vitest-plugin`: tests import C sources, and every test is checked for leaks.
 *
 * ```ts
 * // vitest.config.ts
 * export default defineConfig({ plugins: [heapline({ autoCheck: true })] });
 * // parser.test.ts: each test file gets a sandbox of its own
 * import lib from './parser.c?heap';
 * ```
 *
 * @module vitest-plugin
 */

import { existsSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesToRead } from '../compile/index.ts';
import type { LoadCOptions } from '../loading/load-c.ts';
import { pathOf } from '../node/file-url.ts';
import { flag, flagOrOptions, oneOf, rule, textList, textNotEmpty } from '../options/option-rules.ts';
import { type OptionTable, readOptions, withDefault } from '../options/option-table.ts';
import { type LeakKind, someLeakKinds, suppressionsOf } from '../report/index.ts';
import { QUARANTINE } from '../sandbox/sandbox-options.ts';
import type { ImportTypes } from './import-types.ts';

/** How imports with `?heap` are compiled. This is plain data, because the tests run in other processes. */
export type HeapImportOptions = Omit<
  LoadCOptions,
  'imports' | 'onFault' | 'onLeakCheck' | 'onStdout' | 'onStderr' | 'onProgress'
> & {
  /** Further C sources to link with the imported one, relative to its folder. */
  readonly sources?: readonly string[];
};

/** What the check at the end of each test fails on: plain data, because the tests run in other processes. */
export interface AutoCheckOptions {
  /** Classes that fail. Default: definite and indirect. */
  readonly kinds?: readonly LeakKind[];
  /** Leaks that are known and not to be reported: patterns in LeakSanitizer's format. */
  readonly suppressions?: readonly string[];
}

/** Options of the plugin. */
export interface HeaplinePluginOptions {
  /**
   * Check every sandbox at the end of each test: a sandbox that the test opened as a whole, a sandbox that was open
   * before for the allocations of the test. An object says which leaks fail a test. Default false.
   */
  readonly autoCheck?: boolean | AutoCheckOptions;
  /**
   * How to compile imports with `?heap`: the same for all, or by the path of the file. Unless `quarantine` says
   * otherwise, 256 KiB of freed blocks wait there before they are used again.
   */
  readonly compile?: HeapImportOptions | ((file: string) => HeapImportOptions);
  /**
   * Check every access to memory in all sandboxes of the tests, unless their own options say otherwise: imports with
   * `?heap`, and what tests open with loadC(), loadWasm() and attach(). Default false.
   */
  readonly checks?: boolean;
  /**
   * `'snapshot'`: what a test does in a sandbox that was open before it is undone at its end, so that each test finds the
   * sandbox as `beforeAll` left it. Modules that `attach()` watches are left alone, with a warning. Default `'none'`.
   */
  readonly isolate?: 'none' | 'snapshot';
  /** Folder for the reports of failed tests; false for none. Default `heapline-report` in the project's root. */
  readonly reportFolder?: string | false;
  /**
   * File of TypeScript declarations to write, relative to the project's root, such as `heapline-imports.d.ts`: the types
   * of the functions and structs of all files that tests import with `?heap`. It is used in place of `heapline/client`.
   * Default: none.
   */
  readonly types?: string;
}

const AUTO_CHECK_OPTIONS = {
  kinds: someLeakKinds,
  suppressions: textList('an array of patterns'),
} satisfies OptionTable<AutoCheckOptions>;

const OPTIONS = {
  autoCheck: withDefault(
    flagOrOptions<AutoCheckOptions, typeof AUTO_CHECK_OPTIONS>(AUTO_CHECK_OPTIONS),
    false,
  ),
  compile: withDefault(
    rule<NonNullable<HeaplinePluginOptions['compile']>>(
      (value) => typeof value === 'function' || (typeof value === 'object' && value !== null),
      'an object, or a function that gives one',
    ),
    {},
  ),
  checks: withDefault(flag, false),
  isolate: withDefault(oneOf('none', 'snapshot'), 'none'),
  types: textNotEmpty('the path of a file that ends in .d.ts'),
  reportFolder: rule(
    (value) => value === false || typeof value === 'string',
    'the path of a folder, or false',
  ),
} satisfies OptionTable<HeaplinePluginOptions>;

/** @internal What the plugin tells its setup file in the test processes. */
export interface SetupOptions {
  readonly autoCheck: AutoCheckOptions | null;
  /** Whether sandboxes have all checks by default. */
  readonly checks: boolean;
  /** Whether each test is undone at its end. */
  readonly isolate: boolean;
  /** Null for the default. */
  readonly reportFolder: string | null;
}

/** The part of Vite's plugin interface that the plugin implements: its name, and the hooks that Vite calls. */
export interface VitePlugin {
  /** Name of the plugin. */
  readonly name: string;
  /** The plugin comes before those of Vite. */
  readonly enforce: 'pre';
  /** Adds the setup file to the configuration. */
  config(): object;
  /** Learns the root of the project. */
  configResolved(config: { readonly root: string }): void;
  /** Finds the C source of an import with `?heap`. */
  resolveId(source: string, importer: string | undefined): string | null;
  /** Writes the module for such an import. */
  load(this: { addWatchFile(path: string): void }, id: string): string | null | Promise<string>;
}

const QUERY = '?heap';
const C_SOURCE = /\.(c|i|cc|cpp|cxx|c\+\+|C|ii|wasm)$/;

/** The plugin. */
export default function heapline(options: HeaplinePluginOptions = {}): VitePlugin {
  // Errors in the configuration are better reported once, before the tests.
  const { autoCheck, checks, compile, isolate, reportFolder, types } = readOptions(
    'heapline',
    options,
    OPTIONS,
  );
  if (typeof autoCheck === 'object') suppressionsOf(autoCheck.suppressions ?? []);
  const setup: SetupOptions = {
    autoCheck: autoCheck === false ? null : autoCheck === true ? {} : autoCheck,
    checks,
    isolate: isolate === 'snapshot',
    reportFolder: reportFolder === undefined ? null : reportFolder === false ? '' : resolve(reportFolder),
  };
  let root = process.cwd();
  let importTypes: Promise<ImportTypes> | null = null;
  return {
    name: 'heapline',
    enforce: 'pre',
    config: () => ({ test: { setupFiles: [sibling('vitest-setup')], provide: { heapline: setup } } }),
    configResolved(config) {
      root = config.root;
    },
    resolveId(source, importer) {
      if (!source.endsWith(QUERY)) return null;
      const path = source.slice(0, -QUERY.length);
      if (!C_SOURCE.test(path)) return null;
      if (isAbsolute(path) && existsSync(path)) return source;
      // A path that starts with a slash but names no file starts at Vite's root.
      const folder = importer === undefined || path.startsWith('/') ? root : dirname(importer);
      return `${join(folder, path)}${QUERY}`;
    },
    load(id) {
      if (!id.endsWith(QUERY)) return null;
      const file = id.slice(0, -QUERY.length);
      if (!C_SOURCE.test(file)) return null;
      if (!existsSync(file))
        throw new Error(`There is no file ${file}, which is imported as ${basename(file)}${QUERY}.`);
      const { sources = [], include, ...others } = typeof compile === 'function' ? compile(file) : compile;
      // A path in the program's text, because a URL would be a string there.
      const load =
        include === undefined
          ? others
          : { ...others, include: include.map((each) => pathOf('include', each)) };
      const files = [file, ...sources.map((source) => resolve(dirname(file), source))];
      const isModule = extname(file) === '.wasm';
      const read = isModule ? files : files.flatMap((source) => filesToRead(source, load));
      for (const path of new Set(read)) this.addWatchFile(path);
      const call = isModule
        ? `loadWasm(${JSON.stringify(file)}, ${JSON.stringify({ quarantine: QUARANTINE })})`
        : `loadC(${JSON.stringify(files)}, ${JSON.stringify({ quarantine: QUARANTINE, ...load })})`;
      const text =
        `import { ${isModule ? 'loadWasm' : 'loadC'} } from ${JSON.stringify(sibling('index'))};\n` +
        `const lib = await ${call};\nexport default lib;\n`;
      if (types === undefined) return text;
      importTypes ??= openImportTypes(resolve(root, types));
      return importTypes.then(async (open) => {
        await open.add(file, files, load);
        return text;
      });
    },
  };
}

/** Loaded for projects that want types. */
async function openImportTypes(path: string): Promise<ImportTypes> {
  const { ImportTypes } = await import('./import-types.ts');
  return new ImportTypes(path);
}

// Another entry of this package. In the package it is beside this file; in the sources the door is one folder up.
function sibling(name: string): string {
  const here = fileURLToPath(import.meta.url);
  const extension = extname(here);
  if (extension !== '.ts') return join(dirname(here), `${name}.js`);
  return name === 'index' ? join(dirname(here), '..', 'index.ts') : join(dirname(here), `${name}.ts`);
}
