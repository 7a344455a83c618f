// What is in a directory, as a guest reads it: the entries at the time when reading began, each with its inode. The
// system's list has no inodes, and asking for one takes microseconds, so only entries that the guest reads are asked.

import * as fs from 'node:fs';
import { type DirectoryRecord, FileType } from '../host/index.ts';
import { typeOf } from './file-status.ts';

interface Entry {
  /** A byte string. */
  readonly name: string;
  readonly type: number;
}

const DOTS: readonly Entry[] = ['.', '..'].map((name) => ({ name, type: FileType.directory }));

export class DirectoryListing {
  readonly #entries: readonly Entry[];
  readonly #pathOf: (name: string) => string;

  /** @param pathOf the host's path of an entry; names and paths are byte strings */
  constructor(pathOf: (name: string) => string) {
    const directory = Buffer.from(pathOf('.'), 'latin1');
    const found = fs.readdirSync(directory, { withFileTypes: true, encoding: 'latin1' });
    this.#entries = [...DOTS, ...found.map((entry) => ({ name: entry.name, type: typeOf(entry) }))];
    this.#pathOf = pathOf;
  }

  /** How many entries there are, `.` and `..` first. */
  get length(): number {
    return this.#entries.length;
  }

  /** All names, as byte strings. */
  get names(): string[] {
    return this.#entries.map(({ name }) => name);
  }

  record(index: number): DirectoryRecord {
    const { name, type } = this.#entries[index]!;
    return { name: Buffer.from(name, 'latin1'), type, inode: this.#inode(name) };
  }

  /** 0 for an entry that is gone. */
  #inode(name: string): bigint {
    const path = this.#pathOf(name);
    // Text is handed over faster than bytes, and it is the same where all characters are ASCII.
    const file = Buffer.byteLength(path) === path.length ? path : Buffer.from(path, 'latin1');
    return fs.lstatSync(file, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
  }
}
