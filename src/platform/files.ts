// File systems of a WASI guest, as the host and the platform share them.

/** Functions of a WASI module by name. */
export type WasiFunctions = Record<string, (...args: never[]) => number>;

/** A file system with descriptors of its own. */
export interface FileSystem {
  /** Its fd_* and path_* functions. */
  readonly functions: WasiFunctions;
  /** Whether it has this descriptor. */
  has(fd: number): boolean;
  /** Takes a descriptor out and closes it. */
  close(fd: number): void;
  /** Gives a descriptor another number that is free. */
  renumber(from: number, to: number): void;
}

/** Directories of the machine. */
export interface LiveFileSystem extends FileSystem {
  /** Contents of the file at an absolute path of the guest; null when there is none, or when the path is not here. */
  readFile(path: string): Uint8Array | null;
  /** Closes all descriptors. */
  dispose(): void;
}

/** A directory of the machine that a guest may use. */
export interface Preopen {
  /** Its path in the guest: absolute, without `.` and `..`. */
  readonly guest: string;
  /** Its path on the machine. */
  readonly path: string;
  readonly readOnly: boolean;
}

/** Where a file system gets the number of a new descriptor. */
export interface DescriptorNumbers {
  /** Numbers that this file system has are not given away. */
  add(owner: Pick<FileSystem, 'has'>): void;
  /** The lowest number that is free. @param lowest the first one to try */
  next(lowest?: number): number;
}
