// Directories of the host as a WASI guest sees them: the file half of WASI preview 1 over Node's synchronous file
// system, below the directories that the user names. This file has the descriptors and the functions of WASI.
// live-directory.ts does what they ask for.

import {
  ALL_RIGHTS,
  FileType,
  FOLLOW,
  GuestMemory,
  Right,
  writeDescriptorStatus,
  writeFileStatus,
  writeRecords,
} from '../host/index.ts';
import type { DescriptorNumbers, LiveFileSystem, Preopen, WasiFunctions } from '../platform/index.ts';
import { PathError, type PathSystem, pathSystem } from './confined-paths.ts';
import type { DirectoryListing } from './directory-listing.ts';
import { statusOf } from './file-status.ts';
import { LiveDirectory } from './live-directory.ts';
import { OpenFile, StandardStream, type StreamEvents } from './open-file.ts';
import { wasiErrno } from './wasi-errno.ts';

const EFAULT = 21;
const FIRST_DIRECTORY = 3;

/** A directory that is open. */
interface OpenDirectory {
  readonly directory: LiveDirectory;
  /** The guest's name of a directory that was there at the start; null for others. */
  readonly preopened: Buffer | null;
  readonly rights: bigint;
  flags: number;
  position: bigint;
  listing: DirectoryListing | null;
}

const fail = (code: string): never => {
  throw new PathError(code);
};

/** What a file system is made of beside its directories. */
export interface LiveFileOptions {
  /** How paths are looked up. By default the best way that this system has. */
  readonly system?: PathSystem;
  /** Gives the guest the standard streams of this process as its own. */
  readonly streams?: StreamEvents;
}

/** Opens the directories. Throws the system's error for one that cannot be opened. */
export function liveFiles(
  preopens: readonly Preopen[],
  memory: () => { readonly buffer: ArrayBuffer },
  numbers: DescriptorNumbers,
  options: LiveFileOptions = {},
): LiveFileSystem {
  return new LiveFiles(preopens, new GuestMemory(memory), numbers, options);
}

class LiveFiles implements LiveFileSystem {
  readonly functions: WasiFunctions;
  readonly #open = new Map<number, OpenFile | OpenDirectory>();

  constructor(
    preopens: readonly Preopen[],
    private readonly memory: GuestMemory,
    private readonly numbers: DescriptorNumbers,
    { system = pathSystem(), streams }: LiveFileOptions,
  ) {
    numbers.add(this);
    for (const fd of streams === undefined ? [] : [0, 1, 2]) {
      const stream = StandardStream.open(fd, streams!);
      if (stream !== null) this.#open.set(fd, stream);
    }
    try {
      for (const { guest, path, readOnly } of preopens) {
        const directory = LiveDirectory.open(system, path, readOnly);
        // libc looks for directories from here on, also when a standard stream is closed.
        this.#open.set(numbers.next(FIRST_DIRECTORY), opened(directory, ALL_RIGHTS, 0, Buffer.from(guest)));
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
    const calls = { ...this.#descriptorCalls(), ...this.#pathCalls() };
    this.functions = Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, guarded(call)]));
  }

  has(fd: number): boolean {
    return this.#open.has(fd);
  }

  close(fd: number): void {
    const open = this.#get(fd);
    this.#open.delete(fd);
    if (open instanceof OpenFile) open.close();
    else open.directory.close();
  }

  renumber(from: number, to: number): void {
    this.#open.set(to, this.#get(from));
    this.#open.delete(from);
  }

  readFile(path: string): Uint8Array | null {
    const found = this.#rootOf(path);
    if (found === null) return null;
    try {
      // Opening a pipe would wait for somebody who writes.
      if (!found.root.status(found.rest, true).isFile()) return null;
      const options = { follow: true, how: 0, rights: Right.read, flags: 0 };
      const file = found.root.openPath(found.rest, options);
      try {
        return file instanceof OpenFile ? file.contents() : null;
      } finally {
        file.close();
      }
    } catch (error) {
      if (wasiErrno(error) !== null) return null;
      throw error;
    }
  }

  /** The directory of the start that a path leads into, and the path below it; null when it leads into none. */
  #rootOf(path: string): { readonly root: LiveDirectory; readonly rest: string } | null {
    let found: { root: LiveDirectory; start: string } | null = null;
    for (const open of this.#open.values()) {
      if (open instanceof OpenFile || open.preopened === null) continue;
      const start = open.preopened.toString().replace(/\/*$/, '/');
      if (!path.startsWith(start) || start.length <= (found?.start.length ?? 0)) continue;
      found = { root: open.directory, start };
    }
    if (found === null) return null;
    const rest = Buffer.from(path.slice(found.start.length)).toString('latin1');
    return { root: found.root, rest };
  }

  dispose(): void {
    for (const fd of [...this.#open.keys()]) this.close(fd);
  }

  #descriptorCalls(): Record<string, (...args: never[]) => void> {
    const { memory } = this;
    return {
      fd_advise: (fd: number) => void this.#get(fd),
      fd_allocate: (fd: number, offset: bigint, length: bigint) =>
        this.#file(fd, 'EINVAL').allocate(offset + length),
      fd_close: (fd: number) => this.close(fd),
      fd_datasync: (fd: number) => this.#sync(fd, true),
      fd_sync: (fd: number) => this.#sync(fd, false),
      fd_fdstat_get: (fd: number, at: number) => {
        const open = this.#get(fd);
        const type = open instanceof OpenFile ? open.type : FileType.directory;
        writeDescriptorStatus(memory, at, { type, flags: open.flags, rights: open.rights });
      },
      fd_fdstat_set_flags: (fd: number, flags: number) => {
        this.#get(fd).flags = flags;
      },
      fd_fdstat_set_rights: (fd: number) => void this.#get(fd),
      fd_filestat_get: (fd: number, at: number) => {
        const open = this.#get(fd);
        const stat = open instanceof OpenFile ? open.status() : open.directory.ownStatus();
        writeFileStatus(memory, at, statusOf(stat));
      },
      fd_filestat_set_size: (fd: number, size: bigint) => this.#file(fd, 'EINVAL').resize(size),
      fd_filestat_set_times: (fd: number, accessed: bigint, modified: bigint, flags: number) => {
        const open = this.#get(fd);
        const times = { accessed, modified, flags };
        if (open instanceof OpenFile) open.setTimes(times);
        else open.directory.setOwnTimes(times);
      },
      fd_pread: (fd: number, vectors: number, count: number, offset: bigint, done: number) =>
        memory.setWord(done, this.#file(fd).readAt(this.#buffers(vectors, count), offset)),
      fd_pwrite: (fd: number, vectors: number, count: number, offset: bigint, done: number) =>
        memory.setWord(done, this.#file(fd, 'EBADF').writeAt(this.#buffers(vectors, count), offset)),
      fd_prestat_get: (fd: number, at: number) => {
        memory.setWord(at, 0);
        memory.setWord(at + 4, this.#preopenName(fd).length);
      },
      fd_prestat_dir_name: (fd: number, at: number, length: number) => {
        const name = this.#preopenName(fd);
        if (length >>> 0 < name.length) fail('EINVAL');
        memory.bytes(at, name.length).set(name);
      },
      fd_read: (fd: number, vectors: number, count: number, done: number) =>
        memory.setWord(done, this.#file(fd).read(this.#buffers(vectors, count))),
      fd_write: (fd: number, vectors: number, count: number, done: number) =>
        memory.setWord(done, this.#file(fd, 'EBADF').write(this.#buffers(vectors, count))),
      fd_readdir: (fd: number, at: number, length: number, cookie: bigint, used: number) =>
        memory.setWord(used, this.#list(this.#directory(fd), memory.bytes(at, length), cookie)),
      fd_renumber: (from: number, to: number) => {
        this.#get(from);
        if (from === to) return;
        this.close(to);
        this.renumber(from, to);
      },
      fd_seek: (fd: number, offset: bigint, whence: number, at: number) =>
        memory.setLong(at, this.#seek(fd, offset, whence)),
      fd_tell: (fd: number, at: number) => memory.setLong(at, this.#seek(fd, 0n, 1)),
    };
  }

  #pathCalls(): Record<string, (...args: never[]) => void> {
    const { memory } = this;
    return {
      path_create_directory: (fd: number, at: number, length: number) =>
        this.#below(fd).makeDirectory(this.#text(at, length)),
      path_filestat_get: (fd: number, lookup: number, at: number, length: number, result: number) =>
        writeFileStatus(
          memory,
          result,
          statusOf(this.#below(fd).status(this.#text(at, length), follows(lookup))),
        ),
      path_filestat_set_times: (
        fd: number,
        lookup: number,
        at: number,
        length: number,
        accessed: bigint,
        modified: bigint,
        flags: number,
      ) => this.#below(fd).setTimes(this.#text(at, length), follows(lookup), { accessed, modified, flags }),
      path_link: (
        fd: number,
        lookup: number,
        at: number,
        length: number,
        newFd: number,
        newAt: number,
        newLength: number,
      ) =>
        this.#below(fd).link(
          this.#text(at, length),
          follows(lookup),
          this.#below(newFd),
          this.#text(newAt, newLength),
        ),
      path_open: (
        fd: number,
        lookup: number,
        at: number,
        length: number,
        how: number,
        rights: bigint,
        _inherited: bigint,
        flags: number,
        result: number,
      ) => {
        memory.setWord(result, 0); // before anything is opened
        const options = { follow: follows(lookup), how, rights, flags };
        const found = this.#below(fd).openPath(this.#text(at, length), options);
        const number = this.numbers.next();
        this.#open.set(number, found instanceof OpenFile ? found : opened(found, rights, flags, null));
        memory.setWord(result, number);
      },
      path_readlink: (fd: number, at: number, length: number, buffer: number, size: number, used: number) => {
        const target = this.#below(fd)
          .readLink(this.#text(at, length))
          .subarray(0, size >>> 0);
        memory.bytes(buffer, target.length).set(target);
        memory.setWord(used, target.length);
      },
      path_remove_directory: (fd: number, at: number, length: number) =>
        this.#below(fd).removeDirectory(this.#text(at, length)),
      path_rename: (
        fd: number,
        at: number,
        length: number,
        newFd: number,
        newAt: number,
        newLength: number,
      ) => this.#below(fd).rename(this.#text(at, length), this.#below(newFd), this.#text(newAt, newLength)),
      path_symlink: (at: number, length: number, fd: number, newAt: number, newLength: number) =>
        this.#below(fd).symlink(this.#text(at, length), this.#text(newAt, newLength)),
      path_unlink_file: (fd: number, at: number, length: number) =>
        this.#below(fd).unlink(this.#text(at, length)),
    };
  }

  #sync(fd: number, dataOnly: boolean): void {
    const open = this.#get(fd);
    if (open instanceof OpenFile) open.sync(dataOnly);
    else open.directory.sync(dataOnly);
  }

  #seek(fd: number, offset: bigint, whence: number): bigint {
    const open = this.#get(fd);
    if (open instanceof OpenFile) return open.seek(offset, whence);
    const base = [0n, open.position, open.directory.ownStatus().size][whence] ?? fail('EINVAL');
    if (base + offset < 0n) fail('EINVAL');
    open.position = base + offset;
    return open.position;
  }

  #list(open: OpenDirectory, target: Uint8Array<ArrayBuffer>, cookie: bigint): number {
    if (cookie === 0n || open.listing === null) open.listing = open.directory.list(open.preopened !== null);
    const { listing } = open;
    const first = Number(BigInt.asUintN(64, cookie));
    return writeRecords(target, first, listing.length, (index) => listing.record(index));
  }

  #get(fd: number): OpenFile | OpenDirectory {
    return this.#open.get(fd) ?? fail('EBADF');
  }

  /** @param otherwise the error for a directory */
  #file(fd: number, otherwise = 'EISDIR'): OpenFile {
    const open = this.#get(fd);
    return open instanceof OpenFile ? open : fail(otherwise);
  }

  #directory(fd: number): OpenDirectory {
    const open = this.#get(fd);
    return open instanceof OpenFile ? fail('ENOTDIR') : open;
  }

  /** The directory below which a path begins. */
  #below(fd: number): LiveDirectory {
    return this.#directory(fd).directory;
  }

  #preopenName(fd: number): Buffer {
    const open = this.#get(fd);
    return (open instanceof OpenFile ? null : open.preopened) ?? fail('EBADF');
  }

  /** A path as a byte string, because a name need not be UTF-8. */
  #text(at: number, length: number): string {
    return Buffer.from(this.memory.bytes(at, length)).toString('latin1');
  }

  #buffers(vectors: number, count: number): Uint8Array[] {
    return [...this.memory.buffers(vectors, count)];
  }
}

function opened(
  directory: LiveDirectory,
  rights: bigint,
  flags: number,
  preopened: Buffer | null,
): OpenDirectory {
  return { directory, preopened, rights: rights & ALL_RIGHTS, flags, position: 0n, listing: null };
}

function follows(lookup: number): boolean {
  return (lookup & FOLLOW) !== 0;
}

function guarded(call: (...args: never[]) => void): (...args: never[]) => number {
  return (...args) => {
    try {
      call(...args);
      return 0;
    } catch (error) {
      const errno = wasiErrno(error);
      if (errno !== null) return errno;
      if (error instanceof RangeError) return EFAULT; // a pointer outside of the memory
      throw error;
    }
  };
}
