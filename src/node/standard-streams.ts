// This process's standard streams as C uses them: a read or a write returns when it is done.

import { readSync, writeSync } from 'node:fs';

/** Milliseconds to wait where the system does not wait. */
const PAUSE = 5;

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
}

/** Up to `length` bytes of standard input, as soon as there are some. None at its end, and when it is closed. */
export function readInputBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (;;) {
    try {
      return bytes.subarray(0, readSync(0, bytes));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Another program has made this pipe or terminal non-blocking.
      if (code === 'EAGAIN' || code === 'EINTR') pause();
      // The input is closed, or the end of a pipe on Windows, or a directory.
      else return new Uint8Array();
    }
  }
}

/** Writes all bytes to a descriptor. Throws the error of a stream that takes no more. */
export function writeOutputBytes(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error;
      pause();
    }
  }
}
