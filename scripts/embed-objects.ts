// Embeds the runtime's object files in JavaScript: the one form that every bundler carries along without configuration.

import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';
import { embeddedText } from './pack-objects.ts';

/** In the order in which src/web/runtime-objects.ts expects them. */
const FLAVOURS = ['emscripten', 'wasi', 'recorder'];

/** A plugin of esbuild: fills src/web/embedded-objects.ts. */
export const embedObjects: Plugin = {
  name: 'embed-objects',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]web[\\/]embedded-objects\.ts$/ }, () => {
      const files = FLAVOURS.map((name) => new URL(`../wasm/heapline-${name}.o`, import.meta.url));
      const text = embeddedText(files.map((file) => readFileSync(file)));
      return { contents: `export const embeddedObjects = ${JSON.stringify(text)};`, loader: 'js' };
    });
  },
};
