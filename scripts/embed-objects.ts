// Embeds the runtime's object files in JavaScript: the one form that every bundler carries along without configuration.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'esbuild';

/** A plugin of esbuild: an import of `x.o` is its bytes in the gzip format, in base64. */
export const embedObjects: Plugin = {
  name: 'embed-objects',
  setup({ onLoad }) {
    onLoad({ filter: /\.o$/ }, ({ path }) => {
      const text = gzipSync(readFileSync(path), { level: 9 }).toString('base64');
      return { contents: `export default '${text}';`, loader: 'js' };
    });
  },
};
