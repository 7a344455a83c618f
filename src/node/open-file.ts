// Files of the host that a guest has open. Node.js has no lseek(), so positions are kept here. A descriptor that
// another one was made of does not share its position, because WASI has no way to make one.

import * as fs from 'node:fs';
import { ALL_RIGHTS, APPEND, FileType, Right } from '../host/index.ts';
import { builtin } from './builtin-modules.ts';
import { PathError } from './confined-paths.ts';
import { type TimeChange, timesOf, typeOf } from './file-status.ts';
import { readInputBytes, writeOutputBytes } from './standard-streams.ts';

const BIG = { bigint: true } as const;
const Whence = { set: 0, current: 1, end: 2 } as const;
/** Linux's major number of /dev/null, /dev/zero and their like. */
const MEMORY_DEVICES = 1n;
/** libc takes a character device without these rights for a terminal. */
const SEEKABLE = Right.seek | Right.tell;

const fail = (code: string): never => {
  throw new PathError(code);
};

export class OpenFile {
  /** A number of `FileType`. */
  readonly type: number;
  readonly rights: bigint;
  /** Where the next read or write begins; null when the system knows. */
  protected position: bigint | null;

  /**
   * @param fd the host's descriptor, which this object owns
   * @param stat null where the system has none, as older versions of Node.js on Windows for pipes and terminals
   * @param flags those of WASI
   */
  constructor(
    readonly fd: number,
    stat: fs.BigIntStats | null,
    rights: bigint,
    public flags: number,
    readonly readOnly: boolean,
  ) {
    const isTerminal = (stat === null || typeOf(stat) === FileType.character) && isTerminalDevice(fd, stat);
    this.type = stat === null ? (isTerminal ? FileType.character : FileType.unknown) : typeOf(stat);
    this.rights = rights & ALL_RIGHTS & (isTerminal ? ~SEEKABLE : ALL_RIGHTS);
    this.position = this.type === FileType.regular ? 0n : null;
  }

  /** Whether reads and writes have positions. */
  get isSeekable(): boolean {
    return this.type === FileType.regular;
  }

  status(): fs.BigIntStats {
    return fs.fstatSync(this.fd, BIG);
  }

  read(buffers: readonly Uint8Array[]): number {
    const moved = this.#readAt(buffers, this.position);
    if (this.position !== null) this.position += BigInt(moved);
    return moved;
  }

  readAt(buffers: readonly Uint8Array[], position: bigint): number {
    if (position < 0n) fail('EINVAL');
    return this.#readAt(buffers, position);
  }

  #readAt(buffers: readonly Uint8Array[], position: bigint | null): number {
    if ((this.rights & Right.read) === 0n) fail('EBADF');
    if (buffers.length === 1) return fs.readSync(this.fd, buffers[0]!, 0, buffers[0]!.length, position);
    return fs.readvSync(this.fd, buffers, position === null ? undefined : Number(position));
  }

  write(buffers: readonly Uint8Array[]): number {
    this.#mustWrite('EBADF');
    if (this.position === null) return fs.writevSync(this.fd, buffers);
    const appends = (this.flags & APPEND) !== 0;
    const from = appends ? this.status().size : this.position;
    const moved = fs.writevSync(this.fd, buffers, Number(from));
    // Another process may have appended in between.
    this.position = appends ? this.status().size : from + BigInt(moved);
    return moved;
  }

  writeAt(buffers: readonly Uint8Array[], position: bigint): number {
    this.#mustWrite('EBADF');
    if (position < 0n) fail('EINVAL');
    return fs.writevSync(this.fd, buffers, Number(position));
  }

  /** @param whence 0 from the start, 1 from the position, 2 from the end */
  seek(offset: bigint, whence: number): bigint {
    const position = this.position ?? fail('ESPIPE');
    let base = 0n;
    if (whence === Whence.current) base = position;
    else if (whence === Whence.end) base = this.status().size;
    else if (whence !== Whence.set) fail('EINVAL');
    if (base + offset < 0n) fail('EINVAL');
    this.position = base + offset;
    return this.position;
  }

  resize(size: bigint): void {
    if (size < 0n) fail('EINVAL');
    this.#mustWrite('EINVAL');
    fs.ftruncateSync(this.fd, Number(size));
  }

  /** Makes the file at least this long. */
  allocate(size: bigint): void {
    this.#mustWrite('EINVAL');
    if (this.status().size < size) fs.ftruncateSync(this.fd, Number(size));
  }

  setTimes(times: TimeChange): void {
    if (this.readOnly) fail('EROFS');
    fs.futimesSync(this.fd, ...timesOf(fs.fstatSync(this.fd), times));
  }

  sync(dataOnly: boolean): void {
    if (dataOnly) fs.fdatasyncSync(this.fd);
    else fs.fsyncSync(this.fd);
  }

  /** All of a regular file. */
  contents(): Uint8Array {
    const bytes = new Uint8Array(Number(this.status().size));
    let length = 0;
    while (length < bytes.length) {
      const read = this.readAt([bytes.subarray(length)], BigInt(length));
      if (read === 0) break; // Another program has made it shorter.
      length += read;
    }
    return bytes.subarray(0, length);
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  #mustWrite(otherwise: string): void {
    if ((this.rights & Right.write) === 0n) fail(otherwise);
  }
}

/** What the standard streams of a program tell their owner. */
export interface StreamEvents {
  /** The reader of a stream has gone. */
  readonly brokenPipe: () => void;
}

/**
 * A standard stream of this process as a guest's own. One that is a file shares its position with other processes, so
 * the system keeps it until the guest moves it. The guest cannot close the stream of this process, which may have
 * something to say after the guest's end.
 */
export class StandardStream extends OpenFile {
  readonly #events: StreamEvents;

  private constructor(fd: number, stat: fs.BigIntStats | null, events: StreamEvents) {
    super(fd, stat, ALL_RIGHTS, 0, false);
    this.#events = events;
    this.position = null;
  }

  /** The stream of this number; null when it is closed. */
  static open(
    fd: number,
    events: StreamEvents,
    platform: NodeJS.Platform = process.platform,
  ): StandardStream | null {
    let stat: fs.BigIntStats | null = null;
    try {
      stat = fs.fstatSync(fd, BIG);
    } catch {
      // On Windows, streams that work may have no status. One that is closed fails when it is used.
      if (platform !== 'win32') return null;
    }
    return new StandardStream(fd, stat, events);
  }

  override read(buffers: readonly Uint8Array[]): number {
    if (this.position !== null) return super.read(buffers);
    // A pipe or a terminal gives what it has: a second read would wait.
    const buffer = buffers.find(({ length }) => length > 0);
    if (buffer === undefined) return 0;
    if (this.fd !== 0) return fs.readSync(this.fd, buffer);
    const bytes = readInputBytes(buffer.length);
    buffer.set(bytes);
    return bytes.length;
  }

  override write(buffers: readonly Uint8Array[]): number {
    if (this.position !== null) return super.write(buffers);
    try {
      for (const buffer of buffers) writeOutputBytes(this.fd, buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') this.#events.brokenPipe();
      throw error;
    }
    return buffers.reduce((sum, { length }) => sum + length, 0);
  }

  override seek(offset: bigint, whence: number): bigint {
    if (this.position !== null || this.type !== FileType.regular) return super.seek(offset, whence);
    const shared = sharedPosition(this.fd);
    if (offset === 0n && whence === Whence.current) return shared;
    this.position = shared;
    return super.seek(offset, whence);
  }

  override close(): void {}
}

/** Whether a character device is a terminal. The module that knows this takes milliseconds to load, and /dev/null is no terminal. */
function isTerminalDevice(fd: number, stat: fs.BigIntStats | null): boolean {
  if (process.platform === 'linux' && stat !== null && stat.rdev >> 8n === MEMORY_DEVICES) return false;
  return builtin('node:tty').isatty(fd);
}

/** The position of a descriptor, which only Linux tells without a call that Node.js lacks. */
function sharedPosition(fd: number): bigint {
  try {
    return BigInt(/^pos:\s*(\d+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))![1]!);
  } catch {
    return fail('ESPIPE');
  }
}
