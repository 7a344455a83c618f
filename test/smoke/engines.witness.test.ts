// The packed package in Deno and Bun, as npm has them: the library, leak checks, profiles with frames of JavaScript
// and C, and typed errors. Deno has V8, but lacks one method of Node's. Bun has JavaScriptCore.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { networkEnvironment } from '../support/certificates.mjs';
import { type ConsumerProject, createConsumerProject } from '../support/packed-package.ts';
import { versionOf } from '../support/tool-versions.ts';

const root = new URL('../..', import.meta.url).pathname;

const LIBRARY = `#include <stdlib.h>
void *leak(int size) { return malloc(size); }
static void fail(void) { __builtin_trap(); }
void crash(void) { fail(); }
int main(void) { free(malloc(10)); return 3; }
`;

const USE = `import { loadC, HeapProfile } from 'heapline';
import { assertNoLeaks } from 'heapline/assert';

const lib = await loadC('library.c', { toolchain: 'embedded' });
const { exitCode } = lib.run();
function handleRequest() { globalThis.answer = lib.exports.leak(100); } // a tail call would have no frame in Bun
handleRequest();
const caught = (work) => { try { work(); return null; } catch (error) { return error; } };
const names = (frames) => frames.map(({ function: name, line }) => name + ':' + line);
const [record] = lib.heap.leaks().records;
const leak = caught(() => assertNoLeaks(lib));
const trap = caught(() => lib.exports.crash());
const wrong = caught(() => lib.exports.leak('100'));
const profile = HeapProfile.decode(lib.heap.profile().encode());
console.log(JSON.stringify({
  exitCode,
  record: { kind: record.kind, bytes: record.bytes, frames: names(record.frames), file: record.frames[1].file },
  leak: leak.name,
  trap: { name: trap.name, frames: names(trap.frames) },
  wrong: wrong.name,
  folded: profile.folded(),
}));
lib[Symbol.dispose]();
`;

/** Path of an engine's binary. It comes from npm's package for this platform and is kept in .cache. */
function engine(name: 'deno' | 'bun'): string {
  const directory = join(root, '.cache', 'engines', `${name}-${versionOf(name)}`);
  const [scope, program] = name === 'deno' ? ['@deno', 'deno'] : ['@oven', 'bin/bun'];
  const packages = join(directory, 'node_modules', scope);
  const find = (): string | undefined =>
    (existsSync(packages) ? readdirSync(packages).sort() : [])
      .map((each) => join(packages, each, program))
      .find((file) => existsSync(file));
  if (find() === undefined) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'package.json'), '{ "private": true }\n');
    execFileSync(
      'npm',
      ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${versionOf(name)}`],
      { cwd: directory, env: networkEnvironment() },
    );
  }
  const binary = find();
  if (binary === undefined) throw new Error(`npm has no ${name} for this platform`);
  return binary;
}

let project: ConsumerProject;

beforeAll(() => {
  project = createConsumerProject();
  writeFileSync(join(project.directory, 'library.c'), LIBRARY);
  writeFileSync(join(project.directory, 'use.mjs'), USE);
});

afterAll(() => project.dispose());

describe.each([
  ['deno', ['run', '--allow-all', '--quiet']],
  ['bun', []],
] as const)('%s', (name, args) => {
  it('runs C, finds the leak with its frames of C and JavaScript, and writes profiles', () => {
    const result = JSON.parse(project.run(engine(name), [...args, 'use.mjs']));
    expect(result).toMatchObject({
      exitCode: 3,
      record: { kind: 'definite', bytes: 100, file: join(project.directory, 'use.mjs') },
      leak: 'LeakError',
      trap: { name: 'TrapError' },
      wrong: 'InvalidArgumentError',
    });
    expect(result.record.frames.slice(0, 2)).toEqual(['leak:2', 'handleRequest:6']);
    expect(result.folded).toMatch(/handleRequest;leak 100\n/);
    // JavaScriptCore names the functions of frames, but does not say at which line in them a frame is.
    const expected = name === 'deno' ? ['fail:3', 'crash:4'] : [expect.stringMatching(/^(fail|crash):0$/)];
    expect(result.trap.frames.slice(0, expected.length)).toEqual(expected);
  });
});
