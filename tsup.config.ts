import { defineConfig } from 'tsup';

// The library in both module systems with types, and the command on its own (ESM only).
export default defineConfig([
  {
    entry: { index: 'src/index.ts', pprof: 'src/serve/index.ts' },
    format: ['esm', 'cjs'],
    dts: true,
    sourcemap: true,
    clean: true,
    target: 'node20',
    shims: true,
    splitting: true,
  },
  {
    entry: { cli: 'src/cli/main.ts' },
    format: ['esm'],
    sourcemap: true,
    target: 'node20',
    banner: { js: '#!/usr/bin/env node' },
  },
]);
