// The page of these tests as a user's project bundles it: with heapline installed, without any configuration.

import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild, type Metafile } from 'esbuild';
import { build as vite } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = import.meta.dirname;
const SQLITE = '@sqlite.org/sqlite-wasm';

/**
 * A project: the page, an embind package, sqlite-wasm, and heapline as its package.json offers it.
 * @param npm the folder with unpacked packages of npm
 */
export function createProject(folder: string, npm: string, embindModule: string): void {
  mkdirSync(join(folder, 'node_modules', dirname(SQLITE)), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules', 'heapline'));
  cpSync(join(npm, SQLITE), join(folder, 'node_modules', SQLITE), { recursive: true });
  for (const name of ['index.html', 'main.ts']) copyFileSync(join(here, 'page', name), join(folder, name));
  for (const ending of ['.mjs', '.wasm']) {
    copyFileSync(embindModule.replace(/\.mjs$/, ending), join(folder, `package${ending}`));
  }
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
}

/** Bundles the project with esbuild; returns the folder with the page. */
export async function withEsbuild(folder: string): Promise<string> {
  const outdir = join(folder, 'esbuild');
  const { warnings } = await esbuild({
    absWorkingDir: folder,
    entryPoints: ['main.ts'],
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    outdir,
    logLevel: 'silent',
  });
  if (warnings.length > 0) throw new Error(warnings.map(({ text }) => text).join('\n'));
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  writeFileSync(join(outdir, 'index.html'), html.replace('main.ts', 'main.js'));
  // esbuild leaves `new URL('x.wasm', import.meta.url)` as it is: the files belong beside the bundle.
  copyFileSync(join(folder, 'package.wasm'), join(outdir, 'package.wasm'));
  const sqlite = join(folder, 'node_modules', SQLITE, 'sqlite-wasm/jswasm/sqlite3.wasm');
  copyFileSync(sqlite, join(outdir, 'sqlite3.wasm'));
  return outdir;
}

/** Bundles the project with Vite; returns the folder with the page. */
export async function withVite(folder: string): Promise<string> {
  const outDir = join(folder, 'vite');
  await vite({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { outDir, target: 'esnext' },
    // sqlite-wasm's worker needs this, whether or not Heapline is there.
    worker: { format: 'es' },
  });
  return outDir;
}

/** Sizes in bytes of a minified bundle of this code. */
export interface BundleSizes {
  /** What a page loads before it calls anything. */
  readonly firstLoad: number;
  /** The same together with files that it loads later, and with what those load. */
  with(later: readonly string[]): number;
  /** The one file that there is without splitting. */
  readonly whole: number;
}

/** Bundles code that uses heapline, and measures. */
export async function measure(folder: string, code: string): Promise<BundleSizes> {
  const [outputs, { 'measured/measured.js': whole }] = [
    await outputsOf(folder, code, true),
    await outputsOf(folder, code, false),
  ];
  const sizeWith = (later: readonly string[]): number => {
    const starts = later.map((name) => fileNamed(outputs, name));
    const loaded = reachable(outputs, [fileNamed(outputs, 'measured'), ...starts]);
    return [...loaded].reduce((sum, name) => sum + outputs[name]!.bytes, 0);
  };
  return { firstLoad: sizeWith([]), with: sizeWith, whole: whole!.bytes };
}

async function outputsOf(folder: string, code: string, splitting: boolean): Promise<Metafile['outputs']> {
  const { metafile } = await esbuild({
    absWorkingDir: folder,
    stdin: { contents: code, resolveDir: folder, sourcefile: 'measured.js' },
    bundle: true,
    minify: true,
    splitting,
    format: 'esm',
    outdir: 'measured',
    entryNames: 'measured',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return metafile.outputs;
}

/** The file of this name; bundlers add hashes to names. */
function fileNamed(outputs: Metafile['outputs'], name: string): string {
  const found = Object.keys(outputs).find((path) => path.replace(/^.*\/|(-[A-Z0-9]{8})*\.js$/g, '') === name);
  if (found === undefined) throw new Error(`no file ${name} among ${Object.keys(outputs).join(', ')}`);
  return found;
}

function reachable(outputs: Metafile['outputs'], entries: readonly string[]): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const { path, kind } of outputs[name]!.imports) if (kind === 'import-statement') visit(path);
  };
  for (const entry of entries) visit(entry);
  return found;
}
