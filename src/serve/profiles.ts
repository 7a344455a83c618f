// The profiles that are served: their names, their descriptions, and how each one is collected from the open
// sandboxes and V8's heap. A sandbox whose ledger is damaged is left out with a comment and does not hide the others.
//
// Collecting is done in steps, and the program continues between them. Each sandbox is read within one step, so its
// figures belong to one moment. Sandboxes that are read in different steps may have changed in between.

import type { Steps } from '../algorithms/steps.ts';
import {
  ContextProfileBuilder,
  type ContextProfileKind,
  HeapProfile,
  headerOf,
  LeakProfileBuilder,
  ProfileBuilder,
  type ProfileModel,
} from '../profile/index.ts';
import type { Sandbox } from '../sandbox/index.ts';
import { openSandboxes } from '../sandbox/index.ts';
import { ownThreadLabel } from '../threads/index.ts';
import type { ServeSettings } from './options.ts';
import { inSlices } from './slices.ts';
import { type SampledHeap, shareSampledHeap } from './v8-heap.ts';

/** A profile of contexts, or of leaks. */
export type HeapKind = ContextProfileKind | 'leaks';

/** The profiles that are snapshots of the heap: their names, and their descriptions on the index page. */
export const HEAP_PROFILES: Readonly<Record<HeapKind | 'delta_heap', string>> = {
  allocs: 'All past allocations of C, each with its full stack, and a sampling of those of JavaScript',
  delta_heap:
    'Allocations since the last scrape of this profile, and what is in use now. For scrapers such as Grafana Alloy (godeltaprof).',
  heap: 'Memory in use, by allocation site. You can specify the gc GET parameter to run the garbage collector of JavaScript before taking it.',
  leaks:
    'Blocks of C that can no longer be reached, by allocation site, labelled with the class of the leak (definite, indirect, possible)',
  lifetime: 'How long blocks lived, measured in bytes allocated meanwhile',
  peak: 'What was in use when the heap of C was at its largest',
  temporary: 'Blocks that were freed before the next allocation was made',
};

/** The other endpoints with an entry on the index page. */
export const OTHER_PROFILES: Readonly<Record<'cmdline' | 'profile', string>> = {
  cmdline: 'The command line invocation of the current program',
  profile:
    'CPU profile. You can specify the duration in the seconds GET parameter. After you get the profile file, use the go tool pprof command to investigate the profile.',
};

/** Go's profiles that cannot exist here, with what to use instead. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  block: 'JavaScript and C share one thread here and do not block on each other: use profile (CPU) or heap',
  goroutine: 'there are no goroutines here: use profile (CPU) for what runs, heap for what holds memory',
  mutex: 'there are no contended mutexes here: use profile (CPU) or heap',
  threadcreate: 'there are no threads to count here: use heap or allocs',
  trace:
    'there is no execution trace here: use profile (CPU), or allocs?seconds=N for what is allocated meanwhile',
};

/** Names of the profiles for which `seconds=` gives a difference. */
export const DELTA_KINDS: ReadonlySet<string> = new Set(['heap', 'allocs']);

/** The comment of a profile that has nothing to show. */
export const NO_SANDBOX = 'no sandbox is open';

/** Collects profiles of this thread for one handler. */
export class ProfileSource {
  readonly #settings: Pick<ServeSettings, 'sandboxes' | 'samplingInterval'>;
  readonly #sampled: { heap: Promise<SampledHeap>; release(): void } | null;

  constructor(settings: Pick<ServeSettings, 'sandboxes' | 'samplingInterval'>) {
    this.#settings = settings;
    this.#sampled = settings.samplingInterval === null ? null : shareSampledHeap(settings.samplingInterval);
    this.#sampled?.heap.catch(() => {});
  }

  /** The sandboxes to show now, each once. */
  sandboxes(): Sandbox<object>[] {
    const given = this.#settings.sandboxes;
    return [...new Set(given === null ? openSandboxes() : given())].filter((sandbox) => !sandbox.disposed);
  }

  /** V8's sampled heap; null when the caller did not ask for it or it is not available. */
  async hostHeap(): Promise<SampledHeap | null> {
    return this.#sampled === null ? null : this.#sampled.heap.catch(() => null);
  }

  /** Collects a profile while the event loop runs. Throws when no heap at all can be read. */
  async collect(kind: HeapKind): Promise<HeapProfile> {
    const sampled = (kind === 'heap' || kind === 'allocs') && this.#sampled !== null ? this.#sampled : null;
    let host: SampledHeap | null = null;
    let failure: Error | null = null;
    try {
      host = sampled === null ? null : await sampled.heap;
    } catch (error) {
      failure = error as Error;
    }
    return inSlices(this.#collect(kind, host, failure));
  }

  *#collect(kind: HeapKind, host: SampledHeap | null, hostFailure: Error | null): Steps<HeapProfile> {
    const collection: Collection = kind === 'leaks' ? new LeakCollection() : new ContextCollection(kind);
    const remarks: string[] = [];
    let failure: unknown = null;
    const failed = (who: string, error: unknown): void => {
      failure = error;
      remarks.push(`${who} could not be read: ${(error as Error).message}`);
    };
    let guests = 0;
    for (const sandbox of this.sandboxes()) {
      yield;
      // Somebody disposed of the sandbox after the collection began.
      if (sandbox.disposed) continue;
      try {
        yield* collection.add(sandbox);
        guests++;
      } catch (error) {
        failed(`${sandbox.instance}${ofThread()}`, error);
      }
    }
    let sampled: HeapProfile | null = null;
    try {
      if (hostFailure !== null) throw hostFailure;
      sampled = host?.profile(kind as 'heap' | 'allocs') ?? null;
    } catch (error) {
      failed(`V8's heap${ofThread()}`, error);
    }
    if (guests === 0 && sampled === null) {
      if (failure !== null) throw failure;
      return emptyProfile(kind);
    }
    if (guests > 0 && sampled !== null) yield* (collection as ContextCollection).import(sampled.model);
    const profile = guests === 0 ? sampled! : collection.finish();
    if (remarks.length === 0) return profile;
    return new HeapProfile({ ...profile.model, comments: [...profile.comments, ...new Set(remarks)] });
  }

  /** Stops V8's sampling profiler. */
  close(): void {
    this.#sampled?.release();
  }
}

function labelsOf(sandbox: Sandbox<object>): Record<string, string> {
  return { heap: 'c', instance: sandbox.instance, thread: ownThreadLabel() };
}

/** Names the thread in a remark. Remarks about the main thread do not name it. */
function ofThread(): string {
  const label = ownThreadLabel();
  return label === 'main' ? '' : ` of thread ${label}`;
}

/** A profile of any number of sandboxes while it is being built. */
interface Collection {
  add(sandbox: Sandbox<object>): Steps<void>;
  finish(): HeapProfile;
}

class ContextCollection implements Collection {
  readonly #builder: ContextProfileBuilder;

  constructor(private readonly kind: ContextProfileKind) {
    this.#builder = new ContextProfileBuilder(kind);
  }

  *add(sandbox: Sandbox<object>): Steps<void> {
    const { heap } = sandbox;
    // This sandbox belongs to another version of the package, which shares the list of sandboxes.
    if (typeof heap.addTo !== 'function') {
      yield* this.import(sandbox.heap.profile({ kind: this.kind, labels: labelsOf(sandbox) }).model);
    } else heap.addTo(this.#builder, labelsOf(sandbox));
  }

  import(model: ProfileModel): Steps<void> {
    return this.#builder.import(model);
  }

  finish(): HeapProfile {
    return this.#builder.finish();
  }
}

class LeakCollection implements Collection {
  readonly #builder = new LeakProfileBuilder();

  *add(sandbox: Sandbox<object>): Steps<void> {
    yield* this.#builder.add(sandbox.heap.leaks(), { labels: labelsOf(sandbox) });
  }

  finish(): HeapProfile {
    return this.#builder.finish(Date.now());
  }
}

/** A profile without samples whose comment says why it has none. */
export function emptyProfile(kind: HeapKind): HeapProfile {
  const header = headerOf(kind);
  const builder = new ProfileBuilder({
    ...header,
    timeNanos: BigInt(Date.now()) * 1_000_000n,
    comments: [...(header.comments ?? []), NO_SANDBOX],
  });
  return new HeapProfile(builder.finish());
}
