// The part of WASI that needs the web's own functions: arguments, environment, clocks and random numbers.
// Preview 1 as specified: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md

import type { MoreWasi } from '../platform/index.ts';

const SUCCESS = 0;
const EINVAL = 28;
const REALTIME = 0;
const MONOTONIC = 1;
/** Most bytes that `getRandomValues` gives at a time. */
const RANDOM_AT_ONCE = 65_536;
/** Browsers round `performance.now()` to 5 µs at best. */
const RESOLUTION = 5_000n;

/** @param args the program's name and its arguments */
export function moreWasi(args: readonly string[], env: Readonly<Record<string, string>>): MoreWasi {
  let memory: WebAssembly.Memory;
  const view = () => new DataView(memory.buffer);
  const argv = new TextList(args);
  const environment = new TextList(Object.entries(env).map(([name, value]) => `${name}=${value}`));
  return {
    functions: {
      args_sizes_get: (count: number, size: number) => argv.writeSizes(view(), count, size),
      args_get: (pointers: number, texts: number) => argv.write(view(), pointers, texts),
      environ_sizes_get: (count: number, size: number) => environment.writeSizes(view(), count, size),
      environ_get: (pointers: number, texts: number) => environment.write(view(), pointers, texts),
      clock_res_get: (clock: number, result: number) => {
        if (clock !== REALTIME && clock !== MONOTONIC) return EINVAL;
        view().setBigUint64(result >>> 0, RESOLUTION, true);
        return SUCCESS;
      },
      clock_time_get: (clock: number, _precision: bigint, result: number) => {
        if (clock !== REALTIME && clock !== MONOTONIC) return EINVAL;
        view().setBigUint64(result >>> 0, nanoseconds(), true);
        return SUCCESS;
      },
      random_get: (pointer: number, length: number) => {
        const bytes = new Uint8Array(memory.buffer, pointer >>> 0, length >>> 0);
        for (let at = 0; at < bytes.length; at += RANDOM_AT_ONCE) {
          crypto.getRandomValues(bytes.subarray(at, at + RANDOM_AT_ONCE));
        }
        return SUCCESS;
      },
      sched_yield: () => SUCCESS,
    },
    start(given) {
      memory = given;
    },
    dispose() {},
  };
}

/** All clocks count from the epoch, because poll_oneoff relies on it. */
function nanoseconds(): bigint {
  const now = performance.now();
  // In two parts, because a double has no room for today's nanoseconds.
  const milliseconds = Math.floor(performance.timeOrigin + now);
  const rest = performance.timeOrigin + now - milliseconds;
  return BigInt(milliseconds) * 1_000_000n + BigInt(Math.round(rest * 1e6));
}

/** Texts as C has them: an array of pointers to strings that end with 0. */
class TextList {
  readonly #texts: readonly Uint8Array[];

  constructor(texts: readonly string[]) {
    const encoder = new TextEncoder();
    this.#texts = texts.map((text) => encoder.encode(`${text}\0`));
  }

  writeSizes(view: DataView, count: number, size: number): number {
    view.setUint32(count >>> 0, this.#texts.length, true);
    const bytes = this.#texts.reduce((sum, text) => sum + text.length, 0);
    view.setUint32(size >>> 0, bytes, true);
    return SUCCESS;
  }

  write(view: DataView, pointers: number, texts: number): number {
    let at = texts >>> 0;
    this.#texts.forEach((text, index) => {
      view.setUint32((pointers >>> 0) + 4 * index, at, true);
      new Uint8Array(view.buffer).set(text, at);
      at += text.length;
    });
    return SUCCESS;
  }
}
