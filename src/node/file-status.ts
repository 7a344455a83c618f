// What the host tells about a file, in the words of WASI.

import type * as fs from 'node:fs';
import { type FileStatus, FileType, SetTime } from '../host/index.ts';

export function typeOf(entry: fs.BigIntStats | fs.Stats | fs.Dirent): number {
  if (entry.isFile()) return FileType.regular;
  if (entry.isDirectory()) return FileType.directory;
  if (entry.isSymbolicLink()) return FileType.link;
  if (entry.isCharacterDevice()) return FileType.character;
  if (entry.isBlockDevice()) return FileType.block;
  return entry.isSocket() ? FileType.socket : FileType.unknown;
}

export function statusOf(stat: fs.BigIntStats): FileStatus {
  const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
  return {
    device: unsigned(stat.dev),
    inode: unsigned(stat.ino),
    type: typeOf(stat),
    links: unsigned(stat.nlink),
    size: unsigned(stat.size),
    accessed: unsigned(stat.atimeNs),
    modified: unsigned(stat.mtimeNs),
    changed: unsigned(stat.ctimeNs),
  };
}

/** The times that a call asks for, in nanoseconds, with the flags that say which of them count. */
export interface TimeChange {
  readonly accessed: bigint;
  readonly modified: bigint;
  readonly flags: number;
}

/**
 * Access time and modification time in seconds, as Node.js takes them: a double keeps microseconds of today's times
 * and no nanoseconds.
 */
export function timesOf(stat: fs.Stats, { accessed, modified, flags }: TimeChange): [number, number] {
  const now = Date.now() / 1000;
  const pick = (given: number, current: number, time: bigint, old: number): number =>
    flags & current ? now : flags & given ? Number(BigInt.asUintN(64, time)) / 1e9 : old / 1000;
  return [
    pick(SetTime.accessed, SetTime.accessedNow, accessed, stat.atimeMs),
    pick(SetTime.modified, SetTime.modifiedNow, modified, stat.mtimeMs),
  ];
}
