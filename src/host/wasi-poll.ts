// poll_oneoff of WASI preview 1, through which libc waits: sleep(), nanosleep(), poll(). Files in memory and the
// standard streams are always ready. A clock subscription blocks the thread for its time, as a C program expects.
// @wasmer/wasi 1.2.2 panics in this function.

import { platform } from '../platform/index.ts';

const Errno = { success: 0, fault: 21, inval: 28 } as const;
const EVENT_SIZE = 32;
const SUBSCRIPTION_SIZE = 48;
const CLOCK = 0;
const ABSOLUTE = 1;

/**
 * Makes the poll_oneoff of one guest.
 * @param statusOf the error number for a file descriptor: 0 when it is open
 */
export function pollOneoff(
  memory: () => WebAssembly.Memory,
  statusOf: (fd: number) => number,
): (subscriptions: number, events: number, count: number, fired: number) => number {
  return (subscriptions, events, count, fired) => {
    try {
      const data = new DataView(memory().buffer);
      return poll(data, subscriptions >>> 0, events >>> 0, count, fired >>> 0, statusOf);
    } catch (error) {
      if (error instanceof RangeError) return Errno.fault; // the pointer lies outside of the memory
      throw error;
    }
  };
}

function poll(
  data: DataView,
  subscriptions: number,
  events: number,
  count: number,
  fired: number,
  statusOf: (fd: number) => number,
): number {
  if (count <= 0) return Errno.inval;
  const places = Array.from({ length: count }, (_, i) => subscriptions + i * SUBSCRIPTION_SIZE);
  const isClock = (at: number): boolean => data.getUint8(at + 8) === CLOCK;
  const ready = places.filter((at) => !isClock(at));
  const clocks = places.filter(isClock).map((at) => ({ at, delay: delayOf(data, at) }));

  const wait = ready.length > 0 ? 0 : Math.min(...clocks.map(({ delay }) => delay));
  if (wait > 0) platform().block(wait);
  ready.push(...clocks.filter(({ delay }) => delay <= wait).map(({ at }) => at));

  ready.forEach((at, index) => {
    const event = events + index * EVENT_SIZE;
    data.setBigUint64(event, data.getBigUint64(at, true), true); // the guest's own word
    data.setUint16(event + 8, isClock(at) ? Errno.success : statusOf(data.getUint32(at + 16, true)), true);
    data.setUint8(event + 10, data.getUint8(at + 8));
    data.setBigUint64(event + 16, 0n, true);
    data.setUint16(event + 24, 0, true);
  });
  data.setUint32(fired, ready.length, true);
  return Errno.success;
}

// Milliseconds until a clock subscription is due. All clocks of the platform count from the epoch.
function delayOf(data: DataView, at: number): number {
  const timeout = Number(data.getBigUint64(at + 24, true)) / 1e6;
  const absolute = (data.getUint16(at + 40, true) & ABSOLUTE) !== 0;
  return absolute ? Math.max(0, timeout - Date.now()) : timeout;
}
