// A directory of the host that a guest may use, and everything that can be done with the paths below it. Results and
// errors are those of the system, and no path leads out of the directory: confined-paths.ts says how.

import * as fs from 'node:fs';
import { APPEND, OpenFlag, Right } from '../host/index.ts';
import {
  atPlace,
  descriptorPaths,
  type Follow,
  type HostDirectory,
  openRoot,
  PathError,
  type PathSystem,
  type Place,
} from './confined-paths.ts';
import { DirectoryListing } from './directory-listing.ts';
import { type TimeChange, timesOf } from './file-status.ts';
import { OpenFile } from './open-file.ts';

const {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY = 0,
  O_EXCL,
  O_NOFOLLOW = 0,
  O_NONBLOCK = 0,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} = fs.constants;

/** How often a path is looked up again because somebody made its last component a symbolic link meanwhile. */
const ATTEMPTS = 40;
const BIG = { bigint: true } as const;

const fail = (code: string): never => {
  throw new PathError(code);
};

/** How a path is opened, in WASI's numbers. */
export interface OpenOptions {
  /** Follow a symbolic link in the last component. */
  readonly follow: boolean;
  /** Bits of `OpenFlag`. */
  readonly how: number;
  readonly rights: bigint;
  /** Flags of the descriptor. */
  readonly flags: number;
  /** Permissions of a file that is made, before the process takes its mask away. Default 0o666. */
  readonly permissions?: number;
}

export class LiveDirectory {
  private constructor(
    private readonly system: PathSystem,
    private readonly directory: HostDirectory,
    readonly readOnly: boolean,
  ) {}

  /** Opens the directory where a guest's paths begin. Throws the system's error when that cannot be done. */
  static open(system: PathSystem, path: string, readOnly: boolean): LiveDirectory {
    return new LiveDirectory(system, openRoot(system, path), readOnly);
  }

  status(path: string, follow: boolean): fs.BigIntStats {
    for (let attempt = 0; ; attempt++) {
      const stat = this.#at(path, followOf(follow), (place) => {
        const found = place.follow ? fs.statSync(place.file, BIG) : fs.lstatSync(place.file, BIG);
        if (place.mustBeDirectory && !found.isDirectory() && !found.isSymbolicLink()) fail('ENOTDIR');
        return found;
      });
      if (!stat.isSymbolicLink() || !follow) return stat;
      if (attempt === ATTEMPTS) fail('ELOOP');
    }
  }

  ownStatus(): fs.BigIntStats {
    const { fd } = this.directory;
    return fd === null ? fs.lstatSync(this.#own, BIG) : fs.fstatSync(fd, BIG);
  }

  setTimes(path: string, follow: boolean, times: TimeChange): void {
    this.#change(path, followOf(follow), (place) => {
      const both = timesOf(statAt(place), times);
      if (place.follow) fs.utimesSync(place.file, ...both);
      else fs.lutimesSync(place.file, ...both);
    });
  }

  setOwnTimes(times: TimeChange): void {
    if (this.readOnly) fail('EROFS');
    const { fd } = this.directory;
    if (fd === null) fs.lutimesSync(this.#own, ...timesOf(fs.lstatSync(this.#own), times));
    else fs.futimesSync(fd, ...timesOf(fs.fstatSync(fd), times));
  }

  makeDirectory(path: string, permissions = 0o777): void {
    this.#change(path, 'never', ({ file }) => fs.mkdirSync(file, permissions));
  }

  /** Changes permissions of what may be read. A symbolic link in the last component is not followed. */
  setPermissions(path: string, permissions: number): void {
    this.#change(path, 'never', ({ file }) => {
      const fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      try {
        fs.fchmodSync(fd, permissions);
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  removeDirectory(path: string): void {
    this.#change(path, 'never', ({ file }) => {
      if (/(?:^|\/)\.\/*$/.test(path)) fail('EINVAL');
      fs.rmdirSync(file);
    });
  }

  unlink(path: string): void {
    this.#change(path, 'never', (place) => {
      const stat = fs.lstatSync(place.file);
      if (stat.isDirectory()) fail('EISDIR');
      if (place.mustBeDirectory) fail('ENOTDIR');
      fs.unlinkSync(place.file);
    });
  }

  readLink(path: string): Buffer {
    return this.#at(path, 'slash', (place) => {
      if (place.mustBeDirectory && !statAt(place).isDirectory()) fail('ENOTDIR');
      return fs.readlinkSync(place.file, 'buffer');
    });
  }

  /** Makes a symbolic link. @param target a byte string */
  symlink(target: string, path: string): void {
    if (target === '') fail('ENOENT');
    if (target.includes('\0')) fail('EINVAL');
    if (target.startsWith('/') && !this.directory.isFree) fail('ENOTCAPABLE');
    this.#change(path, 'never', (place) => {
      if (place.mustBeDirectory) fail(exists(place) ? 'EEXIST' : 'ENOENT');
      fs.symlinkSync(Buffer.from(target, 'latin1'), place.file);
    });
  }

  /** Makes a hard link. */
  link(path: string, follow: boolean, to: LiveDirectory, newPath: string): void {
    // A hard link would make a file of a read-only directory writable.
    if (this.readOnly) fail('EROFS');
    this.#at(path, followOf(follow), (from) => {
      const isDirectory = statAt(from).isDirectory();
      if (from.mustBeDirectory && !isDirectory) fail('ENOTDIR');
      to.#change(newPath, 'never', (place) => {
        if (exists(place)) fail('EEXIST');
        if (place.mustBeDirectory) fail('ENOENT');
        if (isDirectory) fail('EPERM');
        fs.linkSync(from.file, place.file);
      });
    });
  }

  rename(path: string, to: LiveDirectory, newPath: string): void {
    this.#change(path, 'never', (from) => {
      to.#change(newPath, 'never', (place) => {
        if ((from.mustBeDirectory || place.mustBeDirectory) && !fs.lstatSync(from.file).isDirectory())
          fail('ENOTDIR');
        fs.renameSync(from.file, place.file);
      });
    });
  }

  openPath(path: string, options: OpenOptions): OpenFile | LiveDirectory {
    const has = (flag: number): boolean => (options.how & flag) !== 0;
    // With O_CREAT, a path that ends in `/` is refused before a symbolic link is followed.
    const asIs = has(OpenFlag.create) && (has(OpenFlag.exclusive) || path.endsWith('/'));
    const follow = asIs ? 'never' : followOf(options.follow);
    for (let attempt = 0; ; attempt++) {
      try {
        return this.#at(path, follow, (place) => this.#openAt(place, options));
      } catch (error) {
        // Somebody has made the last component a symbolic link since it was looked up.
        const raced = follow === 'always' && (error as NodeJS.ErrnoException).code === 'ELOOP';
        if (!raced || error instanceof PathError || attempt === ATTEMPTS) throw error;
      }
    }
  }

  #openAt(place: Place, { how, rights, flags, permissions = 0o666 }: OpenOptions): OpenFile | LiveDirectory {
    const has = (flag: number): boolean => (how & flag) !== 0;
    if (place.mustBeDirectory && has(OpenFlag.create)) fail('EISDIR');
    if (has(OpenFlag.directory) && has(OpenFlag.create)) fail('EINVAL');
    if (this.readOnly) refuseChange(place, how, rights);
    const fd = fs.openSync(
      place.file,
      modeOf(rights) |
        (this.readOnly ? 0 : changesOf(how)) |
        ((flags & APPEND) === 0 ? 0 : O_APPEND) |
        (has(OpenFlag.directory) || place.mustBeDirectory ? O_DIRECTORY : 0) |
        (place.follow ? 0 : O_NOFOLLOW),
      permissions,
    );
    try {
      place.verify();
      const stat = fs.fstatSync(fd, BIG);
      return stat.isDirectory()
        ? this.#below(fd, place)
        : new OpenFile(fd, stat, rights, flags, this.readOnly);
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  #below(fd: number, { file }: Place): LiveDirectory {
    const { isFree } = this.directory;
    const path =
      this.system === descriptorPaths ? null : file.toString('latin1').replace(/\/\.?$/, '') || '/';
    return new LiveDirectory(this.system, { fd, path, isFree }, this.readOnly);
  }

  /** What is in the directory. @param isTop what is above the directory is not the guest's */
  list(isTop: boolean): DirectoryListing {
    const { directory, system } = this;
    const base = this.#path();
    return new DirectoryListing((name) => {
      const seen = isTop && name === '..' ? '.' : name;
      return base === null ? system.fileIn(directory, seen) : `${base}/${seen}`;
    });
  }

  /**
   * The path of a directory that confines nobody: the system looks such a path up in half the time. Null for others,
   * because somebody may replace a directory on the way.
   */
  #path(): string | null {
    const { fd, isFree } = this.directory;
    if (!isFree || fd === null || this.system !== descriptorPaths) return null;
    const path = fs.readlinkSync(`/proc/self/fd/${fd}`, 'buffer').toString('latin1');
    return path === '/' ? '' : path;
  }

  sync(dataOnly: boolean): void {
    const { fd } = this.directory;
    if (fd === null) return;
    if (dataOnly) fs.fdatasyncSync(fd);
    else fs.fsyncSync(fd);
  }

  close(): void {
    if (this.directory.fd !== null) fs.closeSync(this.directory.fd);
  }

  get #own(): Buffer {
    return Buffer.from(this.system.fileIn(this.directory, '.'), 'latin1');
  }

  #at<T>(path: string, follow: Follow, use: (place: Place) => T): T {
    return atPlace(this.system, this.directory, path, follow, use);
  }

  /** For what changes a directory: refused in a read-only one. */
  #change(path: string, follow: Follow, use: (place: Place) => void): void {
    this.#at(path, follow, (place) => {
      if (this.readOnly) fail('EROFS');
      use(place);
    });
  }
}

function followOf(follow: boolean): Follow {
  return follow ? 'always' : 'slash';
}

function statAt({ file, follow }: Place): fs.Stats {
  return follow ? fs.statSync(file) : fs.lstatSync(file);
}

function exists({ file }: Place): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

/** Fails as a read-only file system does. */
function refuseChange({ file }: Place, how: number, rights: bigint): void {
  const has = (flag: number): boolean => (how & flag) !== 0;
  const writes = (rights & Right.write) !== 0n;
  if (!writes && changesOf(how) === 0) return;
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined && !has(OpenFlag.create)) fail('ENOENT');
  if (stat !== undefined && has(OpenFlag.create) && has(OpenFlag.exclusive)) fail('EEXIST');
  if (stat?.isDirectory() && writes) fail('EISDIR');
  if (stat === undefined || writes || has(OpenFlag.truncate)) fail('EROFS');
}

function modeOf(rights: bigint): number {
  if ((rights & Right.write) === 0n) return O_RDONLY;
  return (rights & Right.read) === 0n ? O_WRONLY : O_RDWR;
}

function changesOf(how: number): number {
  return (
    (how & OpenFlag.create ? O_CREAT : 0) |
    (how & OpenFlag.exclusive ? O_EXCL : 0) |
    (how & OpenFlag.truncate ? O_TRUNC : 0)
  );
}
