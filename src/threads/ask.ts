// One question to all other threads. The asking thread waits for the threads that it knows and that understand it: for
// each of them until it has answered, has ended, or its time is up.

import { randomUUID } from 'node:crypto';
import { type Member, PATIENCE, type ThreadHub } from './hub.ts';
import { type Answer, now, PROTOCOL, readAnswer, type ThreadIdentity } from './messages.ts';

/** A thread whose part is missing, and why. */
export interface AbsentThread {
  readonly thread: ThreadIdentity;
  /** The reason as people read it after the thread's name, such as `did not answer within 1 s`. */
  readonly reason: string;
}

/** The result of a question. */
export interface Answers {
  readonly answers: readonly { readonly thread: ThreadIdentity; readonly answer: unknown }[];
  readonly absent: readonly AbsentThread[];
}

/** How a question is asked. */
export interface Asking {
  /** Milliseconds within which a thread must begin to answer. */
  readonly timeout: number;
  /** Milliseconds that the answer takes in any case. Default 0. */
  readonly duration?: number;
  /** Aborted when nobody wants the answers any more. */
  readonly signal?: AbortSignal;
  /** Makes the message that tells the threads so. */
  readonly cancel?: (id: string) => unknown;
}

/**
 * Milliseconds that threads have to say hello if they existed before the list. A worker is never alone, because there is
 * the main thread. When the main thread has just begun, there is usually no other thread.
 */
const INTRODUCTION = { main: 100, worker: 500 };
/** How many times longer the wait is for a thread that works on its answer: a large heap takes long. */
const WORK = 5;
/** Milliseconds between two looks at which threads have ended. */
const LOOK = 20;

/** Asks all other threads; `hub` must have a follower. */
export function askThreads(hub: ThreadHub, question: unknown, asking: Asking): Promise<Answers> {
  const began = now();
  const introduced = hub.watchedSince + (hub.self.id === 0 ? INTRODUCTION.main : INTRODUCTION.worker);
  hub.sweep();
  if (hub.members.size === 0 && began >= introduced) return Promise.resolve({ answers: [], absent: [] });
  return new Round(hub, asking, began, introduced).ask(question);
}

/** One question on its way, and its answers so far. */
class Round {
  readonly #id = randomUUID();
  readonly #hub: ThreadHub;
  readonly #asking: Asking;
  readonly #began: number;
  /** When all threads have had the time to say hello. */
  readonly #introduced: number;
  /** Threads that start during the round are not among them, because they have not heard the question. */
  readonly #asked: Set<number>;
  /** Until when each thread is waited for. */
  readonly #waitedFor = new Map<number, number>();
  readonly #working = new Set<number>();
  readonly #answers = new Map<number, Answers['answers'][number]>();
  readonly #failures = new Map<number, AbsentThread>();
  /** The time that counts; see #tick(). */
  #time = now();
  #finish: () => void = () => {};
  #done = false;

  constructor(hub: ThreadHub, asking: Asking, began: number, introduced: number) {
    this.#hub = hub;
    this.#asking = asking;
    this.#began = began;
    this.#introduced = introduced;
    this.#asked = new Set(hub.members.keys());
    const { timeout, duration = 0 } = asking;
    for (const { identity, protocol, missed } of hub.members.values()) {
      if (protocol !== PROTOCOL || missed >= PATIENCE) continue;
      this.#waitedFor.set(identity.id, began + timeout + duration);
    }
  }

  ask(question: unknown): Promise<Answers> {
    const { timeout, duration = 0, signal } = this.#asking;
    const id = this.#id;
    const reply = `heapline.answers.${id}`;
    return new Promise((resolve) => {
      const channel = this.#hub.replies(reply, (message) => {
        const answer = readAnswer(message);
        if (answer !== null && answer.id === id) this.#receive(answer);
      });
      const timer = setInterval(() => this.#tick(), LOOK);
      const abort = (): void => this.#abort();
      this.#finish = () => {
        this.#done = true;
        clearInterval(timer);
        signal?.removeEventListener('abort', abort);
        channel.close();
        resolve(this.#result());
      };
      signal?.addEventListener('abort', abort);
      this.#hub.ask({ id, reply, expires: this.#began + timeout, duration, question });
      if (signal?.aborted) abort();
    });
  }

  #receive(answer: Answer): void {
    const { from: thread, type } = answer;
    this.#hub.heardOf(thread, type === 'unsupported' ? answer.protocol : PROTOCOL);
    if (type === 'working') {
      this.#waitedFor.set(thread.id, now() + WORK * this.#asking.timeout);
      this.#working.add(thread.id);
      this.#asked.add(thread.id);
      return;
    }
    if (type === 'answer') {
      // A thread with two versions of the package answers twice: the first answer counts.
      if (!this.#answers.has(thread.id)) this.#answers.set(thread.id, { thread, answer: answer.answer });
    } else if (type === 'failed') {
      this.#failures.set(thread.id, { thread, reason: `could not answer: ${answer.message}` });
    }
    this.#waitedFor.delete(thread.id);
    this.#look();
  }

  // In one turn of the event loop, timers come before messages. If this thread was busy itself, answers that came in time
  // may still lie there. Therefore the time that counts is the time one turn ago.
  #tick(): void {
    const time = now();
    setImmediate(() => {
      this.#time = time;
      if (!this.#done) this.#look();
    });
  }

  /** Ends the round when there is nobody left to wait for. */
  #look(): void {
    this.#hub.sweep();
    for (const [thread, until] of this.#waitedFor) {
      if (!this.#hub.members.has(thread) || this.#time >= until) this.#waitedFor.delete(thread);
    }
    if (this.#waitedFor.size === 0 && this.#time >= this.#introduced) this.#finish();
  }

  #abort(): void {
    const { cancel } = this.#asking;
    if (cancel !== undefined) this.#hub.tell(cancel(this.#id));
    this.#asked.clear();
    this.#finish();
  }

  #result(): Answers {
    // The order of the threads' numbers makes the same threads give the same profile.
    const answers = [...this.#answers.values()].sort((a, b) => a.thread.id - b.thread.id);
    return { answers, absent: [...this.#failures.values(), ...this.#silent()] };
  }

  #silent(): AbsentThread[] {
    return [...this.#asked]
      .filter((thread) => !this.#answers.has(thread) && !this.#failures.has(thread))
      .flatMap((thread) => {
        const member = this.#hub.members.get(thread);
        return member === undefined ? [] : [{ thread: member.identity, reason: this.#reasonOf(member) }];
      });
  }

  #reasonOf(member: Member): string {
    const { identity, protocol } = member;
    const { timeout } = this.#asking;
    if (protocol !== PROTOCOL) {
      const { version } = this.#hub.self;
      return `has version ${identity.version} of heapline, which does not understand this one, ${version}`;
    }
    if (this.#working.has(identity.id))
      return `did not finish its answer within ${(WORK * timeout) / 1000} s`;
    this.#hub.missedBy(member);
    return member.missed < PATIENCE
      ? `did not answer within ${timeout / 1000} s`
      : `has not answered ${member.missed} times: it is busy, or has been terminated`;
  }
}
