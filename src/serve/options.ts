// The options of profile servers, and their tables. The command line takes checks and defaults from the same tables.

import {
  callback,
  flagOrOptions,
  isText,
  numberAbove0,
  rule,
  textList,
  textNotEmpty,
  wholeNumber,
} from '../options/option-rules.ts';
import {
  type OptionTable,
  readOptions,
  type SettingsOf,
  withDefault,
  withHelp,
} from '../options/option-table.ts';
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

/** Where to listen, and what to serve. */
export interface ServePprofOptions extends PprofOptions {
  /** Default 6060, as in Go's examples; 0 takes any free port. */
  readonly port?: number;
  /** Address to listen on. Default `127.0.0.1`. */
  readonly hostname?: string;
  /** Host names that the server answers to, in addition to `localhost`, `hostname` and IP addresses. */
  readonly allowedHosts?: readonly string[];
  /** Receives the warning that other machines can reach the server. By default it becomes a process warning. */
  readonly onWarning?: (message: string) => void;
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

const HOST_HEAP_OPTIONS = {
  samplingInterval: withDefault(wholeNumber(1, 2 ** 40, 'bytes'), 524_160),
} satisfies OptionTable<HostHeapOptions>;

const THREADS_OPTIONS = {
  timeout: withDefault(numberAbove0(3600, 'seconds'), 1),
} satisfies OptionTable<ThreadsOptions>;

/** The table of these options. */
export const PPROF_OPTIONS = {
  sandboxes: rule(
    (value) => Array.isArray(value) || typeof value === 'function',
    'an array of sandboxes, or a function that gives one',
  ),
  host: withDefault(flagOrOptions<HostHeapOptions, typeof HOST_HEAP_OPTIONS>(HOST_HEAP_OPTIONS), false),
  threads: flagOrOptions<ThreadsOptions, typeof THREADS_OPTIONS>(THREADS_OPTIONS),
  prefix: withDefault(
    rule<string>(
      (value) => isText(value) && value.startsWith('/') && !/[?#\s]|\/\/|\/\.{1,2}(\/|$)/.test(value),
      'a clean absolute path, such as /debug/pprof',
    ),
    '/debug/pprof',
  ),
  writeTimeout: numberAbove0(2 ** 31, 'seconds'),
  maxSeconds: withDefault(wholeNumber(1, 2 ** 31, 'seconds'), 3600),
  maxCollections: withDefault(wholeNumber(1, 2 ** 16), 8),
  maxSamples: wholeNumber(1, 2 ** 31),
  cpuInterval: withDefault(wholeNumber(1, 10_000_000, 'microseconds'), 10_000),
} satisfies OptionTable<PprofOptions>;

/** The table of these options. */
export const SERVE_PPROF_OPTIONS = {
  ...PPROF_OPTIONS,
  port: withHelp(withDefault(wholeNumber(0, 65535), 6060), 'port to listen on, 0 for any free one'),
  hostname: withHelp(
    withDefault(textNotEmpty('an address or a name to listen on'), '127.0.0.1'),
    'address to listen on; other than loopback, other machines can read the profiles',
  ),
  allowedHosts: withHelp(
    withDefault(textList('an array of host names'), []),
    'name by which browsers may call the server',
  ),
  onWarning: callback(),
} satisfies OptionTable<ServePprofOptions>;

/** What the options of `caller` mean. */
export function settingsOf(options: PprofOptions, caller: string): ServeSettings {
  return settingsFrom(readOptions(caller, options, PPROF_OPTIONS));
}

/** What options mean that were read. */
export function settingsFrom(given: SettingsOf<typeof PPROF_OPTIONS>): ServeSettings {
  const { sandboxes, host, prefix, writeTimeout = null, maxSamples = null } = given;
  return {
    sandboxes: sandboxes === undefined ? null : typeof sandboxes === 'function' ? sandboxes : () => sandboxes,
    samplingInterval:
      host === false
        ? null
        : host === true
          ? HOST_HEAP_OPTIONS.samplingInterval.default
          : host.samplingInterval,
    threadTimeout: threadTimeoutOf(given),
    prefix: prefix.replace(/\/$/, ''),
    writeTimeout,
    maxSeconds: given.maxSeconds,
    maxCollections: given.maxCollections,
    maxSamples,
    cpuInterval: given.cpuInterval,
  };
}

function threadTimeoutOf({ threads, sandboxes }: SettingsOf<typeof PPROF_OPTIONS>): number | null {
  const asked = threads ?? sandboxes === undefined;
  if (asked === false) return null;
  return asked === true ? THREADS_OPTIONS.timeout.default : asked.timeout;
}
