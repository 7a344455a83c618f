// A directory in which a test builds programs with `heapline cc` as a build system does it, and starts them.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { CommandResult } from './command-directory.ts';

export interface Start {
  readonly input?: string;
  /** HEAPLINE_OPTIONS of the program. */
  readonly options?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export class BuildDirectory {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'heapline-cc-')));
  readonly env: NodeJS.ProcessEnv = {
    ...process.env,
    HEAPLINE_RUNNER: join(inject('command'), '..', 'cc-run.js'),
    HEAPLINE_TOOLCHAIN: 'clang',
  };

  readonly start = (
    command: string,
    args: readonly string[],
    { input = '', options = '', env = {} }: Start = {},
  ): CommandResult & { readonly pid: number } => {
    const { status, stdout, stderr, pid } = spawnSync(command, args, {
      cwd: this.path,
      encoding: 'utf8',
      input,
      env: { ...this.env, HEAPLINE_OPTIONS: options, ...env },
    });
    return { status, stdout, stderr, pid };
  };

  readonly heapline = (...args: string[]) => this.start(process.execPath, [inject('command'), ...args]);
  readonly cc = (...args: string[]) => this.heapline('cc', ...args);
  readonly write = (name: string, text: string): void => writeFileSync(join(this.path, name), text);

  dispose(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
