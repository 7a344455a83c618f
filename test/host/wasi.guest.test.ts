// The parts of the outside world that a WASI guest can use, and the parts that it cannot reach.

import { beforeAll, describe, expect, test } from 'vitest';
import { Input, Output } from '../../src/host/index.ts';
import { buildWasi, runWasi } from '../support/wasi-program.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a WASI guest', () => {
  let world: WebAssembly.Module;
  beforeAll(async () => {
    world = await buildWasi('world.c');
  });

  test('gets its arguments unchanged, including spaces', async () => {
    const ran = await runWasi(world, ['args', 'a b', '', 'ü']);
    expect(ran.stdout).toBe('[program][args][a b][][ü]');
    expect(ran.exitCode).toBe(7);
  });

  test('has the environment that it was given and no variable of this process', async () => {
    process.env.HEAPLINE_TEST_SECRET = 'visible';
    expect((await runWasi(world, ['env'])).stdout).toBe('');
    expect((await runWasi(world, ['env'], { env: { A: '1', B: 'two words' } })).stdout).toBe(
      'A=1\nB=two words\n',
    );
  });

  test('cannot open a file that exists on the disk but was not handed in', async () => {
    for (const path of [
      '/etc/passwd',
      '../../../../etc/passwd',
      '/../etc/passwd',
      process.argv[1]!,
      import.meta.filename,
      '/proc/self/environ',
      '//etc/passwd',
      '/./../../etc/hostname',
    ]) {
      expect((await runWasi(world, ['open', path])).stdout, path).toBe('refused');
    }
  });

  test('opens the files that were handed in', async () => {
    const files = new Map([['/deep/in/here.txt', utf8('x')]]);
    expect((await runWasi(world, ['open', '/deep/in/here.txt'], { files })).stdout).toBe('opened');
    expect((await runWasi(world, ['open', 'deep/in/here.txt'], { files })).stdout).toBe('opened');
    expect((await runWasi(world, ['open', '/deep/../deep/in/here.txt'], { files })).stdout).toBe('opened');
  });

  test('reads its standard input to the end', async () => {
    const text = 'one\ntwo\n'.repeat(5000);
    expect((await runWasi(world, ['stdin'], { stdin: new Input(utf8(text)) })).stdout).toBe(text);
    expect((await runWasi(world, ['stdin'])).stdout).toBe('');
  });

  test('reads what a function gives it, more or less than it asked for, and asks only when it needs more', async () => {
    const pieces = ['one', '\n', 'two\n'.repeat(5000), ''];
    const asked: number[] = [];
    const stdin = new Input((length) => {
      asked.push(length);
      return utf8(pieces.shift()!);
    });
    expect((await runWasi(world, ['stdin'], { stdin })).stdout).toBe(`one\n${'two\n'.repeat(5000)}`);
    expect(pieces).toEqual([]);
    expect(asked).toHaveLength(4);
    expect(Math.min(...asked)).toBeGreaterThan(0);
    const failing = new Input(() => {
      throw new Error('torn off');
    });
    expect((await runWasi(world, ['stdin'], { stdin: failing })).error).toMatchObject({
      message: 'torn off',
    });
    expect((await runWasi(world, ['stdin'], { stdin: new Input(() => null) })).stdout).toBe('');
  });

  test('leaves files that the host can read', async () => {
    const files = new Map([['/out/.keep', utf8('')]]);
    const ran = await runWasi(world, ['write'], { files });
    expect(Buffer.from(ran.readFile('/out/result.txt')!).toString()).toBe('written by C');
    expect(ran.readFile('/out/none')).toBeNull();
  });

  test('sleeps as long as it asks to', async () => {
    const start = performance.now();
    const ran = await runWasi(world, ['sleep']);
    expect(ran.error).toBeNull();
    expect(ran.stdout).toBe('0');
    expect(performance.now() - start).toBeGreaterThanOrEqual(29);
  });

  test('knows the time, and draws random numbers that differ', async () => {
    const now = Number((await runWasi(world, ['time'])).stdout);
    expect(Math.abs(now - Date.now() / 1000)).toBeLessThan(5);
    const [one, two] = [(await runWasi(world, ['random'])).stdout, (await runWasi(world, ['random'])).stdout];
    expect(one).toMatch(/^[0-9a-f]{32}$/);
    expect(one).not.toBe(two);
  });

  test('loses no output when it exits', async () => {
    const ran = await runWasi(world, ['exit']);
    expect(ran).toMatchObject({
      exitCode: 42,
      stdout: 'to stdout, not flushed',
      stderr: 'to stderr',
      error: null,
    });
    expect(await runWasi(world, ['_exit'])).toMatchObject({ exitCode: 43, stdout: 'flushed' });
  });

  test('loses no line of output when it traps', async () => {
    const trapped = await runWasi(world, ['trap']);
    expect(trapped.error).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(trapped.stdout).toBe('before the trap\n');
    expect((await runWasi(world, ['abort'])).stdout).toBe('before the abort\n');
  });

  test('writes ten megabytes, and a hundred thousand single bytes, whole and in order', async () => {
    const much = (await runWasi(world, ['much'])).stdout;
    expect(much.length).toBe(200_000 * 49);
    expect(much.endsWith('000000199999\n')).toBe(true);
    const bytes = (await runWasi(world, ['bytes'])).stdout;
    expect(bytes).toBe('abcdefghijklmnopqrstuvwxyz'.repeat(3847).slice(0, 100_000));
  });

  test('passes its output on while it runs', async () => {
    const heard: string[] = [];
    await runWasi(world, ['exit'], {
      stderr: new Output((bytes) => heard.push(Buffer.from(bytes).toString())),
    });
    expect(heard.join('')).toBe('to stderr');
  });

  test('shares nothing with fifty others that are open at the same time', async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        runWasi(world, ['number', `guest ${i}`], {
          env: { N: String(i) },
          files: new Map([[`/f${i}`, utf8('')]]),
        }),
      ),
    );
    results.forEach((ran, i) => {
      expect(ran.stdout).toBe(`guest ${i} 1`);
      expect(ran.readFile(`/f${i}`)).not.toBeNull();
      expect(ran.readFile(`/f${i + 1}`)).toBeNull();
    });
  });
});
