// The questions that the profile servers of one thread ask the other threads, and the answers. Questions and answers
// are checked where they arrive, because any code in the process can post such messages.

import { decodeProfile } from '../profile/decode.ts';
import { HeapProfile, SAMPLE_TYPES } from '../profile/index.ts';
import type { HeapEntry } from './index-page.ts';
import { HEAP_PROFILES, type HeapKind } from './profiles.ts';
import { emptySums, type Sums } from './statistics.ts';
import { CPU_SAMPLE_TYPES } from './v8-cpu.ts';

/** A server's request to sample V8's heap in every thread for as long as the server exists. */
export interface Sampling {
  /** Identifies the server. */
  readonly server: string;
  /** Bytes of allocation between two samples. */
  readonly interval: number;
}

/** What a thread can be asked. */
export type Question =
  /** A profile of the thread's heaps, and the sums of `debug=1` if `sums` is set. */
  | {
      readonly what: 'collect';
      readonly kind: HeapKind;
      readonly gc: boolean;
      readonly sums: boolean;
      readonly sampling: Sampling | null;
    }
  /** The thread's rows of the index page. */
  | { readonly what: 'overview'; readonly sampling: Sampling | null }
  /** A CPU profile from now until `until`, in milliseconds on the clock of `now()`. */
  | { readonly what: 'record'; readonly interval: number; readonly until: number }
  /** The request with this id no longer needs an answer. */
  | { readonly what: 'cancel'; readonly id: string }
  | { readonly what: 'sample'; readonly sampling: Sampling }
  /** The server has closed. */
  | { readonly what: 'stop sampling'; readonly server: string };

/** The profile of one thread in a message. */
export interface ProfileAnswer {
  /** The profile in pprof's format, not compressed; null when the thread has nothing to show. */
  readonly profile: Uint8Array | null;
  readonly sums: Sums | null;
}

/** What the index page shows about one thread. */
export interface OverviewAnswer {
  readonly heaps: readonly HeapEntry[];
  /** Number of samples by the name of the profile. */
  readonly counts: readonly (readonly [string, number])[];
}

/** A profile from another thread, read and checked. */
export interface ReadProfile {
  readonly profile: HeapProfile | null;
  readonly sums: Sums;
}

/** The answer is invalid. The message continues after `could not be read: `. */
export class UnreadableAnswer extends Error {}

const MOST_HEAPS = 100_000;
const LONGEST_TEXT = 2000;
/** Most bytes of one thread's profile. */
const LARGEST_PROFILE = 2 ** 28;
/** Longest duration of a CPU profile, in milliseconds, whatever the clocks say. */
const LONGEST_RECORDING = 2 ** 31 * 1000;

type Fields = Readonly<Record<string, unknown>>;

/** Reads a question; null for a question that this version does not know. */
export function readQuestion(given: unknown): Question | null {
  if (!isFields(given)) return null;
  const { what, kind, gc, sums, interval, until, id, server } = given;
  switch (what) {
    case 'collect':
      if (typeof kind !== 'string' || !Object.hasOwn(HEAP_PROFILES, kind) || kind === 'delta_heap')
        return null;
      return {
        what,
        kind: kind as HeapKind,
        gc: gc === true,
        sums: sums === true,
        sampling: readSampling(given.sampling),
      };
    case 'overview':
      return { what, sampling: readSampling(given.sampling) };
    case 'record':
      if (!isPositive(interval) || !isPositive(until) || until > LONGEST_RECORDING) return null;
      return { what, interval, until };
    case 'cancel':
      return isText(id) ? { what, id } : null;
    case 'sample': {
      const sampling = readSampling(given.sampling);
      return sampling === null ? null : { what, sampling };
    }
    case 'stop sampling':
      return isText(server) ? { what, server } : null;
    default:
      return null;
  }
}

/** Reads the answer to `collect` or `record`. Throws UnreadableAnswer. */
export function readProfileAnswer(given: unknown, kind: HeapKind | 'cpu'): ReadProfile {
  if (!isFields(given)) throw new UnreadableAnswer('it is no profile');
  const sums = readSums(given.sums);
  if (given.profile === null) return { profile: null, sums };
  if (!(given.profile instanceof Uint8Array)) throw new UnreadableAnswer('it is no profile');
  let profile: HeapProfile;
  try {
    profile = new HeapProfile(decodeProfile(given.profile, LARGEST_PROFILE, kind === 'cpu' ? 'any' : 'heap'));
  } catch (error) {
    throw new UnreadableAnswer((error as Error).message);
  }
  const expected = kind === 'cpu' ? CPU_SAMPLE_TYPES : SAMPLE_TYPES[kind];
  if (JSON.stringify(profile.sampleTypes) !== JSON.stringify(expected)) {
    throw new UnreadableAnswer('it is another profile than the one that was asked for');
  }
  return { profile, sums };
}

/** Reads the answer to `overview`. Every row gets the label of the thread that sent it. */
export function readOverviewAnswer(given: unknown, thread: string): OverviewAnswer {
  if (!isFields(given) || !Array.isArray(given.heaps) || !Array.isArray(given.counts)) {
    throw new UnreadableAnswer('it is no list of heaps');
  }
  const heaps = given.heaps.slice(0, MOST_HEAPS).map((heap): HeapEntry => {
    if (!isFields(heap)) throw new UnreadableAnswer('it is no list of heaps');
    const text = (value: unknown): string => String(value ?? '').slice(0, LONGEST_TEXT);
    const number = (value: unknown): number => (isCount(value) ? value : 0);
    const numberOrNull = (value: unknown): number | null => (isCount(value) ? value : null);
    return {
      thread,
      instance: text(heap.instance),
      toolchain: text(heap.toolchain),
      inUseObjects: number(heap.inUseObjects),
      inUseBytes: number(heap.inUseBytes),
      allocObjects: numberOrNull(heap.allocObjects),
      allocBytes: numberOrNull(heap.allocBytes),
      peakBytes: numberOrNull(heap.peakBytes),
      contexts: number(heap.contexts),
      memoryBytes: numberOrNull(heap.memoryBytes),
      problem: heap.problem === null ? null : text(heap.problem),
    };
  });
  const counts = given.counts.flatMap((pair): [string, number][] =>
    Array.isArray(pair) && Object.hasOwn(HEAP_PROFILES, pair[0]) && isCount(pair[1])
      ? [[pair[0] as string, pair[1]]]
      : [],
  );
  return { heaps, counts };
}

function readSampling(given: unknown): Sampling | null {
  if (!isFields(given)) return null;
  const { server, interval } = given;
  return isText(server) && isPositive(interval) ? { server, interval } : null;
}

function readSums(given: unknown): Sums {
  const sums = emptySums();
  if (!isFields(given)) return sums;
  for (const key of Object.keys(sums) as (keyof Sums)[]) {
    const value = given[key];
    if (isCount(value)) sums[key] = value;
  }
  return sums;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_TEXT;
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}
