// The platform's implementation for Node.js.

import { createRequire } from 'node:module';
import type { Platform, Scripts } from '../platform/index.ts';
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
  const { AssertionError } = createRequire(import.meta.url)('node:assert') as typeof import('node:assert');
  return Object.getPrototypeOf(AssertionError) as ErrorConstructor;
}

export const nodePlatform: Platform = { ...machine, scripts };
