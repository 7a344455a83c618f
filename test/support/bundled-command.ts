// The global set-up of the tiers that run the command: bundles src/cli once for the whole run, also when several tiers
// run. The tests start the command hundreds of times, and a process that reads the sources through a loader starts half
// a second later. Beside the bundle, test files can keep what they share during the run.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import type { TestProject } from 'vitest/node';
import { withOwnUrl } from '../../scripts/with-own-url.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The bundle of this run. vitest loads this file once for each tier, so that a variable of it would not be shared. */
interface Run {
  heaplineBundle?: { readonly directory: Promise<string>; users: number };
}

export default async function bundleCommand(project: TestProject): Promise<() => Promise<void>> {
  const run = globalThis as Run;
  run.heaplineBundle ??= { directory: bundle(), users: 0 };
  const shared = run.heaplineBundle;
  shared.users++;
  const directory = await shared.directory;
  project.provide('command', join(directory, 'main.js'));
  project.provide('scratch', directory);
  return async () => {
    if (--shared.users > 0) return;
    delete run.heaplineBundle;
    rmSync(directory, { recursive: true, force: true });
  };
}

/** Makes the bundle, and returns its directory. */
async function bundle(): Promise<string> {
  // The bundle is two folders below package.json, as the sources are, so that its code finds the package's files.
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const outDir = mkdtempSync(join(cache, 'command-'));
  await build({
    config: false,
    entry: {
      main: join(root, 'src/cli/main.ts'),
      'heapline-cc': join(root, 'src/cc/bin/heapline-cc.ts'),
      'cc-run': join(root, 'src/cc/bin/cc-run.ts'),
    },
    format: 'esm',
    target: 'node20',
    outDir,
    silent: true,
  });
  await build({
    config: false,
    entry: {
      'cc-tools': join(root, 'src/cc/main.ts'),
      'cc-program': join(root, 'src/cc/run.ts'),
      'check-glue': join(root, 'src/cc/check-glue.ts'),
    },
    format: 'cjs',
    splitting: false,
    target: 'node20',
    outDir,
    silent: true,
    clean: false,
    esbuildOptions: withOwnUrl,
  });
  return outDir;
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the bundled command. */
    command: string;
    /** A directory for what test files of one run share. */
    scratch: string;
  }
}
