// The platform's implementation for Node.js.

import type { Platform, Scripts } from '../platform/index.ts';
import { builtin } from './builtin-modules.ts';
import { machine } from './machine.ts';
import { codeDirectory } from './own-files.ts';
import { originalPosition, toPath } from './source-maps.ts';

let mainError: ErrorConstructor | undefined;

const scripts: Scripts = {
  ownDirectory: codeDirectory,
  toPath,
  originalPosition,
  mapsStackText: () => (process as { sourceMapsEnabled?: boolean }).sourceMapsEnabled === true,
  get mainError() {
    mainError ??= errorOfMainContext();
    return mainError;
  },
};

/** Node.js creates its own modules in the main context, whatever context loads them. */
function errorOfMainContext(): ErrorConstructor {
  return Object.getPrototypeOf(builtin('node:assert').AssertionError) as ErrorConstructor;
}

export const nodePlatform: Platform = { ...machine, scripts };
