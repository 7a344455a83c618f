// Ctrl-C stops C wherever it is, SIGTERM stops C's timers, and heapline run still writes the profile.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HeapProfile } from '../../src/profile/index.ts';
import { CommandDirectory } from '../support/command-directory.ts';

const directory = new CommandDirectory();

beforeAll(() => {
  directory.write(
    'waits.c',
    `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *keep(void) { return malloc(1000); }
int main(int argc, char **argv) {
  void *volatile kept = keep();
  char line[8];
  printf("ready\\n");
  fflush(stdout);
  if (strcmp(argv[1], "loop") == 0) for (volatile unsigned i = 0;; i++) {}
  if (strcmp(argv[1], "sleep") == 0) sleep(100);
  if (strcmp(argv[1], "read") == 0) fgets(line, sizeof line, stdin);
  free(kept);
  return 0;
}
`,
  );
  directory.write(
    'timers.c',
    `#include <emscripten.h>
#include <stdio.h>
#include <stdlib.h>
static void *kept;
static void turn(void) {
  if (kept == NULL) { kept = malloc(2000); printf("ready\\n"); }
}
int main(void) { emscripten_set_main_loop(turn, 50, 0); return 0; }
`,
  );
});

afterAll(() => directory.dispose());

/** Starts the command, sends the signal when C says that it is ready, and returns how the command ended. */
async function interrupted(
  args: readonly string[],
  signal: NodeJS.Signals,
): Promise<{ ended: unknown; stderr: string }> {
  const [program, ...rest] = directory.commandLine(args);
  const child = spawn(program!, rest, {
    cwd: directory.path,
    // Standard input stays open and silent.
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, HEAPLINE_TOOLCHAIN: 'clang' },
  });
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const exit = once(child, 'exit');
  const ready = once(child.stdout, 'data').then(() => true);
  if (!(await Promise.race([ready, exit.then(() => false)])))
    throw new Error(`It ended by itself:\n${stderr}`);
  // C needs a moment to get from its output to the call in which it waits. A loop takes the processor meanwhile.
  await new Promise((resolve) => setTimeout(resolve, args.includes('loop') ? 100 : 1000));
  child.kill(signal);
  const ended = await exit;
  return { ended, stderr };
}

it.each(['loop', 'sleep', 'read'])(
  'Ctrl-C in a %s gives the status of shells and writes the profile',
  async (what) => {
    const file = `${what}.pb.gz`;
    const { ended, stderr } = await interrupted(['run', '--pprof', file, 'waits.c', '--', what], 'SIGINT');
    expect([ended, stderr]).toEqual([[130, null], expect.stringContaining('Interrupted by SIGINT.')]);
    expect(stderr).toContain(`Wrote ${file}`);
    expect(HeapProfile.decode(directory.read(file)).folded()).toMatch(/main;keep 1000\n/);
  },
);

it('SIGTERM in a loop ends the process at once', async () => {
  const { ended } = await interrupted(['run', '--no-pprof', 'waits.c', '--', 'loop'], 'SIGTERM');
  expect(ended).toEqual([null, 'SIGTERM']);
});

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a main loop between its turns', async (signal, status) => {
  const file = `timers-${signal}.pb.gz`;
  const args = ['run', '--toolchain', 'emscripten', '--pprof', file, 'timers.c'];
  const { ended, stderr } = await interrupted(args, signal);
  expect([ended, stderr]).toEqual([[status, null], expect.stringContaining(`Interrupted by ${signal}.`)]);
  expect(HeapProfile.decode(directory.read(file)).folded()).toMatch(/turn 2000\n/);
});

it('heapline check gives no verdict about a program that was interrupted', async () => {
  const { ended, stderr } = await interrupted(['check', 'waits.c', '--', 'loop'], 'SIGINT');
  expect(ended).toEqual([130, null]);
  expect(stderr).toBe('heapline: Interrupted by SIGINT.\n');
});
