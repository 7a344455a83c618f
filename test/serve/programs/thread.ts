// The worker of threads.test.ts: a thread that runs C and follows orders. Its argument is the path of service.c.

import { once } from 'node:events';
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { HeapProfile, loadC, type Sandbox } from '../../../src/index.ts';
import { pprofFetch } from '../../../src/serve/index.ts';
import type { Service } from '../../support/served.ts';

export interface Orders {
  /** The orders, which are carried out one after another. */
  readonly keep?: number;
  readonly lose?: number;
  readonly churn?: number;
  /** Allocate this number of arrays of 1000 elements in JavaScript. */
  readonly arrays?: number;
  /** Run in a loop for this number of milliseconds, `times` times with breaks of 5 ms. */
  readonly busy?: number;
  readonly times?: number;
  /** Do nothing for this number of milliseconds, without letting the event loop turn. */
  readonly blocked?: number;
  readonly wreck?: true;
  readonly dispose?: true;
  /** Start a worker of this program. */
  readonly nest?: true;
  /** Take profiles of all threads here until one of them shows this number. */
  readonly serve?: number;
  /** Report that the orders are carried out before they are, because there is no report afterwards. */
  readonly early?: true;
  readonly end?: 'exit' | 'throw' | 'idle';
}

export interface Report {
  readonly instance: string;
  /** In-use bytes of `serve` by the label `thread`. */
  readonly shown?: Readonly<Record<string, number>>;
  /** Number of the nested thread. */
  readonly nested?: number;
}

const port: MessagePort = parentPort!;
const [, , source] = process.argv;
const kept: unknown[] = [];

function allocateArrays(count: number): void {
  for (let i = 0; i < count; i++) kept.push(new Array(1000).fill(i));
}

function spinInJavaScript(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

/** Blocks this thread. Other than a loop, it takes no processor from those who wait for this thread. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

let lib: Sandbox<Service> | null = null;
if (workerData?.empty !== true) {
  lib = await loadC<Service>(source!, { toolchain: 'clang', flags: ['-O1'] });
}
const report = (): Report => ({ instance: lib?.instance ?? '' });

port.on('message', async (orders: Orders) => {
  const { keep, lose, churn, arrays, busy, times = 1, blocked, nest, serve, end } = orders;
  if (orders.early === true) port.postMessage(report());
  if (keep !== undefined) lib!.exports.keep(keep);
  if (lose !== undefined) lib!.exports.lose(lose);
  if (churn !== undefined) lib!.exports.churn(churn);
  if (arrays !== undefined) allocateArrays(arrays);
  if (orders.wreck === true) new Uint8Array(lib!.memory.buffer).fill(0xff);
  if (orders.dispose === true) lib!.dispose();
  for (let i = 0; busy !== undefined && i < times; i++) {
    spinInJavaScript(busy);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  if (blocked !== undefined) block(blocked);
  let more: Partial<Report> = {};
  if (nest === true) {
    const inner = new Worker(new URL(import.meta.url), { argv: [source!] });
    const { threadId } = inner;
    await once(inner, 'message');
    inner.postMessage({ keep: 700 } satisfies Orders);
    await once(inner, 'message');
    more = { nested: threadId };
  }
  if (serve !== undefined) {
    using handler = pprofFetch();
    let shown: Record<string, number> = {};
    // On a busy machine, a new handler may be asked before all threads have said hello.
    for (let i = 0; Object.keys(shown).length < serve && i < 50; i++) {
      const answer = await handler(new Request('http://localhost/debug/pprof/heap'));
      shown = {};
      for (const { labels, values } of HeapProfile.decode(
        new Uint8Array(await answer.arrayBuffer()),
      ).samples()) {
        shown[labels.thread!] = (shown[labels.thread!] ?? 0) + values.at(-1)!;
      }
    }
    more = { shown };
  }
  if (orders.early !== true) port.postMessage({ ...report(), ...more });
  if (end === 'exit') process.exit(0);
  if (end === 'throw') throw new Error('this thread crashes');
  if (end === 'idle') port.close();
});
port.postMessage(report());
