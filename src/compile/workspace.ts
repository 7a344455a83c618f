// Files for compilers that run as processes: a directory for one run, the objects that a linker reads.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ToolchainError } from '../errors.ts';
import type { LinkJob } from './link.ts';

/**
 * Runs `work` with a directory of its own, removed afterwards. Throws a ToolchainError of `toolchain` when there cannot
 * be one or it does not hold what `work` writes.
 */
export async function withTemporaryDirectory<T>(
  toolchain: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  let directory: string | undefined;
  try {
    directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-'));
    return await work(directory);
  } catch (cause) {
    // A full disk, a directory that is read-only or not there; or Node.js's permission model, which tells no call.
    const refused = cause instanceof Error && ('syscall' in cause || 'permission' in cause);
    if (!refused) throw cause;
    throw new ToolchainError(
      toolchain,
      `The toolchain ${toolchain} needs a directory for temporary files (TMPDIR says where), and ${os.tmpdir()} ` +
        `does not do: ${cause.message}`,
      { cause },
    );
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes linker arguments to a response file: command lines have limits, and sqlite has a thousand exports. */
export function responseFile(directory: string, args: readonly string[]): string {
  const file = path.join(directory, 'arguments');
  writeFileSync(file, args.map((arg) => `"${arg.replaceAll(/[\\"]/g, '\\$&')}"`).join('\n'));
  return `@${file}`;
}

/** Writes what is linked; gives the paths of the caller's objects and of the runtime. */
export function writeObjects(directory: string, job: LinkJob): { files: string[]; runtime: string } {
  const files = job.objects.map((object, index) => {
    const file = path.join(directory, `${index}-${path.basename(object.source)}.o`);
    writeFileSync(file, object.bytes);
    return file;
  });
  const runtime = path.join(directory, 'heapline-runtime.o');
  writeFileSync(runtime, job.runtime);
  return { files, runtime };
}
