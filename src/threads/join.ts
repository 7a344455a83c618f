// What the import of this package does for other threads: a worker becomes reachable, and the main thread waits for its
// first worker.

import { isMainThread, setEnvironmentData, threadId, type Worker } from 'node:worker_threads';
import { VERSION } from '../profile/version.ts';
import { type Answerer, PARENT, ThreadHub } from './hub.ts';
import { threadLabel } from './messages.ts';

/** The hub of this thread (in a test runner: of this context), shared by all copies of this version of the package. */
interface Place {
  hub: ThreadHub | null;
  readonly load: () => Promise<Answerer>;
}

const KEY = Symbol.for(`heapline.threads ${VERSION}`);
const holder = globalThis as { [KEY]?: Place };

/** Called when the package is imported. @param load loads the code that answers other threads */
export function joinThreads(load: () => Promise<Answerer>): void {
  if (holder[KEY] !== undefined) return;
  holder[KEY] = { hub: null, load };
  if (!inOwnContext()) return;
  process.on('worker', (worker: Worker) => threadHub().started(worker));
  if (!isMainThread) threadHub().reside();
  // The threads that this one will start read this. The hub has already read the value that was set for this thread.
  setEnvironmentData(PARENT, threadId);
}

/** This thread among the others. */
export function threadHub(): ThreadHub {
  const place = holder[KEY];
  if (place === undefined) throw new Error('joinThreads() has not been called.');
  place.hub ??= new ThreadHub(place.load);
  return place.hub;
}

/** The value of the label `thread` in profiles of this thread. */
export function ownThreadLabel(): string {
  return isMainThread ? 'main' : threadLabel(threadHub().self);
}

/**
 * False in a context of node:vm, which some test runners make for each file: there `Function` is not the class of the
 * process's own functions.
 */
export function inOwnContext(): boolean {
  return process.nextTick instanceof Function;
}
