// Where a path below an open directory leads, without ever leaving the directory: not through `..`, not through
// symbolic links, and not through a directory that another process replaces by a symbolic link meanwhile.
//
// Node.js has no openat(). On Linux, `/proc/self/fd/N/name` does the same: it is looked up below the directory that
// descriptor N has open, whatever has happened to its path. So each component is opened with O_NOFOLLOW below the
// descriptor of the one before it, and the last one is used in the same way. Symbolic links are read and followed
// here. Where there is no /proc, components are checked by lstat() and once more before use: a process that replaces a
// directory between this check and the use can still lead the guest astray.
//
// Names are byte strings (latin1), because a name need not be UTF-8.

import * as fs from 'node:fs';
import { isSameWindowsPath, windowsPath } from './windows-paths.ts';

const { O_DIRECTORY = 0, O_NOFOLLOW = 0, O_RDONLY } = fs.constants;
/** Linux's flag for a descriptor that only stands for a place. Node.js does not name it. */
const O_PATH = 0o10000000;
/** As many symbolic links as Linux follows in one path. */
const MOST_LINKS = 40;
const LONGEST_PATH = 4096;

/** An error by the name that the system gives it, such as ENOENT. */
export class PathError extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** A directory of the host: by a descriptor, or by its real path (the root, and where there is no /proc). */
export interface HostDirectory {
  readonly fd: number | null;
  readonly path: string | null;
  /** Paths below it may lead anywhere, because the guest has the whole file system. The system looks them up. */
  readonly isFree: boolean;
}

/** The last component of a path, in its directory. */
export interface Place {
  /** The path to give to the system. */
  readonly file: Buffer;
  /** Whether the system is to follow a symbolic link in the last component. False for what the walk has looked up. */
  readonly follow: boolean;
  /** Whether the path ended in `/`, so that it can only name a directory. */
  readonly mustBeDirectory: boolean;
  /** Throws when the directories on the way have been replaced since. */
  verify(): void;
}

/**
 * Whether a symbolic link in the last component is followed: always, only when the path ends in `/`, or never.
 */
export type Follow = 'always' | 'slash' | 'never';

/** How paths are looked up. */
export interface PathSystem {
  open(directory: HostDirectory, name: string): HostDirectory;
  close(directory: HostDirectory): void;
  fileIn(directory: HostDirectory, name: string): string;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** Through descriptors and /proc: nothing can come between. */
export const descriptorPaths: PathSystem = {
  open: (directory, name) => ({
    fd: fs.openSync(bytes(descriptorPaths.fileIn(directory, name)), O_PATH | O_DIRECTORY | O_NOFOLLOW),
    path: null,
    isFree: false,
  }),
  close: ({ fd }) => fs.closeSync(fd!),
  fileIn: ({ fd, path }, name) => (fd === null ? below(path!, name) : `/proc/self/fd/${fd}/${name}`),
};

/** Through real paths, for systems without /proc. */
export const realPaths: PathSystem = {
  open: (directory, name) => {
    const path = realPaths.fileIn(directory, name);
    if (!fs.lstatSync(bytes(path)).isDirectory()) throw new PathError('ENOTDIR');
    return { fd: null, path, isFree: false };
  },
  close: () => {},
  fileIn: ({ path, isFree }, name) => {
    if (!isFree && !isSamePath(fs.realpathSync.native(bytes(path!), 'buffer'), bytes(path!))) {
      throw new PathError('ENOTDIR');
    }
    return below(path!, name);
  },
};

function isSamePath(one: Buffer, other: Buffer): boolean {
  if (process.platform !== 'win32') return one.equals(other);
  return isSameWindowsPath(one.toString(), other.toString());
}

function below(directory: string, name: string): string {
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}

/** The better way that this system has. */
export function pathSystem(): PathSystem {
  if (process.platform !== 'linux') return realPaths;
  try {
    const fd = fs.openSync('/', O_PATH | O_DIRECTORY);
    try {
      fs.lstatSync(`/proc/self/fd/${fd}/.`);
      return descriptorPaths;
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return realPaths;
  }
}

/** Opens the directory where a guest's paths begin. @param path that of the user, which may lead through links */
export function openRoot(system: PathSystem, path: string): HostDirectory {
  // On Windows, only the path `/` stands for all drives.
  const real = path === '/' ? path : fs.realpathSync.native(path);
  if (real === '/') return { fd: null, path: '/', isFree: true };
  if (!fs.statSync(real).isDirectory()) throw new PathError('ENOTDIR');
  if (system === realPaths) return { fd: null, path: Buffer.from(real).toString('latin1'), isFree: false };
  return { fd: fs.openSync(real, O_RDONLY | O_DIRECTORY), path: null, isFree: false };
}

/**
 * Looks a path up below a directory and gives its last component to `use`. The directories on the way are open while
 * `use` runs.
 */
export function atPlace<T>(
  system: PathSystem,
  start: HostDirectory,
  path: string,
  follow: Follow,
  use: (place: Place) => T,
): T {
  if (start.isFree) {
    checkPath(path, true);
    const full = system.fileIn(start, path);
    const file = bytes(process.platform === 'win32' ? windowsPath(full) : full);
    return use({ file, follow: follow === 'always', mustBeDirectory: endsAsDirectory(path), verify() {} });
  }
  const walk = new Walk(system, start);
  try {
    return use(walk.to(path, follow));
  } finally {
    walk.end();
  }
}

class Walk {
  /** The directories from the start to where the walk is. */
  readonly #way: HostDirectory[];
  #links = 0;

  constructor(
    private readonly system: PathSystem,
    start: HostDirectory,
  ) {
    this.#way = [start];
  }

  to(path: string, follow: Follow): Place {
    checkPath(path);
    const rest = componentsOf(path);
    const mustBeDirectory = endsAsDirectory(path);
    const followsLast = follow === 'always' || (follow === 'slash' && mustBeDirectory);
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === '..') this.#up();
      else if (rest.length > 0) this.#down(name, rest);
      else {
        const file = bytes(this.system.fileIn(this.#here, name));
        const target = followsLast ? linkAt(file) : null;
        if (target === null) return this.#place(name, mustBeDirectory);
        rest.push(...this.#followed(target));
      }
    }
    return this.#place('.', true);
  }

  #place(name: string, mustBeDirectory: boolean): Place {
    const here = this.#here;
    const verify = (): void => void this.system.fileIn(here, name);
    return { file: bytes(this.system.fileIn(here, name)), follow: false, mustBeDirectory, verify };
  }

  end(): void {
    while (this.#way.length > 1) this.system.close(this.#way.pop()!);
  }

  get #here(): HostDirectory {
    return this.#way.at(-1)!;
  }

  #up(): void {
    if (this.#way.length === 1) throw new PathError('ENOTCAPABLE');
    this.system.close(this.#way.pop()!);
  }

  #down(name: string, rest: string[]): void {
    try {
      this.#way.push(this.system.open(this.#here, name));
    } catch (error) {
      if (codeOf(error) !== 'ENOTDIR' && codeOf(error) !== 'ELOOP') throw error;
      const target = linkAt(bytes(this.system.fileIn(this.#here, name)));
      if (target === null) throw error;
      rest.unshift(...this.#followed(target));
    }
  }

  #followed(target: string): string[] {
    if (++this.#links > MOST_LINKS) throw new PathError('ELOOP');
    if (target === '') throw new PathError('ENOENT');
    checkPath(target);
    return componentsOf(target);
  }
}

/** The target of a symbolic link; null for anything else and for nothing. */
function linkAt(file: Buffer): string | null {
  try {
    return fs.readlinkSync(file, 'buffer').toString('latin1');
  } catch (error) {
    if (['EINVAL', 'ENOENT', 'UNKNOWN'].includes(codeOf(error))) return null;
    throw error;
  }
}

function checkPath(path: string, isFree = false): void {
  if (path === '') throw new PathError('ENOENT');
  if (path.includes('\0')) throw new PathError('EINVAL');
  if (path.length >= LONGEST_PATH) throw new PathError('ENAMETOOLONG');
  if (path.startsWith('/')) throw new PathError('ENOTCAPABLE');
  // Windows has a second separator, drives and streams.
  if (!isFree && process.platform === 'win32' && /[\\:]/.test(path)) throw new PathError('EINVAL');
}

function endsAsDirectory(path: string): boolean {
  return /(?:^|\/)\.{0,2}$/.test(path);
}

function componentsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
