// The process that bench/measures/sandboxes.ts measures: opens many sandboxes of one module, makes their profile
// several times, disposes of them, and prints the measured values as JSON. The argument is the number of sandboxes.

import { fileURLToPath } from 'node:url';
import { loadC, type Sandbox } from '../src/index.ts';
import { pprofFetch } from '../src/serve/index.ts';
import { rest, threadTime } from './clock.ts';

type Functions = { open_tenant(tenant: number): void };

/** The values that one process reports. Times are in milliseconds, memory in bytes. */
export interface SandboxesSample {
  /** Of each profile, in order: wall time, and processor time of the thread. */
  readonly profiles: readonly { readonly wall: number; readonly processor: number; readonly held: number }[];
  readonly resident: {
    readonly before: number;
    readonly open: number;
    readonly profiled: number;
    /** Three seconds after all sandboxes were disposed of, without a request to the collector. */
    readonly disposed: number;
    /** After a collection. */
    readonly collected: number;
  };
}

const PROFILES = 5;
const source = fileURLToPath(new URL('kernels/tenant.c', import.meta.url));
const resident = (): number => process.memoryUsage.rss();

async function open(count: number): Promise<Sandbox<Functions>[]> {
  const sandboxes: Sandbox<Functions>[] = [];
  for (let i = 0; i < count; i++) {
    const sandbox = await loadC<Functions>(source, { toolchain: 'clang', flags: ['-O1'] });
    sandbox.exports.open_tenant(i);
    sandboxes.push(sandbox);
  }
  return sandboxes;
}

async function profileOnce(
  handler: (request: Request) => Promise<Response>,
): Promise<SandboxesSample['profiles'][0]> {
  // Requests in quick succession are delayed on purpose, and the delay must not be measured.
  await rest(300);
  let held = 0;
  let last = threadTime();
  // Processor time from one turn of the event loop to the next, so that other programs do not count.
  const watch = setInterval(() => {
    const now = threadTime();
    held = Math.max(held, now - last);
    last = now;
  }, 1);
  const start = performance.now();
  const processor = threadTime();
  const answer = await handler(new Request('http://localhost/debug/pprof/heap'));
  await answer.arrayBuffer();
  const sample = { wall: performance.now() - start, processor: (threadTime() - processor) / 1e6 };
  await rest(5);
  clearInterval(watch);
  return { ...sample, held: held / 1e6 };
}

const before = resident();
let sandboxes = await open(Number(process.argv[2]));
const opened = resident();
const handler = pprofFetch();
const profiles: SandboxesSample['profiles'][0][] = [];
for (let i = 0; i < PROFILES; i++) profiles.push(await profileOnce(handler));
handler.close();
const profiled = resident();
for (const sandbox of sandboxes) sandbox.dispose();
sandboxes = [];
await rest(3000);
const disposed = resident();
// Collects twice, because an object that the first collection frees may hold another one.
for (let i = 0; i < 2; i++) {
  gc!();
  await rest(200);
}
const sample: SandboxesSample = {
  profiles,
  resident: { before, open: opened, profiled, disposed, collected: resident() },
};
console.log(JSON.stringify(sample));
