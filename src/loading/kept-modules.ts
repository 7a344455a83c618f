// Modules that took long to make are kept in the cache on disk, beside what compilers made: those with access checks, and
// those into which the runtime was grafted. So a process that opens a module which another one has opened before starts
// without the passes, whose code V8 would have to compile first, and without recognising an allocator.

import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Around } from '../algorithms/watched-work.ts';
import { Cache, hashOf } from '../compile/cache.ts';
import type { InstrumentOptions } from '../instrument/index.ts';
import { type InstrumentedModule, openInstrumented } from '../instrument/instrumented-module.ts';
import { codeDirectory } from '../node/own-files.ts';
import { platform, type RuntimeFlavour } from '../platform/index.ts';
import type { StorePlace } from '../sandbox/index.ts';

/** Where one module is in the cache, made in one way. */
class Place implements StorePlace {
  readonly #cache: Cache;
  readonly #key: string;
  readonly #what: string;

  /**
   * @param way what is done to the module
   * @param options what else decides the result
   */
  constructor(way: string, bytes: Uint8Array, options: object, code: string, cacheDir?: string) {
    this.#cache = new Cache(cacheDir);
    this.#what = `module of ${bytes.length} bytes with ${way}`;
    this.#key = hashOf(way, code, hashOf(bytes), JSON.stringify(options), runtimes());
  }

  find(): InstrumentedModule | null {
    const kept = this.#cache.find(this.#key, this.#what);
    const found = kept?.blobs.module;
    if (found === undefined) return null;
    const own = new Uint8Array(found.buffer, found.byteOffset, found.byteLength);
    return openInstrumented(own, kept!.meta as readonly string[]);
  }

  keep({ notes, bytes }: InstrumentedModule): void {
    this.#cache.store(this.#key, this.#what, [], { meta: notes, blobs: { module: bytes } });
  }
}

/** Null when nothing can be kept, because it is not known by which code it would be made. */
function placeOf(way: string, bytes: Uint8Array, options: object, cacheDir?: string): Place | null {
  const code = ownCode();
  return code === null ? null : new Place(way, bytes, options, code, cacheDir);
}

/**
 * Adds checks to a module, or finds the result in the cache.
 * @param cacheDir where the cache is, if it is not at its default place
 * @param around adds the checks, unless they are in the cache
 */
export async function keptChecks(
  bytes: Uint8Array,
  options: InstrumentOptions,
  cacheDir?: string,
  around?: Around,
): Promise<InstrumentedModule> {
  const place = placeOf('access checks', bytes, options, cacheDir);
  const found = place?.find();
  if (found != null) return found;
  const { instrumentWithChecks } = await import('../access/index.ts');
  const made = await instrumentWithChecks(bytes, options, around);
  place?.keep(made);
  return made;
}

/** Where the module is kept with the runtime or checks put in; null when nothing can be kept. */
export function keptModule(bytes: Uint8Array, options: object, cacheDir?: string): StorePlace | null {
  return placeOf('the runtime or checks put in', bytes, options, cacheDir);
}

let runtimesHash: string | undefined;

/** The runtimes that may be put into a module that was linked without one. */
function runtimes(): string {
  const flavours: readonly RuntimeFlavour[] = ['wasi', 'emscripten', 'recorder'];
  runtimesHash ??= hashOf(...flavours.map((flavour) => platform().runtimeObject(flavour)));
  return runtimesHash;
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
