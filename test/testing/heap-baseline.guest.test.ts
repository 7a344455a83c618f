// Baselines of allocations, as vitest runs them: they are written once, hold in CI, and are written anew by -u.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { assertMatchesHeapBaseline, HeapAssertionError } from '../../src/testing/assert.ts';
import { judgeBaseline, type Situation } from '../../src/testing/judge-baseline.ts';
import { lib, program } from './requests.ts';

// In the project, so that the tests in it find vitest.
let folder: string;
beforeAll(() => {
  const cache = resolve('.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'heap-baseline-'));
  writeFileSync(join(folder, 'vitest.config.mjs'), 'export default {};\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const ENTRY = resolve('src/testing/vitest.ts');
const INDEX = resolve('src/index.ts');

/** A test file whose tests allocate so many bytes. */
function testFile(tests: Readonly<Record<string, number>>): string {
  const body = Object.entries(tests).map(
    ([name, size]) =>
      `  test(${JSON.stringify(name)}, async () => {
    await expect(() => lib.exports.destroy(lib.exports.make(${size}))).toMatchHeapBaseline(lib);
    await expect(() => lib.exports.clean()).toMatchHeapBaseline(lib, { margin: 0.5 });
  });`,
  );
  return `import { afterAll, describe, expect, test } from 'vitest';
import ${JSON.stringify(ENTRY)};
import { loadC } from ${JSON.stringify(INDEX)};
const lib = await loadC(${JSON.stringify(program)}, { toolchain: 'clang', flags: ['-O1'] });
afterAll(() => lib.dispose());
describe('a library', () => {
${body.join('\n')}
});
`;
}

function vitest(tests: Readonly<Record<string, number>>, flags: readonly string[], ci: boolean) {
  writeFileSync(join(folder, 'library.test.ts'), testFile(tests));
  // The runner that runs this test would tell its child about itself.
  const { VITEST: _, VITEST_POOL_ID: __, VITEST_WORKER_ID: ___, ...rest } = process.env;
  const env = { ...rest, CI: ci ? 'true' : '', HEAPLINE_REPORT_DIR: '', NO_COLOR: '1' };
  return new Promise<{ readonly status: number; readonly output: string }>((done) => {
    execFile(
      process.execPath,
      [resolve('node_modules/vitest/vitest.mjs'), 'run', '--root', folder, ...flags],
      { cwd: folder, env },
      (error, stdout, stderr) => done({ status: error === null ? 0 : 1, output: stdout + stderr }),
    );
  });
}

const baseline = (): string => readFileSync(join(folder, '__heap__', 'library.test.ts.json'), 'utf8');

test('vitest writes missing entries, holds to them in CI, names stale ones, and writes all anew with -u', {
  timeout: 120_000,
}, async () => {
  expect(await vitest({ small: 10, large: 1000 }, [], false)).toMatchObject({ status: 0 });
  const first = baseline();
  expect(JSON.parse(first).tests).toEqual({
    'a library > large': { objects: 1, bytes: 1000, peak: 1000 },
    'a library > large 2': { objects: 2, bytes: 150, peak: 100 },
    'a library > small': { objects: 1, bytes: 10, peak: 10 },
    'a library > small 2': { objects: 2, bytes: 150, peak: 100 },
  });

  const worse = await vitest({ small: 11 }, [], true);
  expect(worse.status).toBe(1);
  expect(worse.output).toContain("allocated more than 'a library > small' in the baseline");
  expect(worse.output).toContain(
    '  11 bytes, 10 bytes in the baseline\n  11 bytes at one time, 10 bytes at one time in',
  );
  expect(worse.output).toContain('Run vitest -u to write the baseline anew.');
  expect(worse.output).toContain("these tests exist no more: 'a library > large', 'a library > large 2'");
  expect(baseline()).toBe(first);

  expect(await vitest({ small: 11 }, ['-u'], false)).toMatchObject({ status: 0 });
  expect(JSON.parse(baseline()).tests).toEqual({
    'a library > small': { objects: 1, bytes: 11, peak: 11 },
    'a library > small 2': { objects: 2, bytes: 150, peak: 100 },
  });
});

describe('a baseline', () => {
  let situation: Situation;
  beforeEach(({ task }) => {
    situation = {
      testFile: join(folder, `${task.id}.test.ts`),
      testName: 'a test',
      update: 'new',
      updateAdvice: 'Do it again.',
      allTests: null,
      run: {},
    };
  });
  const judge = (size: number, options: object = {}, other: Partial<Situation> = {}) => {
    const work = (): void => lib.exports.destroy(lib.exports.make(size));
    return judgeBaseline('judge', lib, work, options, { ...situation, run: {}, ...other });
  };

  test('allows growth up to its margin', async () => {
    await judge(100);
    expect(await judge(110, { margin: 0.1 })).toMatchObject({ found: false });
    const verdict = await judge(111, { margin: 0.1 });
    expect(verdict.found).toBe(true);
    expect(verdict.message()).toContain(
      '(a margin of 10 % is allowed):\n  111 bytes, 100 bytes in the baseline',
    );
    expect(await judge(1)).toMatchObject({ found: false });
  });

  test('has entries of their own names', async () => {
    await judge(100, { name: 'small' });
    await judge(200, { name: 'large' });
    expect(await judge(200, { name: 'small' })).toMatchObject({ found: true });
    expect(await judge(200, { name: 'large' })).toMatchObject({ found: false });
    await expect(async () => judge(1, { name: '' })).rejects.toThrow('The option name must be');
    await expect(async () => judge(1, { margins: 1 })).rejects.toThrow("did you mean 'margin'?");
    await expect(async () => judge(1, { margin: -1 })).rejects.toThrow('The option margin must be');
    await expect(async () => judge(1, {}, { testName: null })).rejects.toThrow(
      'cannot know the name of the test',
    );
  });

  test('waits for work that is asynchronous', async () => {
    const work = async (size: number) => lib.exports.destroy(lib.exports.make(size));
    await judgeBaseline('judge', lib, () => work(5), {}, { ...situation, run: {} });
    expect(await judgeBaseline('judge', lib, () => work(6), {}, { ...situation, run: {} })).toMatchObject({
      found: true,
    });
  });
});

test('an assertion holds to the baseline of the test that vitest or jest names', () => {
  // This test has no baseline in the repository, so it has to be written first.
  const before = Object.getOwnPropertyDescriptor(globalThis, 'expect');
  const given = { testPath: join(folder, 'assert.test.ts'), currentTestName: 'named' };
  const withUpdate = (update: string): void => {
    const getState = () => ({ ...given, snapshotState: { _updateSnapshot: update } });
    Object.defineProperty(globalThis, 'expect', { value: { getState }, configurable: true });
  };
  // Baselines are not written in CI, where this test may run.
  vi.stubEnv('CI', '');
  try {
    const work = (size: number) => (): void => lib.exports.destroy(lib.exports.make(size));
    withUpdate('none');
    expect(() => assertMatchesHeapBaseline(lib, work(7))).toThrow(HeapAssertionError);
    withUpdate('new');
    assertMatchesHeapBaseline(lib, work(7));
    expect(() => assertMatchesHeapBaseline(lib, work(8))).toThrow("Allocated more than 'named'");
    withUpdate('all');
    assertMatchesHeapBaseline(lib, work(8));
    withUpdate('none');
    assertMatchesHeapBaseline(lib, work(8));
  } finally {
    vi.unstubAllEnvs();
    if (before === undefined) Reflect.deleteProperty(globalThis, 'expect');
    else Object.defineProperty(globalThis, 'expect', before);
  }
});
