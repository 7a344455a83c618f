// The cache on disk finds a result again by what went into it. A result is stored under a key of everything known
// beforehand (tool, flags, paths), in a few variants. Each variant lists the files that were read (source and
// headers) with the hash of their contents, and is valid while all of these files still have their hash. The idea is
// ccache's "direct mode". Each file is written under a temporary name in its own directory and then renamed, so that
// concurrent processes see whole entries or none. An entry that cannot be read back counts as absent.

import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDirectory } from '../node/file-kinds.ts';
import { debug, debugs } from '../platform/debug.ts';

/** Changes whenever the meaning of entries or of the flags behind them changes. */
const CACHE_VERSION = 1;
/**
 * Bytes that the cache should hold at most, and bytes that pruning leaves. The gap means that not every store prunes, nor
 * looks whether it should.
 */
const LIMITS = { max: 512 * 2 ** 20, pruned: 384 * 2 ** 20 };
/** How often the cache is looked at while it grows by the gap between its limits, on average. */
const LOOKS = 16;
const MAX_VARIANTS = 8;
/** Seconds after which an entry that is used gets a new time stamp. Stamping more often would only cost writes. */
const STAMP_INTERVAL = 3600;

interface Variant {
  readonly inputs: readonly (readonly [file: string, hash: string])[];
  readonly meta: unknown;
  /** Named contents: name to hash. */
  readonly blobs: Readonly<Record<string, string>>;
}

/** A result as it was stored. */
export interface Entry {
  readonly meta: unknown;
  readonly blobs: Readonly<Record<string, Uint8Array>>;
}

export function hashOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${part.length}:`);
    hash.update(part);
  }
  return hash.digest('hex').slice(0, 40);
}

/**
 * The cache's directory when the caller names none: `HEAPLINE_CACHE`, otherwise a directory beside the project's
 * other caches, otherwise one beside the user's caches. Null for a user without a home.
 */
export function defaultCacheDirectory(): string | null {
  const fromEnvironment = process.env.HEAPLINE_CACHE ?? '';
  if (fromEnvironment !== '') return path.resolve(fromEnvironment);
  for (let directory = process.cwd(); ; directory = path.dirname(directory)) {
    if (isDirectory(path.join(directory, 'node_modules'))) {
      return path.join(directory, 'node_modules', '.cache', 'heapline');
    }
    if (directory === path.dirname(directory)) break;
  }
  // The XDG specification says that a relative path is to be ignored.
  const base = process.env.XDG_CACHE_HOME ?? '';
  if (path.isAbsolute(base)) return path.join(base, 'heapline');
  try {
    const home = os.homedir();
    return path.isAbsolute(home) ? path.join(home, '.cache', 'heapline') : null;
  } catch {
    return null; // in a container whose user is only a number
  }
}

export class Cache {
  /** When null, nothing is found and nothing is stored. */
  readonly directory: string | null;
  readonly #limits: typeof LIMITS;
  /** Hashes of the files read in this call, so that a header included by many sources is hashed once. */
  #hashes = new Map<string, string | null>();

  constructor(directory: string | null = defaultCacheDirectory(), limits = LIMITS) {
    this.directory = directory;
    this.#limits = limits;
  }

  /** Hash of a file's contents, or null when it cannot be read. */
  fileHash(file: string): string | null {
    let hash = this.#hashes.get(file);
    if (hash === undefined) {
      try {
        hash = hashOf(readFileSync(file));
      } catch {
        hash = null;
      }
      this.#hashes.set(file, hash);
    }
    return hash;
  }

  /**
   * The result that is stored for this key and whose input files are all unchanged.
   * @param what names the result for people, such as `object of /src/a.c`
   */
  find(key: string, what: string): Entry | null {
    const entry = this.#find(key, what);
    if (entry !== null && debugs('cache')) debug('cache', `has the ${what}`);
    return entry;
  }

  #find(key: string, what: string): Entry | null {
    const told = debugs('cache');
    if (this.directory === null) {
      if (told) debug('cache', `has no ${what}: there is no directory for the cache`);
      return null;
    }
    const variants = this.#variants(key);
    const reasons: string[] = [];
    for (const variant of variants) {
      const changed = variant.inputs.find(([file, hash]) => this.fileHash(file) !== hash);
      if (changed !== undefined) {
        if (told) reasons.push(`${changed[0]} has changed`);
        continue;
      }
      const blobs: Record<string, Uint8Array> = {};
      let whole = true;
      for (const [name, hash] of Object.entries(variant.blobs)) {
        const blob = this.#readBlob(hash);
        if (blob === null) whole = false;
        else blobs[name] = blob;
      }
      if (whole) {
        this.#stamp(this.#manifestPath(key));
        return { meta: variant.meta, blobs };
      }
      if (told) reasons.push('its contents were removed or damaged');
    }
    if (told) {
      const why =
        reasons.length > 0 ? reasons.join('; ') : 'nothing is stored for this toolchain and these flags';
      debug('cache', `has no ${what}: ${why} (${this.directory})`);
    }
    return null;
  }

  /**
   * Stores a result. A cache that cannot be written makes runs slow; it is not an error.
   * @param what names the result for people
   * @param since the time, by `Date.now()`, when reading the inputs began. If an input has changed since then, it is
   *   unknown which contents were read, so nothing is stored.
   */
  store(
    key: string,
    what: string,
    inputs: readonly string[],
    entry: Entry,
    since = Number.POSITIVE_INFINITY,
  ): void {
    if (this.directory === null) return;
    const told = debugs('cache');
    const hashed: [string, string][] = [];
    for (const file of new Set(inputs)) {
      const stat = statSync(file, { throwIfNoEntry: false });
      // Times of files have fractions of a millisecond.
      const changed = stat !== undefined && Math.max(stat.mtimeMs, stat.ctimeMs) >= since + 1;
      const hash = changed ? null : this.fileHash(file);
      if (hash === null) {
        const why = changed ? 'changed while it was read' : 'cannot be read';
        if (told) debug('cache', `does not store the ${what}: ${file} ${why}`);
        return;
      }
      hashed.push([file, hash]);
    }
    try {
      const blobs: Record<string, string> = {};
      let bytes = 0;
      for (const [name, blob] of Object.entries(entry.blobs)) {
        const hash = hashOf(blob);
        blobs[name] = hash;
        bytes += blob.length;
        const file = this.#blobPath(hash);
        if (this.#readBlob(hash) === null) writeWhole(file, blob);
      }
      const identity = JSON.stringify(hashed);
      const others = this.#variants(key).filter((variant) => JSON.stringify(variant.inputs) !== identity);
      const variants = [{ inputs: hashed, meta: entry.meta, blobs }, ...others].slice(0, MAX_VARIANTS);
      const manifest = JSON.stringify({ version: CACHE_VERSION, variants });
      writeWhole(this.#manifestPath(key), manifest);
      if (told) debug('cache', `stores the ${what}`);
      // To look at a large cache takes longer than to store something, so a store looks with a probability that is
      // proportional to its size.
      const step = (this.#limits.max - this.#limits.pruned) / LOOKS;
      if (Math.random() * step < bytes + manifest.length) this.#prune(4 * step);
    } catch (error) {
      // The disk is full or the directory is read-only.
      if (told) debug('cache', `cannot store the ${what}: ${error}`);
    }
  }

  #manifestPath(key: string): string {
    return path.join(this.directory!, 'results', key.slice(0, 2), `${key.slice(2)}.json`);
  }

  #blobPath(hash: string): string {
    return path.join(this.directory!, 'contents', hash.slice(0, 2), hash.slice(2));
  }

  #variants(key: string): Variant[] {
    try {
      const manifest = JSON.parse(readFileSync(this.#manifestPath(key), 'utf8')) as {
        version: number;
        variants: Variant[];
      };
      if (manifest.version !== CACHE_VERSION) return [];
      return manifest.variants.filter(
        (variant) =>
          Array.isArray(variant?.inputs) &&
          variant.inputs.every((input) => Array.isArray(input) && typeof input[0] === 'string') &&
          typeof variant.blobs === 'object' &&
          variant.blobs !== null &&
          Object.values(variant.blobs).every((hash) => /^[0-9a-f]{40}$/.test(hash)),
      );
    } catch {
      return [];
    }
  }

  // A blob is named by its hash, so a torn or edited file is rejected.
  #readBlob(hash: string): Uint8Array | null {
    try {
      const file = this.#blobPath(hash);
      const blob = readFileSync(file);
      if (hashOf(blob) !== hash) return null;
      this.#stamp(file);
      return blob;
    } catch {
      return null;
    }
  }

  // Pruning removes the entries used longest ago. Not every file system keeps access times, so the entry is stamped.
  #stamp(file: string): void {
    const now = Date.now() / 1000;
    try {
      if (now - statSync(file).mtimeMs / 1000 > STAMP_INTERVAL) utimesSync(file, now, now);
    } catch {
      // Another process pruned it, or the cache is read-only.
    }
  }

  /** Prunes the cache if it has no room for so many bytes. */
  #prune(room: number): void {
    const files: { file: string; size: number; used: number }[] = [];
    let total = 0;
    for (const kind of ['results', 'contents']) {
      const root = path.join(this.directory!, kind);
      for (const folder of isDirectory(root) ? readdirSync(root) : []) {
        for (const name of readdirSync(path.join(root, folder))) {
          const file = path.join(root, folder, name);
          const stat = statSync(file, { throwIfNoEntry: false });
          if (stat === undefined) continue;
          total += stat.size;
          files.push({ file, size: stat.size, used: stat.mtimeMs });
        }
      }
    }
    if (total + room <= this.#limits.max) return;
    files.sort((a, b) => a.used - b.used);
    for (const { file, size } of files) {
      if (total <= this.#limits.pruned) break;
      rmSync(file, { force: true });
      total -= size;
      if (debugs('cache')) debug('cache', `removes ${file}, because the cache is full`);
    }
  }
}

let serial = 0;

function writeWhole(file: string, contents: string | Uint8Array): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}.${serial++}.tmp`;
  try {
    writeFileSync(beside, contents);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
