// Files for compilers that run as processes: a directory for each run, and the objects that a linker reads.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import type { LinkJob } from './link.ts';

/** Directories in use. If the process ends meanwhile, they must not stay behind, because compilers clean up, too. */
const directories = new Set<string>();
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
let heedsSignals = false;

function removeAll(): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

/** Ends the process the way the signal would have ended it. */
function endBy(signal: NodeJS.Signals): void {
  removeAll();
  process.off(signal, endBy);
  process.kill(process.pid, signal);
}

/** Number of runs that have a directory or are about to make one. */
let running = 0;

// Runs before the directory is made, because a signal between the two would leave the directory behind.
function watch(): void {
  if (running++ > 0) return;
  process.on('exit', removeAll);
  if (heedsSignals) for (const signal of SIGNALS) process.on(signal, endBy);
}

function unwatch(): void {
  if (--running > 0) return;
  process.off('exit', removeAll);
  for (const signal of SIGNALS) process.off(signal, endBy);
}

/**
 * For the command line: signals remove the directories before they end the process. A library leaves signals alone.
 */
export function removeDirectoriesOnSignals(): void {
  heedsSignals = true;
}

/** Temporary files cannot be written. Other compilers that run as processes would fail, too. */
export class TemporaryFilesError extends ToolchainError {}

/**
 * Runs `work` with a directory of its own, which is removed afterwards. Throws a TemporaryFilesError of `toolchain`
 * when the directory cannot be made or cannot hold the files that `work` writes.
 */
export async function withTemporaryDirectory<T>(
  toolchain: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  let directory: string | undefined;
  watch();
  try {
    directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-'));
    directories.add(directory);
    return await work(directory);
  } catch (cause) {
    // The disk is full, the directory is read-only or missing, or Node.js's permission model refuses (its errors have
    // no system call).
    const refused = cause instanceof Error && ('syscall' in cause || 'permission' in cause);
    if (!refused) throw cause;
    throw new TemporaryFilesError(
      toolchain,
      `Cannot write temporary files in ${os.tmpdir()}: ${cause.message}. Set ` +
        `${process.platform === 'win32' ? 'TEMP' : 'TMPDIR'} to a directory that you can write to, or use the ` +
        'toolchain `embedded`, which needs no temporary files.',
      { cause },
    );
  } finally {
    if (directory !== undefined) {
      rmSync(directory, { recursive: true, force: true });
      directories.delete(directory);
    }
    unwatch();
  }
}

/**
 * Writes linker arguments to a response file, because command lines have limits and sqlite has a thousand exports.
 */
export function responseFile(directory: string, args: readonly string[]): string {
  const file = path.join(directory, 'arguments');
  writeFileSync(file, args.map((arg) => `"${arg.replaceAll(/[\\"]/g, '\\$&')}"`).join('\n'));
  return `@${file}`;
}

/** Writes the files to link. Returns the paths of the caller's objects and of the runtime's. */
export function writeObjects(directory: string, job: LinkJob): { files: string[]; runtime: string[] } {
  const write = (name: string, bytes: Uint8Array): string => {
    const file = path.join(directory, name);
    writeFileSync(file, bytes);
    return file;
  };
  const files = job.objects.map((object, index) =>
    write(`${index}-${path.basename(object.source)}.o`, object.bytes),
  );
  const runtime = [write('heapline-runtime.o', job.runtime)];
  if (job.exceptions !== null) runtime.push(write('heapline-exceptions.o', job.exceptions));
  return { files, runtime };
}
