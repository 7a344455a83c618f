// Runs the command as users run it, in a directory of its own. The sources are bundled once for each run of the
// tests.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inject } from 'vitest';

const loader = pathToFileURL(fileURLToPath(import.meta.resolve('tsx'))).href;

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'heapline-cli-'));

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(join(this.path, name), content);
    return name;
  }

  read(name: string): Buffer {
    return readFileSync(join(this.path, name));
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  /** The program and the arguments of a shell command. */
  commandLine(args: readonly string[]): string[] {
    return [process.execPath, inject('command'), ...args];
  }

  /** Runs Node.js with a loader for TypeScript. */
  node(args: readonly string[], env: Record<string, string> = {}): CommandResult {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', loader, ...args], {
      cwd: this.path,
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
    return { status, stdout, stderr };
  }

  heapline(
    args: readonly string[],
    options: { input?: string | Uint8Array; env?: Record<string, string> } = {},
  ): CommandResult {
    const [program, ...rest] = this.commandLine(args);
    const { status, stdout, stderr } = spawnSync(program!, rest, {
      cwd: this.path,
      encoding: 'utf8',
      input: options.input ?? '',
      env: { ...process.env, HEAPLINE_TOOLCHAIN: 'clang', ...options.env },
    });
    return { status, stdout, stderr };
  }

  dispose(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
