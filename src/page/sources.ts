// The sources that a page carries: those of the files that its profiles and its report name.

import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { unitDone } from '../algorithms/watched-work.ts';
import type { ProfileModel } from '../profile/index.ts';
import type { LeakJson, LeakJsonBranch, LeakJsonFrame } from '../report/index.ts';

/** Larger files are not carried. sqlite3.c has 9 MB. */
const LARGEST_FILE = 32 * 2 ** 20;
/** All files together, before compression. */
const LARGEST_SUM = 256 * 2 ** 20;
const MOST_FILES = 20_000;

/** Sources by path, and why others are missing. */
export interface CarriedSources {
  readonly sources: Readonly<Record<string, string>>;
  readonly missing: Readonly<Record<string, string>>;
  /** When sources were changed that are newer than the profile, in milliseconds since 1970, by path. */
  readonly changed: Readonly<Record<string, number>>;
}

/** The files that a profile names. */
export function* filesOfProfile({ functions }: ProfileModel): Generator<string> {
  for (const { file } of functions) if (file !== '') yield file;
}

/** The files that a report names. */
export function* filesOfReport(report: LeakJson): Generator<string> {
  const ofFrames = function* (frames: readonly LeakJsonFrame[] | null): Generator<string> {
    for (const { file } of frames ?? []) if (file !== '') yield file;
  };
  const ofTree = function* (branches: readonly LeakJsonBranch[]): Generator<string> {
    const pending = [...branches];
    for (let branch = pending.pop(); branch !== undefined; branch = pending.pop()) {
      if (branch.place !== null && branch.place.file !== '') yield branch.place.file;
      pending.push(...branch.tree);
    }
  };
  for (const { stack, tree = [] } of [...report.records, ...(report.known ?? [])]) {
    yield* ofFrames(stack);
    yield* ofTree(tree);
  }
  for (const error of [...report.errors, ...(report.knownErrors ?? [])]) {
    yield* ofFrames(error.stack);
    yield* ofFrames(error.allocated);
    yield* ofFrames(error.freed);
  }
  for (const { stack } of report.failedAllocations) yield* ofFrames(stack);
  for (const { stack } of report.growth?.places ?? []) yield* ofFrames(stack);
}

/**
 * Reads the files. Relative paths start at `root`.
 * @param takenAt when the profile was taken, in milliseconds since 1970: files that are newer may have other lines
 */
export function carry(files: Iterable<string>, root: string, takenAt: number): CarriedSources {
  const sources: Record<string, string> = Object.create(null);
  const missing: Record<string, string> = Object.create(null);
  const changed: Record<string, number> = Object.create(null);
  let sum = 0;
  let count = 0;
  for (const file of new Set(files)) {
    if (++count > MOST_FILES) {
      missing[file] = `a page carries ${MOST_FILES} files at most`;
      continue;
    }
    unitDone();
    const read = readSource(file, root, LARGEST_SUM - sum);
    if (typeof read === 'string') {
      missing[file] = read;
      continue;
    }
    sum += read.bytes.length;
    sources[file] = gzipSync(read.bytes).toString('base64');
    if (read.changedAt > takenAt) changed[file] = Math.round(read.changedAt);
  }
  return { sources, missing, changed };
}

/** The bytes of a source file and when it was changed, or why it is not carried. */
function readSource(
  file: string,
  root: string,
  room: number,
): { readonly bytes: Buffer; readonly changedAt: number } | string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(file) || file.includes('\0')) return 'its name is not a path of a file';
  const path = isAbsolute(file) ? file : resolve(root, file);
  try {
    const status = statSync(path);
    if (!status.isFile()) return `${path} is no regular file`;
    if (status.size > LARGEST_FILE)
      return `it has ${status.size} bytes, and a page carries files of ${LARGEST_FILE} at most`;
    if (status.size > room) return `the sources of a page may have ${LARGEST_SUM} bytes together`;
    const bytes = readFileSync(path);
    return bytes.includes(0) ? 'it is not a text' : { bytes, changedAt: status.mtimeMs };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? 'there is no such file on this machine'
      : `it cannot be read (${code ?? (error as Error).message})`;
  }
}
