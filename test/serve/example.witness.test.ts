// Runs the story of examples/api-server/README.md: start, load, look, both lines, the fix, a flat heap.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { run } from '../support/served.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = (name: string): string => join(root, 'examples/api-server', name);

let directory: string;
let server: ChildProcess | null = null;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'heapline-story-'));
});
afterEach(async () => {
  if (server !== null && server.exitCode === null) {
    server.kill();
    await once(server, 'exit');
  }
  server = null;
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function start(env: NodeJS.ProcessEnv): Promise<string> {
  server = spawn(process.execPath, ['--import', 'tsx', example('server.ts')], {
    cwd: root,
    env: { ...process.env, PORT: '0', HEAPLINE_TOOLCHAIN: 'clang', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of server.stdout!) {
    output += chunk;
    const url = /listening on (http:\S+)/.exec(output)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the example ended: ${output}`);
}

const load = (url: string): Promise<string> =>
  run(process.execPath, ['--import', 'tsx', example('load.ts'), url]);
const pprof = (...args: string[]): Promise<string> =>
  run('go', ['tool', 'pprof', '-nodefraction=0', '-edgefraction=0', '-unit=B', ...args], {
    PPROF_TMPDIR: directory,
    HOME: directory,
  });
const lineOf = (file: string, text: string): number =>
  readFileSync(example(file), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text)) + 1;

const LOOKED_UP = lineOf('server.ts', 'leaks unless it is freed below');
const LOST = lineOf('store.c', 'note->text = copy(text)');
/** A thousand C strings `note-0` … `note-99`. */
const TITLES = 10 * (10 * 'note-0\0'.length + 90 * 'note-10\0'.length);

test('the difference of two loads names the leaking line in TypeScript and the one in C', async () => {
  const url = await start({});
  await load(url);
  const before = join(directory, 'before.pb.gz');
  await run('curl', ['-sSf', '-o', before, `${url}/debug/pprof/heap`]);
  await load(url);
  const heap = `${url}/debug/pprof/heap`;
  const difference = await pprof('-top', '-lines', '-tagfocus=heap=c', `-diff_base=${before}`, heap);
  const host = new RegExp(`^ +${TITLES}B .* lookUp \\S*/server\\.ts:${LOOKED_UP}$`, 'm');
  expect(difference).toMatch(host);
  // A thousand texts of a little more than 200 letters, all of them lost.
  const c = new RegExp(` 0 +\\S+ +\\S+ +(\\d+)B +\\S+ +save_note \\S*/store\\.c:${LOST}$`, 'm').exec(
    difference,
  );
  expect(Number(c?.[1])).toBeGreaterThan(1000 * 200);
  expect(Number(c?.[1])).toBeLessThan(1000 * 240);

  const listing = await pprof('-list=save_note|lookUp', '-tagfocus=heap=c', heap);
  expect(listing).toMatch(
    new RegExp(
      `^ +${2 * TITLES}B +${2 * TITLES}B +${LOOKED_UP}: +const cTitle = store\\.heap\\.cstring`,
      'm',
    ),
  );
  expect(listing).toMatch(new RegExp(`^ +\\. +\\d+B +${LOST}: +note->text = copy`, 'm'));
  // The same profile holds V8's heap.
  expect(await pprof('-top', '-tagfocus=heap=js', heap)).toContain('tagfocus=heap=js');

  expect(await (await fetch(`${url}/debug/pprof/`)).text()).toContain('store.c');
});

test('the same difference is empty when both calls of free are there', async () => {
  const url = await start({ FIXED: '1' });
  await load(url);
  const before = join(directory, 'fixed.pb.gz');
  await run('curl', ['-sSf', '-o', before, `${url}/debug/pprof/heap`]);
  await load(url);
  const difference = await pprof(
    '-top',
    '-lines',
    '-tagfocus=heap=c',
    `-diff_base=${before}`,
    `${url}/debug/pprof/heap`,
  );
  expect(difference).toMatch(/Showing nodes accounting for 0/);
  expect(difference).not.toContain('lookUp');
});
