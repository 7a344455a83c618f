// The guide docs/leaks-in-ci.md, followed to the letter with the packed package: its files are written, its commands are
// run, every runner fails at the line of the leak, and passes once the leak is mended.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConsumerProject, createConsumerProject } from './packed-package.ts';

const guide = readFileSync(new URL('../../docs/leaks-in-ci.md', import.meta.url), 'utf8');
const root = new URL('../..', import.meta.url).pathname;

/** Fenced blocks with a word after the language: a file's name, or of `sh` the example that it belongs to. */
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
  const packages = ['vitest@4', 'jest@30', 'mocha@11', typescript];
  project.run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', ...packages]);
});
afterAll(() => project.dispose());

/** Writes the guide's files into a folder of the project, with the leak mended or not. */
function write(folder: string, mended: boolean, names: readonly string[]): string {
  const directory = join(project.directory, folder);
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
  const shell = [`cd '${directory}'`, 'unset NODE_OPTIONS VITEST NODE_ENV JEST_WORKER_ID', command].join(
    ' && ',
  );
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
  ['jest', ['parser.c', 'parser.test.js']],
  ['mocha', ['parser.c', 'test/parser.mjs']],
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
