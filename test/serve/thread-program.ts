// The program of the worker threads as bundles. Some fifty workers start it, and each would load all sources one by
// one. The library has files of its own, by whose folder Heapline tells its frames from those of the program.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { programPath } from '../support/served.ts';

const sources = fileURLToPath(new URL('../../src', import.meta.url));
const common = {
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
} satisfies BuildOptions;

/** Writes programs/thread.ts into a folder, and the library into another one, which is two below the package. */
export async function buildThreadProgram(folder: string, libraryFolder: string): Promise<void> {
  await build({
    ...common,
    entryPoints: { library: join(sources, 'index.ts'), serve: join(sources, 'serve/index.ts') },
    entryNames: 'thread-[name]',
    chunkNames: 'thread-[hash]',
    splitting: true,
    outdir: libraryFolder,
  });
  await build({
    ...common,
    entryPoints: { thread: programPath('thread.ts') },
    outdir: folder,
    plugins: [
      {
        name: 'library-apart',
        setup: ({ onResolve }) =>
          onResolve({ filter: /\/src\/(?:serve\/)?index\.ts$/ }, ({ path }) => {
            const name = path.endsWith('/serve/index.ts') ? 'serve' : 'library';
            return { path: join(libraryFolder, `thread-${name}.mjs`), external: true };
          }),
      },
    ],
  });
}
