// How the programs beside this file reach the packages, which lie in a node_modules folder outside of this one.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

let times = 0;

/** @param {string} folder a node_modules folder */
export function loaders(folder) {
  return {
    /** Requires a package by its name. */
    require: createRequire(join(folder, 'program.cjs')),
    /** Imports a file of a package. @param {string} file */
    load: (file) => import(pathToFileURL(join(folder, file)).href),
    /** The same, as if nobody had imported it before. @param {string} file */
    loadAgain(file) {
      times += 1;
      return import(`${pathToFileURL(join(folder, file)).href}?${times}`);
    },
    /** The path of a file of a package. @param {string} file */
    pathOf: (file) => join(folder, file),
  };
}
