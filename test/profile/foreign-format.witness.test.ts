// Files of other profilers are recognised and named. V8 and Valgrind write their files in this test. The other files
// begin as these tools wrote them: heaptrack 1.4, jemalloc 5, gperftools 2.10, memray 1, perf 6, Go 1.22.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeapProfile, InvalidProfileError } from '../../src/index.ts';
import { sampleProfile } from '../support/sample-heap.ts';

const directory = mkdtempSync(join(tmpdir(), 'heapline-foreign-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function refusal(bytes: Uint8Array): string {
  try {
    HeapProfile.decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidProfileError);
    return (error as Error).message;
  }
  throw new Error('it was read as a profile');
}

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

  it('files that Heapline wrote in other forms', () => {
    const profile = sampleProfile();
    expect(refusal(Buffer.from(profile.text()))).toMatch(/legacy text form.*go tool pprof -proto/);
    expect(refusal(Buffer.from(profile.speedscope()))).toMatch(/This is a file for speedscope/);
    expect(refusal(Buffer.from(JSON.stringify(profile)))).toMatch(/This is JSON that Heapline wrote/);
  });
});

it.each([
  ['v 10400 3\nX ./x\nI 1000 5e298d\n', /recording of heaptrack.*heaptrack_print/],
  ['\x28\xb5\x2f\xfd\x04\x58', /compressed with zstd.*heaptrack_print/],
  ['heap_v2/524288\n  t*: 1: 2 [0: 0]\n', /heap profile of jemalloc.*jeprof/],
  ['heap profile:      1:  1048576 [     1:  1048576] @ heapprofile\n', /legacy text form.*-proto/],
  ['memray\0\x0c\0\0\0', /recording of memray.*memray flamegraph/],
  ['PERFILE2h\0\0\0', /recording of perf.*perf report/],
  ['go 1.22 trace\0\0\0', /execution trace of Go.*go tool trace/],
  ['\0asm\x01\0\0\0', /WebAssembly module.*heapline run/],
  ['{"traceEvents":[]}', /trace of Chrome/],
  ['<!DOCTYPE html><html>', /page of HTML.*\/debug\/pprof\/heap/],
])('%j', (head, message) => {
  expect(refusal(Buffer.from(head, 'latin1'))).toMatch(message);
});
