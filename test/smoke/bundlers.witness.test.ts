// Programs that use Heapline run after each bundler has bundled them without the package, as README says. Installing
// bundlers takes long, so every day only webpack is installed, and the others are those that this repository has.
// HEAPLINE_FULL=1 includes the oldest and the current versions that docs/versions.md names, and HEAPLINE_NEWEST=1 the newest.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { FULL } from '../support/full.ts';
import { type ConsumerProject, createConsumerProject } from '../support/packed-package.ts';
import { NEWEST, newestOr } from '../support/tool-versions.ts';

const PROGRAM = `import { HeapProfile, loadC } from 'heapline';
async function main() {
  const sandbox = await loadC('keep.c');
  sandbox.exports.keep(10);
  const profile = sandbox.heap.profile();
  console.log(profile.total('inuse_space'), HeapProfile.decode(profile.encode()).sampleCount);
}
main();
`;

const FILES = {
  'server.mjs': PROGRAM,
  'keep.c': '#include <stdlib.h>\nvoid *kept;\nvoid keep(int bytes) { kept = malloc(bytes); }\n',
  'rollup.config.mjs': `export default {
    input: 'server.mjs', external: ['heapline'], output: { file: 'out/rollup.mjs', format: 'esm' },
  };`,
  'vite.config.mjs': `export default {
    ssr: { external: ['heapline'] },
    build: { ssr: 'server.mjs', outDir: 'out', rollupOptions: { output: { entryFileNames: 'vite.mjs' } } },
  };`,
  'webpack.config.cjs': `module.exports = {
    mode: 'production', target: 'node', entry: './server.mjs', externals: { heapline: 'commonjs heapline' },
    output: { path: __dirname + '/out', filename: 'webpack.cjs' },
  };`,
};

/** How each bundler is called, and which file it writes. */
const BUNDLERS = [
  {
    command: [
      'esbuild',
      'server.mjs',
      '--bundle',
      '--platform=node',
      '--format=esm',
      '--external:heapline',
      '--outfile=out/esbuild.mjs',
    ],
    output: 'out/esbuild.mjs',
  },
  { command: ['rollup', '-c', 'rollup.config.mjs', '--silent'], output: 'out/rollup.mjs' },
  { command: ['vite', 'build', '--logLevel', 'error'], output: 'out/vite.mjs' },
  { command: ['webpack', '-c', 'webpack.config.cjs'], output: 'out/webpack.cjs' },
];

const projects: ConsumerProject[] = [];

afterAll(() => {
  for (const project of projects) project.dispose();
});

const OLDEST = ['esbuild@0.17.0', 'rollup@3.0.0', 'vite@5.0.0', 'webpack@5.75.0', 'webpack-cli@5.0.0'];
const WEBPACK = [`webpack@${newestOr('5.113.0')}`, `webpack-cli@${newestOr('7.3.1')}`];
const CURRENT = [
  `esbuild@${newestOr('0.28.2')}`,
  `rollup@${newestOr('4.68.8')}`,
  `vite@${newestOr('8.4.0')}`,
  ...WEBPACK,
];
const own = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));

it.each([
  ...(FULL ? [['the oldest', OLDEST] as const] : []),
  FULL || NEWEST ? (['current', CURRENT] as const) : (["webpack and this repository's", WEBPACK] as const),
])('programs run from the bundles of %s bundlers', (_, packages) => {
  const project = createConsumerProject();
  projects.push(project);
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(project.directory, name), text);
  project.run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', ...packages]);
  for (const { command, output } of BUNDLERS) {
    const [tool, ...args] = command;
    const installed = join(project.directory, 'node_modules/.bin', tool!);
    project.run(existsSync(installed) ? installed : join(own, tool!), args);
    const printed = project.run('node', [output], { HEAPLINE_TOOLCHAIN: 'clang' });
    expect(`${output}: ${printed}`).toBe(`${output}: 10 1\n`);
  }
});
