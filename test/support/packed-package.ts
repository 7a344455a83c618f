// The built library as npm would publish it, installed into empty projects. The smoke tests therefore test what a user
// gets. It is packed and installed once for a run of the tests; each project is a copy. Needs a current dist/
// (./build.sh).

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { inject } from 'vitest';
import { networkEnvironment } from './certificates.mjs';

const root = new URL('../..', import.meta.url).pathname;

/** A project that has installed the packed package and nothing else. */
export interface ConsumerProject {
  readonly directory: string;
  /** Runs a command in the project. Throws with the command's output when it fails. */
  run(command: string, args: readonly string[], environment?: Record<string, string>): string;
  dispose(): void;
}

function runIn(
  directory: string,
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): string {
  return execFileSync(command, args, {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...(command === 'npm' ? networkEnvironment() : process.env),
      ...environment,
      NODE_OPTIONS: '',
    },
  });
}

const archiveIn = (directory: string): string =>
  readdirSync(directory).find((name) => name.endsWith('.tgz'))!;

/** The project that all others are copies of. The first test file that needs it makes it. */
function installedProject(): string {
  const scratch = inject('scratch');
  const directory = join(scratch, 'consumer');
  if (existsSync(directory)) return directory;
  const work = mkdtempSync(join(scratch, 'consumer-'));
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', work], { cwd: root });
  // The project keeps the archive, because package.json names it.
  writeFileSync(join(work, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  runIn(work, 'npm', [
    'install',
    '--silent',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    `./${archiveIn(work)}`,
  ]);
  try {
    renameSync(work, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error; // another test file was faster
    rmSync(work, { recursive: true, force: true });
  }
  return directory;
}

export function createConsumerProject(): ConsumerProject {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-consumer-'));
  execFileSync('cp', ['-a', `${installedProject()}/.`, directory]);
  return {
    directory,
    run: (...call) => runIn(directory, ...call),
    dispose: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** The path of the archive that npm would publish. */
export function packedArchive(): string {
  const directory = installedProject();
  return join(directory, archiveIn(directory));
}

/** The paths of the files in the packed package. */
export function packedFiles(): string[] {
  const inside = join(installedProject(), 'node_modules/heapline');
  return readdirSync(inside, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(inside, join(parentPath, name)));
}
