// Gives CommonJS builds what they lack: import.meta.url.

import { fileURLToPath } from 'node:url';
import type { Options } from 'tsup';

const replacement = fileURLToPath(new URL('own-url.js', import.meta.url));

export const withOwnUrl: NonNullable<Options['esbuildOptions']> = (options) => {
  options.define = { ...options.define, 'import.meta.url': 'ownUrl' };
  options.inject = [...(options.inject ?? []), replacement];
};
