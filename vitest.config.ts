// The tests, in three tiers by the ending of the file's name. CONTRIBUTING.md says what belongs to which tier.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { keepCertificates } from './test/support/certificates.mjs';
import { LongestFirst } from './test/support/longest-first.ts';
import { OWN_PROCESS } from './test/support/own-process.ts';

const filesOf = (tier: string, paths: readonly string[]): string[] =>
  paths.map((path) => `test/${path}.${tier}.test.ts`);
/**
 * The embedded compiler is a large WebAssembly module that compiles small programs here. By default V8 spends more time
 * on optimising it than it saves. With this limit, V8 optimises only what runs for long.
 */
const EXEC_ARGV = ['--wasm-tiering-budget=200000000'];
const COMMAND = './test/support/bundled-command.ts';

/**
 * emcc starts Python each time that it runs. The first Python on PATH may be a script that looks for one: pyenv's starts
 * thirty processes, which take longer than emcc takes to compile a small program.
 */
const SYSTEM_PYTHON = '/usr/bin/python3';
if (existsSync(SYSTEM_PYTHON)) process.env.EMSDK_PYTHON ??= SYSTEM_PYTHON;
keepCertificates();

/** The two projects of a tier: its files that share processes, and those that do not. */
function projectsOf(tier: 'guest' | 'witness'): TestProjectInlineConfiguration[] {
  const timed = './test/support/processor-time.ts';
  const common = { globalSetup: COMMAND, execArgv: EXEC_ARGV, setupFiles: [timed] };
  const alone = filesOf(tier, OWN_PROCESS);
  return [
    {
      extends: true,
      test: {
        ...common,
        name: tier,
        include: filesOf(tier, ['**/*']),
        exclude: [...configDefaults.exclude, ...alone],
        isolate: false,
        setupFiles: [timed, './test/support/leaves-nothing.ts'],
      },
    },
    { extends: true, test: { ...common, name: `${tier}-alone`, include: alone } },
  ];
}

export default defineConfig({
  test: {
    // Tests import rooms directly; what the package's entries do for its users is done here.
    setupFiles: ['src/node/install.ts', 'src/profile/install-reader.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // What a test waits for comes late on a busy machine. By default, expect.poll() waits for one second.
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // Two more than there are processors, because many tests wait for processes, clocks and the network.
    maxWorkers: availableParallelism() + 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          // A thread starts faster than a process, and there is nothing here that needs a process of its own.
          pool: 'threads',
          // The files leave nothing behind that another one could see, so they need not load every module anew.
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: [
            ...configDefaults.exclude,
            ...filesOf('guest', ['**/*']),
            ...filesOf('witness', ['**/*']),
          ],
          setupFiles: ['./test/support/nothing-external.ts'],
        },
      },
      ...projectsOf('guest'),
      ...projectsOf('witness'),
    ],
  },
});
