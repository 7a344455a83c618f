// Recognises files that are not in pprof's format but are given to its reader: those of other profilers, and other
// files that Heapline writes. Each format is recognised by its first bytes. The message names it and says what
// reads it.

import { InvalidProfileError } from '../errors.ts';

interface Format {
  /** Matches the start of the file, read as Latin-1. */
  readonly begins: RegExp;
  readonly name: string;
  /** What to do with it: a sentence. */
  readonly advice: string;
}

/** Bytes at the start of a file that are enough to recognise every format. */
const HEAD = 4096;

const FORMATS: readonly Format[] = [
  {
    begins: /^heap profile:|^--- (?:heapz?|growthz?) /,
    name: 'a profile in the legacy text form, as gperftools and debug=1 write it',
    advice: 'Convert it with: go tool pprof -proto -output=heap.pb.gz PROGRAM FILE',
  },
  {
    begins: /^heap_v2\//,
    name: 'a heap profile of jemalloc',
    advice:
      'Convert it with: pprof -proto -output=heap.pb.gz PROGRAM FILE (github.com/google/pprof; older ones refuse it), ' +
      'or read it with jeprof.',
  },
  {
    begins: /^\{\s*"snapshot"\s*:\s*\{/,
    name: "a heap snapshot of V8 (.heapsnapshot), which lists JavaScript's objects",
    advice:
      'Open it in the Memory panel of Chrome DevTools. A pprof profile of both heaps comes from pprofHandler({ host: true }).',
  },
  {
    begins: /^\{\s*"head"\s*:\s*\{/,
    name: 'a sampling heap profile of V8 (.heapprofile)',
    advice:
      'Open it in the Memory panel of Chrome DevTools. A pprof profile of both heaps comes from pprofHandler({ host: true }).',
  },
  {
    begins: /^\{\s*"(?:nodes|typeId)"\s*:/,
    name: 'a CPU profile of V8 (.cpuprofile)',
    advice: 'Open it in the Performance panel of Chrome DevTools, or in speedscope.',
  },
  {
    begins: /^\{\s*"traceEvents"\s*:|^\[\s*\{\s*"(?:pid|cat|name|args)"/,
    name: 'a trace of Chrome',
    advice: 'Open it in Perfetto or speedscope.',
  },
  {
    begins: /^\{\s*"\$schema"\s*:\s*"https:\/\/www\.speedscope\.app\//,
    name: 'a file for speedscope',
    advice: 'Open it there. Heapline reads the pprof file from which it was made.',
  },
  {
    begins: /^\{\s*"dhatFileVersion"\s*:/,
    name: "output of Valgrind's DHAT",
    advice: 'Open it with dh_view.html, which comes with Valgrind.',
  },
  {
    begins: /^desc: .*\ncmd: |^desc: .*--massif/,
    name: "output of Valgrind's massif",
    advice: 'Read it with: ms_print FILE, or massif-visualizer.',
  },
  {
    begins: /^v [0-9a-f]+ [0-9a-f]+\n(?:x|X|I|s) /,
    name: 'a recording of heaptrack',
    advice: 'Read it with: heaptrack_print FILE, or heaptrack --analyze FILE.',
  },
  {
    begins: /^\x28\xb5\x2f\xfd/,
    name: 'compressed with zstd, as recordings of heaptrack are',
    advice: 'Read a recording with: heaptrack_print FILE. Decompress anything else first: zstd -d FILE.',
  },
  { begins: /^memray/, name: 'a recording of memray', advice: 'Read it with: memray flamegraph FILE' },
  { begins: /^PERFILE2/, name: 'a recording of perf', advice: 'Read it with: perf report -i FILE' },
  {
    begins: /^go 1\.\d+ trace\0/,
    name: 'an execution trace of Go',
    advice: 'Read it with: go tool trace FILE',
  },
  {
    begins: /^\0asm/,
    name: 'a WebAssembly module',
    advice: 'Run it, which writes a profile: heapline run FILE',
  },
  {
    begins: /^\{\s*"(?:version|format)"\s*:.*"?heapline/s,
    name: 'JSON that Heapline wrote',
    advice: 'Profiles are read from pprof files (.pb.gz), which `heapline run` writes with --pprof FILE.',
  },
  {
    begins: /^\s*(?:<!doctype html|<html)/i,
    name: 'a page of HTML',
    advice: 'Perhaps the address it was fetched from is wrong: profiles are at /debug/pprof/heap.',
  },
];

/** Throws an InvalidProfileError when these decompressed bytes are in another known format; the message names it. */
export function refuseForeignFormat(bytes: Uint8Array): void {
  const head = String.fromCharCode(...bytes.subarray(0, HEAD));
  const found = FORMATS.find(({ begins }) => begins.test(head));
  if (found === undefined) return;
  throw new InvalidProfileError(`This is ${found.name}, not a profile in pprof's format. ${found.advice}`);
}
