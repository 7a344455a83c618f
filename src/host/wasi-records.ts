// Structures as the functions of WASI write them: the status of a descriptor, the status of a file, directory entries.

import type { GuestMemory } from './guest-memory.ts';
import { ALL_RIGHTS } from './wasi-numbers.ts';

const ENTRY_HEADER_SIZE = 24;

/** What fd_fdstat_get tells. */
export interface DescriptorStatus {
  /** A number of `FileType`. */
  readonly type: number;
  readonly flags: number;
  readonly rights: bigint;
}

/** What fd_filestat_get and path_filestat_get tell. Times are nanoseconds. */
export interface FileStatus {
  readonly device: bigint;
  readonly inode: bigint;
  /** A number of `FileType`. */
  readonly type: number;
  readonly links: bigint;
  readonly size: bigint;
  readonly accessed: bigint;
  readonly modified: bigint;
  readonly changed: bigint;
}

/** One entry of a directory. */
export interface DirectoryRecord {
  readonly name: Uint8Array;
  /** A number of `FileType`. */
  readonly type: number;
  readonly inode: bigint;
}

export function writeDescriptorStatus(memory: GuestMemory, at: number, status: DescriptorStatus): void {
  const { view } = memory;
  const address = at >>> 0;
  view.setUint8(address, status.type);
  view.setUint16(address + 2, status.flags, true);
  view.setBigUint64(address + 8, status.rights, true);
  view.setBigUint64(address + 16, ALL_RIGHTS, true);
}

export function writeFileStatus(memory: GuestMemory, at: number, status: FileStatus): void {
  const { view } = memory;
  const address = at >>> 0;
  view.setBigUint64(address, status.device, true);
  view.setBigUint64(address + 8, status.inode, true);
  view.setBigUint64(address + 16, BigInt(status.type), true);
  view.setBigUint64(address + 24, status.links, true);
  view.setBigUint64(address + 32, status.size, true);
  view.setBigUint64(address + 40, status.accessed, true);
  view.setBigUint64(address + 48, status.modified, true);
  view.setBigUint64(address + 56, status.changed, true);
}

/**
 * Writes directory entries until there is no more room, and returns how many bytes it wrote. The last entry may be cut
 * off: a full buffer tells the guest to ask again with a larger one.
 * @param first the cookie of the guest: how many entries to leave out
 * @param record is asked only for entries that are written
 */
export function writeRecords(
  target: Uint8Array<ArrayBuffer>,
  first: number,
  count: number,
  record: (index: number) => DirectoryRecord,
): number {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  let written = 0;
  for (let i = first; i < count; i++) {
    const entry = record(i);
    const size = ENTRY_HEADER_SIZE + entry.name.length;
    if (written + size > target.length) {
      const whole = new Uint8Array(size);
      writeRecord(new DataView(whole.buffer), whole, 0, i + 1, entry);
      target.set(whole.subarray(0, target.length - written), written);
      return target.length;
    }
    writeRecord(view, target, written, i + 1, entry);
    written += size;
  }
  return written;
}

/** @param cookie with which the guest asks for the entry after this one */
function writeRecord(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  cookie: number,
  { name, type, inode }: DirectoryRecord,
): void {
  view.setBigUint64(at, BigInt(cookie), true);
  view.setBigUint64(at + 8, inode, true);
  view.setUint32(at + 16, name.length, true);
  view.setUint32(at + 20, type, true); // one byte and padding
  bytes.set(name, at + ENTRY_HEADER_SIZE);
}
