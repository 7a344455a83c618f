// Directories of this machine in the file system of Emscripten's JavaScript. That file system walks paths by itself and
// asks a directory for one name after the other; symbolic links lead to paths of the guest. Here, each question goes to
// the host's directory with the whole path below it, so a guest stays inside as it does in WASI (src/node). The nodes
// that Emscripten keeps are not remembered, because other programs change the directories at the same time.

import { constants } from 'node:fs';
import { posix } from 'node:path';
import { InvalidArgumentError, UnsupportedModuleError } from '../errors.ts';
import { APPEND, OpenFlag, preopenFailure, Right, SetTime } from '../host/index.ts';
import { pathSystem } from '../node/confined-paths.ts';
import { LiveDirectory } from '../node/live-directory.ts';
import { OpenFile } from '../node/open-file.ts';
import { wasiErrno } from '../node/wasi-errno.ts';
import type { Preopen } from '../platform/index.ts';

/** Flags of open() in Emscripten's libc. */
const Flag = { writeOnly: 1, readWrite: 2, append: 1024 } as const;
const ACCESS_MODE = 3;
const Whence = { current: 1, end: 2 } as const;
const MAP_PRIVATE = 2;
const PERMISSIONS = 0o777;
const { S_IFDIR, S_IFMT, S_IFREG } = constants;

/** A node of Emscripten's file system. */
export interface FSNode {
  name: string;
  parent: FSNode;
  mode: number;
  mounted?: unknown;
  node_ops: object;
  stream_ops: object;
  /** Of nodes that are made here. */
  live?: { readonly root: LiveRoot };
}

interface FSStream {
  readonly node: FSNode;
  readonly flags: number;
  position: number;
  /** The open file; undefined for directories. Streams that were duplicated share it. */
  live?: OpenFile;
}

interface Attributes {
  readonly mode?: number;
  readonly size?: number;
  /** Milliseconds: both times in older versions, each in newer ones. */
  readonly timestamp?: number;
  readonly atime?: number | null;
  readonly mtime?: number | null;
  readonly dontFollow?: boolean;
}

type StreamCall = (stream: unknown, ...args: number[]) => unknown;

/** The parts of Emscripten's FS that directories of the machine need. */
export interface MountingFS {
  root: FSNode;
  streams: (object | null)[];
  filesystems?: { MEMFS?: { stream_ops?: { mmap?: StreamCall } } };
  ErrnoError: new (errno: number) => Error;
  createNode(parent: FSNode | null, name: string, mode: number, dev: number): FSNode;
  hashAddNode(node: FSNode): void;
  lookupPath(path: string): { readonly node?: FSNode };
  mkdirTree(path: string): void;
  mount(type: object, options: object, mountpoint: string): FSNode;
  rmdir(path: string): void;
}

/** One directory of the machine and where the guest has it. */
interface LiveRoot {
  readonly directory: LiveDirectory;
  readonly guest: string;
}

/** Mounts directories of the machine. The result closes them. Throws an InvalidArgumentError for one that is missing. */
export function mountLive(fs: MountingFS, preopens: readonly Preopen[]): () => void {
  if (typeof fs.mount !== 'function' || typeof fs.hashAddNode !== 'function') {
    throw new UnsupportedModuleError(
      "Emscripten's glue has a file system that takes no directories of this machine: link without -sWASMFS and " +
        'without --closure, or give the guest its files in the option files (--file).',
    );
  }
  const live = new LiveFileSystem(fs);
  try {
    // A directory inside of another one comes after it.
    for (const preopen of [...preopens].sort((a, b) => a.guest.length - b.guest.length)) live.mount(preopen);
  } catch (error) {
    live.close();
    throw error;
  }
  return () => live.close();
}

class LiveFileSystem {
  readonly #fs: MountingFS;
  readonly #roots: LiveRoot[] = [];
  /** Directories inside of these where others begin, by path in the guest. */
  readonly #mountPoints = new Map<string, FSNode>();
  readonly #files = new Set<OpenFile>();
  readonly #system = pathSystem();
  /** The node that is made just now is not to be remembered. */
  #making = false;

  constructor(fs: MountingFS) {
    this.#fs = fs;
    const remember = fs.hashAddNode;
    fs.hashAddNode = (node) => {
      if (!this.#making && node.live === undefined) remember.call(fs, node);
    };
  }

  mount({ guest, path, readOnly }: Preopen): void {
    const fs = this.#fs;
    const root: LiveRoot = { directory: this.#open(path, readOnly), guest };
    this.#roots.push(root);
    if (guest === '/') {
      this.#mountRoot(root);
      return;
    }
    try {
      if (this.#roots.some((each) => each !== root && isBelow(each.guest, guest))) this.#addMountPoint(guest);
      else fs.mkdirTree(guest);
      fs.mount({ mount: () => this.#node(null, '/', root, S_IFDIR | PERMISSIONS) }, { root: path }, guest);
    } catch (error) {
      const { errno, message } = error as { errno?: number; message?: string };
      if (errno === undefined) throw error;
      throw new InvalidArgumentError(
        'preopens',
        `${guest} cannot be a directory of this machine in the guest: ${message || `error ${errno}`}.`,
        { cause: error },
      );
    }
  }

  #open(path: string, readOnly: boolean): LiveDirectory {
    try {
      return LiveDirectory.open(this.#system, path, readOnly);
    } catch (error) {
      throw preopenFailure(error, [path]);
    }
  }

  /** Emscripten mounts nothing over `/`, so its root asks the directory. Its devices stay. */
  #mountRoot(root: LiveRoot): void {
    const fs = this.#fs;
    for (const empty of ['/home/web_user', '/home', '/tmp']) {
      try {
        fs.rmdir(empty);
      } catch {
        // This version has no such directory, or there are files in it.
      }
    }
    this.#adopt(fs.root, root);
  }

  #addMountPoint(guest: string): void {
    const { node: parent } = this.#fs.lookupPath(posix.dirname(guest));
    const root = parent!.live!.root;
    this.#mountPoints.set(guest, this.#node(parent!, posix.basename(guest), root, S_IFDIR | PERMISSIONS));
  }

  close(): void {
    for (const file of this.#files) file.close();
    for (const { directory } of this.#roots) directory.close();
    this.#files.clear();
  }

  #node(parent: FSNode | null, name: string, root: LiveRoot, mode: number): FSNode {
    this.#making = true;
    try {
      const node = this.#fs.createNode(parent, name, mode, 0);
      this.#adopt(node, root);
      return node;
    } finally {
      this.#making = false;
    }
  }

  #adopt(node: FSNode, root: LiveRoot): void {
    node.live = { root };
    node.node_ops = this.#nodeOperations;
    node.stream_ops = this.#streamOperations;
  }

  /** Lets errors of the system reach the guest as numbers. */
  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const errno = wasiErrno(error);
      throw errno === null ? error : new this.#fs.ErrnoError(errno);
    }
  }

  #child(parent: FSNode, name: string): FSNode {
    const { root } = parent.live!;
    const path = pathOf(parent, name);
    const point = this.#mountPoints.get(posix.join(root.guest, Buffer.from(path, 'latin1').toString()));
    if (point !== undefined) return point;
    return this.#node(parent, name, root, Number(root.directory.status(path, false).mode));
  }

  readonly #nodeOperations = {
    lookup: (parent: FSNode, name: string): FSNode => this.#try(() => this.#child(parent, name)),
    getattr: (node: FSNode): object =>
      this.#try(() => {
        const { directory } = node.live!.root;
        return attributesOf(directory.status(pathOf(node), false));
      }),
    setattr: (node: FSNode, attributes: Attributes): void =>
      this.#try(() => setAttributes(node.live!.root.directory, pathOf(node), node, attributes)),
    mknod: (parent: FSNode, name: string, mode: number): FSNode =>
      this.#try(() => {
        const { directory } = parent.live!.root;
        const path = pathOf(parent, name);
        const permissions = mode & PERMISSIONS;
        const kind = mode & S_IFMT;
        if (kind === S_IFDIR) directory.makeDirectory(path, permissions);
        else if (kind === S_IFREG || kind === 0) {
          const how = OpenFlag.create | OpenFlag.exclusive;
          directory
            .openPath(path, { follow: false, how, rights: Right.write, flags: 0, permissions })
            .close();
        } else throw new this.#fs.ErrnoError(wasiErrno({ code: 'EPERM' })!);
        return this.#child(parent, name);
      }),
    rename: (node: FSNode, newParent: FSNode, newName: string): void =>
      this.#try(() => {
        const { directory } = node.live!.root;
        directory.rename(pathOf(node), newParent.live!.root.directory, pathOf(newParent, newName));
        node.name = newName;
        node.parent = newParent;
      }),
    unlink: (parent: FSNode, name: string): void =>
      this.#try(() => parent.live!.root.directory.unlink(pathOf(parent, name))),
    rmdir: (parent: FSNode, name: string): void =>
      this.#try(() => parent.live!.root.directory.removeDirectory(pathOf(parent, name))),
    readdir: (node: FSNode): string[] =>
      this.#try(() => {
        const found = node.live!.root.directory.openPath(pathOf(node), {
          ...{ follow: false, how: OpenFlag.directory, rights: Right.read, flags: 0 },
        }) as LiveDirectory;
        try {
          return found.list(true).names.map((name) => Buffer.from(name, 'latin1').toString());
        } finally {
          found.close();
        }
      }),
    symlink: (parent: FSNode, name: string, target: string): FSNode =>
      this.#try(() => {
        const { directory } = parent.live!.root;
        directory.symlink(Buffer.from(target).toString('latin1'), pathOf(parent, name));
        return this.#child(parent, name);
      }),
    readlink: (node: FSNode): string =>
      this.#try(() => node.live!.root.directory.readLink(pathOf(node)).toString()),
  };

  readonly #streamOperations = {
    open: (stream: FSStream): void =>
      this.#try(() => {
        if ((stream.node.mode & S_IFMT) === S_IFDIR) return;
        const file = openFile(stream.node, stream.flags);
        stream.live = file;
        this.#files.add(file);
      }),
    close: (stream: FSStream): void =>
      this.#try(() => {
        const { live } = stream;
        const shared = this.#fs.streams.filter((each) => (each as FSStream | null)?.live === live).length;
        if (live === undefined || shared > 1) return;
        this.#files.delete(live);
        live.close();
      }),
    read: (stream: FSStream, buffer: Int8Array, offset: number, length: number, position: number): number =>
      this.#try(() => {
        const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length);
        const file = fileOf(stream);
        return file.isSeekable ? file.readAt([bytes], BigInt(position)) : file.read([bytes]);
      }),
    write: (stream: FSStream, buffer: Int8Array, offset: number, length: number, position: number): number =>
      this.#try(() => {
        const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length);
        const file = fileOf(stream);
        return file.isSeekable ? file.writeAt([bytes], BigInt(position)) : file.write([bytes]);
      }),
    llseek: (stream: FSStream, offset: number, whence: number): number =>
      this.#try(() => {
        const { live } = stream;
        if (live !== undefined && !live.isSeekable) throw Object.assign(new Error(), { code: 'ESPIPE' });
        let base = 0;
        if (whence === Whence.current) base = stream.position;
        if (whence === Whence.end) base = live === undefined ? 0 : Number(live.status().size);
        if (base + offset < 0) throw Object.assign(new Error(), { code: 'EINVAL' });
        return base + offset;
      }),
    fsync: (stream: FSStream): number =>
      this.#try(() => {
        stream.live?.sync(false);
        return 0;
      }),
    allocate: (stream: FSStream, offset: number, length: number): void =>
      this.#try(() => fileOf(stream).allocate(BigInt(offset + length))),
    getattr: (stream: FSStream): object => this.#try(() => this.#streamAttributes(stream)),
    setattr: (stream: FSStream, attributes: Attributes): void =>
      this.#try(() => {
        const { size } = attributes;
        if (size !== undefined && stream.live !== undefined) stream.live.resize(BigInt(size));
        else setAttributes(stream.node.live!.root.directory, pathOf(stream.node), stream.node, attributes);
      }),
    mmap: (stream: FSStream, ...args: number[]): unknown =>
      this.#try(() => {
        // Only MEMFS can allocate in the guest, so it maps a file of its own with the same contents.
        const node = { mode: stream.node.mode, contents: fileOf(stream).contents() };
        return this.#fs.filesystems?.MEMFS?.stream_ops?.mmap?.({ ...stream, node }, ...args);
      }),
    msync: (stream: FSStream, buffer: Uint8Array, offset: number, length: number, mapping: number): number =>
      this.#try(() => {
        if ((mapping & MAP_PRIVATE) === 0) {
          fileOf(stream).writeAt([new Uint8Array(buffer).subarray(0, length)], BigInt(offset));
        }
        return 0;
      }),
  };

  #streamAttributes({ live, node }: FSStream): object {
    if (live !== undefined) return attributesOf(live.status());
    return attributesOf(node.live!.root.directory.status(pathOf(node), false));
  }
}

/** The path of a node, or of a name in it, below its directory: a byte string. */
function pathOf(node: FSNode, name?: string): string {
  const parts = name === undefined ? [] : [name];
  for (let at = node; at.parent !== at; at = at.parent) parts.unshift(at.name);
  return Buffer.from(parts.length === 0 ? '.' : parts.join('/')).toString('latin1');
}

function isBelow(directory: string, path: string): boolean {
  return path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}

function fileOf({ live }: FSStream): OpenFile {
  if (live === undefined) throw Object.assign(new Error(), { code: 'EISDIR' });
  return live;
}

function openFile(node: FSNode, flags: number): OpenFile {
  const access = flags & ACCESS_MODE;
  const rights =
    (access === Flag.writeOnly ? 0n : Right.read) |
    (access === Flag.writeOnly || access === Flag.readWrite ? Right.write : 0n);
  const found = node.live!.root.directory.openPath(pathOf(node), {
    ...{ follow: false, how: 0, rights, flags: (flags & Flag.append) === 0 ? 0 : APPEND },
  });
  if (found instanceof OpenFile) return found;
  found.close();
  throw Object.assign(new Error(), { code: 'EISDIR' });
}

function setAttributes(directory: LiveDirectory, path: string, node: FSNode, given: Attributes): void {
  if (given.mode !== undefined) {
    directory.setPermissions(path, given.mode & PERMISSIONS);
    node.mode = (node.mode & S_IFMT) | (given.mode & PERMISSIONS);
  }
  if (given.size !== undefined) {
    const found = directory.openPath(path, { follow: false, how: 0, rights: Right.write, flags: 0 });
    try {
      if (found instanceof OpenFile) found.resize(BigInt(given.size));
    } finally {
      found.close();
    }
  }
  const [accessed, modified] = [given.atime ?? given.timestamp, given.mtime ?? given.timestamp];
  if (typeof accessed !== 'number' && typeof modified !== 'number') return;
  const nanoseconds = (time: number | undefined): bigint => BigInt(Math.round((time ?? 0) * 1e6));
  directory.setTimes(path, false, {
    accessed: nanoseconds(accessed),
    modified: nanoseconds(modified),
    flags:
      (typeof accessed === 'number' ? SetTime.accessed : 0) |
      (typeof modified === 'number' ? SetTime.modified : 0),
  });
}

function attributesOf(stat: ReturnType<LiveDirectory['status']>): object {
  const numbers = ['dev', 'ino', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'size', 'blocks'] as const;
  return {
    ...Object.fromEntries(numbers.map((name) => [name, Number(stat[name])])),
    blksize: 4096,
    atime: stat.atime,
    mtime: stat.mtime,
    ctime: stat.ctime,
  };
}
