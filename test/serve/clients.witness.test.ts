// Real clients use a real server: go tool pprof with all its requests, its web pages, and curl.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sandbox } from '../../src/index.ts';
import { loadService, programPath, run, type Served, type Service, serve } from '../support/served.ts';

let directory: string;
let lib: Sandbox<Service>;
let served: Served;
const keptByJavaScript: unknown[] = [];

function keepArrays(): void {
  for (let i = 0; i < 2000; i++) keptByJavaScript.push(new Array(1000).fill(i));
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heapline-clients-'));
  lib = await loadService();
  served = await serve({ sandboxes: [lib], host: { samplingInterval: 20_160 } });
  // V8's sampling begins in a later turn of the event loop.
  await served.ask('/debug/pprof/');
  lib.exports.keep(4096);
  lib.exports.keep(4096);
  keepArrays();
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  lib.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const pprof = (...args: string[]): Promise<string> =>
  // pprof leaves out nodes below half a percent of the total.
  run('go', ['tool', 'pprof', '-nodefraction=0', '-edgefraction=0', ...args], {
    PPROF_TMPDIR: directory,
    HOME: directory,
  });
const keepLine = (): number => 9;

describe('go tool pprof', () => {
  test('-top of the heap shows both languages', async () => {
    const text = await pprof('-top', `${served.url}/debug/pprof/heap`);
    expect(text).toMatch(/Type: inuse_space/);
    expect(text).toMatch(/ 8kB .* keep\n/);
    expect(text).toMatch(/[kM]B .* keepArrays\n/);
  });

  test('-tagfocus=heap=c leaves C with exactly its own numbers', async () => {
    const text = await pprof('-top', '-unit=B', '-tagfocus=heap=c', `${served.url}/debug/pprof/heap`);
    expect(text).toContain(`Showing nodes accounting for ${lib.heap.stats().inUseBytes}B`);
    expect(text).toMatch(/8192B .* keep\n/);
    expect(text).not.toContain('keepArrays');
  });

  test('-tagfocus=heap=js leaves JavaScript', async () => {
    const text = await pprof('-top', '-tagfocus=heap=js', `${served.url}/debug/pprof/heap`);
    expect(text).toContain('keepArrays');
    expect(text).not.toMatch(/ keep\n/);
  });

  test('-tags lists the instance', async () => {
    expect(await pprof('-tags', `${served.url}/debug/pprof/heap`)).toContain(lib.instance);
  });

  test('-list shows the bytes beside the line of C', async () => {
    const text = await pprof('-list=^keep$', `${served.url}/debug/pprof/heap`);
    expect(text).toContain(`ROUTINE ======================== keep in ${programPath('service.c')}`);
    expect(text).toMatch(new RegExp(`8kB +8kB +${keepLine()}: +kept\\[count`));
  });

  test('-peek shows the TypeScript that called C', async () => {
    const text = await pprof('-peek=^keep$', `${served.url}/debug/pprof/heap`);
    expect(text).toMatch(/8kB +100% \| +\S+\n +8kB .*\| keep\n/);
  });

  test('-diff_base of two scrapes shows what happened between them', async () => {
    const before = join(directory, 'before.pb.gz');
    await run('curl', ['-sSf', '-o', before, `${served.url}/debug/pprof/heap`]);
    lib.exports.keep(1000);
    const text = await pprof(
      '-top',
      '-unit=B',
      '-tagfocus=heap=c',
      `-diff_base=${before}`,
      `${served.url}/debug/pprof/heap`,
    );
    expect(text).toMatch(/ 1000B .* keep\n/);
  });

  test.each(['allocs', 'peak', 'temporary', 'lifetime', 'delta_heap', 'heap?gc=1'])(
    'reads %s',
    async (name) => {
      lib.exports.churn(100);
      const text = await pprof('-top', `${served.url}/debug/pprof/${name}`);
      expect(text).toMatch(name === 'temporary' ? / churn\n/ : / keep\n/);
    },
  );

  test('-seconds gives a difference', async () => {
    const pending = pprof(
      '-top',
      '-unit=B',
      '-tagfocus=heap=c',
      '-seconds=1',
      `${served.url}/debug/pprof/heap`,
    );
    const timer = setInterval(() => lib.exports.keep(10), 20);
    const text = await pending.finally(() => clearInterval(timer));
    expect(text).toMatch(/Duration: 1/);
    expect(text).toMatch(/B .* keep\n/);
  });

  test('http://host:port alone takes a CPU profile, in which C is at its lines', async () => {
    const pending = pprof('-lines', '-top', '-seconds=1', served.url);
    const timer = setInterval(() => lib.exports.spin(2000), 5);
    const text = await pending.finally(() => clearInterval(timer));
    expect(text).toMatch(/Type: cpu/);
    const source = programPath('service.c');
    const lines = readFileSync(source, 'utf8').split('\n');
    const line = lines.findIndex((text) => text.startsWith('unsigned spin(')) + 1;
    expect(text).toMatch(new RegExp(`spin ${source}:${line}`));
  });

  test('-symbolize=remote gets an answer to every question', async () => {
    expect(await pprof('-top', '-symbolize=remote', `${served.url}/debug/pprof/heap`)).toMatch(/ keep\n/);
  });

  test('reads the text of debug=1 and finds its names through symbol', async () => {
    const text = await pprof('-top', '-unit=B', `${served.url}/debug/pprof/heap?debug=1`);
    expect(text).toMatch(/ keep\n/);
  });
});

describe("go tool pprof's web pages", () => {
  let web: ChildProcess;
  let base: string;
  beforeAll(async () => {
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    web = spawn(
      'go',
      ['tool', 'pprof', '-no_browser', `-http=127.0.0.1:${port}`, `${served.url}/debug/pprof/heap`],
      {
        env: { ...process.env, PPROF_TMPDIR: directory, HOME: directory },
        stdio: 'ignore',
        detached: true,
      },
    );
    for (let i = 0; ; i++) {
      try {
        await fetch(`${base}/ui/`);
        break;
      } catch (error) {
        if (i > 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  });
  afterAll(() => {
    // `go tool` runs pprof as a child, so the whole process group is stopped.
    if (web.pid !== undefined) process.kill(-web.pid);
  });

  test.each([
    ['top', 'keepArrays'],
    ['flamegraph', 'keepArrays'],
    ['peek?f=keep', 'keepArrays'],
    ['source?f=%5Ekeep%24', 'service.c'],
  ])('/ui/%s', async (page, content) => {
    const response = await fetch(`${base}/ui/${page}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain(content);
  });
});

describe('curl', () => {
  test('saves a profile under the name that the server suggests', async () => {
    await run('curl', ['-sSf', '-OJ', '--output-dir', directory, `${served.url}/debug/pprof/allocs`]);
    expect(readdirSync(directory)).toContain('allocs');
  });

  test('follows the redirect to the index', async () => {
    expect(await run('curl', ['-sSfL', `${served.url}/debug/pprof`])).toContain(
      '<title>/debug/pprof/</title>',
    );
  });

  test('-I shows only the headers', async () => {
    const text = await run('curl', ['-sSI', `${served.url}/debug/pprof/heap`]);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).toContain('Content-Disposition: attachment; filename="heap"\r\n');
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
