// The threads of the embedded compiler. Most tests use fake compilers of a few lines that obey their arguments; the last
// test uses the real one.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { CompilerThreads, threadLimit } from '../../src/compile/embedded-threads.ts';
import { compile } from '../../src/compile/index.ts';
import { ToolchainError } from '../../src/errors.ts';
import { sourceTree } from '../support/source-tree.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-threads-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fake(name: string, text: string, patience?: number): CompilerThreads {
  const file = path.join(directory, name);
  writeFileSync(file, text);
  return new CompilerThreads(pathToFileURL(file), patience);
}

/** A fake compiler whose first argument says what it does. */
const OBEDIENT = `import { threadId } from 'node:worker_threads';
  export class Exit extends Error { constructor(files) { super('exit'); this.files = files; } }
  const bytes = (text) => new TextEncoder().encode(text);
  export async function runLLVM(args, files, options) {
    if (args === null) return {};
    const [what, text] = args;
    if (what === 'die') process.exit(7);
    if (what === 'trap') throw new Error('unreachable');
    if (what === 'wait') await new Promise((resolve) => setTimeout(resolve, 20));
    if (what === 'block') { const end = Date.now() + 200; while (Date.now() < end); }
    options.stdout(bytes(text ?? ''));
    options.stdout(null);
    options.stderr(bytes('thread ' + threadId));
    if (what === 'fail') throw new Exit({ ...files, made: bytes('half') });
    return { ...files, made: bytes('whole') };
  }`;
const obedient = fake('obedient.mjs', OBEDIENT);
const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString();
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (reason: unknown) => reason,
  );

describe('threads of the embedded compiler', () => {
  it('return output, messages and the requested file', async () => {
    const good = await obedient.run({ args: ['say', 'hello'], files: {}, output: 'made' });
    expect([good.ok, text(good.stdout), text(good.output)]).toEqual([true, 'hello', 'whole']);
    expect(good.stderr).toMatch(/^thread \d+$/);
    const bad = await obedient.run({ args: ['fail', 'why'], files: {}, output: 'made' });
    expect([bad.ok, text(bad.stdout), text(bad.output)]).toEqual([false, 'why', 'half']);
    const none = await obedient.run({ args: ['say'], files: {}, output: 'other' });
    expect(none.output).toBeNull();
    const own = await obedient.run({ args: ['say'], files: { made: Buffer.from('x') } });
    expect(own.output).toBeNull();
  });

  it('report a trap in the compiler as one', async () => {
    const { ok, stderr } = await obedient.run({ args: ['trap'], files: {} });
    expect([ok, stderr]).toEqual([false, '\nerror: the embedded compiler failed: unreachable']);
  });

  it('are never more than the limit, and each job gets its own answer', async () => {
    const jobs = Array.from({ length: 24 }, (_, index) =>
      obedient.run({ args: ['wait', `${index}`], files: {} }),
    );
    const results = await Promise.all(jobs);
    expect(results.map(({ stdout }) => text(stdout))).toEqual(jobs.map((_, index) => `${index}`));
    const threads = new Set(results.map(({ stderr }) => stderr));
    expect(threads.size).toBeLessThanOrEqual(threadLimit());
    expect(threads.size).toBe(Math.min(24, threadLimit()));
  });

  it('leave the event loop free', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await obedient.run({ args: ['block'], files: {} });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });

  it('end when there has been no job for a while', async () => {
    const job = { args: ['say'], files: {} };
    const patient = fake('patient.mjs', OBEDIENT);
    expect((await patient.run(job)).stderr).toBe((await patient.run(job)).stderr);
    const hasty = fake('hasty.mjs', OBEDIENT, 1);
    const { stderr } = await hasty.run(job);
    await expect.poll(async () => (await hasty.run(job)).stderr).not.toBe(stderr);
  });

  it('may die, which is a typed error, and the next job gets another thread', async () => {
    const errors = await Promise.all([
      rejection(obedient.run({ args: ['die'], files: {} })),
      rejection(obedient.run({ args: ['die'], files: {} })),
    ]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(ToolchainError);
      expect((error as Error).message).toMatch(/^The embedded compiler stopped before it had finished: /);
    }
    const after = await obedient.run({ args: ['say', 'again'], files: {} });
    expect(text(after.stdout)).toBe('again');
  });

  it('say why the compiler cannot be loaded', async () => {
    const broken = fake('broken.mjs', 'throw new Error("no such luck");');
    const error = await rejection(broken.run({ args: [], files: {} }));
    expect(error).toBeInstanceOf(ToolchainError);
    expect((error as Error).message).toContain('no such luck');
  });

  it('need --allow-worker under Node.js’s permission model', () => {
    const flag = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const script = `
      import { CompilerThreads } from ${JSON.stringify(path.resolve('src/compile/embedded-threads.ts'))};
      const error = await new CompilerThreads(new URL('file:///none')).run({ args: [], files: {} }).catch((error) => error);
      console.log(error.constructor.name, error.message);`;
    const file = path.join(directory, 'permission.mts');
    writeFileSync(file, script);
    const bundle = path.join(directory, 'permission.mjs');
    const esbuild = path.resolve('node_modules/.bin/esbuild');
    spawnSync(esbuild, [file, '--bundle', '--platform=node', '--format=esm', `--outfile=${bundle}`]);
    const args = [flag, '--allow-fs-read=*', bundle];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stdout, stderr).toMatch(/^ToolchainError .*--allow-worker/);
  });
});

it('sources that are compiled at once give the same module as sources that are compiled alone', async () => {
  const names = ['one', 'two', 'three', 'four', 'five'];
  const tree = sourceTree(
    Object.fromEntries(
      names.map((name, index) => [`${name}.c`, `int ${name}(int x) { return x * ${index}; }\n`]),
    ),
  );
  const caches = [0, 1].map(() => mkdtempSync(path.join(directory, 'cache-')));
  const sources = names.map((name) => tree.file(`${name}.c`));
  const together = await compile(sources, { toolchain: 'embedded', cacheDir: caches[0]! });
  for (const source of sources) await compile([source], { toolchain: 'embedded', cacheDir: caches[1]! });
  const alone = await compile(sources, { toolchain: 'embedded', cacheDir: caches[1]! });
  expect(together.exports).toEqual(names);
  expect(Buffer.from(together.wasm).equals(alone.wasm)).toBe(true);
  tree[Symbol.dispose]();
});
