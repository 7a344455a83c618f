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
  /** Names of the further files, with their sizes. */
  readonly later: ReadonlyMap<string, number>;
}

/** Bundles code that uses heapline, and measures. */
export async function measure(folder: string, code: string): Promise<BundleSizes> {
  const { metafile } = await esbuild({
    absWorkingDir: folder,
    stdin: { contents: code, resolveDir: folder, sourcefile: 'measured.js' },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    outdir: join(folder, 'measured'),
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const { outputs } = metafile;
  const entry = Object.keys(outputs).find((name) => outputs[name]!.entryPoint === 'measured.js');
  const first = reachable(outputs, entry!);
  const sizeOf = (name: string): number => outputs[name]!.bytes;
  const rest = Object.keys(outputs).filter((name) => !first.has(name));
  return {
    firstLoad: [...first].reduce((sum, name) => sum + sizeOf(name), 0),
    later: new Map(rest.map((name) => [name.replace(/^.*\/|(-[A-Z0-9]{8})+\.js$/g, ''), sizeOf(name)])),
  };
}

function reachable(outputs: Metafile['outputs'], entry: string): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const { path, kind } of outputs[name]!.imports) if (kind === 'import-statement') visit(path);
  };
  visit(entry);
  return found;
}
