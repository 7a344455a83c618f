// One question to all other threads. Threads that are known and can answer are waited for, each until it has answered,
// has ended, or the time is up.

import { randomUUID } from 'node:crypto';
import { type Member, PATIENCE, type ThreadHub } from './hub.ts';
import { now, PROTOCOL, readAnswer, type ThreadIdentity } from './messages.ts';

/** A thread whose part is missing, and why. */
export interface AbsentThread {
  readonly thread: ThreadIdentity;
  /** What people are told after the thread's name, such as `did not answer within 1 s`. */
  readonly reason: string;
}

/** What came of a question. */
export interface Answers {
  readonly answers: readonly { readonly thread: ThreadIdentity; readonly answer: unknown }[];
  readonly absent: readonly AbsentThread[];
}

/** How a question is put. */
export interface Asking {
  /** Milliseconds within which a thread must begin to answer. */
  readonly timeout: number;
  /** Milliseconds that the answering takes by itself. Default 0. */
  readonly duration?: number;
  /** Aborted when nobody wants the answers any more. */
  readonly signal?: AbortSignal;
  /** What tells the threads so. */
  readonly cancel?: (id: string) => unknown;
}

/**
 * Threads that were there before the list was kept are given so many milliseconds to say hello. A worker is not alone:
 * there is the main thread at least. Where the main thread has just begun, there mostly is nobody.
 */
const INTRODUCTION = { main: 100, worker: 500 };
/** A thread that works on its answer is waited for so many times longer: a large heap is much work. */
const WORK = 5;
/** Milliseconds from one look at who has ended to the next. */
const LOOK = 20;

/** Asks all other threads; `hub` must have a follower. */
export function askThreads(hub: ThreadHub, question: unknown, asking: Asking): Promise<Answers> {
  const { timeout, duration = 0, signal, cancel } = asking;
  const began = now();
  const introduced = hub.watchedSince + (hub.self.id === 0 ? INTRODUCTION.main : INTRODUCTION.worker);
  hub.sweep();
  if (hub.members.size === 0 && began >= introduced) return Promise.resolve({ answers: [], absent: [] });

  const id = randomUUID();
  const reply = `heapline.answers.${id}`;
  const answers = new Map<number, Answers['answers'][number]>();
  const failures = new Map<number, AbsentThread>();
  // Threads that begin while others are waited for have not heard the question.
  const asked = [...hub.members.keys()];
  /** Until when each is waited for. */
  const waitedFor = new Map<number, number>();
  const working = new Set<number>();
  for (const { identity, protocol, missed } of hub.members.values()) {
    if (protocol === PROTOCOL && missed < PATIENCE) waitedFor.set(identity.id, began + timeout + duration);
  }
  return new Promise((resolve) => {
    const channel = hub.replies(reply, (message) => {
      const answer = readAnswer(message);
      if (answer === null || answer.id !== id) return;
      const { from: thread } = answer;
      hub.heardOf(thread, answer.type === 'unsupported' ? answer.protocol : PROTOCOL);
      if (answer.type === 'working') {
        waitedFor.set(thread.id, now() + WORK * timeout);
        working.add(thread.id);
        if (!asked.includes(thread.id)) asked.push(thread.id);
        return;
      }
      if (answer.type === 'answer') {
        // The first one, where a thread has two versions of the package.
        if (!answers.has(thread.id)) answers.set(thread.id, { thread, answer: answer.answer });
      } else if (answer.type === 'failed') {
        failures.set(thread.id, { thread, reason: `could not answer: ${answer.message}` });
      }
      waitedFor.delete(thread.id);
      look();
    });
    let done = false;
    const finish = (): void => {
      done = true;
      clearInterval(timer);
      signal?.removeEventListener('abort', abort);
      channel.close();
      // In the order of their numbers, so that the same threads give the same profile.
      const ordered = [...answers.values()].sort((a, b) => a.thread.id - b.thread.id);
      resolve({ answers: ordered, absent: [...failures.values(), ...missing()] });
    };
    const abort = (): void => {
      if (cancel !== undefined) hub.tell(cancel(id));
      asked.length = 0;
      finish();
    };
    let given = now();
    const look = (): void => {
      hub.sweep();
      for (const [thread, until] of waitedFor) {
        if (!hub.members.has(thread) || given >= until) waitedFor.delete(thread);
      }
      if (waitedFor.size === 0 && given >= introduced) finish();
    };
    // Timers come before messages in a turn of the event loop. If this thread was busy itself, answers may lie there that
    // came in time, so the time counts that had passed one turn ago.
    const tick = (): void => {
      const time = now();
      setImmediate(() => {
        given = time;
        if (!done) look();
      });
    };
    const missing = (): AbsentThread[] => {
      const silent = asked.filter((thread) => !answers.has(thread) && !failures.has(thread));
      return silent.flatMap((thread) => {
        const member = hub.members.get(thread);
        return member === undefined ? [] : [{ thread: member.identity, reason: reasonOf(member) }];
      });
    };
    const reasonOf = (member: Member): string => {
      const { identity, protocol } = member;
      if (protocol !== PROTOCOL) {
        return `has version ${identity.version} of heapline, which does not understand this one, ${hub.self.version}`;
      }
      if (working.has(identity.id)) return `did not finish its answer within ${(WORK * timeout) / 1000} s`;
      hub.missedBy(member);
      return member.missed < PATIENCE
        ? `did not answer within ${timeout / 1000} s`
        : `has not answered ${member.missed} times: it is busy, or has been terminated`;
    };
    const timer = setInterval(tick, LOOK);
    signal?.addEventListener('abort', abort);
    hub.ask({ id, reply, expires: began + timeout, duration, question });
    if (signal?.aborted) abort();
  });
}
