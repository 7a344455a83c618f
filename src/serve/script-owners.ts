// Tells whose code a JavaScript function is: the user's, Heapline's, or code that works for its caller (the engine,
// Node, and the packages that Heapline depends on). Heapline's own code is known by the path of its file or, when
// somebody has bundled Heapline, by the bundle's source map.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isOwnScript } from '../frames/index.ts';
import { codeDirectory, packageDirectory } from '../node/own-files.ts';
import { toPath } from '../node/source-maps.ts';

export type Owner = 'user' | 'heapline' | 'caller';

/** Heapline's files in a package folder, whoever has bundled them. */
const INSTALLED = /[\\/]node_modules[\\/]heapline[\\/](?:dist|src)[\\/]/;
const ownFolders = codeDirectory === null ? [] : [codeDirectory, toPath(codeDirectory)];

let dependencies: RegExp | null | undefined;

/** @param url the script's name in V8; @param file the source file, where a source map names it */
export function ownerOf(url: string, file: string): Owner {
  if (isOwn(url) || (file !== url && isOwn(file))) return 'heapline';
  if (url === '' || url.startsWith('node:') || url.startsWith('wasm:')) return 'caller';
  dependencies ??= dependencyFolders();
  return dependencies?.test(file) || dependencies?.test(url) ? 'caller' : 'user';
}

/** Whether this file is part of Heapline. */
export function isOwn(file: string): boolean {
  return isOwnScript(file, ownFolders) || INSTALLED.test(file);
}

/**
 * The folders of all packages that Heapline depends on, directly or not. Empty when their manifests cannot be read.
 */
function dependencyFolders(): RegExp | null {
  if (packageDirectory === null) return null;
  const names = new Set<string>();
  const visit = (manifest: string): void => {
    try {
      const require = createRequire(manifest);
      const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
        dependencies?: Record<string, string>;
      };
      for (const name of Object.keys(dependencies)) {
        if (names.has(name)) continue;
        names.add(name);
        const folder = require.resolve.paths(name)?.map((path) => `${path}/${name}/package.json`) ?? [];
        for (const path of folder) visit(path);
      }
    } catch {
      // The package is not in this folder but in another one.
    }
  };
  visit(`${packageDirectory}package.json`);
  const alternatives = [...names].map((name) =>
    name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace('/', '[\\\\/]'),
  );
  return new RegExp(`[\\\\/]node_modules[\\\\/](?:${alternatives.join('|')})[\\\\/]`);
}
