// The place of this thread among the threads of the process that have imported this package. Every such thread is found
// without code of the user's:
//   - A worker listens for requests as soon as it imports the package, and says hello.
//   - The main thread can be asked from its first worker on, or when it makes profiles itself. A program without workers
//     opens nothing.
//   - A thread that makes profiles of all threads (a follower) keeps a list of who is there. Only with that list can it
//     tell a thread that is busy from one that does not exist.
// A thread leaves the list when it says so as it exits, when the thread that started it sees that it has ended, or with
// the thread further out that has ended. No listener is added to the user's Workers, and no channel keeps the process.
//
// Test runners run files in contexts of their own (node:vm) within one thread. A channel would hold such a context for
// as long as the thread lives, so there one is open only while profiles are made.

import { basename } from 'node:path';
import * as workerThreads from 'node:worker_threads';
import {
  BroadcastChannel,
  getEnvironmentData,
  isMainThread,
  threadId,
  type Worker,
} from 'node:worker_threads';
import { VERSION } from '../profile/version.ts';
import {
  goneThreads,
  HELLO,
  LONGEST_TEXT,
  NEWS,
  now,
  PROTOCOL,
  REQUESTS,
  type Request,
  readNews,
  readRequest,
  sealed,
  type ThreadIdentity,
} from './messages.ts';

/** Makes the answers of this thread; loaded with the first request. */
export interface Answerer {
  /**
   * Answers a question; what it throws is told to whoever asks. Null when there is nothing to say. Answering that takes
   * the request's `duration` calls `working` when that is over.
   */
  answer(request: Request, working: () => void): Promise<object | null>;
  /** These threads have ended: what they had asked for to go on can stop. */
  ended(threads: ReadonlySet<number>): void;
}

/** A thread on the list. */
export interface Member {
  readonly identity: ThreadIdentity;
  readonly protocol: number;
  /** How many requests in a row it has not answered in time. */
  missed: number;
  /** When it was last heard of, on the clock of `now()`. */
  heard: number;
}

/** Hears of threads that come. */
export type Follower = (thread: ThreadIdentity) => void;

/** A thread that missed so many requests in a row is not waited for until it is heard of again. */
export const PATIENCE = 3;
/** Milliseconds of silence after which a thread whose end nobody would see is taken to have ended. */
const LONGEST_SILENCE = 600_000;
/** Most threads on the list that do not answer. */
const MOST_SILENT = 100;
/** Threads that have ended are remembered for as long as messages of theirs may be on the way. */
const ENDED_KEPT = 10_000;
const LONGEST_NAME = 200;
/** Key of the environment data that tell a thread which one further out has this package. */
export const PARENT = 'heapline.parent';

/** This thread among the others. */
export class ThreadHub {
  readonly self: ThreadIdentity;
  readonly members = new Map<number, Member>();
  /** Since when there has been a list, on the clock of `now()`. */
  watchedSince = 0;

  readonly #load: () => Promise<Answerer>;
  readonly #children = new Map<number, WeakRef<Worker>>();
  readonly #followers = new Set<Follower>();
  #answerer: Promise<Answerer> | null = null;
  #requests: BroadcastChannel | null = null;
  #news: BroadcastChannel | null = null;
  /** Threads that have ended. Messages of theirs may still come; numbers are never used again. */
  readonly #ended = new Set<number>();
  /** Threads that have asked for something, which may be going on. */
  readonly #askers = new Set<number>();
  /** The thread can be asked, whether or not it keeps the list. */
  #resident = false;
  /** It keeps the list, whether or not it has followers. */
  #watchful = false;
  #asking = false;

  constructor(load: () => Promise<Answerer>) {
    this.#load = load;
    const parent = isMainThread ? null : getEnvironmentData(PARENT);
    this.self = {
      id: threadId,
      name: ownName(),
      parent: typeof parent === 'number' ? parent : null,
      version: VERSION,
    };
  }

  /** Can be asked for as long as the thread lives, and says that it is there. */
  reside(): void {
    if (this.#resident) return;
    this.#resident = true;
    this.#listen();
    if (this.self.id === 0) return;
    this.#tell({ type: 'hello' });
    // The thread that started this one may not have this package, and then nobody sees the end.
    process.once('exit', () => this.#farewell([this.self.id], this.#asking));
  }

  /** Takes note of a worker that this thread has started. From now on there is somebody to hear of. */
  started(worker: Worker): void {
    this.reside();
    this.#watchful = true;
    this.#watch();
    this.sweep();
    if (worker.threadId > 0) this.#children.set(worker.threadId, new WeakRef(worker));
  }

  /** Keeps the list, at least until the function that comes back is called. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    this.#listen();
    this.#watch();
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size > 0) return;
      if (!this.#watchful) {
        this.#news?.close();
        this.#news = null;
        this.members.clear();
      }
      if (!this.#resident) {
        this.#requests?.close();
        this.#requests = null;
      }
    };
  }

  /** Posts a request; its answers go to the channel `reply`. Only followers may. */
  ask(request: Omit<Request, 'protocol' | 'from' | 'type'>): void {
    this.#asking = true;
    this.#requests?.postMessage(sealed(this.self, { type: 'request', ...request }));
  }

  /** Posts what needs no answer. Only followers may. */
  tell(question: unknown): void {
    this.ask(this.#order(question));
  }

  /** A channel for answers, to be closed. */
  replies(name: string, receive: (message: unknown) => void): BroadcastChannel {
    return this.#open(name, receive);
  }

  /** Takes the threads that this one has started and that have ended off the list, everybody's. */
  sweep(): void {
    const ended: number[] = [];
    for (const [id, child] of this.#children) {
      // Node.js keeps a Worker for as long as it runs; afterwards its number is -1.
      if ((child.deref()?.threadId ?? -1) > 0) continue;
      this.#children.delete(id);
      ended.push(id);
    }
    if (ended.length === 0) return;
    this.#drop(ended);
    this.#farewell(
      ended,
      ended.some((id) => this.#askers.has(id)),
    );
  }

  /** Takes note that a thread has been heard of. */
  heardOf(identity: ThreadIdentity, protocol: number): void {
    const { id } = identity;
    if (id === this.self.id || this.#ended.has(id)) return;
    const known = this.members.get(id);
    if (known !== undefined && known.protocol === protocol) {
      known.missed = 0;
      known.heard = now();
      return;
    }
    // Two versions of this package in one thread: the one that this one understands counts.
    if (known?.protocol === PROTOCOL) return;
    this.members.set(id, { identity, protocol, missed: 0, heard: now() });
    if (protocol === PROTOCOL) for (const follower of this.#followers) follower(identity);
  }

  /** Takes note that a thread has not answered in time. */
  missedBy(member: Member): void {
    member.missed++;
    const silent = [...this.members.values()].filter(
      ({ identity, missed }) => missed >= PATIENCE && !this.#isWatched(identity),
    );
    const before = now() - LONGEST_SILENCE;
    for (const [i, { identity, heard }] of silent.entries()) {
      if (heard < before || i < silent.length - MOST_SILENT) this.members.delete(identity.id);
    }
  }

  /** Whether somebody sees the end of the thread: whoever started it. Deno does not tell of workers that start. */
  #isWatched({ id, parent }: ThreadIdentity): boolean {
    if (id === 0 || this.#children.has(id)) return true;
    return parent !== null && parent !== this.self.id && (parent === 0 || this.members.has(parent));
  }

  #listen(): void {
    this.#requests ??= this.#open(REQUESTS, (message) => this.#asked(message));
  }

  #open(name: string, receive: (message: unknown) => void): BroadcastChannel {
    const channel = new BroadcastChannel(name);
    channel.onmessage = (event: unknown) => receive((event as { data: unknown }).data);
    channel.unref();
    return channel;
  }

  #watch(): void {
    if (this.#news !== null) return;
    this.#news = this.#open(NEWS, (message) => this.#heard(message));
    this.watchedSince = now();
    this.#requests?.postMessage(sealed(this.self, { type: 'request', ...this.#order(HELLO) }));
  }

  #farewell(threads: readonly number[], haveAsked: boolean): void {
    this.#tell({ type: 'gone', threads });
    if (!haveAsked) return;
    const request = { type: 'request', ...this.#order({ gone: threads }) };
    this.#postTo(REQUESTS, sealed(this.self, request), this.#requests);
  }

  #order(question: unknown): Omit<Request, 'protocol' | 'from' | 'type'> {
    return { id: '', reply: '', expires: now(), duration: 0, question };
  }

  #tell(message: { type: 'hello' } | { type: 'gone'; threads: readonly number[] }): void {
    this.#postTo(NEWS, sealed(this.self, message), this.#news);
  }

  #postTo(name: string, message: object, open: BroadcastChannel | null = null): void {
    const channel = open ?? new BroadcastChannel(name);
    try {
      channel.postMessage(message);
    } finally {
      if (open === null) channel.close();
    }
  }

  #heard(message: unknown): void {
    const news = readNews(message);
    if (news === null || news.from.id === this.self.id) return;
    if (news.type === 'gone') this.#drop(news.threads);
    else this.heardOf(news.from, news.protocol);
  }

  /** Threads that a thread has started end with it. */
  #drop(threads: readonly number[]): void {
    const ended = new Set(threads);
    for (let before = -1; before !== ended.size; ) {
      before = ended.size;
      for (const { identity } of this.members.values()) {
        if (identity.parent !== null && ended.has(identity.parent)) ended.add(identity.id);
      }
    }
    for (const id of ended) {
      this.members.delete(id);
      this.#askers.delete(id);
      this.#ended.add(id);
    }
    for (const id of this.#ended) {
      if (this.#ended.size <= ENDED_KEPT) break;
      this.#ended.delete(id);
    }
    this.#answerer?.then((answerer) => answerer.ended(ended)).catch(() => {});
  }

  #asked(message: unknown): void {
    const request = readRequest(message);
    if (request === null || request.from.id === this.self.id) return;
    const { from, question, reply, expires } = request;
    this.sweep();
    const gone = goneThreads(question);
    if (question === HELLO) this.#tell({ type: 'hello' });
    else if (gone !== null) this.#drop(gone);
    else {
      this.#askers.add(from.id);
      // A thread that was busy for long finds all that it was asked meanwhile; nobody waits for that any more.
      if (reply === '' || now() < expires) void this.#answer(request);
    }
  }

  async #answer(request: Request): Promise<void> {
    const { id, reply } = request;
    const send = (message: object): void => {
      if (reply !== '') this.#postTo(reply, sealed(this.self, message));
    };
    const working = (): void => send({ type: 'working', id });
    let answer: object | null;
    try {
      if (request.protocol === PROTOCOL) {
        if (request.duration === 0) working();
        this.#answerer ??= this.#load();
        const given = await (await this.#answerer).answer(request, working);
        answer = given === null ? null : { type: 'answer', id, answer: given };
      } else answer = { type: 'unsupported', id };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      answer = { type: 'failed', id, message: text.slice(0, LONGEST_TEXT) };
    }
    if (answer !== null) send(answer);
  }
}

function ownName(): string {
  if (isMainThread) return 'main';
  // Node.js before 22.20 and 24.6 does not tell; later ones have a name of their own for threads without one.
  const { threadName } = workerThreads as { threadName?: string | null };
  const named = threadName === 'WorkerThread' ? '' : threadName;
  const script = process.argv[1] ?? '';
  return (named || (/^\[/.test(script) ? '' : basename(script)) || 'worker').slice(0, LONGEST_NAME);
}
