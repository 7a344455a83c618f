// Embeds the runtime's object files in JavaScript: the one form that every bundler carries along without configuration.

import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';
import { PACKED_FLAVOURS } from '../src/web/unpack-objects.ts';
import { embeddedText } from './pack-objects.ts';

/** A plugin of esbuild: fills src/web/embedded-objects.ts. */
export const embedObjects: Plugin = {
  name: 'embed-objects',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]web[\\/]embedded-objects\.ts$/ }, () => {
      const files = PACKED_FLAVOURS.map((name) => new URL(`../wasm/heapline-${name}.o`, import.meta.url));
      const text = embeddedText(files.map((file) => readFileSync(file)));
      return { contents: `export const embeddedObjects = ${JSON.stringify(text)};`, loader: 'js' };
    });
  },
};
