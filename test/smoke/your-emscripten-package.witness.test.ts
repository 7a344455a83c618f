// Follows the guide docs/your-emscripten-package.md: links its package with emcc as it says, and runs the package's tests.
// autoCheck finds the leak at its line, and the tests pass once it is mended.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMCC } from '../support/emcc.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const guide = readFileSync(join(root, 'docs/your-emscripten-package.md'), 'utf8');
/** Fenced blocks with a word after the language: the name of a file or, for `sh`, of a step. */
const blocks = [...guide.matchAll(/^```(\w+) (\S+)\n(.*?)^```$/gms)].map(([, language, name, text]) => ({
  language: language!,
  name: name!,
  text: text!,
}));
const expected = /^```text\n(LeakError: .*?)\n```$/ms.exec(guide)![1]!;
const LEAK = 'return -1;';

const folder = mkdtempSync(join(tmpdir(), 'heapline-own-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/heapline'));
  symlinkSync(join(root, 'node_modules/vitest'), join(folder, 'node_modules/vitest'));
  symlinkSync(join(root, 'node_modules/.bin/vitest'), join(folder, 'node_modules/.bin/vitest'));
  symlinkSync(join(root, 'dist/cli.js'), join(folder, 'node_modules/.bin/heapline'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
});

/** Writes the guide's files, builds and tests; returns what vitest printed, and its status. */
function follow(mended: boolean): { readonly status: number | null; readonly output: string } {
  for (const { language, name, text } of blocks) {
    if (language !== 'sh') {
      writeFileSync(join(folder, name), mended ? text.replace(LEAK, 'return free(copy), -1;') : text);
    }
  }
  run('build');
  return run('vitest');
}

function run(step: string): { readonly status: number | null; readonly output: string } {
  const command = blocks.find(({ language, name }) => language === 'sh' && name === step)!.text;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${command.trim()} 2>&1`], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${dirname(EMCC)}:${process.env.PATH}`,
      NO_COLOR: '1',
      GITHUB_ACTIONS: '',
      NODE_OPTIONS: '',
      VITEST: '',
    },
  });
  return { status, output: `${stdout}${stderr}` };
}

test('autoCheck fails the test that leaks, at the line of C', () => {
  const { status, output } = follow(false);
  expect(output).toContain(expected);
  expect(output).toMatch(/1 failed \| 2 passed/);
  expect(status).toBe(1);
});

test('all tests pass once the leak is mended', () => {
  const { status, output } = follow(true);
  expect(output).toMatch(/Tests {2}3 passed/);
  expect(status).toBe(0);
});
