// heapline serve as a process: it runs C, serves its heap, and ends when it is told to.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { HeapProfile } from '../../src/index.ts';
import { programPath } from '../support/served.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let child: ChildProcess | null = null;
afterEach(() => {
  child?.kill('SIGKILL');
  child = null;
});

/** Starts the command and returns its output up to `until`. */
async function start(args: readonly string[], until: RegExp, env: NodeJS.ProcessEnv = {}): Promise<string> {
  child = spawn(process.execPath, [inject('command'), 'serve', '--toolchain', 'clang', ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // The pipe stays open until the end, because a closed pipe would end the command.
  const { stderr } = child;
  let said = '';
  return new Promise((resolve) => {
    stderr!.on('data', (chunk) => {
      said += chunk;
      if (until.test(said)) resolve(said);
    });
    stderr!.on('end', () => resolve(said));
  });
}

const urlIn = (said: string): string => /Serving (http:\S+)/.exec(said)![1]!;
const heapAt = async (url: string): Promise<HeapProfile> =>
  HeapProfile.decode(new Uint8Array(await (await fetch(`${url}heap`)).arrayBuffer()));

describe('heapline serve', () => {
  test('runs a program, serves its heap, and ends with status 0 when it is interrupted', async () => {
    const said = await start(['--port', '0', 'examples/leaky.c'], /go tool pprof http/);
    const profile = await heapAt(urlIn(said));
    expect(profile.top()).toContain('header_parse');
    // The frames of the command itself do not appear.
    expect(profile.folded()).not.toMatch(/commander|parseAsync|addServeCommand/);
    child!.kill('SIGINT');
    const [status] = await once(child!, 'exit');
    expect(status).toBe(0);
  });

  test('makes calls again and again with --every', async () => {
    const said = await start(
      ['--port', '0', '--call', 'keep(100)', '--every', '1', programPath('service.c')],
      /Serving http/,
    );
    const first = (await heapAt(urlIn(said))).total('inuse_objects');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect((await heapAt(urlIn(said))).total('inuse_objects')).toBeGreaterThan(first);
  });

  test('can be interrupted during a call that does not return', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'heapline-serve-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'spin.c');
    writeFileSync(
      path,
      `#include <stdio.h>
      static volatile int rounds;
      void step(void) {
        if (rounds++ == 0) return;
        fputs("spinning\\n", stderr);
        while (rounds != 0) {}
      }`,
    );
    await start(['--port', '0', '--call', 'step()', '--every', '1', path], /spinning/);
    child!.kill('SIGINT');
    expect(await once(child!, 'exit')).toEqual([null, 'SIGINT']);
  }, 20_000);

  test('passes the same strings to each round of calls', async () => {
    const said = await start(
      ['--port', '0', '--call', 'measure("four")', '--every', '1', programPath('service.c')],
      /Serving http/,
    );
    const first = await heapAt(urlIn(said));
    expect(first.total('alloc_objects')).toBeGreaterThan(0);
    for (let rounds = 0; rounds === 0; ) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      rounds = (await heapAt(urlIn(said))).total('alloc_objects') - first.total('alloc_objects');
    }
    expect((await heapAt(urlIn(said))).total('inuse_space')).toBe(first.total('inuse_space'));
  });

  test('prints warnings of the compiler and warnings about its profiles', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'heapline-serve-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'odd.c');
    writeFileSync(path, '#warning odd\n#include <stdlib.h>\nint main(void) { return malloc(9) == 0; }\n');
    const said = await start(['--port', '0', '--cflag=-g0', path], /Serving http/);
    expect(said).toMatch(/odd\.c:1:2: warning: .*odd/);
    expect(said.match(/^.*debug info.*$/gm)).toEqual([
      'heapline: odd.c was built without debug info: its profiles have names only; compile with -g for files and lines',
    ]);
    // The message appears once, although the comments of profiles contain it, too.
    expect((await heapAt(urlIn(said))).comments.join()).toContain('without debug info');
  });

  test('warns when other machines can reach it', async () => {
    const said = await start(['--port', '0', '--hostname', '0.0.0.0', 'examples/leaky.c'], /Serving http/);
    expect(said).toMatch(/which other machines can reach/);
  });

  test('opens the index page with --open', async () => {
    const said = await start(['--port', '0', '--open', 'examples/leaky.c'], /Open it yourself/, {
      BROWSER: 'no-such-browser',
    });
    expect(said).toContain('no browser could be started with no-such-browser');
    expect((await fetch(urlIn(said))).status).toBe(200);
  });

  test.each([
    [['--call', 'nosuch()'], /has no function 'nosuch'/],
    [[], /has no main\(\)/],
    [['--every', '1'], /there is none/],
    [['--call', 'keep(1)', '--every', '3000000'], /2147483 at most/],
    [['--call', 'keep()'], /argument 1 is missing: keep\(\) takes 1/],
  ])('with %j, ends and says what is wrong', async (args, message) => {
    expect(await start([...args, '--port', '0', programPath('service.c')], message)).toMatch(message);
    const [status] = child!.exitCode === null ? await once(child!, 'exit') : [child!.exitCode];
    expect(status).toBe(2);
  });

  test('ends when the first round of calls leaves no heap to serve', async () => {
    expect(await start(['--port', '0', programPath('wrecked.c')], /damaged/)).toMatch(/damaged/);
    const [status] = child!.exitCode === null ? await once(child!, 'exit') : [child!.exitCode];
    // The program has ruined its heap, as a trap does.
    expect(status).toBe(134);
  });
});
