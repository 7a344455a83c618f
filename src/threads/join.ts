// What importing this package does for other threads: in a worker it makes the thread reachable; in the main thread it
// waits for the first worker.

import { isMainThread, setEnvironmentData, threadId, type Worker } from 'node:worker_threads';
import { VERSION } from '../profile/version.ts';
import { type Answerer, PARENT, ThreadHub } from './hub.ts';
import { threadLabel } from './messages.ts';

/** The hub of this thread (in a test runner: of this context), for all copies of this version of the package. */
interface Place {
  hub: ThreadHub | null;
  readonly load: () => Promise<Answerer>;
}

const KEY = Symbol.for(`heapline.threads ${VERSION}`);
const holder = globalThis as { [KEY]?: Place };

/** Called when the package is imported; `load` loads what answers other threads. */
export function joinThreads(load: () => Promise<Answerer>): void {
  if (holder[KEY] !== undefined) return;
  holder[KEY] = { hub: null, load };
  if (!inOwnContext()) return;
  process.on('worker', (worker: Worker) => threadHub().started(worker));
  if (!isMainThread) threadHub().reside();
  // For the threads that this one will start; the hub has read what was meant for this one.
  setEnvironmentData(PARENT, threadId);
}

/** This thread among the others. */
export function threadHub(): ThreadHub {
  const place = holder[KEY];
  if (place === undefined) throw new Error('joinThreads() has not been called.');
  place.hub ??= new ThreadHub(place.load);
  return place.hub;
}

/** What the label `thread` says in profiles of this thread. */
export function ownThreadLabel(): string {
  return isMainThread ? 'main' : threadLabel(threadHub().self);
}

/** False in a context of node:vm, as test runners make one for each file: its functions are not the process's. */
export function inOwnContext(): boolean {
  return process.nextTick instanceof Function;
}
