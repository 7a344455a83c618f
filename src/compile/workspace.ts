// Files for compilers that run as processes: a directory for one run, the objects that a linker reads.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { LinkJob } from './link.ts';

/** Runs `work` with a directory of its own, removed afterwards. */
export async function withTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
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
