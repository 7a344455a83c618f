// Two questions about a service under Heapline: how much throughput do tracking and host frames cost, compared with
// the same C and its own malloc, and how long does a scrape of a large heap take? Prints ratios. To run only this
// file:
//   npx tsx bench/serve.ts [--quick]
//
// Both services run at once and receive their requests in turns, a burst each. Throughput is computed from the
// processor time that a burst cost the service, because it limits the service at saturation. The wall clock of a
// shared machine says more about the neighbours.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linkFilesByHand } from '../src/compile/link-by-hand.ts';
import { loadC } from '../src/index.ts';
import { pprofFetch } from '../src/serve/index.ts';
import { ratioSpread, type Spread, spread } from './statistics.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Requests in flight. */
const CONNECTIONS = 16;

export interface ServeFigures {
  /** Throughput of the tracked service ÷ that of the plain one. */
  readonly throughput: Spread;
  /** The same with host frames of one entry in 64, on average. */
  readonly sampledHostFrames: Spread;
  /** The same with host frames for 2 % of the time. */
  readonly budgetedHostFrames: Spread;
  /** Throughput of the service with Emscripten's JavaScript under attach(), host frames for 2 % of the time ÷ without. */
  readonly attached: Spread;
  /** The same without host frames. */
  readonly withoutHostFrames: Spread;
  /**
   * The plain service when V8 captures one frame below which C allocates: every exact host stack costs at least this.
   */
  readonly oneFrame: Spread;
  /** Processor time of a request to the tracked service, in microseconds. */
  readonly requestMicroseconds: Spread;
  /** Milliseconds of a scrape of `contexts` contexts. */
  readonly scrapeMilliseconds: Spread;
  readonly contexts: number;
}

class Target {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

  private constructor(
    private readonly child: ChildProcess,
    private readonly port: number,
  ) {}

  static async start(...args: string[]): Promise<Target> {
    const child = spawn(process.execPath, ['--import', 'tsx', file('serve-target.ts'), ...args], {
      cwd: file('..'),
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const port = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the service ended with status ${code}`)));
      child.stdout!.once('data', (data: Buffer) => resolve(Number(data.toString())));
    });
    return new Target(child, port);
  }

  stop(): void {
    this.#agent.destroy();
    this.child.removeAllListeners('exit');
    this.child.kill();
  }

  /** Processor time of this many requests, in microseconds each. */
  async burst(requests: number): Promise<number> {
    const before = Number(await this.#ask('GET', '/cpu'));
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < requests; i = next++) {
        const path = `/notes/note-${i % 100}`;
        if (i % 4 === 0) await this.#ask('PUT', path, `text number ${i}, ${'x'.repeat(200)}`);
        else await this.#ask('GET', path);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
    return (Number(await this.#ask('GET', '/cpu')) - before) / requests;
  }

  #ask(method: string, path: string, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.port, agent: this.#agent, method, path },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

function linkPlain(directory: string): string {
  const out = join(directory, 'store.wasm');
  const source = file('../examples/api-server/store.c');
  const names = ['save_note', 'read_note', 'malloc', 'free'];
  execFileSync('clang', [
    ...['--target=wasm32-wasi', '-O2', '-mexec-model=reactor', '-DFIXED', source, '-o', out],
    ...names.map((name) => `-Wl,--export=${name}`),
  ]);
  return out;
}

function linkGlue(directory: string, name: string, ...runtime: string[]): string {
  const out = join(directory, `${name}.cjs`);
  const exported = '-sEXPORTED_FUNCTIONS=_save_note,_read_note,_malloc,_free';
  execFileSync(
    'emcc',
    [
      ...['-O2', '-g', '-DFIXED', file('../examples/api-server/store.c'), '-o', out, exported],
      ...['-sMODULARIZE', '-sSINGLE_FILE', '-sALLOW_MEMORY_GROWTH', '--no-entry', ...runtime],
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  return out;
}

/** Measures both. */
export async function measureServing(quick: boolean): Promise<ServeFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-bench-serve-'));
  const targets = new Map<string, Target>();
  try {
    const module = linkPlain(directory);
    for (const kind of ['plain', 'tracked', 'sampled', 'budget', 'no-host-frames', 'one-frame']) {
      targets.set(kind, await Target.start(kind, module));
    }
    const [object, flags] = linkFilesByHand('emscripten');
    targets.set('glue', await Target.start('glue', linkGlue(directory, 'glue')));
    const attached = linkGlue(directory, 'attached', object, `@${flags}`);
    targets.set('attached', await Target.start('attached', attached));
    const requests = quick ? 2000 : 4000;
    for (const target of targets.values()) await target.burst(3 * requests);
    const times = new Map([...targets.keys()].map((kind) => [kind, [] as number[]]));
    for (let round = 0; round < (quick ? 6 : 16); round++) {
      const order = [...targets];
      for (const [kind, target] of round % 2 === 0 ? order : order.toReversed()) {
        times.get(kind)!.push(await target.burst(requests));
      }
    }
    const throughput = (kind: string, plain = 'plain'): Spread =>
      ratioSpread(times.get(plain)!, times.get(kind)!);
    const scrape = await measureScrape(quick ? 5 : 15);
    return {
      throughput: throughput('tracked'),
      sampledHostFrames: throughput('sampled'),
      budgetedHostFrames: throughput('budget'),
      attached: throughput('attached', 'glue'),
      withoutHostFrames: throughput('no-host-frames'),
      oneFrame: throughput('one-frame'),
      requestMicroseconds: spread(times.get('tracked')!),
      ...scrape,
    };
  } finally {
    for (const target of targets.values()) target.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureScrape(rounds: number): Promise<Pick<ServeFigures, 'scrapeMilliseconds' | 'contexts'>> {
  const lib = await loadC<{ contexts(depth: number): void; more(count: number): void }>(
    file('../test/serve/programs/service.c'),
    { toolchain: 'clang', flags: ['-O1'] },
  );
  using handler = pprofFetch({ sandboxes: [lib] });
  lib.exports.contexts(13);
  const times: number[] = [];
  let samples = 0;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const answer = await handler(new Request('http://localhost/debug/pprof/heap'));
    await answer.arrayBuffer();
    times.push(performance.now() - start);
    // Scrapes in quick succession are delayed on purpose; these must not be delayed.
    await new Promise((resolve) => setTimeout(resolve, 300));
    samples = lib.heap.stats().contexts;
  }
  lib.dispose();
  return { scrapeMilliseconds: spread(times), contexts: samples };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const figures = await measureServing(process.argv.includes('--quick'));
  const { requestMicroseconds, scrapeMilliseconds, contexts } = figures;
  const show = (s: Spread): string =>
    `${s.median.toFixed(3)} (${s.lower.toFixed(3)} to ${s.upper.toFixed(3)})`;
  console.log(`throughput, tracked ÷ plain   ${show(figures.throughput)}, bar ≥ 0.95`);
  console.log(`host frames of one in 64      ${show(figures.sampledHostFrames)}`);
  console.log(`host frames for 2 % of time   ${show(figures.budgetedHostFrames)}, bar ≥ 0.95`);
  console.log(`attached, the same            ${show(figures.attached)}, bar ≥ 0.95`);
  console.log(`host frames off               ${show(figures.withoutHostFrames)}`);
  console.log(`plain, capturing one frame    ${show(figures.oneFrame)}`);
  console.log(`processor time of a request   ${requestMicroseconds.median.toFixed(1)} µs`);
  console.log(
    `scrape of ${contexts} contexts     ${scrapeMilliseconds.median.toFixed(1)} ms, bar ≤ 100 ms for 10,000`,
  );
}
