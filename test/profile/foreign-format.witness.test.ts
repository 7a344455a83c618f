// Files that V8 and Valgrind write in this test are recognised and named.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusal } from '../support/refused-profile.ts';

const directory = mkdtempSync(join(tmpdir(), 'heapline-foreign-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('files that their own tools wrote', () => {
  beforeAll(() => {
    const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: directory });
    node('--heap-prof', '--heap-prof-name=v8.heapprofile', '-e', '[].concat([1])');
    node('--cpu-prof', '--cpu-prof-name=v8.cpuprofile', '-e', '[].concat([1])');
    node('-e', 'require("v8").writeHeapSnapshot("v8.heapsnapshot")');
    for (const tool of ['massif', 'dhat']) {
      execFileSync('valgrind', [`--tool=${tool}`, `--${tool}-out-file=${tool}.out`, '/bin/true'], {
        cwd: directory,
        stdio: 'ignore',
      });
    }
  });

  it.each([
    [
      'v8.heapprofile',
      /This is a sampling heap profile of V8 \(\.heapprofile\).*Memory panel of Chrome DevTools/,
    ],
    ['v8.heapsnapshot', /This is a heap snapshot of V8 .*Memory panel of Chrome DevTools/],
    ['v8.cpuprofile', /This is a CPU profile of V8 .*speedscope/],
    ['massif.out', /This is output of Valgrind's massif.*ms_print/],
    ['dhat.out', /This is output of Valgrind's DHAT.*dh_view/],
  ])('%s', (name, message) => {
    const bytes = readFileSync(join(directory, name));
    expect(refusal(bytes)).toMatch(message);
    expect(refusal(gzipSync(bytes))).toMatch(message);
  });
});
