// Collects the heaps of all threads of the process for one handler: the heaps of this thread, and the answers of the
// other threads. A thread that does not answer is named in the result and does not hide the others.

import { randomUUID } from 'node:crypto';
import type { Steps } from '../algorithms/steps.ts';
import { HeapProfile, sum } from '../profile/index.ts';
import {
  type AbsentThread,
  type Answers,
  askThreads,
  inOwnContext,
  now,
  type ThreadHub,
  type ThreadIdentity,
  threadHub,
  threadLabel,
} from '../threads/index.ts';
import { type HeapOverview, heapOverview } from './heap-overview.ts';
import { collectGarbage } from './inspector.ts';
import type { ServeSettings } from './options.ts';
import { emptyProfile, type HeapKind, NO_SANDBOX, ProfileSource } from './profiles.ts';
import { inSlices } from './slices.ts';
import { type Sums, sumsOf } from './statistics.ts';
import {
  type OverviewAnswer,
  type Question,
  type ReadProfile,
  readOverviewAnswer,
  readProfileAnswer,
  type Sampling,
} from './thread-questions.ts';

/** Profiles of several threads before they are merged. */
export interface Collection {
  /** The profile of each thread by the thread's number. This thread has the number OWN. */
  readonly parts: ReadonlyMap<number, HeapProfile>;
  readonly absent: readonly AbsentThread[];
  /** Other heaps that could not be read, one sentence each. */
  readonly remarks: readonly string[];
  /** The sums over all threads; null when the caller did not ask for sums. */
  readonly sums: Sums | null;
}

/** The number of the thread that collects. */
const OWN = -1;

/** How a profile is collected. */
export interface CollectOptions {
  /** Run V8's garbage collector first. */
  readonly gc?: boolean;
  /** Also add up statistics. */
  readonly sums?: boolean;
}

/** Collects profiles for one handler. */
export class AllThreads {
  /** Only the heaps of this thread. */
  readonly own: ProfileSource;
  readonly #others: OtherThreads | null;

  constructor(settings: ServeSettings) {
    this.own = new ProfileSource(settings);
    this.#others = settings.threadTimeout === null ? null : new OtherThreads(settings);
  }

  /** Collects the profiles of all threads. Throws when no heap at all can be read. */
  async collect(kind: HeapKind, { gc = false, sums = false }: CollectOptions = {}): Promise<Collection> {
    // The other threads collect at the same time as this one.
    const asked = this.#others?.profiles(kind, gc, sums);
    const parts = new Map<number, HeapProfile>();
    const remarks: string[] = [];
    let failure: unknown = null;
    if (gc) await collectGarbage();
    try {
      const profile = await this.own.collect(kind);
      if (!profile.comments.includes(NO_SANDBOX)) parts.set(OWN, profile);
    } catch (error) {
      failure = error;
      remarks.push((error as Error).message);
    }
    const { answers = new Map<number, ReadProfile>(), absent = [] } = (await asked) ?? {};
    const total = sums ? await inSlices(sumsOf(this.own.sandboxes())) : null;
    for (const [id, answer] of answers) {
      if (answer.profile !== null) parts.set(id, answer.profile);
      if (total !== null)
        for (const key of Object.keys(total) as (keyof Sums)[]) total[key] += answer.sums[key];
    }
    if (parts.size === 0 && failure !== null) throw failure;
    return { parts, absent, remarks, sums: total };
  }

  /** The rows of the index page. */
  async overview(): Promise<HeapOverview & { absent: readonly AbsentThread[] }> {
    const asked = this.#others?.overviews();
    const own = await heapOverview(this.own);
    const { answers = new Map<number, OverviewAnswer>(), absent = [] } = (await asked) ?? {};
    const heaps = [...own.heaps];
    const counts = new Map(own.counts);
    for (const theirs of answers.values()) {
      heaps.push(...theirs.heaps);
      for (const [name, count] of theirs.counts) counts.set(name, (counts.get(name) ?? 0) + count);
    }
    return { heaps, counts, absent };
  }

  /** Records CPU profiles of the other threads for this number of seconds. */
  async recordOthers(seconds: number, interval: number, signal: AbortSignal): Promise<Collection> {
    const { answers = new Map<number, ReadProfile>(), absent = [] } =
      (await this.#others?.recordings(seconds, interval, signal)) ?? {};
    const parts = new Map<number, HeapProfile>();
    for (const [id, { profile }] of answers) if (profile !== null) parts.set(id, profile);
    return { parts, absent, remarks: [], sums: null };
  }

  /** Stops V8's sampling profilers and forgets the other threads. */
  close(): void {
    this.own.close();
    this.#others?.close();
  }
}

/** The whole collection as one profile, whose comments name the threads that are missing. */
export function* whole(kind: HeapKind, collection: Collection): Steps<HeapProfile> {
  const parts = [...collection.parts.values()];
  const profile = parts.length === 0 ? emptyProfile(kind) : yield* merged(parts);
  return remarked(profile, collection);
}

/** Merges one or more profiles into one. */
export function* merged(parts: readonly HeapProfile[]): Steps<HeapProfile> {
  if (parts.length === 1) return parts[0]!;
  return new HeapProfile(yield* sum(parts.map(({ model }) => model)));
}

/** The profile with comments that say what is missing in it. */
export function remarked(
  profile: HeapProfile,
  { absent, remarks }: Pick<Collection, 'absent' | 'remarks'>,
): HeapProfile {
  if (absent.length === 0 && remarks.length === 0) return profile;
  const comments = [...profile.comments, ...new Set(remarks), ...absentLines(absent)];
  return new HeapProfile({ ...profile.model, comments });
}

/**
 * Reduces two collections to the threads that answered both times. A thread that was busy at one of the two moments
 * is left out of both, because otherwise everything it ever allocated would look new or gone.
 */
export function comparable(before: Collection, after: Collection): readonly [Collection, Collection] {
  const missing = new Map([...before.absent, ...after.absent].map((each) => [each.thread.id, each]));
  const absent = [...missing.values()];
  const present = ({ parts }: Collection) => new Map([...parts].filter(([id]) => !missing.has(id)));
  return [
    { ...before, parts: present(before), absent },
    { ...after, parts: present(after), absent },
  ];
}

/** The largest number of threads that one message names. */
const MOST_NAMED = 20;

/** One line for each thread that is missing, with the reason. */
export function absentLines(absent: readonly AbsentThread[]): string[] {
  const lines = absent
    .slice(0, MOST_NAMED)
    .map(({ thread, reason }) => `thread ${threadLabel(thread)} is left out: it ${reason}`);
  if (absent.length > MOST_NAMED) lines.push(`${absent.length - MOST_NAMED} more threads are left out`);
  return lines;
}

/** A header that names the missing threads: `parser (3), worker.mjs (4)`. Empty when no thread is missing. */
export function absentHeader(absent: readonly AbsentThread[]): Record<string, string> {
  if (absent.length === 0) return {};
  const names = absent
    .slice(0, MOST_NAMED)
    .map(({ thread }) =>
      threadLabel(thread).replace(/[^ -~]|[%,]/gu, (letter) => encodeURIComponent(letter)),
    );
  if (absent.length > MOST_NAMED) names.push(`and ${absent.length - MOST_NAMED} more`);
  return { 'Heapline-Threads-Left-Out': names.join(', ') };
}

interface Understood<T> {
  readonly answers: ReadonlyMap<number, T>;
  readonly absent: readonly AbsentThread[];
}

// The other threads of the process, from the point of view of one handler.
class OtherThreads {
  readonly #timeout: number;
  readonly #sampling: Sampling | null;
  #hub: ThreadHub | null = null;
  #leave: (() => void) | null = null;
  #closed = false;

  constructor({ threadTimeout, samplingInterval }: ServeSettings) {
    this.#timeout = threadTimeout! * 1000;
    this.#sampling = samplingInterval === null ? null : { server: randomUUID(), interval: samplingInterval };
    // Test runners create and drop many contexts, and most of their handlers never serve a profile.
    if (inOwnContext()) this.#join();
  }

  profiles(kind: HeapKind, gc: boolean, sums: boolean): Promise<Understood<ReadProfile>> {
    const question: Question = { what: 'collect', kind, gc, sums, sampling: this.#sampling };
    return this.#ask(question, (answer) => readProfileAnswer(answer, kind));
  }

  overviews(): Promise<Understood<OverviewAnswer>> {
    const question: Question = { what: 'overview', sampling: this.#sampling };
    return this.#ask(question, (answer, thread) => readOverviewAnswer(answer, threadLabel(thread)));
  }

  recordings(seconds: number, interval: number, signal: AbortSignal): Promise<Understood<ReadProfile>> {
    const duration = seconds * 1000;
    const question: Question = { what: 'record', interval, until: now() + duration };
    return this.#ask(question, (answer) => readProfileAnswer(answer, 'cpu'), { duration, signal });
  }

  close(): void {
    this.#closed = true;
    if (this.#sampling !== null && this.#hub !== null) {
      tell(this.#hub, { what: 'stop sampling', server: this.#sampling.server });
    }
    this.#leave?.();
    this.#leave = null;
  }

  async #ask<T>(
    question: Question,
    read: (answer: unknown, thread: ThreadIdentity) => T,
    more: { duration?: number; signal?: AbortSignal } = {},
  ): Promise<Understood<T>> {
    // Requests in progress may outlive the handler.
    if (this.#closed) return { answers: new Map(), absent: [] };
    const given: Answers = await askThreads(this.#join(), question, {
      timeout: this.#timeout,
      cancel: (id): Question => ({ what: 'cancel', id }),
      ...more,
    });
    const answers = new Map<number, T>();
    const absent = [...given.absent];
    for (const { thread, answer } of given.answers) {
      try {
        answers.set(thread.id, read(answer, thread));
      } catch (error) {
        absent.push({ thread, reason: `gave an answer that cannot be read: ${(error as Error).message}` });
      }
    }
    return { answers, absent };
  }

  #join(): ThreadHub {
    if (this.#hub === null) {
      const hub = threadHub();
      this.#hub = hub;
      const sampling = this.#sampling;
      const sample = (): void => {
        if (sampling !== null) tell(hub, { what: 'sample', sampling });
      };
      // V8 does not see objects that were allocated before sampling began, so each new thread is told at once.
      this.#leave = hub.follow(sample);
      sample();
    }
    return this.#hub;
  }
}

function tell(hub: ThreadHub, question: Question): void {
  hub.tell(question);
}
