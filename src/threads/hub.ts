// The place of this thread among the threads of the process that have imported this package. Every such thread is found
// without any code of the user:
//   - A worker listens for requests as soon as it imports the package, and says hello.
//   - The main thread can be asked once it has started a worker or makes profiles itself. A program without workers
//     opens no channel.
//   - A thread that makes profiles of all threads (a follower) keeps a list of the threads. It needs the list to tell a
//     busy thread from one that does not exist.
// A thread leaves the list when it says goodbye as it exits, when the thread that started it sees that it has ended, or
// when a thread further out ends. No listener is added to the user's Workers, and no channel keeps the process alive.
//
// Test runners run files in contexts of their own (node:vm) within one thread. A channel would hold such a context for
// as long as the thread lives. Therefore a channel there is open only while profiles are made.

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

/** Makes the answers of this thread. It is loaded when the first request arrives. */
export interface Answerer {
  /**
   * Answers a question, or returns null when there is nothing to say. An error is reported to the asking thread. A
   * question that takes the request's `duration` calls `working` when that time is over.
   */
  answer(request: Request, working: () => void): Promise<object | null>;
  /** These threads have ended: work that they have asked for can stop. */
  ended(threads: ReadonlySet<number>): void;
}

/** A thread on the list. */
export interface Member {
  readonly identity: ThreadIdentity;
  readonly protocol: number;
  /** How many requests in a row the thread has not answered in time. */
  missed: number;
  /** When its last message came, on the clock of `now()`. */
  heard: number;
}

/** Is told of new threads. */
export type Follower = (thread: ThreadIdentity) => void;

/** After so many missed requests in a row, nobody waits for a thread until its next message. */
export const PATIENCE = 3;
/** Milliseconds of silence after which a thread counts as ended if nobody would see its end. */
const LONGEST_SILENCE = 600_000;
/** The most silent threads that the list keeps. */
const MOST_SILENT = 100;
/** How many ended threads are remembered, because messages of theirs may still be on the way. */
const ENDED_KEPT = 10_000;
const LONGEST_NAME = 200;
/** Key of the environment data that tells a thread which thread further out has this package. */
export const PARENT = 'heapline.parent';

/** This thread among the others. */
export class ThreadHub {
  readonly self: ThreadIdentity;
  readonly members = new Map<number, Member>();
  /** When the list was started, on the clock of `now()`. */
  watchedSince = 0;

  readonly #load: () => Promise<Answerer>;
  readonly #children = new Map<number, WeakRef<Worker>>();
  readonly #followers = new Set<Follower>();
  #answerer: Promise<Answerer> | null = null;
  #requests: BroadcastChannel | null = null;
  #news: BroadcastChannel | null = null;
  /** Threads that have ended. Their messages may still arrive; thread numbers are never used again. */
  readonly #ended = new Set<number>();
  /** Threads that have asked for work that may still be going on. */
  readonly #askers = new Set<number>();
  /** The thread can be asked, whether or not it keeps the list. */
  #resident = false;
  /** The thread keeps the list, whether or not it has followers. */
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

  /** From now on the thread can be asked as long as it lives. Says hello to the others. */
  reside(): void {
    if (this.#resident) return;
    this.#resident = true;
    this.#listen();
    if (this.self.id === 0) return;
    this.#tell({ type: 'hello' });
    // The thread that started this one may not have this package: then nobody sees the end of this thread.
    process.once('exit', () => this.#farewell([this.self.id], this.#asking));
  }

  /** Remembers a worker that this thread has started. */
  started(worker: Worker): void {
    this.reside();
    this.#watchful = true;
    this.#watch();
    this.sweep();
    if (worker.threadId > 0) this.#children.set(worker.threadId, new WeakRef(worker));
  }

  /** Keeps the list, at least until the returned function is called. */
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

  /** Posts a request, whose answers go to the channel `reply`. Only followers may call this. */
  ask(request: Omit<Request, 'protocol' | 'from' | 'type'>): void {
    this.#asking = true;
    this.#requests?.postMessage(sealed(this.self, { type: 'request', ...request }));
  }

  /** Posts a message that needs no answer. Only followers may call this. */
  tell(question: unknown): void {
    this.ask(this.#order(question));
  }

  /** Opens a channel for answers. The caller closes it. */
  replies(name: string, receive: (message: unknown) => void): BroadcastChannel {
    return this.#open(name, receive);
  }

  /** Removes the ended threads among those that this one has started from the list, and tells the other threads. */
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

  /** Notes that a message of a thread has arrived. */
  heardOf(identity: ThreadIdentity, protocol: number): void {
    const { id } = identity;
    if (id === this.self.id || this.#ended.has(id)) return;
    const known = this.members.get(id);
    if (known !== undefined && known.protocol === protocol) {
      known.missed = 0;
      known.heard = now();
      return;
    }
    // A thread may have two versions of this package: the version that this one understands counts.
    if (known?.protocol === PROTOCOL) return;
    this.members.set(id, { identity, protocol, missed: 0, heard: now() });
    if (protocol === PROTOCOL) for (const follower of this.#followers) follower(identity);
  }

  /** Notes that a thread has not answered in time. */
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

  /** Whether the thread that started this one is there to see its end. Deno does not report workers that start. */
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

  /** Removes threads, and all threads further in, because they end with the thread that started them. */
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
      // A thread that was busy for a long time finds old requests that nobody waits for any more.
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
  // Node.js before 22.20 and 24.6 does not tell the name; later versions call a thread without a name WorkerThread.
  const { threadName } = workerThreads as { threadName?: string | null };
  const named = threadName === 'WorkerThread' ? '' : threadName;
  const script = process.argv[1] ?? '';
  return (named || (/^\[/.test(script) ? '' : basename(script)) || 'worker').slice(0, LONGEST_NAME);
}
