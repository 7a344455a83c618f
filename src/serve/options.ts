// What a profile server can be told, checked once.

import { InvalidArgumentError } from '../errors.ts';
import { checkOptionNames } from '../options/option-names.ts';
import type { Sandbox } from '../sandbox/index.ts';

/** What to serve and how much of it at once. */
export interface PprofOptions {
  /** The sandboxes to show; by default all that are open when a request comes. */
  readonly sandboxes?: readonly Sandbox<object>[] | (() => Iterable<Sandbox<object>>);
  /**
   * Show V8's heap beside that of C: `true`, or its sampling interval. Sampling begins when the handler is made, so
   * objects that are older are not seen. Default false.
   */
  readonly host?: boolean | HostHeapOptions;
  /**
   * Show the heaps of all threads of the process that have imported heapline. Default true, but false when `sandboxes`
   * is given.
   */
  readonly threads?: boolean | ThreadsOptions;
  /** Path under which the profiles lie. Default `/debug/pprof`. */
  readonly prefix?: string;
  /**
   * Seconds that an answer may take, as `WriteTimeout` of Go's http.Server: a longer `seconds=` is refused with 400.
   * By default the `timeout` of the node:http server, where it has one.
   */
  readonly writeTimeout?: number;
  /** Longest `seconds=` that is accepted. Default 3600. */
  readonly maxSeconds?: number;
  /** How many `seconds=` collections may run at once; more are refused with 503. Default 8. */
  readonly maxCollections?: number;
  /**
   * Most samples in a profile; the smallest are summed up under `[other]` beyond it, and a comment says so.
   * Default: no limit, but 16,000 (Pyroscope's limit) in `delta_heap`.
   */
  readonly maxSamples?: number;
  /** Microseconds between two samples of the CPU profile. Default 10,000 (100 Hz, as in Go). */
  readonly cpuInterval?: number;
}

/** How V8's heap is sampled. */
export interface HostHeapOptions {
  /**
   * Bytes of allocation between two samples, on average. Default 524160, which is 512 KiB less 128: a number with
   * many divisors, so that the sizes of most objects, and with them their number, follow from V8's samples exactly.
   */
  readonly samplingInterval?: number;
}

/** How other threads are asked for their heaps. */
export interface ThreadsOptions {
  /**
   * Seconds to wait for threads that are busy; after that the profile leaves them out and names them. Default 1.
   */
  readonly timeout?: number;
}

/** Options with all defaults in place. */
export interface ServeSettings {
  readonly sandboxes: (() => Iterable<Sandbox<object>>) | null;
  readonly samplingInterval: number | null;
  /** In seconds; null when other threads are not asked. */
  readonly threadTimeout: number | null;
  readonly prefix: string;
  readonly writeTimeout: number | null;
  readonly maxSeconds: number;
  readonly maxCollections: number;
  readonly maxSamples: number | null;
  readonly cpuInterval: number;
}

export const DEFAULT_SAMPLING_INTERVAL = 524_160;
export const DEFAULT_THREAD_TIMEOUT = 1;
const DEFAULT_PREFIX = '/debug/pprof';

const NAMES = [
  'sandboxes',
  'host',
  'threads',
  'prefix',
  'writeTimeout',
  'maxSeconds',
  'maxCollections',
  'maxSamples',
  'cpuInterval',
] as const satisfies readonly (keyof PprofOptions)[];

/** Checks options; `caller` is the function that they were given to, `more` the names of others that it has. */
export function settingsOf(
  options: PprofOptions,
  caller: string,
  more: readonly string[] = [],
): ServeSettings {
  checkOptionNames(caller, options, [...NAMES, ...more]);
  const { sandboxes, host } = options;
  if (sandboxes !== undefined && !Array.isArray(sandboxes) && typeof sandboxes !== 'function') {
    throw refused('sandboxes', 'an array of sandboxes, or a function that gives one');
  }
  let samplingInterval: number | null = null;
  if (typeof host === 'object' && host !== null) {
    checkOptionNames(caller, host, ['samplingInterval'] satisfies (keyof HostHeapOptions)[], 'host');
    samplingInterval =
      positive('host.samplingInterval', host.samplingInterval, 2 ** 40) ?? DEFAULT_SAMPLING_INTERVAL;
  } else if (host === true) samplingInterval = DEFAULT_SAMPLING_INTERVAL;
  else if (host !== undefined && host !== false) throw refused('host', 'true, false or an object');
  return {
    sandboxes: sandboxes === undefined ? null : typeof sandboxes === 'function' ? sandboxes : () => sandboxes,
    samplingInterval,
    threadTimeout: threadTimeoutOf(options, caller),
    prefix: prefixOf(options.prefix ?? DEFAULT_PREFIX),
    writeTimeout: positive('writeTimeout', options.writeTimeout, 2 ** 31, false) ?? null,
    maxSeconds: positive('maxSeconds', options.maxSeconds, 2 ** 31) ?? 3600,
    maxCollections: positive('maxCollections', options.maxCollections, 2 ** 16) ?? 8,
    maxSamples: positive('maxSamples', options.maxSamples, 2 ** 31) ?? null,
    cpuInterval: positive('cpuInterval', options.cpuInterval, 10_000_000) ?? 10_000,
  };
}

function threadTimeoutOf({ threads, sandboxes }: PprofOptions, caller: string): number | null {
  if (threads === undefined) return sandboxes === undefined ? DEFAULT_THREAD_TIMEOUT : null;
  if (typeof threads === 'boolean') return threads ? DEFAULT_THREAD_TIMEOUT : null;
  if (typeof threads !== 'object' || threads === null) throw refused('threads', 'true, false or an object');
  checkOptionNames(caller, threads, ['timeout'] satisfies (keyof ThreadsOptions)[], 'threads');
  return positive('threads.timeout', threads.timeout, 3600, false) ?? DEFAULT_THREAD_TIMEOUT;
}

function prefixOf(prefix: string): string {
  if (typeof prefix !== 'string' || !prefix.startsWith('/') || /[?#\s]|\/\/|\/\.{1,2}(\/|$)/.test(prefix)) {
    throw refused('prefix', 'a clean absolute path, such as /debug/pprof');
  }
  return prefix.replace(/\/$/, '');
}

function positive(name: string, value: number | undefined, limit: number, whole = true): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value > 0 && value <= limit) || (whole && !Number.isInteger(value))) {
    throw refused(name, `a ${whole ? 'whole ' : ''}number from 1 to ${limit}`);
  }
  return value;
}

function refused(name: string, what: string): InvalidArgumentError {
  return new InvalidArgumentError(name, `The option ${name} must be ${what}.`);
}
