// Runs JavaScript of this thread in the middle of C that loops. A thread of its own waits until the time is up. Then it
// asks V8's inspector to evaluate an expression in the main thread, which V8 does at the next loop or call of whatever
// runs there, in WebAssembly as well. The inspector is connected for this moment only. It reaches the main thread alone.

import type { Worker } from 'node:worker_threads';
import { builtin } from './builtin-modules.ts';
import { mainWorld } from './stoppable.ts';

/** Where the expression finds its function. */
const INTERRUPT = Symbol.for('heapline.interrupt');

// Both arrays are in one shared memory: the number of the request, and the milliseconds that it has left.
const WATCH = `
const { workerData } = require('node:worker_threads');
const { Session } = require('node:inspector');
const number = new Int32Array(workerData, 0, 1);
const left = new Float64Array(workerData, 8, 1);
const clock = () => Number(process.hrtime.bigint()) / 1e6;
let seen = 0;
function watch() {
  for (;;) {
    Atomics.wait(number, 0, seen);
    seen = Atomics.load(number, 0);
    const due = clock() + left[0];
    while (Atomics.load(number, 0) === seen && clock() < due) Atomics.wait(number, 0, seen, due - clock());
    if (Atomics.load(number, 0) === seen && due < Infinity) break;
  }
  const session = new Session();
  session.connectToMainThread();
  const expression = "globalThis[Symbol.for('heapline.interrupt')]?.()";
  const done = () => {
    session.disconnect();
    setImmediate(watch);
  };
  // The engine may stop the expression, and not what runs below it. So the engine is asked once more.
  session.post('Runtime.evaluate', { expression }, (stopped) => {
    if (stopped && Atomics.load(number, 0) === seen) session.post('Runtime.terminateExecution', done);
    else done();
  });
}
// A connected session does not keep the thread alive.
setInterval(() => {}, 2 ** 30);
watch();
`;

class Interrupter {
  readonly #number: Int32Array;
  readonly #left: Float64Array;
  #broken = false;

  constructor() {
    const memory = new SharedArrayBuffer(16);
    this.#number = new Int32Array(memory, 0, 1);
    this.#left = new Float64Array(memory, 8, 1);
    const { Worker } = builtin('node:worker_threads');
    const worker: Worker = new Worker(WATCH, { eval: true, workerData: memory, execArgv: [], env: {} });
    worker.unref();
    for (const event of ['error', 'exit']) {
      worker.on(event, () => {
        this.#broken = true;
      });
    }
  }

  after(milliseconds: number, interrupt: () => void): (() => void) | null {
    if (this.#broken) return null;
    const world = mainWorld() as { [INTERRUPT]?: () => void };
    world[INTERRUPT] = interrupt;
    this.#ask(milliseconds);
    return () => {
      delete world[INTERRUPT];
      this.#ask(Number.POSITIVE_INFINITY);
    };
  }

  #ask(milliseconds: number): void {
    this.#left[0] = milliseconds;
    Atomics.add(this.#number, 0, 1);
    Atomics.notify(this.#number, 0);
  }
}

let interrupter: Interrupter | null | undefined;

/**
 * Runs `interrupt` after so many milliseconds, in the middle of whatever runs then. Returns the function that takes it
 * back; null when nothing can interrupt this thread. There is one interrupt at a time.
 */
export function interruptAfter(milliseconds: number, interrupt: () => void): (() => void) | null {
  interrupter ??= make();
  return interrupter?.after(milliseconds, interrupt) ?? null;
}

function make(): Interrupter | null {
  if (!builtin('node:worker_threads').isMainThread) return null;
  try {
    return new Interrupter();
  } catch {
    return null; // Node.js may run without the right to make threads (`--permission`).
  }
}
