// Modules with access checks are kept in the cache on disk, beside what compilers made. So a process that opens a module
// which another one has opened before starts without the pass, whose code V8 would have to compile first.

import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Cache, hashOf, readRuntime } from '../compile/index.ts';
import { type InstrumentedModule, type InstrumentOptions, openInstrumented } from '../instrument/index.ts';
import { codeDirectory } from '../node/own-files.ts';

/** Adds checks to a module, or finds the result in the cache. @param cacheDir where the cache is, if not where it is by default */
export async function keptChecks(
  bytes: Uint8Array,
  options: InstrumentOptions,
  cacheDir?: string,
): Promise<InstrumentedModule> {
  const pass = ownCode();
  const cache = pass === null ? null : new Cache(cacheDir);
  const what = `module of ${bytes.length} bytes with access checks`;
  const key = hashOf('access checks', pass ?? '', hashOf(bytes), JSON.stringify(options), runtimes());
  const kept = cache?.find(key, what);
  const found = kept?.blobs.module;
  if (found !== undefined) {
    const own = new Uint8Array(found.buffer, found.byteOffset, found.byteLength);
    const opened = openInstrumented(own, kept!.meta as readonly string[]);
    if (opened !== null) return opened;
  }
  const { instrumentWithChecks } = await import('../access/index.ts');
  const made = await instrumentWithChecks(bytes, options);
  cache?.store(key, what, [], { meta: made.notes, blobs: { module: made.bytes } });
  return made;
}

/** The runtimes that may be put into a module that was linked without one. */
function runtimes(): string {
  return hashOf(readRuntime('wasi'), readRuntime('emscripten'));
}

let known: string | null | undefined;

/**
 * Names, sizes and times of Heapline's own files: a module that another Heapline has made is not taken. Null when Heapline
 * is bundled with other code, and its files are not known.
 */
function ownCode(): string | null {
  if (codeDirectory === null) return null;
  if (known === undefined) {
    const folder = fileURLToPath(codeDirectory);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    known = files
      .map((file) => {
        const stat = statSync(`${folder}/${file}`, { throwIfNoEntry: false });
        return `${file} ${stat?.mtimeMs} ${stat?.size}`;
      })
      .join('\n');
  }
  return known;
}
