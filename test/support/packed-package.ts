// Packs the built library as npm would publish it and installs it into an empty project, once for all smoke tests.
// The smoke tests therefore test what a user gets. Needs a current dist/ (./build.sh).

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;

/** A project that has installed the packed package and nothing else. */
export interface ConsumerProject {
  readonly directory: string;
  /** Runs a command in the project. Throws with the command's output when it fails. */
  run(command: string, args: readonly string[], environment?: Record<string, string>): string;
  dispose(): void;
}

export function createConsumerProject(): ConsumerProject {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-consumer-'));
  const run = (command: string, args: readonly string[], environment: Record<string, string> = {}) =>
    execFileSync(command, args, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment, NODE_OPTIONS: '' },
    });
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', directory], {
    cwd: root,
  });
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'))!;
  writeFileSync(
    join(directory, 'package.json'),
    '{ "name": "consumer", "private": true, "type": "module" }\n',
  );
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`]);
  return { directory, run, dispose: () => rmSync(directory, { recursive: true, force: true }) };
}
