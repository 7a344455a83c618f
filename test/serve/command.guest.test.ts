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

const ESCAPE = '␛';
const LINES = 10;
const COLUMNS = 70;

/** Starts the command with --top in a terminal of its own, which then tells the status and the terminal's modes. */
function inTerminal(args: readonly string[]) {
  const words = [
    process.execPath,
    inject('command'),
    'serve',
    '--toolchain',
    'clang',
    '--port',
    '0',
    '--top',
  ];
  const command = [...words, ...args].map((word) => `'${word}'`).join(' ');
  // Ctrl-C goes to the shell, too.
  const script = `trap : INT; stty rows ${LINES} cols ${COLUMNS}; ${command}; echo "status $?"; stty -a`;
  const running = spawn('script', ['-qefc', script, '/dev/null'], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', TERM: 'xterm', SHELL: '/bin/sh', FORCE_HYPERLINK: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child = running;
  let output = '';
  let seen = 0;
  let look = (): void => {};
  running.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    // Escape sequences are easier to read, and to look for, with a character that is shown.
    output += chunk.replaceAll('\x1b', ESCAPE);
    look();
  });
  return {
    press: (keys: string) => running.stdin.write(keys),
    /** Waits until the terminal shows something new. */
    shows: (what: RegExp) =>
      new Promise<void>((resolve, reject) => {
        look = () => {
          if (!what.test(output.slice(seen))) return;
          seen = output.length;
          resolve();
        };
        running.once('close', () => reject(new Error(`It ended without ${what}:\n${output}`)));
        look();
      }),
    end: once(running, 'close').then(() => output),
  };
}

/** The keyboard is read line by line and echoed, keys send signals, and nothing else of the terminal was changed. */
function expectUsual(output: string): void {
  expect(output).toMatch(/^isig icanon /m);
  expect(output).toMatch(/ echo /);
  // Lines wrap again.
  expect(output.lastIndexOf(`${ESCAPE}[?7h`)).toBeGreaterThan(output.lastIndexOf(`${ESCAPE}[?7l`));
  // Neither the alternate screen nor the visibility of the cursor.
  expect(output).not.toMatch(/␛\[\?(?:1049|47|25)[hl]/);
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
  });

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

  // macOS and BSD have another script(1).
  test.runIf(process.platform === 'linux')(
    '--top shows a table that obeys keys and leaves the terminal as it was',
    async () => {
      const terminal = inTerminal(['examples/leaky.c']);
      await terminal.shows(/Serving http.*in use .* 1 module, .*live, q quits.*header_parse/s);
      terminal.press('s');
      await terminal.shows(/s sorts by flat.*cum↓/s);
      terminal.press('v');
      await terminal.shows(/v shows bytes/);
      terminal.press('p');
      await terminal.shows(/PAUSED, q quits, p continues/);
      terminal.press('\x1b[A');
      terminal.press('q');
      const output = await terminal.end;
      expect(output).toMatch(/status 0\r\n/);
      expectUsual(output);
      // It never goes up further than the terminal has lines, and every line has the width of the terminal at most.
      const heights = [...output.matchAll(/␛\[(\d+)A/g)].map(([, height]) => Number(height));
      expect(heights.length).toBeGreaterThanOrEqual(3);
      expect(Math.max(...heights)).toBeLessThan(LINES);
      const [, painted] = /␛\[\?7l(.*?)␛\[\?7h/s.exec(output)!;
      // The rows are linked to the sources.
      const link = /␛\]8;;file:[^␛]*leaky\.c#\d+␛\\(examples\/leaky\.c:\d+)␛\]8;;␛\\/g;
      expect(painted).toMatch(link);
      for (const line of painted!
        .replace(link, '$1')
        .replace(/␛\[[\d;]*[A-Za-z]/g, '')
        .split('\r\n')) {
        expect(line.length).toBeLessThanOrEqual(COLUMNS);
      }
    },
  );

  test.runIf(process.platform === 'linux')(
    'with --top, Ctrl-C also ends a call that does not return, and output stays above the table',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'heapline-serve-'));
      onTestFinished(() => rmSync(directory, { recursive: true }));
      const path = join(directory, 'spin.c');
      writeFileSync(
        path,
        `#include <stdio.h>
      #include <stdlib.h>
      static volatile int rounds;
      void step(void) {
        malloc(100);
        printf("input ends: %d\\nround %d", getchar() == EOF, rounds);
        fflush(stdout);
        if (rounds++ == 2) for (;;) {}
      }`,
      );
      // Input of the first round, which is made before the table is shown.
      const terminal = inTerminal(['--call', 'step()', '--every', '1', path]);
      terminal.press('\n');
      await terminal.shows(/round 2/);
      terminal.press('\x03');
      const output = await terminal.end;
      expect(output).toMatch(/status 130\r\n/);
      expectUsual(output);
      expect(output).toContain('input ends: 0\r\n');
      // The table is taken away before the program writes, and comes back on a line of its own.
      expect(output).toMatch(/␛\[\d+A\r␛\[Jinput ends: 1\r\nround 1\r\n␛\[\?7l/);
    },
    20_000,
  );

  test('--top says what to do where standard error is no terminal', async () => {
    const said = await start(['--port', '0', '--top', 'examples/leaky.c'], /heapline top -/);
    expect(said).toMatch(/--top shows a table in a terminal/);
    const [status] = child!.exitCode === null ? await once(child!, 'exit') : [child!.exitCode];
    expect(status).toBe(2);
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
