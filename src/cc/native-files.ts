// The files of this machine as a WASI program sees them: the file half of WASI preview 1 over Node's synchronous file
// system, with `/` as the one open directory. A program that a user's own build has linked may do what a native program
// may, so nothing is confined here. Sandboxes of the library have files in memory instead (src/host/wasi-files.ts).
//
// The numbers come from https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md.

import * as fs from 'node:fs';
import path from 'node:path';
import tty from 'node:tty';
import { readInputBytes, writeOutputBytes } from '../node/standard-streams.ts';
import { wasiErrno } from '../node/wasi-errno.ts';

type Functions = Record<string, (...args: never[]) => number>;

const Errno = {
  success: 0,
  badf: 8,
  fault: 21,
  inval: 28,
  isdir: 31,
  noent: 44,
  notdir: 54,
  pipe: 64,
  spipe: 70,
} as const;

const FileType = {
  unknown: 0,
  block: 1,
  character: 2,
  directory: 3,
  regular: 4,
  socket: 6,
  link: 7,
} as const;
const OpenFlag = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;
const FdFlag = { append: 1, nonblock: 4 } as const;
const Right = { read: 1n << 1n, seek: 1n << 2n, tell: 1n << 5n, write: 1n << 6n } as const;
const ALL_RIGHTS = (1n << 30n) - 1n;
const SetTime = { accessed: 1, accessedNow: 2, modified: 4, modifiedNow: 8 } as const;
const FOLLOW = 1;
const DIRENT_SIZE = 24;
const ROOT = 3;

interface Descriptor {
  /** The host's descriptor; null for a directory. */
  readonly host: number | null;
  /** The path of a directory; null for anything else. */
  readonly directory: string | null;
  readonly type: number;
  readonly rights: bigint;
  flags: number;
  /** Null for streams, which the system positions. */
  position: bigint | null;
  listing: [name: string, type: number, inode: bigint][] | null;
}

class WasiError extends Error {
  constructor(readonly errno: number) {
    super(`WASI error ${errno}`);
  }
}

function fail(errno: number): never {
  throw new WasiError(errno);
}

/** What a program's streams tell their owner. */
export interface StreamEvents {
  /** The reader of a stream has gone. */
  readonly brokenPipe: () => void;
}

/** Makes the functions. `memory` is asked at each call, because memory grows. */
export function nativeFiles(
  memory: () => { readonly buffer: ArrayBufferLike },
  events: StreamEvents,
): Functions {
  return new NativeFiles(memory, events).functions();
}

class NativeFiles {
  readonly #descriptors = new Map<number, Descriptor>();

  constructor(
    private readonly memory: () => { readonly buffer: ArrayBufferLike },
    private readonly events: StreamEvents,
  ) {
    for (const fd of [0, 1, 2]) {
      const stream = standardStream(fd);
      if (stream !== null) this.#descriptors.set(fd, stream);
    }
    this.#descriptors.set(ROOT, directoryAt('/'));
  }

  functions(): Functions {
    const calls: Record<string, (...args: never[]) => void> = {
      ...this.#descriptorCalls(),
      ...this.#pathCalls(),
    };
    return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, guarded(call)]));
  }

  #descriptorCalls(): Record<string, (...args: never[]) => void> {
    return {
      fd_advise: (fd: number) => void this.#get(fd),
      fd_allocate: (fd: number, offset: bigint, length: bigint) => {
        const host = this.#host(fd);
        const end = Number(offset + length);
        if (fs.fstatSync(host).size < end) fs.ftruncateSync(host, end);
      },
      fd_close: (fd: number) => {
        const { host } = this.#get(fd);
        this.#descriptors.delete(fd);
        if (host !== null) fs.closeSync(host);
      },
      fd_datasync: (fd: number) => fs.fdatasyncSync(this.#host(fd)),
      fd_sync: (fd: number) => fs.fsyncSync(this.#host(fd)),
      fd_fdstat_get: (fd: number, at: number) => {
        const { type, flags, rights } = this.#get(fd);
        const view = this.#view();
        view.setUint8(at >>> 0, type);
        view.setUint16((at >>> 0) + 2, flags, true);
        view.setBigUint64((at >>> 0) + 8, rights, true);
        view.setBigUint64((at >>> 0) + 16, ALL_RIGHTS, true);
      },
      fd_fdstat_set_flags: (fd: number, flags: number) => {
        this.#get(fd).flags = flags;
      },
      fd_fdstat_set_rights: (fd: number) => void this.#get(fd),
      fd_filestat_get: (fd: number, at: number) => {
        const { host, directory } = this.#get(fd);
        const options = { bigint: true } as const;
        this.#stat(at, host === null ? fs.statSync(directory!, options) : fs.fstatSync(host, options));
      },
      fd_filestat_set_size: (fd: number, size: bigint) => fs.ftruncateSync(this.#host(fd), Number(size)),
      fd_filestat_set_times: (fd: number, accessed: bigint, modified: bigint, flags: number) => {
        const host = this.#host(fd);
        const times = timesOf(fs.fstatSync(host), accessed, modified, flags);
        fs.futimesSync(host, ...times);
      },
      fd_pread: (fd: number, vectors: number, count: number, offset: bigint, done: number) =>
        this.#word(
          done,
          this.#transfer(vectors, count, (bytes, moved) =>
            fs.readSync(this.#host(fd), bytes, 0, bytes.length, offset + moved),
          ),
        ),
      fd_pwrite: (fd: number, vectors: number, count: number, offset: bigint, done: number) =>
        this.#word(
          done,
          this.#transfer(vectors, count, (bytes, moved) =>
            fs.writeSync(this.#host(fd), bytes, 0, bytes.length, Number(offset + moved)),
          ),
        ),
      fd_prestat_get: (fd: number, at: number) => {
        if (fd !== ROOT) fail(Errno.badf);
        this.#word(at, 0);
        this.#word(at + 4, 1);
      },
      fd_prestat_dir_name: (fd: number, at: number, length: number) => {
        if (fd !== ROOT) fail(Errno.badf);
        if (length < 1) fail(Errno.inval);
        this.#view().setUint8(at >>> 0, 0x2f);
      },
      fd_read: (fd: number, vectors: number, count: number, done: number) =>
        this.#word(done, this.#read(this.#get(fd), vectors, count)),
      fd_write: (fd: number, vectors: number, count: number, done: number) =>
        this.#word(done, this.#write(this.#get(fd), vectors, count)),
      fd_readdir: (fd: number, at: number, length: number, cookie: bigint, used: number) =>
        this.#word(used, this.#list(this.#get(fd), at >>> 0, length >>> 0, Number(cookie))),
      fd_renumber: (from: number, to: number) => {
        const moved = this.#get(from);
        const { host } = this.#get(to);
        this.#descriptors.delete(from);
        this.#descriptors.set(to, moved);
        if (host !== null) fs.closeSync(host);
      },
      fd_seek: (fd: number, offset: bigint, whence: number, at: number) => {
        const descriptor = this.#get(fd);
        if (descriptor.position === null) fail(descriptor.directory === null ? Errno.spipe : Errno.badf);
        const bases = [0n, descriptor.position, BigInt(fs.fstatSync(this.#host(fd)).size)];
        const base = bases[whence] ?? fail(Errno.inval);
        if (base + offset < 0n) fail(Errno.inval);
        descriptor.position = base + offset;
        this.#long(at, descriptor.position);
      },
      fd_tell: (fd: number, at: number) => this.#long(at, this.#get(fd).position ?? fail(Errno.spipe)),
    };
  }

  #pathCalls(): Record<string, (...args: never[]) => void> {
    return {
      path_create_directory: (fd: number, at: number, length: number) =>
        fs.mkdirSync(this.#path(fd, at, length)),
      path_filestat_get: (fd: number, lookup: number, at: number, length: number, result: number) => {
        const file = this.#path(fd, at, length);
        const options = { bigint: true } as const;
        this.#stat(result, lookup & FOLLOW ? fs.statSync(file, options) : fs.lstatSync(file, options));
      },
      path_filestat_set_times: (
        fd: number,
        lookup: number,
        at: number,
        length: number,
        accessed: bigint,
        modified: bigint,
        flags: number,
      ) => {
        const file = this.#path(fd, at, length);
        if (lookup & FOLLOW) fs.utimesSync(file, ...timesOf(fs.statSync(file), accessed, modified, flags));
        else fs.lutimesSync(file, ...timesOf(fs.lstatSync(file), accessed, modified, flags));
      },
      path_link: (
        fd: number,
        _lookup: number,
        at: number,
        length: number,
        newFd: number,
        newAt: number,
        newLength: number,
      ) => fs.linkSync(this.#path(fd, at, length), this.#path(newFd, newAt, newLength)),
      path_open: (
        fd: number,
        lookup: number,
        at: number,
        length: number,
        openFlags: number,
        rights: bigint,
        _inherited: bigint,
        flags: number,
        result: number,
      ) => this.#word(result, this.#open(this.#path(fd, at, length), lookup, openFlags, rights, flags)),
      path_readlink: (fd: number, at: number, length: number, buffer: number, size: number, used: number) => {
        const target = Buffer.from(fs.readlinkSync(this.#path(fd, at, length)));
        const piece = target.subarray(0, size >>> 0);
        this.#bytes(buffer >>> 0, piece.length).set(piece);
        this.#word(used, piece.length);
      },
      path_remove_directory: (fd: number, at: number, length: number) =>
        fs.rmdirSync(this.#path(fd, at, length)),
      path_rename: (
        fd: number,
        at: number,
        length: number,
        newFd: number,
        newAt: number,
        newLength: number,
      ) => fs.renameSync(this.#path(fd, at, length), this.#path(newFd, newAt, newLength)),
      path_symlink: (at: number, length: number, fd: number, newAt: number, newLength: number) =>
        fs.symlinkSync(this.#text(at, length), this.#path(fd, newAt, newLength)),
      path_unlink_file: (fd: number, at: number, length: number) => {
        const file = this.#path(fd, at, length);
        fs.unlinkSync(file);
      },
    };
  }

  #view(): DataView {
    return new DataView(this.memory().buffer);
  }

  #word(at: number, value: number): void {
    this.#view().setUint32(at >>> 0, value, true);
  }

  #long(at: number, value: bigint): void {
    this.#view().setBigUint64(at >>> 0, value, true);
  }

  #bytes(at: number, length: number): Uint8Array {
    const { buffer } = this.memory();
    if (at + length > buffer.byteLength) fail(Errno.fault);
    return new Uint8Array(buffer, at, length);
  }

  #text(at: number, length: number): string {
    return Buffer.from(this.#bytes(at >>> 0, length >>> 0)).toString();
  }

  #get(fd: number): Descriptor {
    return this.#descriptors.get(fd) ?? fail(Errno.badf);
  }

  #host(fd: number): number {
    return this.#get(fd).host ?? fail(Errno.badf);
  }

  #path(fd: number, at: number, length: number): string {
    const { directory } = this.#get(fd);
    if (directory === null) fail(Errno.notdir);
    const text = this.#text(at, length);
    if (text === '') fail(Errno.noent);
    // Not normalised: the system resolves `..` after symbolic links.
    return hostPath(directory.endsWith('/') ? directory + text : `${directory}/${text}`);
  }

  #stat(at: number, stat: fs.BigIntStats): void {
    const view = this.#view();
    const values = [
      stat.dev,
      stat.ino,
      BigInt(typeOf(stat)),
      stat.nlink,
      stat.size,
      stat.atimeNs,
      stat.mtimeNs,
      stat.ctimeNs,
    ];
    values.forEach((value, index) => {
      view.setBigUint64((at >>> 0) + 8 * index, BigInt.asUintN(64, value), true);
    });
  }

  /** Moves bytes for each buffer of a scatter or gather call until one is not filled. */
  #transfer(vectors: number, count: number, move: (bytes: Uint8Array, moved: bigint) => number): number {
    let total = 0;
    const view = this.#view();
    for (let i = 0; i < count; i++) {
      const at = (vectors >>> 0) + 8 * i;
      const bytes = this.#bytes(view.getUint32(at, true), view.getUint32(at + 4, true));
      if (bytes.length === 0) continue;
      const moved = move(bytes, BigInt(total));
      total += moved;
      if (moved < bytes.length) break;
    }
    return total;
  }

  #read(descriptor: Descriptor, vectors: number, count: number): number {
    const { host, position } = descriptor;
    if (host === null) fail(descriptor.directory === null ? Errno.badf : Errno.isdir);
    if (position === null) {
      // A pipe or a terminal gives what it has: a second read would wait.
      let first = true;
      return this.#transfer(vectors, count, (bytes) => {
        if (!first) return 0;
        first = false;
        if (host !== 0) return fs.readSync(host, bytes);
        const read = readInputBytes(bytes.length);
        bytes.set(read);
        return read.length;
      });
    }
    const total = this.#transfer(vectors, count, (bytes, moved) =>
      fs.readSync(host, bytes, 0, bytes.length, position + moved),
    );
    descriptor.position = position + BigInt(total);
    return total;
  }

  #write(descriptor: Descriptor, vectors: number, count: number): number {
    const { host, position, flags } = descriptor;
    if (host === null) fail(Errno.badf);
    if (position === null) {
      return this.#transfer(vectors, count, (bytes) => {
        this.#writeStream(host, bytes);
        return bytes.length;
      });
    }
    const from = (flags & FdFlag.append) === 0 ? position : BigInt(fs.fstatSync(host).size);
    const total = this.#transfer(vectors, count, (bytes, moved) =>
      fs.writeSync(host, bytes, 0, bytes.length, Number(from + moved)),
    );
    descriptor.position = from + BigInt(total);
    return total;
  }

  #writeStream(host: number, bytes: Uint8Array): void {
    try {
      writeOutputBytes(host, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') this.events.brokenPipe();
      throw error;
    }
  }

  #open(file: string, lookup: number, openFlags: number, rights: bigint, flags: number): number {
    const has = (flag: number): boolean => (openFlags & flag) !== 0;
    const reads = (rights & Right.read) !== 0n;
    const writes = (rights & Right.write) !== 0n;
    const stat =
      lookup & FOLLOW
        ? fs.statSync(file, { throwIfNoEntry: false })
        : fs.lstatSync(file, { throwIfNoEntry: false });
    if (has(OpenFlag.directory) || (stat?.isDirectory() && !writes && !has(OpenFlag.create))) {
      if (stat === undefined) fail(Errno.noent);
      if (!stat.isDirectory()) fail(Errno.notdir);
      return this.#add(directoryAt(file));
    }
    const { constants } = fs;
    const mode =
      (writes ? (reads ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY) |
      (has(OpenFlag.create) ? constants.O_CREAT : 0) |
      (has(OpenFlag.exclusive) ? constants.O_EXCL : 0) |
      (has(OpenFlag.truncate) ? constants.O_TRUNC : 0) |
      (lookup & FOLLOW ? 0 : (constants.O_NOFOLLOW ?? 0));
    const host = fs.openSync(file, mode, 0o666);
    return this.#add(openFile(host, rights, flags));
  }

  #add(descriptor: Descriptor): number {
    let fd = 0;
    while (this.#descriptors.has(fd)) fd++;
    this.#descriptors.set(fd, descriptor);
    return fd;
  }

  #list(descriptor: Descriptor, at: number, length: number, cookie: number): number {
    const { directory } = descriptor;
    if (directory === null) fail(Errno.notdir);
    if (cookie === 0 || descriptor.listing === null) descriptor.listing = entriesOf(directory);
    const target = this.#bytes(at, length);
    let written = 0;
    for (let i = cookie; i < descriptor.listing.length && written < length; i++) {
      const [name, type, inode] = descriptor.listing[i]!;
      const encoded = Buffer.from(name);
      const record = Buffer.alloc(DIRENT_SIZE + encoded.length);
      record.writeBigUInt64LE(BigInt(i + 1), 0);
      record.writeBigUInt64LE(inode, 8);
      record.writeUInt32LE(encoded.length, 16);
      record.writeUInt8(type, 20);
      encoded.copy(record, DIRENT_SIZE);
      // The last record may be cut off. A full buffer tells the program to ask again with a larger one.
      const piece = record.subarray(0, length - written);
      target.set(piece, written);
      written += piece.length;
    }
    return written;
  }
}

function guarded(call: (...args: never[]) => void): (...args: never[]) => number {
  return (...args) => {
    try {
      call(...args);
      return Errno.success;
    } catch (error) {
      if (error instanceof WasiError) return error.errno;
      const { code, syscall } = error as NodeJS.ErrnoException;
      const errno = syscall === undefined ? null : wasiErrno(error);
      if (errno !== null) return errno;
      // A pointer outside of the memory, or a path with a NUL character.
      if (error instanceof RangeError) return Errno.fault;
      if (code?.startsWith('ERR_')) return Errno.inval;
      throw error;
    }
  };
}

/** A guest's absolute path as this system writes it: `/c/x` or `/c:/x` is `c:\x` on Windows. */
function hostPath(guest: string): string {
  if (process.platform !== 'win32') return guest;
  const drive = /^\/+([A-Za-z]):?(?:\/(.*))?$/s.exec(guest);
  return drive === null ? guest : `${drive[1]}:\\${(drive[2] ?? '').replaceAll('/', '\\')}`;
}

/** The working directory as the program names it. */
export function guestPath(host: string): string {
  return process.platform === 'win32' ? `/${host.replace(':', '').replaceAll('\\', '/')}` : host;
}

function directoryAt(file: string): Descriptor {
  // Listing a directory that may not be read is an error at once, as with open(2).
  if (file !== '/') fs.accessSync(file, fs.constants.R_OK);
  return {
    host: null,
    directory: file,
    type: FileType.directory,
    rights: ALL_RIGHTS,
    flags: 0,
    position: null,
    listing: null,
  };
}

/** A standard stream; null when it is closed. */
function standardStream(fd: number): Descriptor | null {
  try {
    fs.fstatSync(fd);
  } catch {
    return null;
  }
  return openFile(fd, ALL_RIGHTS, 0);
}

function openFile(host: number, rights: bigint, flags: number): Descriptor {
  const stat = fs.fstatSync(host, { bigint: true });
  const type = typeOf(stat);
  const isStandard = host <= 2;
  // Only a terminal is a character device without a position, which is how libc recognises it. A standard stream that
  // is a file shares its position with other processes, so the system keeps it.
  const seekable = type === FileType.regular && !isStandard;
  const isTerminal = tty.isatty(host);
  const terminalRights = rights & ~(Right.seek | Right.tell);
  return {
    host,
    directory: null,
    type: type === FileType.character && !isTerminal && isStandard ? FileType.unknown : type,
    rights: isTerminal ? terminalRights : rights,
    flags,
    position: seekable ? 0n : null,
    listing: null,
  };
}

function typeOf(stat: fs.BigIntStats | fs.Stats | fs.Dirent): number {
  if (stat.isFile()) return FileType.regular;
  if (stat.isDirectory()) return FileType.directory;
  if (stat.isSymbolicLink()) return FileType.link;
  if (stat.isCharacterDevice()) return FileType.character;
  if (stat.isBlockDevice()) return FileType.block;
  return stat.isSocket() ? FileType.socket : FileType.unknown;
}

function entriesOf(directory: string): [string, number, bigint][] {
  const host = hostPath(directory);
  const inode = (file: string): bigint =>
    fs.lstatSync(file, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
  const entries = fs.readdirSync(host, { withFileTypes: true });
  return [
    ['.', FileType.directory, inode(host)],
    ['..', FileType.directory, inode(path.join(host, '..'))],
    ...entries.map((entry): [string, number, bigint] => [
      entry.name,
      typeOf(entry),
      inode(path.join(host, entry.name)),
    ]),
  ];
}

function timesOf(stat: fs.Stats, accessed: bigint, modified: bigint, flags: number): [number, number] {
  const seconds = (time: bigint): number => Number(BigInt.asUintN(64, time)) / 1e9;
  const now = Date.now() / 1000;
  const pick = (given: number, current: number, time: bigint, old: number): number =>
    flags & current ? now : flags & given ? seconds(time) : old / 1000;
  return [
    pick(SetTime.accessed, SetTime.accessedNow, accessed, stat.atimeMs),
    pick(SetTime.modified, SetTime.modifiedNow, modified, stat.mtimeMs),
  ];
}
