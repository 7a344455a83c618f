// A tree of files and directories in memory: the disk of a WASI guest. Files are byte arrays that grow. As in POSIX,
// a file that is unlinked while it is open stays readable and writable through its descriptors.

import { savedMap } from '../algorithms/saved.ts';

/** A regular file. */
export class FileNode {
  readonly kind = 'file';
  /** Capacity may exceed `size`; bytes beyond `size` are zero. */
  #bytes: Uint8Array;
  /** Somebody has saved the bytes, so they must not change. */
  #saved = false;
  size: number;
  links = 0;
  /** Milliseconds since the epoch. */
  accessed = Date.now();
  modified = Date.now();

  constructor(
    readonly inode: number,
    contents: Uint8Array = new Uint8Array(0),
  ) {
    this.#bytes = contents.slice();
    this.size = contents.length;
  }

  /** The bytes are not copied before somebody writes. */
  save(): () => void {
    const [bytes, size, links, accessed, modified] = [
      this.#bytes,
      this.size,
      this.links,
      this.accessed,
      this.modified,
    ];
    this.#saved = true;
    return () => {
      this.#bytes = bytes;
      this.#saved = true;
      Object.assign(this, { size, links, accessed, modified });
    };
  }

  #own(): void {
    if (!this.#saved) return;
    this.#bytes = this.#bytes.slice();
    this.#saved = false;
  }

  /** A view of the contents. The next write may outdate it. */
  get contents(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  /** Sets the size. New bytes are zero. Throws RangeError when the process has no memory for them. */
  resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, Math.min(2 * this.#bytes.length, size + (64 << 20))));
      grown.set(this.contents);
      this.#bytes = grown;
      this.#saved = false;
    } else if (size < this.size) {
      this.#own();
      this.#bytes.fill(0, size, this.size);
    }
    this.size = size;
    this.modified = Date.now();
  }

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    if (end > this.size) this.resize(end);
    this.#own();
    this.#bytes.set(bytes, position);
    this.modified = Date.now();
  }
}

/** A directory. */
export class DirectoryNode {
  readonly kind = 'directory';
  readonly entries = new Map<string, TreeNode>();
  accessed = Date.now();
  modified = Date.now();

  constructor(readonly inode: number) {}

  save(): () => void {
    const { accessed, modified } = this;
    const entries = savedMap(this.entries);
    return () => {
      entries();
      Object.assign(this, { accessed, modified });
    };
  }
}

export type TreeNode = FileNode | DirectoryNode;

/** The tree, starting at its root. */
export class FileTree {
  #inodes = 1;
  readonly root: DirectoryNode = new DirectoryNode(this.#inodes++);

  /** Saves the tree, and the nodes that are given beside those in it. */
  save(others: Iterable<TreeNode>): () => void {
    const nodes = new Set<TreeNode>(others);
    const add = (node: TreeNode): void => {
      nodes.add(node);
      if (node.kind === 'directory') for (const entry of node.entries.values()) add(entry);
    };
    for (const node of [this.root, ...nodes]) add(node);
    const saved = [...nodes].map((node) => node.save());
    const inodes = this.#inodes;
    return () => {
      for (const restore of saved) restore();
      this.#inodes = inodes;
    };
  }

  /** Makes a new, empty file in a directory. */
  createFile(parent: DirectoryNode, name: string): FileNode {
    const file = new FileNode(this.#inodes++);
    this.attach(parent, name, file);
    return file;
  }

  createDirectory(parent: DirectoryNode, name: string): DirectoryNode {
    const directory = new DirectoryNode(this.#inodes++);
    this.attach(parent, name, directory);
    return directory;
  }

  /** Puts a node into a directory and replaces the node of the same name. */
  attach(parent: DirectoryNode, name: string, node: TreeNode): void {
    this.detach(parent, name);
    parent.entries.set(name, node);
    parent.modified = Date.now();
    if (node.kind === 'file') node.links++;
  }

  detach(parent: DirectoryNode, name: string): void {
    const node = parent.entries.get(name);
    if (node === undefined) return;
    parent.entries.delete(name);
    parent.modified = Date.now();
    if (node.kind === 'file') node.links--;
  }

  /** Writes a whole file and makes the directories above it. */
  writeFile(path: string, contents: Uint8Array): void {
    const parts = path.split('/').filter(Boolean);
    const name = parts.pop();
    if (name === undefined) throw new RangeError(`'${path}' is the root directory, not a file.`);
    const directory = this.#directory(parts, path);
    if (directory.entries.get(name)?.kind === 'directory') {
      throw new RangeError(`'${path}' is a file and a directory.`);
    }
    this.attach(directory, name, new FileNode(this.#inodes++, contents));
  }

  /** Makes a directory and those above it, where they are missing. */
  makeDirectory(path: string): void {
    this.#directory(path.split('/').filter(Boolean), path);
  }

  #directory(parts: readonly string[], path: string): DirectoryNode {
    let directory = this.root;
    for (const part of parts) {
      const next = directory.entries.get(part) ?? this.createDirectory(directory, part);
      if (next.kind !== 'directory')
        throw new RangeError(`'${part}' in '${path}' is a file and a directory.`);
      directory = next;
    }
    return directory;
  }

  /** A copy of a file's contents; null when there is no such file. */
  readFile(path: string): Uint8Array | null {
    let node: TreeNode | undefined = this.root;
    for (const part of path.split('/').filter(Boolean)) {
      node = node?.kind === 'directory' ? node.entries.get(part) : undefined;
    }
    return node?.kind === 'file' ? node.contents.slice() : null;
  }
}
