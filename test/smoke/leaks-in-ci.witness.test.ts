// Follows the guide docs/leaks-in-ci.md to the letter with the packed package: writes its files and runs its
// commands. Every runner fails at the line of the leak, and passes once the leak is mended.

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FULL } from '../support/full.ts';
import { type ConsumerProject, createConsumerProject } from '../support/packed-package.ts';
import { newestOr } from '../support/tool-versions.ts';

const guide = readFileSync(new URL('../../docs/leaks-in-ci.md', import.meta.url), 'utf8');
const root = new URL('../..', import.meta.url).pathname;

/**
 * Fenced blocks with a word after the language: the name of a file or, for `sh`, the example that the block belongs
 * to.
 */
const blocks = [...guide.matchAll(/^```(\w+) (\S+)\n(.*?)^```$/gms)].map(([, language, name, text]) => ({
  language: language!,
  name: name!,
  text: text!,
}));
const files = blocks.filter(({ language }) => language !== 'sh');
const commands = (example: string) =>
  blocks
    .filter(({ language, name }) => language === 'sh' && name === example)
    .flatMap(({ text }) => text.trim().split('\n'));

const LEAK_LINE = "if (copy[0] != '[') return -1;";
const MENDED_LINE = "if (copy[0] != '[') return free(copy), -1;";

let project: ConsumerProject;

beforeAll(() => {
  project = createConsumerProject();
  const typescript = `typescript@${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.typescript}`;
  const runners = [`vitest@${newestOr('4')}`, `jest@${newestOr('30')}`, `mocha@${newestOr('11')}`];
  const babel = ['preset-typescript', 'plugin-transform-modules-commonjs', 'register'];
  const packages = [...runners, typescript, ...babel.map((name) => `@babel/${name}@7`)];
  project.run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', ...packages]);
});
afterAll(() => project.dispose());

/** Writes the guide's files into a folder of the project, with the leak or without it. */
function write(folder: string, mended: boolean, names: readonly string[]): string {
  const directory = join(project.directory, folder);
  mkdirSync(directory, { recursive: true });
  for (const name of names) {
    const text = files.find((file) => file.name === name)!.text;
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), mended ? text.replace(LEAK_LINE, MENDED_LINE) : text);
  }
  writeFileSync(join(directory, 'package.json'), '{ "private": true }\n');
  return directory;
}

interface Outcome {
  readonly status: number;
  readonly output: string;
}

function run(directory: string, command: string, environment: Record<string, string> = {}): Outcome {
  const withoutNpm = (text: string) => text.replace(/^npm warn .*\n/gm, '');
  const shell = [
    `cd '${directory}'`,
    'unset NODE_OPTIONS VITEST NODE_ENV JEST_WORKER_ID',
    // npx itself takes longer to start than what it starts. package.witness.test.ts uses it.
    `npx() { '${project.directory}/node_modules/.bin/'"$@"; }`,
    command,
  ].join(' && ');
  const settings = {
    HEAPLINE_TOOLCHAIN: 'clang',
    NO_COLOR: '1',
    FORCE_COLOR: '0',
    GITHUB_ACTIONS: '',
    ...environment,
  };
  try {
    return { status: 0, output: withoutNpm(project.run('bash', ['-c', `(${shell}) 2>&1`], settings)) };
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    return { status, output: withoutNpm(stdout) };
  }
}

const runners = [
  ['vitest', ['parser.c', 'vitest.config.ts', 'parser.test.ts']],
  ['node-test', ['parser.c', 'parser.test.mjs']],
  ['node-setup', ['parser.c', 'parser.test.mjs', 'compile.mjs']],
  ['jest', ['parser.c', 'parser.test.js', 'jest.config.js', 'jest.setup.mjs']],
  ['mocha', ['parser.c', 'test/parser.mjs', '.mocharc.json', 'mocha.setup.mjs']],
] as const;

describe.each(runners)('%s', (example, names) => {
  const [command] = commands(example);

  test('fails at the line of the leak, and leaves a report', () => {
    const directory = write(example, false, names);
    const { status, output } = run(directory, command!);
    expect(output).toContain('at count_numbers (parser.c:6:');
    expect(output).toContain('definite leak: 5 bytes in 1 block');
    expect(status).not.toBe(0);
    const report = /report: +(\S+\.txt)/.exec(output)![1]!;
    expect(readFileSync(join(directory, report), 'utf8')).toContain('count_numbers');
  });

  test('passes once it is mended', () => {
    const { status, output } = run(write(`${example}-mended`, true, names), command!);
    expect([status, status === 0 ? '' : output]).toEqual([0, '']);
  });
});

describe('with nothing in the cache, and the embedded compiler', () => {
  let cache: string;
  beforeEach(() => {
    cache = mkdtempSync(join(project.directory, 'cache-'));
  });

  test.each(runners.filter(([example]) => (FULL ? /jest|mocha|setup/ : /mocha/).test(example)))(
    '%s',
    (example, names) => {
      const directory = write(`${example}-cold`, true, names);
      const environment = { HEAPLINE_TOOLCHAIN: 'embedded', HEAPLINE_CACHE: cache };
      const { status, output } = run(directory, commands(example)[0]!, environment);
      expect([status, status === 0 ? '' : output]).toEqual([0, '']);
      // The set-up says it once, because the tests found the module in the cache.
      expect(output.match(/^heapline: compiled parser\.c in \d+\.\d s$/gm)).toHaveLength(1);
    },
  );

  test('vitest', () => {
    const directory = write('vitest-cold', true, ['parser.c', 'vitest.setup.mjs', 'parser.test.mjs']);
    const text = readFileSync(join(directory, 'parser.test.mjs'), 'utf8')
      .replace('node:test', 'vitest')
      .replace('import { after,', 'import { afterAll as after, beforeAll as before,')
      .replace(' before, beforeEach', ' beforeEach');
    writeFileSync(join(directory, 'parser.test.mjs'), text);
    writeFileSync(
      join(directory, 'vitest.config.mjs'),
      "export default { test: { globalSetup: './vitest.setup.mjs', hookTimeout: 1000 } };\n",
    );
    const environment = { HEAPLINE_TOOLCHAIN: 'embedded', HEAPLINE_CACHE: cache };
    const { status, output } = run(directory, 'npx vitest run', environment);
    expect([status, status === 0 ? '' : output]).toEqual([0, '']);
    expect(output.match(/^heapline: compiled parser\.c in \d+\.\d s$/gm)).toHaveLength(1);
  });
});

test('vitest checks when everything has cleaned up, and each test file has reports of its own', () => {
  const directory = write('vitest-cleaning', false, ['parser.c', 'vitest.config.ts']);
  const cleaning = `
import { beforeEach, onTestFinished, test } from 'vitest';
import lib from './parser.c?heap';
const text = () => { const p = lib.heap.cstring('x'); return () => lib.heap.free(p); };
const fixtures = test.extend<{ p: number }>({
  p: async ({}, use) => { const free = text(); await use(1); free(); },
});
beforeEach(() => text());
test('onTestFinished', () => void onTestFinished(text()));
fixtures('fixture', ({ p }) => void p);
`;
  const leaking = `
import { test } from 'vitest';
import lib from './parser.c?heap';
test('same name', () => void lib.heap.cstring('SIZE'));
`;
  writeFileSync(join(directory, 'cleaning.test.ts'), cleaning);
  writeFileSync(join(directory, 'a.test.ts'), leaking.replace('SIZE', '123'));
  writeFileSync(join(directory, 'b.test.ts'), leaking.replace('SIZE', '1234'));
  const { output } = run(directory, 'npx vitest run');
  expect(output).toMatch(/Tests +2 failed \| 2 passed/);
  const report = (name: string) =>
    readFileSync(join(directory, `heapline-report/${name}-same-name.txt`), 'utf8');
  expect(report('a.test.ts')).toContain('4 bytes in 1 block');
  expect(report('b.test.ts')).toContain('5 bytes in 1 block');
});

test("vitest points at one leak's stack, from the user's innermost frame on, inlined or not", () => {
  const directory = write('vitest-pointing', false, []);
  const source = `#include <stdlib.h>
#include <string.h>
static char *copy_of(const char *text) {
  return strcpy(malloc(strlen(text) + 1), text);
}
int first(const char *text) { return copy_of(text)[0]; }
int second(const char *text) { return strdup(text)[1]; }
int third(const char *text) { return strdup(text)[2]; }
`;
  const config = `
import heapline from 'heapline/vitest-plugin';
export default { plugins: [heapline({ autoCheck: true, compile: { flags: ['-O2'] } })] };
`;
  const test = (use: string, rest: string) => `
import { expect, test } from 'vitest';
import 'heapline/vitest';
import { assertNoLeaks } from 'heapline/assert';
import lib from './two.c?heap';
interface Unused { readonly lines: 'that are not there any more when it runs' }
const text = lib.heap.cstring('abc'); lib.heap.hold(text);
const use = () => {
${use}
};
test('leaks', async () => {
  ${rest}
});
`;
  writeFileSync(join(directory, 'two.c'), source);
  writeFileSync(join(directory, 'vitest.config.mjs'), config);
  const both = '  lib.exports.first(text);\n  lib.exports.second(text);';
  const libc = '  lib.exports.second(text);\n  lib.exports.third(text);';
  writeFileSync(join(directory, 'auto.test.ts'), test(both, 'use();'));
  writeFileSync(join(directory, 'libc.test.ts'), test(libc, 'use();'));
  writeFileSync(join(directory, 'assert.test.ts'), test(both, 'use(); assertNoLeaks(lib);'));
  writeFileSync(join(directory, 'heap.test.ts'), test(both, 'use(); lib.heap.assertNoLeaks();'));
  writeFileSync(join(directory, 'matcher.test.ts'), test(both, "await expect(use, 'mine').not.toLeak(lib);"));
  const most = 'await expect(use).toAllocateAtMost(lib, { objects: 1 });';
  writeFileSync(
    join(directory, 'most.test.ts'),
    test('  lib.exports.first(text);\n  use1();', most).replace('use1()', 'lib.exports.first(text)'),
  );
  const [, ...failures] = run(directory, 'npx vitest run').output.split(/^ FAIL +/m);
  const shown = (name: string) => {
    const output = failures.find((text) => text.startsWith(`${name}.test.ts`)) ?? '';
    const frames = [...output.matchAll(/^ ❯ (?!.*tests? \|)(.*:\d+:\d+)$/gm)].map(([, frame]) => frame!);
    return { output, frames };
  };
  const inFirst = [
    expect.stringMatching(/^copy_of two\.c:4:\d+$/),
    expect.stringMatching(/^first two\.c:6:\d+$/),
  ];
  const auto = shown('auto');
  expect(auto.output).toContain('definite 8 bytes in 2 blocks');
  expect(auto.output).toMatch(/copy_of two\.c.*\n(.*\n)* +4\| {3}return strcpy\(malloc/);
  expect(auto.frames).toEqual([
    ...inFirst,
    'use auto.test.ts:9:15',
    expect.stringMatching(/^\(anonymous\) auto\.test\.ts:13:3$/),
  ]);
  expect(shown('libc').frames).toEqual([
    expect.stringMatching(/^second two\.c:7:\d+$/),
    'use libc.test.ts:9:15',
    '(anonymous) libc.test.ts:13:3',
  ]);
  for (const name of ['assert', 'heap', 'matcher', 'most']) {
    const { output, frames } = shown(name);
    expect(frames.slice(0, 3)).toEqual([...inFirst, `use ${name}.test.ts:9:15`]);
    expect(frames.at(-1)).toMatch(new RegExp(`^(leaks )?${name}\\.test\\.ts:13:\\d+$`));
    expect(frames.filter((frame) => frame.includes('two.c'))).toHaveLength(2);
    if (name === 'matcher') expect(output).toContain('mine: expected the work not to leak');
  }
});

test('checks: true in the plugin checks accesses in imports and in what tests open', () => {
  const directory = write('vitest-checks', false, []);
  writeFileSync(
    join(directory, 'over.c'),
    `#include <stdlib.h>
int over(int at) { char *p = malloc(12); p[at] = 1; free(p); return at; }
`,
  );
  writeFileSync(
    join(directory, 'vitest.config.mjs'),
    `import heapline from 'heapline/vitest-plugin';
export default { plugins: [heapline({ autoCheck: true, checks: true })] };
`,
  );
  writeFileSync(
    join(directory, 'over.test.ts'),
    `import { expect, test } from 'vitest';
import { loadC } from 'heapline';
import imported from './over.c?heap';
test('inside', () => void imported.exports.over(11));
test('an import', () => void imported.exports.over(12));
test('a sandbox', async () => {
  using opened = await loadC('over.c');
  opened.exports.over(13);
  expect(opened.heap.faults()).toHaveLength(1);
  using unchecked = await loadC('over.c', { checks: false });
  unchecked.exports.over(13);
  expect(unchecked.heap.faults()).toEqual([]);
});
`,
  );
  const { output } = run(directory, 'npx vitest run');
  expect(output).toMatch(/heap-buffer-overflow in over: write of 1 byte at .*, 0 bytes past the end/);
  expect(output).toMatch(/Tests +2 failed \| 1 passed/);
});

test('jest writes baselines of allocations at first and with -u, and fails on more', () => {
  const directory = write('jest-baseline', true, ['parser.c', 'jest.config.js', 'jest.setup.mjs']);
  writeFileSync(
    join(directory, 'baseline.test.js'),
    `let lib, assertMatchesHeapBaseline;
beforeAll(async () => {
  ({ assertMatchesHeapBaseline } = await import('heapline/assert'));
  const { loadC } = await import('heapline');
  lib = await loadC('parser.c');
});
afterAll(() => lib.dispose());
test('parsing allocates what it did', () => {
  assertMatchesHeapBaseline(lib, () => {
    for (let i = 0; i < Number(process.env.TIMES); i++) lib.heap.free(lib.heap.cstring('[1, 2]'));
  });
});
`,
  );
  const [jest] = commands('jest');
  const times = (count: string, flags: string) =>
    run(directory, `${jest} baseline ${flags}`, { CI: '', TIMES: count });
  const written = times('1', '');
  expect([written.status, written.status === 0 ? '' : written.output]).toEqual([0, '']);
  const more = times('2', '');
  expect(more.output).toContain("Use the test runner's flag -u to write the baseline anew.");
  expect(more.status).not.toBe(0);
  expect(times('2', '-u').status).toBe(0);
  expect(times('2', '--ci').status).toBe(0);
});

describe('lines of JavaScript are those of the source', () => {
  const source = (before: string, after: string) => `
import { loadC } from 'heapline';
import { assertNoLeaks } from 'heapline/assert';

interface Unused {
  readonly lines: 'that are not there any more when it runs';
}

/*
 * Nor are these.
 */
let lib: any;
${before}(async () => {
  lib = await loadC('parser.c');
});
${after}(() => lib.dispose());

const use = (): void => {
  lib.exports.count_numbers(lib.heap.cstring('1'));
};

it('leaks', () => {
  use();
  assertNoLeaks(lib);
});
`;
  const babel = JSON.stringify({
    presets: ['@babel/preset-typescript'],
    plugins: ['@babel/plugin-transform-modules-commonjs'],
  });

  test.each([
    [
      'jest',
      'lines.test.ts',
      source('beforeAll', 'afterAll'),
      'node --experimental-vm-modules PATH/jest lines',
    ],
    ['mocha', 'lines.ts', source('before', 'after'), 'node PATH/mocha --require ./register.cjs lines.ts'],
  ])('%s with Babel', (runner, file, text, command) => {
    const directory = write(`${runner}-lines`, false, ['parser.c']);
    writeFileSync(join(directory, file), text);
    writeFileSync(join(directory, '.babelrc'), babel);
    writeFileSync(join(directory, 'register.cjs'), "require('@babel/register')({ extensions: ['.ts'] });\n");
    const { output } = run(directory, command.replace('PATH', join(project.directory, 'node_modules/.bin')));
    expect(output).toContain(`at use (${file}:19:`);
    expect(output).toMatch(new RegExp(`at \\S+ \\(${file}:23:3\\)`));
  });
});

describe('the command', () => {
  const names = ['parser.c', 'parser_test.c', 'leaks.supp'];

  test.each(commands('command'))('%s', (command) => {
    const leaking = run(write('command', false, names), command);
    expect(leaking.output).toMatch(command.includes('=leaks.xml') ? /^/ : /count_numbers \(parser\.c:6:/);
    expect(leaking.status).toBe(1);
    expect(run(write('command-mended', true, names), command)).toMatchObject({ status: 0 });
  });

  test('lives with known leaks', () => {
    const directory = write('baseline', false, names);
    for (const command of commands('baseline')) {
      expect([command, run(directory, command).status]).toEqual([command, 0]);
    }
  });

  test('annotates on GitHub Actions', () => {
    const workflow = files.find(({ name }) => name.endsWith('leaks.yml'))!.text;
    const steps = [...workflow.matchAll(/run: (npx heapline .*)$/gm)].map(([, step]) => step!);
    expect(steps).toHaveLength(1);
    const directory = write('github', false, names);
    const environment = { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: directory };
    const { status, output } = run(directory, steps[0]!, environment);
    expect(output).toContain('::error file=parser.c,line=6,col=16,title=Memory%3A definite leak::');
    expect(status).toBe(1);
  });
});

test('the types of the vitest example are right', () => {
  const directory = write('types', true, ['parser.c', 'vitest.config.ts', 'parser.test.ts']);
  const options =
    '--strict --noEmit --skipLibCheck --target es2022 --module esnext --moduleResolution bundler';
  expect(run(directory, `npx tsc ${options} parser.test.ts vitest.config.ts`)).toEqual({
    status: 0,
    output: '',
  });
});
