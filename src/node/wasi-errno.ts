// WASI's numbers of the errors that the system names.

const NUMBERS: Readonly<Record<string, number>> = {
  E2BIG: 1,
  EACCES: 2,
  EAGAIN: 6,
  EBADF: 8,
  EBUSY: 10,
  EDQUOT: 19,
  EEXIST: 20,
  EFAULT: 21,
  EFBIG: 22,
  EINTR: 27,
  EINVAL: 28,
  EIO: 29,
  EISDIR: 31,
  ELOOP: 32,
  EMFILE: 33,
  EMLINK: 34,
  ENAMETOOLONG: 37,
  ENFILE: 41,
  ENODEV: 43,
  ENOENT: 44,
  ENOMEM: 48,
  ENOSPC: 51,
  ENOSYS: 52,
  ENOTDIR: 54,
  ENOTEMPTY: 55,
  ENOTSUP: 58,
  ENXIO: 60,
  EPERM: 63,
  EPIPE: 64,
  EROFS: 69,
  ESPIPE: 70,
  ETXTBSY: 74,
  EXDEV: 75,
  ENOTCAPABLE: 76,
};
/** What Node.js says about arguments that the system never sees. */
const OF_NODE: Readonly<Record<string, number>> = {
  ERR_OUT_OF_RANGE: NUMBERS.EINVAL!,
  ERR_INVALID_ARG_VALUE: NUMBERS.EINVAL!,
  ERR_BUFFER_OUT_OF_BOUNDS: NUMBERS.EFAULT!,
};

/** The number for an error of the file system; null for an error of another kind. */
export function wasiErrno(error: unknown): number | null {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code !== 'string') return null;
  return NUMBERS[code] ?? OF_NODE[code] ?? (syscall === undefined ? null : NUMBERS.EIO!);
}
