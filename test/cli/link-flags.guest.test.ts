// heapline link-flags, as build systems call it.

import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { CommandDirectory } from '../support/command-directory.ts';
import { runtimeObjects } from '../support/runtime-objects.ts';

const directory = new CommandDirectory();
afterAll(() => directory.dispose());

it.each([
  ['wasi', 'wasi'],
  ['emscripten', 'emscripten'],
  ['emscripten-sandbox', 'emscripten'],
])('names the files for %s by absolute paths', (target, kind) => {
  const { status, stdout, stderr } = directory.heapline(['link-flags', target]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [object, flags, ...rest] = stdout.trimEnd().split(' ');
  expect(rest).toEqual([]);
  expect(object).toBe(join(fileURLToPath(new URL('../..', import.meta.url)), `wasm/heapline-${kind}.o`));
  expect(flags).toBe(`@${object!.replace(`heapline-${kind}.o`, `link-${target}.rsp`)}`);
  expect([object!, flags!.slice(1)].every((file) => existsSync(file))).toBe(true);
});

it('prints arguments of rustc for Rust', () => {
  const wasm = join(fileURLToPath(new URL('../..', import.meta.url)), 'wasm');
  const { status, stdout } = directory.heapline(['link-flags', 'rust']);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: `-L native=${wasm} -l static:-bundle,+whole-archive=heapline -C link-arg=@${wasm}/link-rust.rsp\n`,
  });
  expect(existsSync(join(wasm, 'libheapline.a'))).toBe(true);
  expect(existsSync(join(wasm, 'link-rust.rsp'))).toBe(true);
});

it('names the object of another build of the runtime', () => {
  const objects = runtimeObjects('hooks');
  const { stdout } = directory.heapline(['link-flags', 'wasi'], { env: { HEAPLINE_RUNTIME: objects } });
  expect(stdout.startsWith(`${objects}/heapline-wasi.o @`)).toBe(true);
});

it('rejects other targets, no target, and a directory without the runtime', () => {
  expect(directory.heapline(['link-flags', 'native'])).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining(
      'native is no target: it is one of wasi, emscripten, emscripten-sandbox, rust.',
    ),
  });
  expect(directory.heapline(['link-flags']).status).toBe(2);
  const none = directory.heapline(['link-flags', 'wasi'], { env: { HEAPLINE_RUNTIME: directory.path } });
  expect(none.status).toBe(2);
  expect(none.stderr).toMatch(/The Heapline runtime is missing: .*heapline-wasi\.o.*build\.sh/s);
});

it('says that a shell would split a path with spaces', () => {
  const spaced = join(directory.path, 'a b');
  mkdirSync(spaced);
  copyFileSync(join(runtimeObjects('shipped'), 'heapline-wasi.o'), join(spaced, 'heapline-wasi.o'));
  const { status, stdout, stderr } = directory.heapline(['link-flags', 'wasi'], {
    env: { HEAPLINE_RUNTIME: spaced },
  });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/a b\/heapline-wasi\.o apart at its spaces.*docs\/linking\.md/);
});
