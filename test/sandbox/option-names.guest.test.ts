// Unknown option names: every function that takes options rejects them and suggests the option that was meant.

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  applyBaseline,
  baselineOf,
  encodeLeakProfile,
  formatGitHub,
  formatJson,
  formatJUnit,
  formatSarif,
  formatText,
  HeapProfile,
  InvalidArgumentError,
  loadC,
  loadWasm,
  type Sandbox,
  toJson,
  toSarif,
} from '../../src/index.ts';
import { pprofFetch, pprofHandler, servePprof } from '../../src/serve/index.ts';
import * as assertions from '../../src/testing/assert.ts';
import '../../src/testing/vitest.ts';
import heapline from '../../src/testing/vitest-plugin.ts';
import { programPath } from '../support/guest-programs.ts';

let lib: Sandbox;
beforeAll(async () => {
  lib = await loadC(programPath('library.c'), { toolchain: 'clang' });
});
afterAll(() => lib.dispose());

const work = vi.fn();
const hook = (): number => 0;
const { heap, report, profile } = {
  heap: () => lib.heap,
  report: () => lib.heap.leaks(),
  profile: () => lib.heap.profile(),
};

// The type of options that untyped JavaScript would pass.
type Options = never;

test.each<[name: string, meant: string, call: (options: Options) => unknown]>([
  ['onfault', 'onFault', (o) => loadC(programPath('library.c'), o)],
  ['import', 'imports', (o) => loadWasm(new Uint8Array(), o)],
  ['hostFrames.evry', 'hostFrames.every', () => loadWasm('', { hostFrames: { evry: 1 } as Options })],
  ['kinds', '', (o) => heap().leaks(o)],
  ['supressions', 'suppressions', (o) => heap().leaks(o)],
  ['kind', 'kinds', (o) => heap().assertNoLeaks(o)],
  ['supression', 'suppressions', (o) => heap().leaksSince(heap().mark(), o)],
  ['suppression', 'suppressions', (o) => heap().scope(work, o)],
  ['warmUps', 'warmup', (o) => heap().growth(work, o)],
  ['label', 'labels', (o) => heap().profile(o)],
  ['levels', 'level', (o) => profile().encode(o)],
  ['maxbytes', 'maxBytes', (o) => HeapProfile.decode(profile().encode(), o)],
  ['limits', 'limit', (o) => profile().top(o)],
  ['limits', 'limit', (o) => profile().topRows(o)],
  ['line', 'lines', (o) => profile().folded(o)],
  ['colour', 'color', (o) => formatText(report(), o)],
  ['kind', 'kinds', (o) => formatJUnit(report(), o)],
  ['kind', 'kinds', (o) => formatGitHub(report(), o)],
  ['roots', 'root', (o) => formatJson(report(), o)],
  ['roots', 'root', (o) => toJson(report(), o)],
  ['version', '', (o) => formatSarif(report(), o)],
  ['toolversion', 'toolVersion', (o) => toSarif(report(), o)],
  ['taken', '', (o) => encodeLeakProfile(report(), o)],
  ['kind', 'kinds', (o) => baselineOf(report(), o)],
  ['roots', 'root', (o) => applyBaseline(report(), baselineOf(report()), o)],
  ['maxSample', 'maxSamples', (o) => pprofHandler(o)],
  ['maxSample', 'maxSamples', (o) => pprofFetch(o)],
  ['host.samplingintervall', 'host.samplingInterval', () => pprofFetch({ host: inner('samplingintervall') })],
  ['hostnames', 'hostname', (o) => servePprof(o)],
  ['writeTimeouts', 'writeTimeout', (o) => servePprof(o)],
  ['kind', 'kinds', (o) => assertions.assertNoLeaks(lib, o)],
  ['kind', 'kinds', (o) => assertions.assertDoesNotLeak(lib, work, o)],
  ['kind', 'kinds', (o) => assertions.assertLeaks(lib, work, o)],
  ['run', 'runs', (o) => assertions.assertDoesNotGrow(lib, work, o)],
  ['run', 'runs', (o) => assertions.assertGrows(lib, work, o)],
  [
    'byte',
    'bytes',
    (o) => assertions.assertAllocatesAtMost(lib, work, { objects: 1, ...(o as object) } as Options),
  ],
  [
    'kind',
    'kinds',
    (o) => assertions.autoCheck({ beforeEach: hook, afterEach: hook, ...(o as object) } as Options),
  ],
  ['kind', 'kinds', (o) => expect(lib).toHaveNoLeaks(o)],
  ['kind', 'kinds', (o) => expect(work).toLeak(lib, o)],
  ['byte', 'bytes', (o) => expect(work).toAllocateAtMost(lib, { objects: 1, ...(o as object) } as Options)],
  ['run', 'runs', (o) => expect(work).toGrow(lib, o)],
  ['autocheck', 'autoCheck', (o) => heapline(o)],
  ['autoCheck.kind', 'autoCheck.kinds', () => heapline({ autoCheck: inner('kind') })],
])('%s, where %s was meant', async (name, meant, call) => {
  work.mockClear();
  const options = inner(name);
  const error = await Promise.resolve()
    .then(() => call(options))
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidArgumentError);
  const { argument, message } = error as InvalidArgumentError;
  expect(argument).toBe(name);
  expect(message).toContain(`has no option '${name}'${meant === '' ? '.' : `: did you mean '${meant}'?`}`);
  expect(work).not.toHaveBeenCalled();
});

function inner(name: string): Options {
  return { [name]: [] } as Options;
}
