// C in worker threads appears in every profile that another thread serves, whatever happens to the worker.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BroadcastChannel, SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { HeapProfile, InvalidArgumentError } from '../../src/index.ts';
import { decodeProfile } from '../../src/profile/decode.ts';
import { pprofHandler } from '../../src/serve/index.ts';
import { type Answer, loadService, programPath, type Served, serve } from '../support/served.ts';
import type { Orders, Report } from './programs/thread.ts';
import { buildThreadProgram } from './thread-program.ts';

const LEFT_OUT = 'heapline-threads-left-out';

const folder = mkdtempSync(join(tmpdir(), 'heapline-threads-'));
const program = join(folder, 'thread.mjs');
beforeAll(() => buildThreadProgram(folder, inject('scratch')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A worker that runs programs/thread.ts. */
class Thread {
  readonly label: string;
  readonly id: number;

  private constructor(readonly worker: Worker) {
    this.id = worker.threadId;
    this.label = `thread.mjs (${this.id})`;
    threads.add(this);
  }

  static async start(options: WorkerOptions = {}): Promise<Thread> {
    const worker = new Worker(program, { argv: [programPath('service.c')], ...options });
    const thread = new Thread(worker);
    worker.on('error', () => {});
    await once(worker, 'message');
    return thread;
  }

  async do(orders: Orders): Promise<Report> {
    const reported = once(this.worker, 'message');
    this.worker.postMessage(orders);
    return (await reported)[0] as Report;
  }

  /** Lets the thread answer nobody from now on for this number of milliseconds, or until it is terminated. */
  async busy(milliseconds: number): Promise<void> {
    await this.do({ early: true, blocked: milliseconds });
  }

  async terminate(): Promise<void> {
    threads.delete(this);
    await this.worker.terminate();
  }
}

const threads = new Set<Thread>();
let served: Served | null = null;
afterEach(async () => {
  await served?.[Symbol.asyncDispose]();
  served = null;
  await Promise.all([...threads].map((thread) => thread.terminate()));
});

const answerOf = async (target: string, from = served!): Promise<Answer> => {
  const answer = await from.ask(`/debug/pprof/${target}`);
  expect([target, answer.status, answer.status === 200 ? '' : answer.text]).toEqual([target, 200, '']);
  return answer;
};
const profileOf = async (target: string, from = served!): Promise<HeapProfile> =>
  HeapProfile.decode((await answerOf(target, from)).body);

/** Sums of one column by the label `thread`. */
function byThread(profile: HeapProfile, type: string): Record<string, number> {
  const column = profile.sampleTypes.findIndex((each) => each.type === type);
  const sums: Record<string, number> = {};
  for (const { labels, values } of profile.samples()) {
    const thread = String(labels.thread);
    sums[thread] = (sums[thread] ?? 0) + values[column]!;
  }
  return sums;
}

const inUse = async (target = 'heap', from = served!): Promise<Record<string, number>> =>
  byThread(await profileOf(target, from), 'inuse_space');

describe('the sandboxes of a worker', () => {
  test('are in every profile beside those of this thread, with the label of their thread', async () => {
    using mine = await loadService();
    mine.exports.keep(100);
    mine.exports.churn(10);
    mine.exports.lose(50);
    served = await serve();
    const first = await Thread.start();
    const second = await Thread.start();
    await first.do({ keep: 1000, churn: 10, lose: 50 });
    await second.do({ keep: 2000, churn: 10, lose: 50 });
    for (const [name, type] of [
      ['heap', 'inuse_space'],
      ['allocs', 'alloc_space'],
      ['peak', 'peak_space'],
      ['temporary', 'temporary_space'],
      ['lifetime', 'lifetime'],
      ['leaks', 'leaked_space'],
      ['delta_heap', 'alloc_space'],
      ['heap?gc=1', 'inuse_space'],
    ] as const) {
      const answer = await answerOf(name);
      const profile = HeapProfile.decode(answer.body);
      const sums = byThread(profile, type);
      expect([name, Object.keys(sums).sort()]).toEqual([name, ['main', first.label, second.label].sort()]);
      for (const sum of Object.values(sums)) expect(sum).toBeGreaterThan(0);
      if (type === 'inuse_space') {
        expect(sums.main).toBe(mine.heap.stats().inUseBytes);
        expect(sums[second.label]! - sums[first.label]!).toBe(1000);
      }
      expect(answer.headers[LEFT_OUT]).toBeUndefined();
      // Frames and lines come from the thread that has the module.
      const [frame] = [...profile.samples()].find(({ labels }) => labels.thread === first.label)!.frames;
      expect(frame!.file).toMatch(/service\.c$/);
      expect(frame!.line).toBeGreaterThan(0);
    }
  });

  test('are in the text, in its statistics, and in the counts of the index page', async () => {
    served = await serve();
    const [one, two] = [await Thread.start(), await Thread.start()];
    await one.do({ keep: 1000 });
    await two.do({ keep: 234 });
    const { text } = await answerOf('heap?debug=1');
    expect(text).toMatch(/^heap profile: 2: 1234 \[2: 1234\] @ heap\/2\n/);
    expect(text).toContain('\n# Alloc = 1234\n');
    expect(text).toContain('\n# Sandboxes = 2\n');
    const page = (await answerOf('')).text;
    expect(page).toContain('<th>Thread</th><th>Instance</th>');
    for (const { label } of [one, two])
      expect(page).toContain(`<tr><td>${label}</td><td>service.c</td><td>clang `);
    // Each thread has one context, and each gives a sample of its own.
    expect(page).toContain('<td class="n">2</td><td><a href="heap?debug=1">');
    const { locations, functions } = (await profileOf('heap')).model;
    const place = locations.find(({ lines }) => functions[lines[0]!.function]?.name === 'keep');
    const address = place!.address.toString(16);
    expect((await answerOf(`symbol?0x${address}`)).text).toContain(`0x${address} keep\n`);
  });

  test('belong to one thread each, although all threads have the same name', async () => {
    served = await serve();
    const workers = await Promise.all([1, 2, 3].map(() => Thread.start({ name: 'parser' })));
    for (const [i, { worker }] of workers.entries()) {
      const done = once(worker, 'message');
      worker.postMessage({ keep: 1000 + i } satisfies Orders);
      await done;
    }
    // Node.js before 22.20 does not tell a thread its name.
    const sums = Object.entries(await inUse());
    const found = sums.map(([label, sum]) => [/^(?:parser|thread\.mjs) \((\d+)\)$/.exec(label)?.[1], sum]);
    expect(found.sort()).toEqual(workers.map(({ id }, i) => [String(id), 1000 + i]).sort());
  });

  test('are found when threads share their environment, whichever thread was first', async () => {
    const early = await Thread.start({ env: SHARE_ENV });
    await early.do({ keep: 500 });
    served = await serve();
    const late = await Thread.start({ env: SHARE_ENV });
    await late.do({ keep: 600 });
    expect(await inUse()).toEqual({ [early.label]: 500, [late.label]: 600 });
  });

  test('are found in a worker within a worker, and disappear with either', async () => {
    served = await serve();
    const outer = await Thread.start();
    await outer.do({ keep: 300 });
    const { nested } = await outer.do({ nest: true });
    expect(await inUse()).toEqual({ [outer.label]: 300, [`thread.mjs (${nested})`]: 700 });
    await outer.terminate();
    const answer = await answerOf('heap');
    expect(answer.headers[LEFT_OUT]).toBeUndefined();
    expect(HeapProfile.decode(answer.body).sampleCount).toBe(0);
  });

  test('are visible to a handler in another worker, as those of the main thread are', async () => {
    using mine = await loadService();
    mine.exports.keep(100);
    const one = await Thread.start();
    const other = await Thread.start();
    await one.do({ keep: 1000 });
    await other.do({ keep: 2000 });
    const { shown } = await one.do({ serve: 3 });
    expect(shown).toEqual({ main: 100, [one.label]: 1000, [other.label]: 2000 });
  });

  test('are left out by a handler of certain sandboxes, unless it asks for all threads', async () => {
    using mine = await loadService();
    mine.exports.keep(100);
    const thread = await Thread.start();
    await thread.do({ keep: 1000 });
    for (const [options, expected] of [
      [{ sandboxes: [mine] }, { main: 100 }],
      [{ threads: false }, { main: 100 }],
      [
        { sandboxes: [mine], threads: true },
        { main: 100, [thread.label]: 1000 },
      ],
    ] as const) {
      await using some = await serve(options);
      expect(await inUse('heap', some)).toEqual(expected);
    }
  });

  test('are named with their thread when they cannot be read, and hide nothing', async () => {
    served = await serve();
    const good = await Thread.start();
    const bad = await Thread.start();
    await good.do({ keep: 1000 });
    await bad.do({ wreck: true });
    const answer = await answerOf('heap');
    const profile = HeapProfile.decode(answer.body);
    expect(byThread(profile, 'inuse_space')).toEqual({ [good.label]: 1000 });
    expect(profile.comments.join('\n')).toContain(`thread ${bad.label} is left out: it could not answer: `);
    expect(answer.headers[LEFT_OUT]).toBe(bad.label);
  });
});

describe('a worker that is busy', () => {
  test('is left out after a second and named everywhere, and is back later', async () => {
    served = await serve();
    const idle = await Thread.start();
    const busy = await Thread.start();
    await idle.do({ keep: 1000 });
    await busy.do({ keep: 2000 });
    await busy.busy(8000);
    const began = performance.now();
    const answer = await answerOf('heap');
    const took = performance.now() - began;
    expect(took).toBeGreaterThan(900);
    expect(took).toBeLessThan(5000);
    const profile = HeapProfile.decode(answer.body);
    expect(byThread(profile, 'inuse_space')).toEqual({ [idle.label]: 1000 });
    const said = `thread ${busy.label} is left out: it did not answer within 1 s`;
    expect(profile.comments).toContain(said);
    expect(answer.headers[LEFT_OUT]).toBe(busy.label);
    const text = await answerOf('heap?debug=1');
    expect(text.text).toContain(`\n# ${said}\n`);
    expect(text.headers[LEFT_OUT]).toBe(busy.label);
    const page = await answerOf('');
    expect(page.headers[LEFT_OUT]).toBe(busy.label);
    expect(page.text).toMatch(
      new RegExp(`<p class="warning">thread ${busy.label.replace(/[().]/g, '\\$&')} is left out`),
    );
    // After three missed requests nobody waits for the thread any more, but it is still named.
    const again = performance.now();
    expect((await answerOf('heap')).headers[LEFT_OUT]).toBe(busy.label);
    expect(performance.now() - again).toBeLessThan(900);
    let sums: Record<string, number> = {};
    while (sums[busy.label] === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      sums = await inUse();
    }
    expect(sums).toEqual({ [idle.label]: 1000, [busy.label]: 2000 });
  });

  test('is waited for as long as the handler specifies', async () => {
    served = await serve({ threads: { timeout: 20 } });
    const busy = await Thread.start();
    await busy.do({ keep: 2000 });
    await busy.busy(2000);
    expect(await inUse()).toEqual({ [busy.label]: 2000 });
    await using hasty = await serve({ threads: { timeout: 0.05 } });
    await busy.busy(60_000);
    const began = performance.now();
    const answer = await answerOf('heap', hasty);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(HeapProfile.decode(answer.body).comments.join('\n')).toContain('did not answer within 0.05 s');
  });

  test('is shown when it answers while this thread is busy', async () => {
    const block = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    served = await serve({
      threads: { timeout: 0.3 },
      sandboxes: () => {
        block();
        return [];
      },
    });
    const thread = await Thread.start();
    await thread.do({ keep: 1000 });
    const answer = await answerOf('heap');
    expect(answer.headers[LEFT_OUT]).toBeUndefined();
    expect(byThread(HeapProfile.decode(answer.body), 'inuse_space')).toEqual({ [thread.label]: 1000 });
  });

  test('counts each allocation in one scrape of delta_heap once it answers again', async () => {
    served = await serve({ threads: { timeout: 0.5 } });
    const thread = await Thread.start();
    await thread.do({ keep: 1000 });
    const delta = async (): Promise<number> => (await profileOf('delta_heap')).total('alloc_space');
    expect(await delta()).toBe(1000);
    await thread.do({ keep: 300 });
    await thread.busy(3000);
    expect(await delta()).toBe(0);
    await thread.do({ keep: 20 });
    expect(await delta()).toBe(320);
    expect(await delta()).toBe(0);
  });

  test('is left out of a difference when it is busy at one end', async () => {
    served = await serve({ threads: { timeout: 0.3 } });
    const idle = await Thread.start();
    const busy = await Thread.start();
    await busy.do({ keep: 5000 });
    for (const busyAt of ['begin', 'end'] as const) {
      if (busyAt === 'begin') await busy.busy(1000);
      const pending = answerOf('heap?seconds=2');
      await new Promise((resolve) => setTimeout(resolve, 1200));
      await idle.do({ keep: 70 });
      if (busyAt === 'end') await busy.busy(4000);
      const answer = await pending;
      expect([busyAt, answer.headers[LEFT_OUT]]).toEqual([busyAt, busy.label]);
      expect(byThread(HeapProfile.decode(answer.body), 'inuse_space')).toEqual({ [idle.label]: 70 });
    }
  });
});

describe('a worker that ends', () => {
  test.each([
    ['exits', (thread: Thread) => thread.worker.postMessage({ end: 'exit' } satisfies Orders)],
    ['runs out of work', (thread: Thread) => thread.worker.postMessage({ end: 'idle' } satisfies Orders)],
    ['crashes', (thread: Thread) => thread.worker.postMessage({ end: 'throw' } satisfies Orders)],
    ['is terminated', (thread: Thread) => void thread.terminate()],
  ])('because it %s disappears from the profile at once and is not waited for', async (_, end) => {
    served = await serve({ threads: { timeout: 60 } });
    const other = await Thread.start();
    await other.do({ keep: 10 });
    const thread = await Thread.start();
    await thread.do({ keep: 1000 });
    expect(Object.keys(await inUse())).toHaveLength(2);
    const ended = new Promise((resolve) => thread.worker.once('exit', resolve));
    end(thread);
    await ended;
    const answer = await answerOf('heap');
    expect(byThread(HeapProfile.decode(answer.body), 'inuse_space')).toEqual({ [other.label]: 10 });
    expect(answer.headers[LEFT_OUT]).toBeUndefined();
  });

  test('ends the wait of a handler that waits for it', async () => {
    served = await serve({ threads: { timeout: 60 } });
    const other = await Thread.start();
    await other.do({ keep: 10 });
    const thread = await Thread.start();
    await thread.busy(60_000);
    const pending = answerOf('heap');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await thread.terminate();
    expect(byThread(HeapProfile.decode((await pending).body), 'inuse_space')).toEqual({ [other.label]: 10 });
  });

  test('counts as freed in a difference and as nothing in delta_heap', async () => {
    served = await serve();
    const thread = await Thread.start();
    await thread.do({ keep: 1000 });
    expect((await profileOf('delta_heap')).total('alloc_space')).toBe(1000);
    const pending = profileOf('heap?seconds=1');
    await new Promise((resolve) => setTimeout(resolve, 400));
    await thread.terminate();
    expect((await pending).total('inuse_space')).toBe(-1000);
    const delta = await profileOf('delta_heap');
    expect([delta.total('alloc_space'), delta.total('inuse_space')]).toEqual([0, 0]);
  });
});

describe('messages of other senders', () => {
  const hostile: unknown[] = [
    null,
    'text',
    { heapline: 'threads' },
    {
      heapline: 'threads',
      protocol: 1,
      type: 'hello',
      from: { id: -1, name: 'x', parent: null, version: '1' },
    },
    {
      heapline: 'threads',
      protocol: 1,
      type: 'hello',
      from: { id: 7, name: 'x'.repeat(10_000), version: '1' },
    },
    {
      heapline: 'threads',
      protocol: 1,
      type: 'gone',
      threads: 'all',
      from: { id: 7, name: 'x', version: '1' },
    },
    {
      heapline: 'threads',
      protocol: 1,
      type: 'request',
      id: {},
      reply: 5,
      from: { id: 7, name: 'x', version: '1' },
    },
  ];

  test('are ignored on the same channels', async () => {
    served = await serve();
    const thread = await Thread.start();
    await thread.do({ keep: 1000 });
    for (const name of ['heapline.requests', 'heapline.threads']) {
      const channel = new BroadcastChannel(name);
      for (const message of hostile) channel.postMessage(message);
      channel.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    const answer = await answerOf('heap');
    expect(byThread(HeapProfile.decode(answer.body), 'inuse_space')).toEqual({ [thread.label]: 1000 });
    expect(answer.headers[LEFT_OUT]).toBeUndefined();
  });

  test('get a name as the answer to another version of the protocol, and the thread is named', async () => {
    served = await serve({ threads: { timeout: 30 } });
    const worker = new Worker(
      `const { BroadcastChannel, parentPort, threadId } = require('node:worker_threads');
       const from = { id: threadId, name: 'parser', parent: null, version: '9.0.0' };
       const envelope = { heapline: 'threads', protocol: 9, from };
       const news = new BroadcastChannel('heapline.threads');
       news.postMessage({ ...envelope, type: 'hello' });
       // The other version also asks this thread, in words that it does not know.
       const replies = new BroadcastChannel('replies');
       replies.onmessage = ({ data }) => data.type === 'unsupported' && parentPort.postMessage(data);
       new BroadcastChannel('heapline.requests').postMessage(
         { ...envelope, type: 'request', id: 'x', reply: 'replies', expires: 1e15, question: { new: true } });`,
      { eval: true },
    );
    const [{ protocol, id }] = await once(worker, 'message');
    expect([protocol, id]).toEqual([1, 'x']);
    const answer = await answerOf('heap');
    expect(answer.headers[LEFT_OUT]).toBe(`parser (${worker.threadId})`);
    expect(HeapProfile.decode(answer.body).comments.join('\n')).toMatch(
      /thread parser \(\d+\) is left out: it has version 9\.0\.0 of heapline, which does not understand/,
    );
    await worker.terminate();
    expect((await answerOf('heap')).headers[LEFT_OUT]).toBeUndefined();
  });

  test.each([
    ['nothing', 'null'],
    ['no profile', '{ profile: "text" }'],
    ['bytes that are none', '{ profile: new Uint8Array(1000).fill(200), sums: { inUseBytes: "many" } }'],
    ['a profile of something else', '{ profile: workerData, sums: null }'],
  ])('are named when they answer with %s, and hide nothing', async (_, answer) => {
    served = await serve();
    const good = await Thread.start();
    await good.do({ keep: 1000 });
    const worker = new Worker(
      `const { BroadcastChannel, parentPort, threadId, workerData } = require('node:worker_threads');
       const from = { id: threadId, name: 'naïve, 100%', parent: null, version: '1' };
       const envelope = { heapline: 'threads', protocol: 1, from };
       new BroadcastChannel('heapline.threads').postMessage({ ...envelope, type: 'hello' });
       new BroadcastChannel('heapline.requests').onmessage = ({ data: { id, reply } }) => {
         if (reply !== '') new BroadcastChannel(reply).postMessage({ ...envelope, type: 'answer', id, answer: ${answer} });
       };
       parentPort.postMessage('ready');`,
      { eval: true, workerData: await profileBytes() },
    );
    await once(worker, 'message');
    const given = await answerOf('heap');
    expect(given.headers[LEFT_OUT]).toBe(`na%C3%AFve%2C 100%25 (${worker.threadId})`);
    const profile = HeapProfile.decode(given.body);
    expect(profile.comments.join('\n')).toContain('gave an answer that cannot be read');
    expect(byThread(profile, 'inuse_space')).toEqual({ [good.label]: 1000 });
    await worker.terminate();
  });

  const profileBytes = async (): Promise<Uint8Array> => {
    using lib = await loadService();
    return lib.heap.profile({ kind: 'peak' }).encode();
  };
});

describe("a worker's JavaScript", () => {
  test('is in the heap with `host`, from the start of the worker or the handler on', async () => {
    const early = await Thread.start({ workerData: { empty: true } });
    served = await serve({ host: { samplingInterval: 20_160 } });
    const late = await Thread.start();
    // A thread that has answered has begun to sample.
    await answerOf('');
    await Promise.all([early.do({ arrays: 2000 }), late.do({ arrays: 2000, keep: 1000 })]);
    const profile = await profileOf('heap?gc=1');
    const sums: Record<string, number> = {};
    for (const { labels, values, frames } of profile.samples()) {
      const arrays = frames.some((frame) => frame.function === 'allocateArrays') ? ' arrays' : '';
      const key = `${labels.heap} ${labels.thread}${arrays}`;
      sums[key] = (sums[key] ?? 0) + values[3]!;
    }
    expect(sums['js main']).toBeGreaterThan(0);
    expect(sums[`c ${late.label}`]).toBe(1000);
    for (const { label } of [early, late]) {
      expect(sums[`js ${label} arrays`]! / (2000 * 8048)).toBeGreaterThan(0.8);
      expect(sums[`js ${label} arrays`]! / (2000 * 8048)).toBeLessThan(1.3);
    }
    const page = (await answerOf('')).text;
    for (const { label } of [early, late])
      expect(page).toContain(`<td>${label}</td><td>JavaScript (V8)</td>`);
  });

  test('is in the CPU profile', async () => {
    served = await serve();
    const thread = await Thread.start();
    // The code that answers is loaded when a thread is asked for the first time.
    await answerOf('');
    await thread.do({ early: true, busy: 30, times: 200 });
    const pending = served.ask('/debug/pprof/profile?seconds=3');
    const { status, body } = await pending;
    expect(status).toBe(200);
    const profile = new HeapProfile(decodeProfile(body, undefined, 'any'));
    // V8 may have inlined spinInJavaScript into its caller before the recording began, and then names the caller.
    const spinning = [...profile.samples()].filter(({ frames }) =>
      frames.some((frame) => /thread\.(?:ts|mjs)$/.test(frame.file)),
    );
    expect(spinning.length).toBeGreaterThan(0);
    for (const { labels } of spinning) expect(labels.thread).toBe(thread.label);
    const nanoseconds = spinning.reduce((sum, { values }) => sum + values[1]!, 0);
    expect(nanoseconds).toBeGreaterThan(1e8);
  });

  test('is no longer recorded once the client has left', async () => {
    served = await serve();
    const thread = await Thread.start();
    const gone = new AbortController();
    const left = fetch(`${served.url}/debug/pprof/profile?seconds=600`, { signal: gone.signal }).catch(
      () => 'left',
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    gone.abort();
    expect(await left).toBe('left');
    await new Promise((resolve) => setTimeout(resolve, 200));
    // If the recording were still running, the thread would say so.
    const { status, headers } = await served.ask('/debug/pprof/profile?seconds=1');
    expect([status, headers[LEFT_OUT]]).toEqual([200, undefined]);
    await thread.terminate();
  });
});

describe('the option threads', () => {
  test.each([[{ timeout: 0 }], [{ timeout: -1 }], [{ timeout: 'long' }], [{ timout: 1 }], [1], [null]])(
    'cannot be %j',
    (threads) => {
      expect(() => pprofHandler({ threads: threads as never })).toThrow(InvalidArgumentError);
    },
  );
});
