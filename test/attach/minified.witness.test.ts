// attach() with release builds: the exports have one letter, nothing says which function is malloc, and with
// HEAPLINE_FULL=1 Google's Closure Compiler has renamed everything in the JavaScript, too.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attach } from '../../src/attach/index.ts';
import { networkEnvironment } from '../support/certificates.mjs';
import { EMCC } from '../support/emcc.ts';
import { FULL } from '../support/full.ts';

const require = createRequire(import.meta.url);
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'heapline-minified-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The last Closure Compiler that knows the options of emcc 3.1.6. */
const CLOSURE = 'google-closure-compiler@20220104.0.0';

interface Library {
  _leak(size: number): number;
  _drop(pointer: number): void;
  _apply(callback: number, n: number): number;
  ccall(name: string, result: string, types: string[], args: unknown[]): unknown;
  addFunction(call: (n: number) => number, signature: string): number;
}

beforeAll(async () => {
  if (!FULL) return;
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  await run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', CLOSURE], {
    cwd: folder,
    env: networkEnvironment(),
  });
});

async function build(name: string, flags: readonly string[]): Promise<string> {
  const output = join(folder, `${name}.cjs`);
  await run(
    EMCC,
    [
      join(import.meta.dirname, 'programs/library.c'),
      ...['-O3', '-fno-builtin-malloc', '-sMODULARIZE', '-sSINGLE_FILE', '-sEXIT_RUNTIME=0'],
      ...['-sALLOW_MEMORY_GROWTH', '-sALLOW_TABLE_GROWTH', '-sEXPORTED_RUNTIME_METHODS=ccall,addFunction'],
      ...flags,
      ...['-o', output],
    ],
    {
      env: {
        ...process.env,
        // emcc's optimiser of JavaScript needs acorn, which not every distribution installs with it.
        NODE_PATH: fileURLToPath(new URL('../../node_modules', import.meta.url)),
        EM_CLOSURE_COMPILER: join(folder, 'node_modules/.bin/google-closure-compiler'),
      },
    },
  );
  return output;
}

const BUILDS: readonly (readonly [name: string, flags: readonly string[]])[] = [
  ['minified', []],
  ...(FULL ? [['renamed by Closure Compiler', ['--closure', '1']] as const] : []),
];

it.each(BUILDS)('follows a release build that is %s', async (name, flags) => {
  const file = await build(name.replaceAll(' ', '-'), flags);
  expect(readFileSync(file, 'utf8')).not.toMatch(/"malloc"/);
  const { module, sandbox } = await attach(require(file) as () => PromiseLike<Library>);
  const { heap } = sandbox;
  const before = heap.stats().inUseBytes;
  const block = module._leak(1001);
  expect(heap.stats().inUseBytes - before).toBe(1001);
  const callback = module.addFunction((n) => module._leak(n), 'ii');
  module._apply(callback, 1002);
  const stackOf = (size: number) => {
    const found = [...heap.blocks()].find((each) => each.size === size)!;
    return heap.contextFrames(found.context).map((frame) => [frame.language, frame.file] as const);
  };
  // C and this file in turn: leak() below apply(). The JavaScript of emcc may stand in between.
  const kinds = stackOf(1002)
    .filter(([language, from]) => language === 'c' || from === import.meta.filename)
    .map(([language]) => language);
  expect(kinds.join(' ').replace(/(\w+)( \1)+/g, '$1')).toBe('c js c js');
  module._drop(block);
  expect(module.ccall('length', 'number', ['string'], ['abc'])).toBe(3);
  expect(heap.stats().inUseBytes - before).toBe(1002);
  expect(heap.profile().comments.join('\n')).toMatch(/malloc is function \d+, recognised by what it does/);
  sandbox.dispose();
});
