import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig, type Options } from 'tsup';
import { embedObjects } from './scripts/embed-objects.ts';
import { withOwnUrl } from './scripts/with-own-url.ts';
import { withoutComments } from './scripts/without-comments.ts';

const library = {
  index: 'src/index.ts',
  core: 'src/core.ts',
  pprof: 'src/serve/index.ts',
  assert: 'src/testing/assert.ts',
  setup: 'src/testing/setup.ts',
};
const browser = { browser: 'src/browser.ts' };
const vitest = {
  register: 'src/register/index.ts',
  vitest: 'src/testing/vitest.ts',
  'vitest-plugin': 'src/testing/vitest-plugin.ts',
};
const common = {
  sourcemap: true,
  target: 'node20',
  plugins: [withoutComments],
  esbuildPlugins: [embedObjects],
} satisfies Options;

// The classes of errors: one file each for all entries, so that `instanceof` holds between them.
const errors = { errors: 'src/errors.ts', 'leak-error': 'src/report/leak-error.ts' };
const errorsApart: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'errors-apart',
  setup({ onResolve }) {
    onResolve({ filter: /errors?\.ts$/ }, ({ path, resolveDir, kind }) => {
      if (kind === 'entry-point') return undefined;
      const file = resolve(resolveDir, path);
      const found = Object.entries(errors).find(([, source]) => resolve(source) === file);
      return found && { path: `./${found[0]}.cjs`, external: true };
    });
  },
};

// What answers other threads: a file of its own, loaded when a thread is asked.
const answers = { 'thread-answers': 'src/serve/thread-answers.ts' };
const answersApart: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'answers-apart',
  setup({ onResolve }) {
    onResolve({ filter: /thread-answers\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './thread-answers.cjs', external: true } : undefined,
    );
  },
};

// Pages contain the code of these packages, whose licences ask for their text.
const licences: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'licences',
  setup({ initialOptions }) {
    const packages = ['preact', '@lezer/common', '@lezer/cpp', '@lezer/highlight', '@lezer/lr'];
    const texts = packages.map(
      (name) => `${name}\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8').trim()}`,
    );
    initialOptions.banner = { js: `/*!\n${texts.join('\n\n')}\n*/` };
  },
};

// The declarations for both module systems, of one reading of the sources. They have no members that are marked
// @internal. `npm run typecheck` checks the types; checking them here as well would take as long as all the rest.
// Development leaves the declarations out with --no-dts.
const declarations: Options = {
  entry: { ...library, ...browser, ...vitest },
  format: ['esm', 'cjs'],
  dts: { only: true, compilerOptions: { stripInternal: true, noCheck: true } },
};

// The library in both module systems with types, and the command on its own (ESM only).
export default defineConfig(({ dts }) => [
  ...(dts === false ? [] : [declarations]),
  {
    ...common,
    // In one build, so that the entries share their code and their types: a sandbox is one class everywhere.
    entry: {
      ...library,
      ...vitest,
      'vitest-setup': 'src/testing/vitest-setup.ts',
    },
    format: ['esm'],
    splitting: true,
  },
  {
    ...common,
    entry: { ...library, ...errors, ...answers },
    format: ['cjs'],
    // tsup splits CommonJS by way of another compiler, which gets private fields and class names wrong.
    splitting: false,
    esbuildPlugins: [errorsApart, answersApart, embedObjects],
    esbuildOptions: withOwnUrl,
  },
  {
    ...common,
    // Apart from the others, so that pages load nothing that only those need. Its types are among theirs.
    entry: browser,
    format: ['esm'],
    splitting: true,
    target: 'es2022',
  },
  {
    // The code of pages, which is written into each of them.
    entry: { 'page-app': 'src/page-app/main.tsx' },
    format: ['iife'],
    platform: 'browser',
    target: 'es2022',
    minify: true,
    noExternal: [/.*/],
    outExtension: () => ({ js: '.js' }),
    esbuildPlugins: [licences],
  },
  {
    entry: { cli: 'src/cli/main.ts' },
    format: ['esm'],
    sourcemap: true,
    target: 'node20',
    plugins: [withoutComments],
    banner: { js: '#!/usr/bin/env node' },
  },
  {
    // The compilers and the runner of linked programs. Builds start them all day, so each loads one file.
    entry: {
      'heapline-cc': 'src/cc/bin/heapline-cc.ts',
      'heapline-c++': 'src/cc/bin/heapline-c++.ts',
      'heapline-emcc': 'src/cc/bin/heapline-emcc.ts',
      'heapline-em++': 'src/cc/bin/heapline-em++.ts',
      'heapline-ld': 'src/cc/bin/heapline-ld.ts',
      'heapline-ar': 'src/cc/bin/heapline-ar.ts',
      'heapline-ranlib': 'src/cc/bin/heapline-ranlib.ts',
      'cc-run': 'src/cc/bin/cc-run.ts',
    },
    format: ['esm'],
    splitting: false,
    target: 'node20',
    banner: { js: '#!/usr/bin/env node' },
    outExtension: () => ({ js: '.js' }),
  },
  {
    entry: {
      'cc-tools': 'src/cc/main.ts',
      'cc-program': 'src/cc/run.ts',
      'check-glue': 'src/cc/check-glue.ts',
    },
    format: ['cjs'],
    splitting: false,
    sourcemap: true,
    target: 'node20',
    plugins: [withoutComments],
    esbuildOptions: withOwnUrl,
  },
]);
