import { defineConfig } from 'tsup';

// The library in both module systems with types, and the command on its own (ESM only).
export default defineConfig([
  {
    // In one build, so that the entries share their code and their types: a sandbox is one class everywhere.
    entry: {
      index: 'src/index.ts',
      pprof: 'src/serve/index.ts',
      assert: 'src/testing/assert.ts',
      vitest: 'src/testing/vitest.ts',
      'vitest-plugin': 'src/testing/vitest-plugin.ts',
      'vitest-setup': 'src/testing/vitest-setup.ts',
    },
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
