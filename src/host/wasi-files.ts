// The file half of WASI preview 1 (fd_* and path_*) over a file tree in memory. The standard streams are character
// devices: their output is visible at once, and complete even when the guest traps.
//
// @wasmer/wasi 1.2.2 has an in-memory file system of its own, but C programs cannot rely on it: writing inside a
// file inserts instead of overwriting, O_TRUNC and writes beyond the end leave wrong sizes, files opened for
// appending cannot be read, renamed directories lose their contents, files opened for reading can be written,
// mkdir below a missing directory succeeds, and using a file after unlinking it, like any poll() or sleep(), ends
// in a panic inside Wasmer. So these calls are answered here, and the platform answers the rest (arguments,
// environment, clocks, random numbers, scheduling). The tests keep a list of the differences.

import { savedMap } from '../algorithms/saved.ts';
import type { DescriptorNumbers, FileSystem, WasiFunctions } from '../platform/index.ts';
import { type DirectoryNode, FileNode, FileTree, type TreeNode } from './file-tree.ts';
import { GuestMemory } from './guest-memory.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';
import type { Restorable } from './restorable.ts';
import { ALL_RIGHTS, APPEND, FileType, OpenFlag, Right, SetTime } from './wasi-numbers.ts';
import { writeDescriptorStatus, writeFileStatus, writeRecords } from './wasi-records.ts';

const Errno = {
  success: 0,
  badf: 8,
  exist: 20,
  fault: 21,
  fbig: 22,
  inval: 28,
  isdir: 31,
  noent: 44,
  nospc: 51,
  notdir: 54,
  notempty: 55,
  notsup: 58,
  perm: 63,
  spipe: 70,
  notcapable: 76,
} as const;

const STREAM_RIGHTS = ALL_RIGHTS & ~(Right.seek | Right.tell);
const Whence = { set: 0, current: 1, end: 2 } as const;

/** The descriptor of the root. */
export const PREOPENED = 3;
/** Larger files are rejected with EFBIG, because their positions would not fit 32-bit lengths. */
const LARGEST_FILE = 2 ** 32;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

interface Descriptor {
  readonly node: TreeNode | null;
  /** Target of writes and source of reads, for the standard streams. */
  readonly output: Output | null;
  readonly input: Input | null;
  readonly rights: bigint;
  position: number;
  flags: number;
  /** Directory entries at the time when reading them began. */
  listing: [string, TreeNode][] | null;
}

// Thrown inside these functions. The guest gets its code.
class WasiError {
  constructor(readonly errno: number) {}
}

function fail(errno: number): never {
  throw new WasiError(errno);
}

/** The standard streams of a guest. */
export interface Streams {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Files and descriptors that can be saved. */
export interface FilesInMemory extends FileSystem, Restorable {}

/**
 * Makes the file system of one guest. Each call asks for `memory`, because it may have grown.
 * @param tree null when the root of the guest's file system is elsewhere
 */
export function wasiFiles(
  tree: FileTree | null,
  memory: () => WebAssembly.Memory,
  streams: Streams,
  numbers: DescriptorNumbers,
): FilesInMemory {
  return new WasiFiles(tree, memory, streams, numbers);
}

class WasiFiles implements FilesInMemory {
  readonly functions: WasiFunctions;
  private readonly tree: FileTree;
  readonly #descriptors = new Map<number, Descriptor>();
  readonly #memory: GuestMemory;

  constructor(
    tree: FileTree | null,
    memory: () => WebAssembly.Memory,
    { stdin, stdout, stderr }: Streams,
    private readonly numbers: DescriptorNumbers,
  ) {
    this.tree = tree ?? new FileTree();
    this.#memory = new GuestMemory(memory);
    numbers.add(this);
    this.#descriptors.set(0, stream(null, stdin));
    this.#descriptors.set(1, stream(stdout, null));
    this.#descriptors.set(2, stream(stderr, null));
    if (tree !== null) this.#descriptors.set(PREOPENED, opened(tree.root, ALL_RIGHTS, 0));
    this.functions = this.#functions();
  }

  has(fd: number): boolean {
    return this.#descriptors.has(fd);
  }

  save(): () => void {
    const nodes = [...this.#descriptors.values()].flatMap(({ node }) => node ?? []);
    const tree = this.tree.save(nodes);
    const descriptors = savedMap(this.#descriptors, (descriptor) => ({ ...descriptor }));
    return () => {
      tree();
      descriptors();
    };
  }

  close(fd: number): void {
    this.#descriptors.delete(fd);
  }

  renumber(from: number, to: number): void {
    this.#descriptors.set(to, this.#descriptor(from));
    this.#descriptors.delete(from);
  }

  #functions(): WasiFunctions {
    const calls: Record<string, (...args: never[]) => void> = {
      fd_advise: (fd: number) => this.#use(fd),
      fd_allocate: (fd: number, offset: bigint, length: bigint) => {
        const file = this.#file(fd, Right.write);
        const end = size(offset + length);
        if (end > file.size) file.resize(end);
      },
      fd_close: (fd: number) => {
        this.#use(fd);
        this.#descriptors.delete(fd);
      },
      fd_datasync: (fd: number) => this.#use(fd),
      fd_sync: (fd: number) => this.#use(fd),
      fd_fdstat_get: (fd: number, at: number) => this.#status(fd, at),
      fd_fdstat_set_flags: (fd: number, flags: number) => {
        this.#descriptor(fd).flags = flags;
      },
      fd_fdstat_set_rights: (fd: number) => this.#use(fd),
      fd_filestat_get: (fd: number, at: number) => {
        const { node } = this.#descriptor(fd);
        this.#attributes(node, at);
      },
      fd_filestat_set_size: (fd: number, length: bigint) => this.#file(fd, Right.write).resize(size(length)),
      fd_filestat_set_times: (fd: number, accessed: bigint, modified: bigint, flags: number) =>
        setTimes(this.#descriptor(fd).node, accessed, modified, flags),
      fd_pread: (fd: number, vectors: number, count: number, offset: bigint, done: number) => {
        const file = this.#file(fd, Right.read);
        this.#memory.setWord(done, this.#readAt(file, vectors, count, size(offset)));
      },
      fd_prestat_get: (fd: number, at: number) => {
        if (fd !== PREOPENED || !this.#descriptors.has(fd)) fail(Errno.badf);
        this.#memory.setWord(at, 0);
        this.#memory.setWord(at + 4, 1);
      },
      fd_prestat_dir_name: (fd: number, at: number, length: number) => {
        if (fd !== PREOPENED || !this.#descriptors.has(fd)) fail(Errno.badf);
        if (length < 1) fail(Errno.inval);
        this.#memory.view.setUint8(at >>> 0, 0x2f);
      },
      fd_pwrite: (fd: number, vectors: number, count: number, offset: bigint, done: number) => {
        const file = this.#file(fd, Right.write);
        this.#memory.setWord(done, this.#writeAt(file, vectors, count, size(offset)));
      },
      fd_read: (fd: number, vectors: number, count: number, done: number) =>
        this.#read(fd, vectors, count, done),
      fd_readdir: (fd: number, at: number, length: number, cookie: bigint, used: number) =>
        this.#list(fd, at >>> 0, length >>> 0, Number(BigInt.asUintN(64, cookie)), used),
      fd_renumber: (from: number, to: number) => {
        const moved = this.#descriptor(from);
        this.#use(to);
        this.#descriptors.delete(from);
        this.#descriptors.set(to, moved);
      },
      fd_seek: (fd: number, offset: bigint, whence: number, at: number) => this.#seek(fd, offset, whence, at),
      fd_tell: (fd: number, at: number) => {
        this.#file(fd);
        this.#memory.setLong(at, BigInt(this.#descriptor(fd).position));
      },
      fd_write: (fd: number, vectors: number, count: number, done: number) =>
        this.#write(fd, vectors, count, done),
      path_create_directory: (fd: number, path: number, length: number) => {
        const { parent, name, node } = this.#lookUp(fd, path, length);
        if (node !== undefined) fail(Errno.exist);
        this.tree.createDirectory(parent, name);
      },
      path_filestat_get: (fd: number, _flags: number, path: number, length: number, at: number) =>
        this.#attributes(this.#lookUp(fd, path, length).node ?? fail(Errno.noent), at),
      path_filestat_set_times: (
        fd: number,
        _flags: number,
        path: number,
        length: number,
        accessed: bigint,
        modified: bigint,
        flags: number,
      ) => setTimes(this.#lookUp(fd, path, length).node ?? fail(Errno.noent), accessed, modified, flags),
      path_link: (
        fd: number,
        _flags: number,
        path: number,
        length: number,
        newFd: number,
        newPath: number,
        newLength: number,
      ) => {
        const { node } = this.#lookUp(fd, path, length);
        const target = this.#lookUp(newFd, newPath, newLength);
        if (node === undefined) fail(Errno.noent);
        if (node.kind === 'directory') fail(Errno.perm);
        if (target.node !== undefined) fail(Errno.exist);
        if (target.mustBeDirectory) fail(Errno.noent);
        this.tree.attach(target.parent, target.name, node);
      },
      path_open: (
        fd: number,
        _lookup: number,
        path: number,
        length: number,
        openFlags: number,
        rights: bigint,
        _inheriting: bigint,
        flags: number,
        at: number,
      ) => this.#open(fd, path, length, openFlags, rights, flags, at),
      path_readlink: (fd: number, path: number, length: number) => {
        fail(this.#lookUp(fd, path, length).node === undefined ? Errno.noent : Errno.inval);
      },
      path_remove_directory: (fd: number, path: number, length: number) => {
        const { parent, name, node } = this.#lookUp(fd, path, length);
        if (node === undefined) fail(Errno.noent);
        if (node.kind !== 'directory') fail(Errno.notdir);
        if (node === this.tree.root || name === '') fail(Errno.inval);
        if (node.entries.size > 0) fail(Errno.notempty);
        this.tree.detach(parent, name);
      },
      path_rename: (
        fd: number,
        path: number,
        length: number,
        newFd: number,
        newPath: number,
        newLength: number,
      ) => this.#rename(this.#lookUp(fd, path, length), this.#lookUp(newFd, newPath, newLength)),
      path_symlink: () => fail(Errno.notsup),
      path_unlink_file: (fd: number, path: number, length: number) => {
        const { parent, name, node, mustBeDirectory } = this.#lookUp(fd, path, length);
        if (node === undefined) fail(Errno.noent);
        if (node.kind === 'directory') fail(Errno.isdir);
        if (mustBeDirectory) fail(Errno.notdir);
        this.tree.detach(parent, name);
      },
    };
    const functions: WasiFunctions = {};
    for (const [name, call] of Object.entries(calls)) {
      functions[name] = (...args: never[]) => {
        try {
          call(...args);
          return Errno.success;
        } catch (error) {
          if (error instanceof WasiError) return error.errno;
          // The guest passed a pointer outside of its memory, or the process has no memory for a file.
          if (error instanceof RangeError)
            return /array length|allocation/i.test(error.message) ? Errno.nospc : Errno.fault;
          throw error;
        }
      };
    }
    return functions;
  }

  #descriptor(fd: number): Descriptor {
    return this.#descriptors.get(fd) ?? fail(Errno.badf);
  }

  #use(fd: number): void {
    this.#descriptor(fd);
  }

  #file(fd: number, right = 0n): FileNode {
    const { node, rights } = this.#descriptor(fd);
    if (node === null) fail(Errno.spipe);
    if (node.kind === 'directory') fail(Errno.isdir);
    if ((rights & right) !== right) fail(Errno.badf);
    return node;
  }

  #status(fd: number, at: number): void {
    const { node, flags, rights } = this.#descriptor(fd);
    writeDescriptorStatus(this.#memory, at, { type: fileType(node), flags, rights });
  }

  #attributes(node: TreeNode | null, at: number): void {
    const file = node?.kind === 'file' ? node : null;
    writeFileStatus(this.#memory, at, {
      device: 1n,
      inode: BigInt(node?.inode ?? 0),
      type: fileType(node),
      links: BigInt(file?.links ?? 1),
      size: BigInt(file?.size ?? 0),
      accessed: nanoseconds(node?.accessed ?? 0),
      modified: nanoseconds(node?.modified ?? 0),
      changed: nanoseconds(node?.modified ?? 0),
    });
  }

  #fill(contents: Uint8Array, vectors: number, count: number, position: number): number {
    let total = 0;
    for (const buffer of this.#memory.buffers(vectors, count)) {
      const piece = contents.subarray(position + total, position + total + buffer.length);
      buffer.set(piece);
      total += piece.length;
      if (piece.length < buffer.length) break;
    }
    return total;
  }

  #readAt(file: FileNode, vectors: number, count: number, position: number): number {
    file.accessed = Date.now();
    return this.#fill(file.contents, vectors, count, position);
  }

  #writeAt(file: FileNode, vectors: number, count: number, position: number): number {
    let total = 0;
    for (const buffer of this.#memory.buffers(vectors, count)) {
      if (position + total + buffer.length > LARGEST_FILE) fail(Errno.fbig);
      if (buffer.length > 0) file.write(position + total, buffer);
      total += buffer.length;
    }
    return total;
  }

  #read(fd: number, vectors: number, count: number, done: number): void {
    const descriptor = this.#descriptor(fd);
    if (descriptor.output !== null) fail(Errno.badf);
    let total = 0;
    if (descriptor.input === null) {
      total = this.#readAt(this.#file(fd, Right.read), vectors, count, descriptor.position);
      descriptor.position += total;
    } else {
      const room = [...this.#memory.buffers(vectors, count)].reduce((sum, { length }) => sum + length, 0);
      total = this.#fill(descriptor.input.take(room), vectors, count, 0);
    }
    this.#memory.setWord(done, total);
  }

  #write(fd: number, vectors: number, count: number, done: number): void {
    const descriptor = this.#descriptor(fd);
    if (descriptor.output !== null) {
      let total = 0;
      for (const buffer of this.#memory.buffers(vectors, count)) {
        descriptor.output.write(buffer.slice());
        total += buffer.length;
      }
      this.#memory.setWord(done, total);
      return;
    }
    if (descriptor.input !== null) fail(Errno.badf);
    const file = this.#file(fd, Right.write);
    if ((descriptor.flags & APPEND) !== 0) descriptor.position = file.size;
    const total = this.#writeAt(file, vectors, count, descriptor.position);
    descriptor.position += total;
    this.#memory.setWord(done, total);
  }

  #seek(fd: number, offset: bigint, whence: number, at: number): void {
    const descriptor = this.#descriptor(fd);
    const file = this.#file(fd);
    let base: number;
    switch (whence) {
      case Whence.set:
        base = 0;
        break;
      case Whence.current:
        base = descriptor.position;
        break;
      case Whence.end:
        base = file.size;
        break;
      default:
        fail(Errno.inval);
    }
    const position = BigInt(base) + offset;
    if (position < 0n) fail(Errno.inval);
    descriptor.position = size(position);
    this.#memory.setLong(at, position);
  }

  #open(
    fd: number,
    path: number,
    length: number,
    openFlags: number,
    rights: bigint,
    flags: number,
    at: number,
  ): void {
    const { parent, name, mustBeDirectory, ...found } = this.#lookUp(fd, path, length);
    let node = found.node;
    if (node === undefined) {
      if ((openFlags & OpenFlag.create) === 0) fail(Errno.noent);
      if (mustBeDirectory) fail(Errno.isdir);
      if ((openFlags & OpenFlag.directory) !== 0) fail(Errno.inval);
      node = this.tree.createFile(parent, name);
    } else if ((openFlags & OpenFlag.create) !== 0 && (openFlags & OpenFlag.exclusive) !== 0) {
      fail(Errno.exist);
    }
    if (node.kind === 'directory') {
      if ((rights & Right.write) !== 0n && (openFlags & OpenFlag.directory) === 0) fail(Errno.isdir);
    } else {
      if (mustBeDirectory || (openFlags & OpenFlag.directory) !== 0) fail(Errno.notdir);
      if ((openFlags & OpenFlag.truncate) !== 0) node.resize(0);
    }
    const next = this.numbers.next();
    this.#memory.setWord(at, next);
    this.#descriptors.set(next, opened(node, rights & ALL_RIGHTS, flags));
  }

  #rename(from: Place, to: Place): void {
    if (from.node === undefined) fail(Errno.noent);
    if (from.name === '' || to.name === '') fail(Errno.inval);
    if (to.node === from.node) return;
    if (from.node.kind === 'directory') {
      if (to.node !== undefined) {
        if (to.node.kind !== 'directory') fail(Errno.notdir);
        if (to.node.entries.size > 0) fail(Errno.notempty);
      }
      if (contains(from.node, to.parent)) fail(Errno.inval);
    } else {
      if (to.node?.kind === 'directory') fail(Errno.isdir);
      if (from.mustBeDirectory || to.mustBeDirectory) fail(Errno.notdir);
    }
    const { node } = from;
    this.tree.attach(to.parent, to.name, node);
    this.tree.detach(from.parent, from.name);
  }

  #list(fd: number, at: number, length: number, cookie: number, used: number): void {
    const descriptor = this.#descriptor(fd);
    const { node } = descriptor;
    if (node === null || node.kind !== 'directory') fail(Errno.notdir);
    if (cookie === 0 || descriptor.listing === null) {
      descriptor.listing = [['.', node], ['..', node], ...node.entries];
    }
    const { listing } = descriptor;
    const written = writeRecords(this.#memory.bytes(at, length), cookie, listing.length, (index) => {
      const [name, entry] = listing[index]!;
      return { name: encoder.encode(name), type: fileType(entry), inode: BigInt(entry.inode) };
    });
    this.#memory.setWord(used, written);
  }

  // Resolves a path below an open directory. The result never leaves the tree: `..` above the root is rejected.
  #lookUp(fd: number, path: number, length: number): Place {
    const start = this.#descriptor(fd).node;
    if (start === null || start.kind !== 'directory') fail(Errno.notdir);
    const bytes = this.#memory.bytes(path, length);
    let text: string;
    try {
      text = decoder.decode(bytes.slice());
    } catch {
      fail(Errno.inval);
    }
    if (text === '') fail(Errno.noent);
    if (text.startsWith('/')) fail(Errno.notcapable);
    if (text.includes('\0')) fail(Errno.inval);
    const parents: [DirectoryNode, string][] = [];
    let node: TreeNode | undefined = start;
    const parts = text.split('/').filter((part) => part !== '' && part !== '.');
    for (const part of parts) {
      if (part === '..') {
        if (node === undefined) fail(Errno.noent);
        if (node.kind !== 'directory') fail(Errno.notdir);
        const up = parents.pop();
        if (up === undefined) fail(Errno.notcapable);
        node = up[0];
        continue;
      }
      if (node === undefined) fail(Errno.noent);
      if (node.kind !== 'directory') fail(Errno.notdir);
      parents.push([node, part]);
      node = node.entries.get(part);
    }
    const last = parents.at(-1);
    const mustBeDirectory = /(^|\/)\.{0,2}$/.test(text);
    if (mustBeDirectory && node?.kind === 'file') fail(Errno.notdir);
    return { parent: last?.[0] ?? start, name: last?.[1] ?? '', node, mustBeDirectory };
  }
}

/** Where a path leads. `name` is '' for the starting directory; `node` is undefined when nothing has the name. */
interface Place {
  readonly parent: DirectoryNode;
  readonly name: string;
  readonly node: TreeNode | undefined;
  readonly mustBeDirectory: boolean;
}

function stream(output: Output | null, input: Input | null): Descriptor {
  return { node: null, output, input, rights: STREAM_RIGHTS, position: 0, flags: 0, listing: null };
}

function opened(node: TreeNode, rights: bigint, flags: number): Descriptor {
  return { node, output: null, input: null, rights, position: 0, flags, listing: null };
}

function fileType(node: TreeNode | null): number {
  if (node === null) return FileType.character;
  return node instanceof FileNode ? FileType.regular : FileType.directory;
}

function contains(directory: DirectoryNode, searched: DirectoryNode): boolean {
  if (directory === searched) return true;
  for (const entry of directory.entries.values()) {
    if (entry.kind === 'directory' && contains(entry, searched)) return true;
  }
  return false;
}

function size(value: bigint): number {
  const unsigned = BigInt.asUintN(64, value);
  if (unsigned > BigInt(LARGEST_FILE)) fail(Errno.fbig);
  return Number(unsigned);
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1e6));
}

function setTimes(node: TreeNode | null, accessed: bigint, modified: bigint, flags: number): void {
  if (node === null) return;
  const given = (time: bigint): number => Number(BigInt.asUintN(64, time)) / 1e6;
  if ((flags & SetTime.accessed) !== 0) node.accessed = given(accessed);
  if ((flags & SetTime.accessedNow) !== 0) node.accessed = Date.now();
  if ((flags & SetTime.modified) !== 0) node.modified = given(modified);
  if ((flags & SetTime.modifiedNow) !== 0) node.modified = Date.now();
}
