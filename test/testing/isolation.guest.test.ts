// The plugin's isolate: 'snapshot', as vitest runs it: each test finds the sandboxes as beforeAll left them, and its leaks
// are judged before they are undone.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { InvalidArgumentError, loadC, StateError, UnsupportedModuleError } from '../../src/index.ts';
import { Isolation } from '../../src/testing/isolation.ts';
import heapline from '../../src/testing/vitest-plugin.ts';
import { FULL } from '../support/full.ts';
import { lib } from './requests.ts';

const COUNTER = resolve('test/testing/programs/counter.c');
const PLUGIN = resolve('src/testing/vitest-plugin.ts');
const HEAD = `import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadC } from ${JSON.stringify(resolve('src/index.ts'))};
const open = (options = {}) => loadC(${JSON.stringify(COUNTER)}, { toolchain: 'clang', ...options });
`;

// In the project, so that the tests in it find vitest.
let folder: string;
beforeAll(() => {
  const cache = resolve('.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'isolation-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

interface Outcome {
  readonly title: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

/** Runs test files by their names. Returns what became of each test, by the same names. */
async function vitest(
  options: object,
  files: Readonly<Record<string, string>>,
): Promise<Record<string, Outcome[]>> {
  const plugin = { compile: { toolchain: 'clang' }, reportFolder: false, ...options };
  const config = `import heapline from ${JSON.stringify(PLUGIN)};
export default { plugins: [heapline(${JSON.stringify(plugin)})] };
`;
  writeFileSync(join(folder, 'vitest.config.mjs'), config);
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, `${name}.test.ts`), HEAD + text);
  // The runner that runs this test would tell its child about itself.
  const { VITEST: _, VITEST_POOL_ID: __, VITEST_WORKER_ID: ___, ...env } = process.env;
  const args = ['run', '--root', folder, '--reporter=json', '--outputFile=results.json'];
  const printed = await new Promise<string>((done) => {
    execFile(
      process.execPath,
      [resolve('node_modules/vitest/vitest.mjs'), ...args],
      { cwd: folder, env: { ...env, NO_COLOR: '1' } },
      (_error, stdout, stderr) => done(stdout + stderr),
    );
  });
  let results: { testResults: { name: string; assertionResults: Outcome[] }[] };
  try {
    results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
  } catch (cause) {
    throw new Error(`vitest has written no results: ${printed}`, { cause });
  }
  return Object.fromEntries(
    Object.keys(files).map((name) => [
      name,
      results.testResults.find((file) => file.name.endsWith(`/${name}.test.ts`))!.assertionResults,
    ]),
  );
}

const failed = (outcomes: readonly Outcome[]) =>
  outcomes.filter(({ status }) => status !== 'passed').map(({ title }) => title);

const UNDONE = `
import lib from ${JSON.stringify(`${COUNTER}?heap`)};
const seen = (each) => [each.heap.stats(), each.readFile('/notes'), each.trapped];
let opened, before, address;
beforeAll(async () => {
  opened = await open();
  for (const each of [lib, opened]) each.exports.bump();
  opened.exports.keep(100);
  before = [lib, opened].map(seen);
});
const use = () => {
  expect([lib, opened].map(seen)).toEqual(before);
  for (const each of [lib, opened]) {
    expect(each.exports.bump()).toBe(2);
    expect(each.exports.note()).toBe(6);
  }
  address ??= lib.exports.keep(2000);
  expect(lib.exports.keep(2000)).toBe(address);
};
afterEach(() => lib.exports.bump());
test('one', use);
test('two', use);
test('leaks', () => (use(), opened.exports.lose(24)));
test('after the leak', use);
test('traps', () => (use(), expect(() => lib.exports.trap()).toThrow(/trapped/)));
test('after the trap', use);
let tries = 0;
test('is tried again', { retry: 1 }, () => (use(), expect(++tries).toBe(2)));
describe('a suite', () => {
  beforeAll(() => expect(lib.exports.bump()).toBe(2));
  beforeEach(() => expect(lib.exports.bump()).toBe(3));
  test('three', () => expect(lib.exports.bump()).toBe(4));
  test('four', () => expect(lib.exports.bump()).toBe(4));
  afterAll(() => expect(lib.exports.bump()).toBe(3));
});
test('finds what hooks between tests did', () => expect(lib.exports.bump()).toBe(4));
let own;
test('opens a sandbox', async () => {
  own = await open();
  expect(own.exports.bump()).toBe(1);
});
test('may keep it', () => expect(own.exports.bump()).toBe(2));
test('disposes of one', () => opened.dispose());
test('and goes on', () => expect(lib.exports.bump()).toBe(4));
`;

const CONCURRENT = `
const lib = await open();
let go;
const gone = new Promise((done) => { go = done; });
describe.concurrent('together', () => {
  test('waits', async () => { lib.exports.bump(); await gone; expect(lib.exports.bump()).toBe(2); });
  test('comes between', () => {});
  test('ends the wait', () => {});
});
setTimeout(() => go(), 300);
`;

const DIRECTORIES = `
beforeAll(() => open({ preopens: { '/here': '.' } }));
test('is refused', () => {});
`;

test('each test finds what beforeAll left, and is judged before it is undone', {
  timeout: 120_000,
}, async () => {
  const outcomes = await vitest(
    { isolate: 'snapshot', autoCheck: true },
    { undone: UNDONE, concurrent: CONCURRENT, directories: DIRECTORIES },
  );
  expect(outcomes.undone).toHaveLength(14);
  expect(failed(outcomes.undone!)).toEqual(['leaks']);
  const leak = outcomes.undone!.find(({ title }) => title === 'leaks')!;
  expect(leak.failureMessages).toEqual([expect.stringContaining('definite leak: 24 bytes in 1 block')]);

  expect(failed(outcomes.concurrent!)).toEqual(['comes between', 'ends the wait']);
  expect(outcomes.concurrent![1]!.failureMessages[0]).toMatch(/^StateError: .* cannot be concurrent/);

  const [refused] = outcomes.directories!;
  expect(refused!.failureMessages).toEqual([
    expect.stringMatching(/^StateError: isolate: 'snapshot' cannot save counter\.c\. .*preopens/),
  ]);
});

test.runIf(FULL)('without it, the same tests see each other', { timeout: 120_000 }, async () => {
  const outcomes = await vitest({}, { undone: UNDONE });
  expect(failed(outcomes.undone!)).toContain('two');
});

test('a sandbox without snapshots is left alone, with one warning', () => {
  const isolation = new Isolation();
  vi.spyOn(lib, 'snapshot').mockImplementation(() => {
    throw new UnsupportedModuleError('It cannot be saved.');
  });
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
  const address = lib.heap.malloc(10);
  for (const suite of [{}, {}]) {
    isolation.begin(suite);
    lib.heap.free(lib.heap.malloc(20));
    isolation.end();
  }
  lib.heap.free(address);
  const text = `isolate: 'snapshot' leaves ${lib.instance} as each test leaves it. It cannot be saved.`;
  expect(warn.mock.calls).toEqual([[text, { code: 'HEAPLINE_NOT_ISOLATED' }]]);
});

test('the option is one of two words', () => {
  expect(() => heapline({ isolate: true as never })).toThrow(InvalidArgumentError);
  expect(() => heapline({ isolate: 'snapshots' as never })).toThrow(/did you mean 'snapshot'/);
});

test('a sandbox that cannot be restored fails the test, and the others are restored', async () => {
  const isolation = new Isolation();
  const other = await loadC(COUNTER, { toolchain: 'clang' });
  isolation.begin({});
  other.exports.bump!();
  const restore = vi.spyOn(lib, 'restore').mockImplementation(() => {
    throw new StateError('It cannot be restored.');
  });
  expect(() => isolation.end()).toThrow(AggregateError);
  expect(restore).toHaveBeenCalledOnce();
  expect(other.exports.bump!()).toBe(1);
  other.dispose();
});
