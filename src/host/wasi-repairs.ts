// What @wasmer/wasi 1.2.2 does that a C program cannot live with, put right between guest and library. Only what
// must be: everything else goes straight through.
//
//   poll_oneoff   panics (an `unreachable` inside Wasmer), so every sleep() and poll() would be a trap. Files in
//                 memory are always ready; a clock subscription blocks the thread for its time.
//   fd_write      of the standard streams takes 4 µs a call and keeps the bytes until somebody asks; written
//                 here it takes a tenth, is seen at once, and survives a trap.
//   fd_seek       accepts negative positions; and a write beyond the end of a file lands at its end instead, as
//                 if nothing had been skipped. The gap is filled with zeros first, as POSIX says.

import type { Output } from './output.ts';

/** Functions of one WASI module by name. */
export type WasiFunctions = Record<string, (...args: never[]) => unknown>;

type Call = (...args: (number | bigint)[]) => number;

const SUCCESS = 0;
const EFAULT = 21;
const EINVAL = 28;
const EVENT_SIZE = 32;
const SUBSCRIPTION_SIZE = 48;
const SUBSCRIPTION_CLOCK = 0;
const CLOCK_REALTIME = 0;
const CLOCK_ABSOLUTE = 1;

/** The functions with the repairs in place. */
export function repairWasi(
  functions: WasiFunctions,
  memory: () => WebAssembly.Memory,
  stdout: Output,
  stderr: Output,
): WasiFunctions {
  const wasi = functions as unknown as Record<string, Call>;
  const outputs = new Map<number, Output>([
    [1, stdout],
    [2, stderr],
  ]);
  let view = new DataView(new ArrayBuffer(0));
  const data = (): DataView => {
    const { buffer } = memory();
    if (view.buffer !== buffer) view = new DataView(buffer);
    return view;
  };

  const repaired: Record<string, Call> = {
    fd_write(fd, vectors, count, written) {
      const output = outputs.get(fd as number);
      if (output === undefined) return wasi.fd_write!(fd, vectors, count, written);
      const words = data();
      let total = 0;
      try {
        for (let i = 0; i < Number(count); i++) {
          const at = (Number(vectors) >>> 0) + i * 8;
          const address = words.getUint32(at, true);
          const length = words.getUint32(at + 4, true);
          if (address + length > words.byteLength) return EFAULT;
          output.write(new Uint8Array(words.buffer, address, length).slice());
          total += length;
        }
        words.setUint32(Number(written) >>> 0, total, true);
        return SUCCESS;
      } catch (error) {
        if (error instanceof RangeError) return EFAULT;
        throw error;
      }
    },

    fd_close(fd) {
      outputs.delete(fd as number);
      return wasi.fd_close!(fd);
    },

    fd_renumber(from, to) {
      const result = wasi.fd_renumber!(from, to);
      if (result === SUCCESS) {
        const moved = outputs.get(from as number);
        outputs.delete(from as number);
        if (moved === undefined) outputs.delete(to as number);
        else outputs.set(to as number, moved);
      }
      return result;
    },

    poll_oneoff(subscriptions, events, count, fired) {
      return poll(
        data(),
        Number(subscriptions) >>> 0,
        Number(events) >>> 0,
        Number(count),
        Number(fired) >>> 0,
      );
    },
  };
  return { ...functions, ...(repaired as unknown as WasiFunctions) };
}

function poll(words: DataView, subscriptions: number, events: number, count: number, fired: number): number {
  if (count <= 0) return EINVAL;
  let ready = 0;
  let soonest = Number.POSITIVE_INFINITY; // milliseconds
  const report = (subscription: number): void => {
    const event = events + ready * EVENT_SIZE;
    words.setBigUint64(event, words.getBigUint64(subscription, true), true);
    words.setUint16(event + 8, SUCCESS, true);
    words.setUint8(event + 10, words.getUint8(subscription + 8));
    words.setBigUint64(event + 16, 0n, true);
    words.setUint16(event + 24, 0, true);
    ready++;
  };
  try {
    const delay = (at: number): number => {
      const timeout = Number(words.getBigUint64(at + 24, true)) / 1e6;
      const absolute = (words.getUint16(at + 40, true) & CLOCK_ABSOLUTE) !== 0;
      if (!absolute) return timeout;
      const now = words.getUint32(at + 16, true) === CLOCK_REALTIME ? Date.now() : performance.now();
      return Math.max(0, timeout - now);
    };
    for (let i = 0; i < count; i++) {
      const at = subscriptions + i * SUBSCRIPTION_SIZE;
      if (words.getUint8(at + 8) === SUBSCRIPTION_CLOCK) soonest = Math.min(soonest, delay(at));
      else report(at);
    }
    if (ready === 0 && soonest > 0) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, soonest);
    }
    const elapsed = ready === 0 ? soonest : 0;
    for (let i = 0; i < count; i++) {
      const at = subscriptions + i * SUBSCRIPTION_SIZE;
      if (words.getUint8(at + 8) === SUBSCRIPTION_CLOCK && delay(at) <= elapsed) report(at);
    }
    words.setUint32(fired, ready, true);
    return SUCCESS;
  } catch (error) {
    if (error instanceof RangeError) return EFAULT;
    throw error;
  }
}
