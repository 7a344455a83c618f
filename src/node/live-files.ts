// Directories of the host as a WASI guest sees them: the file half of WASI preview 1 over Node's synchronous file
// system, below the directories that the user names. confined-paths.ts says where a path leads.
//
// Node.js has no lseek(), so positions are kept here. A descriptor that another one was made of does not share it,
// which WASI has no way to make.
//
// The numbers come from https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md.

import * as fs from 'node:fs';
import type { DescriptorNumbers, LiveFileSystem, Preopen, WasiFunctions } from '../platform/index.ts';
import {
  atPlace,
  descriptorPaths,
  type Follow,
  type HostDirectory,
  openRoot,
  PathError,
  type PathSystem,
  type Place,
  pathSystem,
} from './confined-paths.ts';
import { wasiErrno } from './wasi-errno.ts';

const {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY = 0,
  O_EXCL,
  O_NOFOLLOW = 0,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} = fs.constants;

const EFAULT = 21;
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
const APPEND = 1;
const Right = { read: 1n << 1n, write: 1n << 6n } as const;
const ALL_RIGHTS = (1n << 30n) - 1n;
const SetTime = { accessed: 1, accessedNow: 2, modified: 4, modifiedNow: 8 } as const;
const FOLLOW = 1;
const DIRENT_SIZE = 24;
/** How often a path is looked up again because somebody made its last component a symbolic link meanwhile. */
const ATTEMPTS = 40;
const BIG = { bigint: true } as const;

interface OpenFile {
  /** Null for a directory on a system that opens none. */
  readonly fd: number | null;
  /** Null for anything but a directory. */
  readonly directory: HostDirectory | null;
  /** The guest's name of a directory that was there at the start; null for others. */
  readonly preopened: Buffer | null;
  readonly readOnly: boolean;
  readonly type: number;
  readonly rights: bigint;
  flags: number;
  /** Null for pipes and devices, which the system positions. */
  position: bigint | null;
  listing: fs.Dirent<Buffer>[] | null;
}

const fail = (code: string): never => {
  throw new PathError(code);
};

/** Opens the directories. Throws the system's error for one that cannot be opened. */
export function liveFiles(
  preopens: readonly Preopen[],
  memory: () => { readonly buffer: ArrayBuffer },
  numbers: DescriptorNumbers,
  system: PathSystem = pathSystem(),
): LiveFileSystem {
  return new LiveFiles(preopens, memory, numbers, system);
}

class LiveFiles implements LiveFileSystem {
  readonly functions: WasiFunctions;
  readonly #files = new Map<number, OpenFile>();

  constructor(
    preopens: readonly Preopen[],
    private readonly memory: () => { readonly buffer: ArrayBuffer },
    private readonly numbers: DescriptorNumbers,
    private readonly system: PathSystem,
  ) {
    numbers.add(this);
    try {
      for (const { guest, path, readOnly } of preopens) {
        const directory = openRoot(system, path);
        this.#files.set(numbers.next(), {
          ...this.#directoryFile(directory, readOnly, ALL_RIGHTS),
          preopened: Buffer.from(guest),
        });
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
    const calls = { ...this.#descriptorCalls(), ...this.#pathCalls() };
    this.functions = Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, guarded(call)]));
  }

  has(fd: number): boolean {
    return this.#files.has(fd);
  }

  close(fd: number): void {
    const { fd: host } = this.#get(fd);
    this.#files.delete(fd);
    if (host !== null) fs.closeSync(host);
  }

  renumber(from: number, to: number): void {
    this.#files.set(to, this.#get(from));
    this.#files.delete(from);
  }

  dispose(): void {
    for (const fd of [...this.#files.keys()]) this.close(fd);
  }

  #descriptorCalls(): Record<string, (...args: never[]) => void> {
    return {
      fd_advise: (fd: number) => void this.#get(fd),
      fd_allocate: (fd: number, offset: bigint, length: bigint) => {
        const host = this.#writable(fd);
        const end = Number(offset + length);
        if (fs.fstatSync(host).size < end) fs.ftruncateSync(host, end);
      },
      fd_close: (fd: number) => this.close(fd),
      fd_datasync: (fd: number) => this.#sync(fd, fs.fdatasyncSync),
      fd_sync: (fd: number) => this.#sync(fd, fs.fsyncSync),
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
        const { fd: host, directory } = this.#get(fd);
        this.#stat(
          at,
          host === null ? fs.lstatSync(this.system.fileIn(directory!, '.'), BIG) : fs.fstatSync(host, BIG),
        );
      },
      fd_filestat_set_size: (fd: number, size: bigint) => {
        if (size < 0n) fail('EINVAL');
        fs.ftruncateSync(this.#writable(fd), Number(size));
      },
      fd_filestat_set_times: (fd: number, accessed: bigint, modified: bigint, flags: number) => {
        const { fd: host, readOnly } = this.#get(fd);
        if (readOnly) fail('EROFS');
        if (host === null) fail('ENOTSUP');
        fs.futimesSync(host!, ...timesOf(fs.fstatSync(host!), accessed, modified, flags));
      },
      fd_pread: (fd: number, vectors: number, count: number, offset: bigint, done: number) => {
        const host = this.#readable(fd);
        if (offset < 0n) fail('EINVAL');
        this.#word(done, read(host, this.#buffers(vectors, count), offset));
      },
      fd_pwrite: (fd: number, vectors: number, count: number, offset: bigint, done: number) => {
        const host = this.#writable(fd, 'EBADF');
        if (offset < 0n) fail('EINVAL');
        this.#word(done, fs.writevSync(host, this.#buffers(vectors, count), Number(offset)));
      },
      fd_prestat_get: (fd: number, at: number) => {
        this.#word(at, 0);
        this.#word(at + 4, this.#preopenName(fd).length);
      },
      fd_prestat_dir_name: (fd: number, at: number, length: number) => {
        const name = this.#preopenName(fd);
        if (length >>> 0 < name.length) fail('EINVAL');
        this.#bytes(at >>> 0, name.length).set(name);
      },
      fd_read: (fd: number, vectors: number, count: number, done: number) => {
        const host = this.#readable(fd);
        const file = this.#get(fd);
        const moved = read(host, this.#buffers(vectors, count), file.position);
        if (file.position !== null) file.position += BigInt(moved);
        this.#word(done, moved);
      },
      fd_write: (fd: number, vectors: number, count: number, done: number) => {
        this.#word(done, this.#write(this.#writable(fd, 'EBADF'), this.#get(fd), vectors, count));
      },
      fd_readdir: (fd: number, at: number, length: number, cookie: bigint, used: number) =>
        this.#word(used, this.#list(this.#get(fd), at >>> 0, length >>> 0, cookie)),
      fd_renumber: (from: number, to: number) => {
        this.#get(from);
        if (from === to) return;
        this.close(to);
        this.renumber(from, to);
      },
      fd_seek: (fd: number, offset: bigint, whence: number, at: number) => {
        const file = this.#get(fd);
        if (file.position === null) fail('ESPIPE');
        const bases = [() => 0n, () => file.position!, () => fs.fstatSync(file.fd!, BIG).size];
        const base = (bases[whence] ?? (() => fail('EINVAL')))();
        if (base + offset < 0n) fail('EINVAL');
        file.position = base + offset;
        this.#long(at, file.position);
      },
      fd_tell: (fd: number, at: number) => {
        const { position } = this.#get(fd);
        if (position === null) fail('ESPIPE');
        this.#long(at, position!);
      },
    };
  }

  #pathCalls(): Record<string, (...args: never[]) => void> {
    return {
      path_create_directory: (fd: number, at: number, length: number) =>
        this.#change(fd, at, length, 'never', ({ file }) => fs.mkdirSync(file)),
      path_filestat_get: (fd: number, lookup: number, at: number, length: number, result: number) =>
        this.#stat(result, this.#statOf(fd, this.#text(at, length), lookup)),
      path_filestat_set_times: (
        fd: number,
        lookup: number,
        at: number,
        length: number,
        accessed: bigint,
        modified: bigint,
        flags: number,
      ) =>
        this.#change(fd, at, length, followOf(lookup), (place) => {
          const times = timesOf(statAt(place), accessed, modified, flags);
          if (place.follow) fs.utimesSync(place.file, ...times);
          else fs.lutimesSync(place.file, ...times);
        }),
      path_link: (
        fd: number,
        lookup: number,
        at: number,
        length: number,
        newFd: number,
        newAt: number,
        newLength: number,
      ) => {
        // A hard link would make a file of a read-only directory writable.
        if (this.#get(fd).readOnly) fail('EROFS');
        this.#at(fd, this.#text(at, length), followOf(lookup), (from) => {
          const isDirectory = statAt(from).isDirectory();
          if (from.mustBeDirectory && !isDirectory) fail('ENOTDIR');
          this.#change(newFd, newAt, newLength, 'never', (to) => {
            if (exists(to)) fail('EEXIST');
            if (to.mustBeDirectory) fail('ENOENT');
            if (isDirectory) fail('EPERM');
            fs.linkSync(from.file, to.file);
          });
        });
      },
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
      ) => {
        this.#view().setUint32(result >>> 0, 0, true); // before anything is opened
        const file = this.#open(this.#get(fd), this.#text(at, length), lookup, openFlags, rights, flags);
        const number = this.numbers.next();
        this.#files.set(number, file);
        this.#word(result, number);
      },
      path_readlink: (fd: number, at: number, length: number, buffer: number, size: number, used: number) =>
        this.#at(fd, this.#text(at, length), 'slash', (place) => {
          if (place.mustBeDirectory && !statAt(place).isDirectory()) fail('ENOTDIR');
          const target = fs.readlinkSync(place.file, 'buffer').subarray(0, size >>> 0);
          this.#bytes(buffer >>> 0, target.length).set(target);
          this.#word(used, target.length);
        }),
      path_remove_directory: (fd: number, at: number, length: number) => {
        const path = this.#text(at, length);
        this.#change(fd, at, length, 'never', ({ file }) => {
          if (/(?:^|\/)\.\/*$/.test(path)) fail('EINVAL');
          fs.rmdirSync(file);
        });
      },
      path_rename: (
        fd: number,
        at: number,
        length: number,
        newFd: number,
        newAt: number,
        newLength: number,
      ) =>
        this.#change(fd, at, length, 'never', (from) => {
          this.#change(newFd, newAt, newLength, 'never', (to) => {
            if ((from.mustBeDirectory || to.mustBeDirectory) && !fs.lstatSync(from.file).isDirectory())
              fail('ENOTDIR');
            fs.renameSync(from.file, to.file);
          });
        }),
      path_symlink: (at: number, length: number, fd: number, newAt: number, newLength: number) => {
        const target = this.#text(at, length);
        if (target === '') fail('ENOENT');
        if (target.includes('\0')) fail('EINVAL');
        if (target.startsWith('/') && !this.#directory(fd).isFree) fail('ENOTCAPABLE');
        this.#change(fd, newAt, newLength, 'never', (place) => {
          if (place.mustBeDirectory) fail(exists(place) ? 'EEXIST' : 'ENOENT');
          fs.symlinkSync(Buffer.from(target, 'latin1'), place.file);
        });
      },
      path_unlink_file: (fd: number, at: number, length: number) =>
        this.#change(fd, at, length, 'never', (place) => {
          const stat = fs.lstatSync(place.file);
          if (stat.isDirectory()) fail('EISDIR');
          if (place.mustBeDirectory) fail('ENOTDIR');
          fs.unlinkSync(place.file);
        }),
    };
  }

  #at<T>(fd: number, path: string, follow: Follow, use: (place: Place) => T): T {
    return atPlace(this.system, this.#directory(fd), path, follow, use);
  }

  /** For what changes a directory: refused in a read-only one. */
  #change(fd: number, at: number, length: number, follow: Follow, use: (place: Place) => void): void {
    const { readOnly } = this.#get(fd);
    this.#at(fd, this.#text(at, length), follow, (place) => {
      if (readOnly) fail('EROFS');
      use(place);
    });
  }

  #statOf(fd: number, path: string, lookup: number): fs.BigIntStats {
    for (let attempt = 0; ; attempt++) {
      const stat = this.#at(fd, path, followOf(lookup), (place) => {
        const found = place.follow ? fs.statSync(place.file, BIG) : fs.lstatSync(place.file, BIG);
        if (place.mustBeDirectory && !found.isDirectory() && !found.isSymbolicLink()) fail('ENOTDIR');
        return found;
      });
      if (!stat.isSymbolicLink() || (lookup & FOLLOW) === 0) return stat;
      if (attempt === ATTEMPTS) fail('ELOOP');
    }
  }

  #open(
    { directory, readOnly }: OpenFile,
    path: string,
    lookup: number,
    openFlags: number,
    rights: bigint,
    flags: number,
  ): OpenFile {
    if (directory === null) fail('ENOTDIR');
    const has = (flag: number): boolean => (openFlags & flag) !== 0;
    // With O_CREAT, a path that ends in `/` is refused before a symbolic link is followed.
    const asIs = has(OpenFlag.create) && (has(OpenFlag.exclusive) || path.endsWith('/'));
    const follow = asIs ? 'never' : followOf(lookup);
    for (let attempt = 0; ; attempt++) {
      try {
        return atPlace(this.system, directory!, path, follow, (place) =>
          this.#openAt(place, readOnly, openFlags, rights, flags, directory!.isFree),
        );
      } catch (error) {
        // Somebody has made the last component a symbolic link since it was looked up.
        const raced = follow === 'always' && (error as NodeJS.ErrnoException).code === 'ELOOP';
        if (!raced || error instanceof PathError || attempt === ATTEMPTS) throw error;
      }
    }
  }

  #openAt(
    place: Place,
    readOnly: boolean,
    openFlags: number,
    rights: bigint,
    flags: number,
    isFree: boolean,
  ): OpenFile {
    const has = (flag: number): boolean => (openFlags & flag) !== 0;
    const writes = (rights & Right.write) !== 0n;
    const directoryOnly = has(OpenFlag.directory) || place.mustBeDirectory;
    const mode = !writes ? O_RDONLY : (rights & Right.read) === 0n ? O_WRONLY : O_RDWR;
    if (place.mustBeDirectory && has(OpenFlag.create)) fail('EISDIR');
    if (has(OpenFlag.directory) && has(OpenFlag.create)) fail('EINVAL');
    const options =
      (has(OpenFlag.create) ? O_CREAT : 0) |
      (has(OpenFlag.exclusive) ? O_EXCL : 0) |
      (has(OpenFlag.truncate) ? O_TRUNC : 0);
    if (readOnly && (writes || options !== 0)) {
      const stat = fs.lstatSync(place.file, { throwIfNoEntry: false });
      if (stat === undefined && !has(OpenFlag.create)) fail('ENOENT');
      if (stat !== undefined && has(OpenFlag.create) && has(OpenFlag.exclusive)) fail('EEXIST');
      if (stat?.isDirectory() && writes) fail('EISDIR');
      if (stat === undefined || writes || has(OpenFlag.truncate)) fail('EROFS');
    }
    const fd = fs.openSync(
      place.file,
      mode |
        (readOnly ? 0 : options) |
        ((flags & APPEND) === 0 ? 0 : O_APPEND) |
        (directoryOnly ? O_DIRECTORY : 0) |
        (place.follow ? 0 : O_NOFOLLOW),
      0o666,
    );
    try {
      place.verify();
      const stat = fs.fstatSync(fd, BIG);
      if (stat.isDirectory()) {
        const path =
          this.system === descriptorPaths ? null : place.file.toString('latin1').replace(/\/\.?$/, '') || '/';
        return this.#directoryFile({ fd, path, isFree }, readOnly, rights);
      }
      const type = typeOf(stat);
      const position = type === FileType.regular ? 0n : null;
      return {
        ...{ fd, directory: null, preopened: null, readOnly, type, rights: rights & ALL_RIGHTS },
        ...{ flags, position, listing: null },
      };
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  #directoryFile(directory: HostDirectory, readOnly: boolean, rights: bigint): OpenFile {
    return {
      ...{ fd: directory.fd, directory, preopened: null, readOnly, type: FileType.directory },
      ...{ rights: rights & ALL_RIGHTS, flags: 0, position: 0n, listing: null },
    };
  }

  #write(host: number, file: OpenFile, vectors: number, count: number): number {
    const buffers = this.#buffers(vectors, count);
    if (file.position === null) return fs.writevSync(host, buffers);
    const from = (file.flags & APPEND) === 0 ? file.position : fs.fstatSync(host, BIG).size;
    const moved = fs.writevSync(host, buffers, Number(from));
    // With O_APPEND another process may have written in between.
    file.position = (file.flags & APPEND) === 0 ? from + BigInt(moved) : fs.fstatSync(host, BIG).size;
    return moved;
  }

  #list(file: OpenFile, at: number, length: number, cookie: bigint): number {
    if (file.directory === null) fail('ENOTDIR');
    const directory = file.directory!;
    if (cookie === 0n || file.listing === null) file.listing = this.#entries(directory);
    const target = this.#bytes(at, length);
    let written = 0;
    for (let i = Number(BigInt.asUintN(64, cookie)); i < file.listing.length && written < length; i++) {
      const entry = file.listing[i]!;
      const record = Buffer.alloc(DIRENT_SIZE + entry.name.length);
      record.writeBigUInt64LE(BigInt(i + 1), 0);
      record.writeBigUInt64LE(this.#inode(directory, file.preopened, entry), 8);
      record.writeUInt32LE(entry.name.length, 16);
      record.writeUInt8(typeOf(entry), 20);
      record.set(entry.name, DIRENT_SIZE);
      // The last record may be cut off. A full buffer tells the guest to ask again with a larger one.
      const piece = record.subarray(0, length - written);
      target.set(piece, written);
      written += piece.length;
    }
    return written;
  }

  #entries(directory: HostDirectory): fs.Dirent<Buffer>[] {
    const path = Buffer.from(this.system.fileIn(directory, '.'), 'latin1');
    const dots = ['.', '..'].map(
      (name) =>
        ({ name: Buffer.from(name), isFile: () => false, isDirectory: () => true }) as fs.Dirent<Buffer>,
    );
    return [...dots, ...fs.readdirSync(path, { withFileTypes: true, encoding: 'buffer' })];
  }

  /** 0 for an entry that is gone. What is above a directory of the start is not the guest's. */
  #inode(directory: HostDirectory, preopened: Buffer | null, { name }: fs.Dirent<Buffer>): bigint {
    const text = name.toString('latin1');
    const seen = text === '..' && preopened !== null ? '.' : text;
    const path = Buffer.from(this.system.fileIn(directory, seen), 'latin1');
    return fs.lstatSync(path, { ...BIG, throwIfNoEntry: false })?.ino ?? 0n;
  }

  /** Writes the fields of a stat structure. */
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

  #sync(fd: number, sync: (fd: number) => void): void {
    const { fd: host } = this.#get(fd);
    if (host !== null) sync(host);
  }

  #get(fd: number): OpenFile {
    return this.#files.get(fd) ?? fail('EBADF');
  }

  #directory(fd: number): HostDirectory {
    return this.#get(fd).directory ?? fail('ENOTDIR');
  }

  #readable(fd: number): number {
    const { fd: host, directory, rights } = this.#get(fd);
    if (directory !== null) fail('EISDIR');
    if ((rights & Right.read) === 0n) fail('EBADF');
    return host!;
  }

  #writable(fd: number, otherwise = 'EINVAL'): number {
    const { fd: host, directory, rights } = this.#get(fd);
    if (directory !== null || (rights & Right.write) === 0n) fail(otherwise);
    return host!;
  }

  #preopenName(fd: number): Buffer {
    return this.#get(fd).preopened ?? fail('EBADF');
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
    if (at + length > buffer.byteLength) fail('EFAULT');
    return new Uint8Array(buffer, at, length);
  }

  #text(at: number, length: number): string {
    return Buffer.from(this.#bytes(at >>> 0, length >>> 0)).toString('latin1');
  }

  #buffers(vectors: number, count: number): Uint8Array[] {
    const view = this.#view();
    return Array.from({ length: count }, (_, i) => {
      const at = (vectors >>> 0) + 8 * i;
      return this.#bytes(view.getUint32(at, true), view.getUint32(at + 4, true));
    });
  }
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

function followOf(lookup: number): Follow {
  return (lookup & FOLLOW) === 0 ? 'slash' : 'always';
}

function statAt({ file, follow }: Place): fs.Stats {
  return follow ? fs.statSync(file) : fs.lstatSync(file);
}

function exists({ file }: Place): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function read(host: number, buffers: readonly Uint8Array[], position: bigint | null): number {
  if (buffers.length === 1) return fs.readSync(host, buffers[0]!, 0, buffers[0]!.length, position);
  return fs.readvSync(host, buffers, position === null ? undefined : Number(position));
}

function typeOf(entry: fs.BigIntStats | fs.Stats | fs.Dirent<Buffer>): number {
  if (entry.isFile()) return FileType.regular;
  if (entry.isDirectory()) return FileType.directory;
  if (entry.isSymbolicLink()) return FileType.link;
  if (entry.isCharacterDevice()) return FileType.character;
  if (entry.isBlockDevice()) return FileType.block;
  return entry.isSocket() ? FileType.socket : FileType.unknown;
}

/** Seconds, as Node.js takes them: a double keeps microseconds of today's times and no nanoseconds. */
function timesOf(stat: fs.Stats, accessed: bigint, modified: bigint, flags: number): [number, number] {
  const now = Date.now() / 1000;
  const pick = (given: number, current: number, time: bigint, old: number): number =>
    flags & current ? now : flags & given ? Number(BigInt.asUintN(64, time)) / 1e9 : old / 1000;
  return [
    pick(SetTime.accessed, SetTime.accessedNow, accessed, stat.atimeMs),
    pick(SetTime.modified, SetTime.modifiedNow, modified, stat.mtimeMs),
  ];
}
