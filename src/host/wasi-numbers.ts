// Numbers of WASI preview 1 that every file system of a guest uses. They come from
// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md.

export const FileType = {
  unknown: 0,
  block: 1,
  character: 2,
  directory: 3,
  regular: 4,
  socket: 6,
  link: 7,
} as const;
export const OpenFlag = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;
export const Right = { read: 1n << 1n, seek: 1n << 2n, tell: 1n << 5n, write: 1n << 6n } as const;
export const ALL_RIGHTS = (1n << 30n) - 1n;
export const SetTime = { accessed: 1, accessedNow: 2, modified: 4, modifiedNow: 8 } as const;
/** The flag of a descriptor that writes at the end of its file. */
export const APPEND = 1;
/** The flag of a path that follows a symbolic link in its last component. */
export const FOLLOW = 1;
