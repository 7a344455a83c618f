// Files of other profilers and Heapline's own other forms are recognised and named. The files of other profilers begin
// as these tools wrote them: heaptrack 1.4, jemalloc 5, gperftools 2.10, memray 1, perf 6, Go 1.22.

import { expect, it } from 'vitest';
import { refusal } from '../support/refused-profile.ts';
import { sampleProfile } from '../support/sample-heap.ts';

it('files that Heapline wrote in other forms', () => {
  const profile = sampleProfile();
  expect(refusal(Buffer.from(profile.text()))).toMatch(/legacy text form.*go tool pprof -proto/);
  expect(refusal(Buffer.from(profile.speedscope()))).toMatch(/This is a file for speedscope/);
  expect(refusal(Buffer.from(JSON.stringify(profile)))).toMatch(/This is JSON that Heapline wrote/);
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
