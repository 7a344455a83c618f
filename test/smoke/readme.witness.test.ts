// Follows README.md to the letter with the packed package: writes its files, runs its commands, and compares their
// output with what the page says.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsumerProject, createConsumerProject, packedFiles } from '../support/packed-package.ts';

const root = new URL('../..', import.meta.url).pathname;
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/**
 * Fenced blocks with a word after the language: the name of a file, `run` for commands, `output` for their output.
 */
const blocks = [...readme.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name, text]) => ({
  name: name!,
  text: text!,
}));
const textsOf = (name: string): string[] =>
  blocks.filter((block) => block.name === name).map(({ text }) => text);
const withoutAddresses = (text: string): string => text.replace(/0x[0-9a-f]{8}/g, '0x…').trimEnd();

let project: ConsumerProject;

beforeAll(() => {
  project = createConsumerProject();
  for (const { name, text } of blocks)
    if (name.includes('.')) writeFileSync(join(project.directory, name), text);
});
afterAll(() => project.dispose());

/** Runs a command in the project; returns its status and its whole output. */
function run(command: string): { status: number; output: string } {
  const shell = `export HEAPLINE_TOOLCHAIN=embedded NO_COLOR=1 GITHUB_ACTIONS=; (${command}) 2>&1`;
  try {
    return { status: 0, output: project.run('bash', ['-c', shell]) };
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    return { status, output: stdout };
  }
}

describe('README', () => {
  const [example, check] = textsOf('run') as [string, string];

  it('finds the leak with the program that it shows', () => {
    const { status, output } = run(example);
    expect(status).toBe(0);
    expect(withoutAddresses(output)).toBe(withoutAddresses(textsOf('output')[0]!));
  });

  it('finds the leak from the command line', () => {
    const { status, output } = run(check);
    expect(status).toBe(1);
    expect(output).toContain('definite leak: 5 bytes in 1 block\n  at count_numbers (parser.c:5:23)');
  });
});

describe('the package', () => {
  it('contains the documentation and the examples', () => {
    const files = packedFiles();
    for (const link of readme.matchAll(/\]\(((?:docs|examples)\/[^)#]+|ARCHITECTURE\.md)\)/g)) {
      expect(files).toContain(link[1]);
    }
    for (const file of ['examples/leaky.c', 'docs/api/heapline/functions/loadC.md'])
      expect(files).toContain(file);
  });
});
