// The central claim, against an outside witness: the context that the runtime records for an allocation is the
// stack that V8 itself sees at that moment. Over whole runs of the corpora the runtime is told to call out after
// every allocation; there the engine's stack is captured, translated to offsets in the original module, and
// compared frame by frame with the recorded context.

import { beforeAll, describe, expect, it } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { compile, type ToolchainName } from '../../src/compile/index.ts';
import { Ledger, layout } from '../../src/heap/index.ts';
import {
  ExitSignal,
  Gate,
  type GuestOptions,
  Input,
  Output,
  openEmscriptenGuest,
  openWasiGuest,
} from '../../src/host/index.ts';
import { instrument } from '../../src/instrument/index.ts';
import { type Corpus, corpora, fetchCorpora } from '../corpora/corpora.ts';

/** Optimisation levels and toolchains of the runs; the scale keeps each within seconds. */
const RUNS: readonly { toolchain: ToolchainName; flags: readonly string[] }[] = [
  { toolchain: 'embedded', flags: ['-O2'] },
  { toolchain: 'clang', flags: ['-O1'] },
  { toolchain: 'emscripten', flags: ['-O2'] },
];

beforeAll(() => fetchCorpora());

describe.each(RUNS)('$toolchain $flags', ({ toolchain, flags }) => {
  // What a toolchain without setjmp does with the corpus that needs it is tested with the compiler. A capture
  // costs some 20 µs, and tree-sitter allocates half a million times: one toolchain is enough every day.
  const able = corpora.filter(
    (corpus) =>
      (toolchain !== 'clang' || !corpus.setjmp) &&
      (toolchain === 'embedded' || corpus.name !== 'tree-sitter' || process.env.HEAPLINE_FULL === '1'),
  );

  it.each(able)(
    "$name: every allocation's context is V8's own stack",
    async (corpus) => {
      const { allocations, deepest, differences } = await compareWholeRun(corpus, toolchain, flags);
      console.log(
        `${toolchain} ${corpus.name}: ${allocations} allocations compared, deepest ${deepest} frames`,
      );
      expect(differences.slice(0, 3)).toEqual([]);
      expect(allocations).toBeGreaterThan(20);
      expect(deepest).toBeGreaterThan(2);
    },
    600_000,
  );
});

interface Comparison {
  allocations: number;
  deepest: number;
  /** Allocations whose two stacks differ, as text. */
  differences: string[];
}

async function compareWholeRun(
  corpus: Corpus,
  toolchain: ToolchainName,
  flags: readonly string[],
): Promise<Comparison> {
  const compiled = await compile([...corpus.sources], {
    toolchain,
    flags: [...flags, ...corpus.flags],
    include: [...corpus.include],
    define: corpus.define,
  });
  const instrumented = instrument(compiled.wasm);
  const runtimeFunctions = functionsOfTheRuntime(compiled.wasm);
  const result: Comparison = { allocations: 0, deepest: 0, differences: [] };
  let ledger: Ledger | null = null;

  const compare = (node: number): void => {
    const stack = engineStack();
    // The runtime's own functions are the innermost ones; no other function has their indices.
    let first = 0;
    while (first < stack.length && runtimeFunctions.has(stack[first]!.functionIndex)) first++;
    const seen: number[] = [];
    for (const { offset } of stack.slice(first)) {
      const site = instrumented.offsets.toOriginal(offset);
      if (site !== null) seen.push(site); // null: a thunk of ours at the host's boundary
    }
    const recorded = [...ledger!.sites(node)].filter((site) => site < layout.SITE_HOST_FLAG);
    result.allocations++;
    result.deepest = Math.max(result.deepest, seen.length);
    if (seen.join(' ') !== recorded.join(' ')) {
      result.differences.push(`V8 [${seen.join(' ')}] recorded [${recorded.join(' ')}]`);
    }
  };

  const runtime = {
    host_stack: () => 0,
    fault: (record: number) => void result.differences.push(`heap fault at ${record}`),
    exiting() {},
    trace: (_address: number, _size: number, node: number) => compare(node >>> 0),
  };
  const options: GuestOptions = {
    args: ['1'],
    programName: corpus.name,
    env: {},
    stdin: new Input(new Uint8Array()),
    files: new Map(),
    stdout: new Output(undefined),
    stderr: new Output(undefined),
    imports: {},
    instantiated: (exports) => {
      ledger = new Ledger(
        exports.memory as WebAssembly.Memory,
        instrumented.runtimeAddress,
        instrumented.shadowAddress,
      );
      (exports.heapline_set_flags as (flags: number) => void)(layout.FLAG_TRACE);
    },
  };
  const module = new WebAssembly.Module(instrumented.bytes as Uint8Array<ArrayBuffer>);
  const gate = new Gate((error) => error);
  const guest =
    compiled.glue === null
      ? await openWasiGuest(module, options, runtime)
      : await openEmscriptenGuest(module, compiled.glue, options, runtime, gate);
  try {
    guest.initialize();
    expect(exitCodeOf(() => guest.runMain(() => {}))).toBe(0);
    expect(result.allocations).toBe(ledger!.totals().allocObjects);
  } finally {
    guest.dispose();
  }
  return result;
}

/** Programs end by returning from main or through proc_exit, as their libc pleases. */
function exitCodeOf(run: () => number): number {
  try {
    return run();
  } catch (error) {
    if (error instanceof ExitSignal) return error.exitCode;
    throw error;
  }
}

interface EngineFrame {
  readonly functionIndex: number;
  /** File offset in the module that runs. */
  readonly offset: number;
}

/** The wasm frames of V8's stack, innermost first, all of them. */
function engineStack(): EngineFrame[] {
  const limit = Error.stackTraceLimit;
  const prepare = Error.prepareStackTrace;
  const frames: EngineFrame[] = [];
  try {
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    Error.prepareStackTrace = (_error, sites) => sites;
    for (const site of new Error().stack as unknown as NodeJS.CallSite[]) {
      const match = /wasm-function\[(\d+)\]:0x([0-9a-f]+)/.exec(String(site));
      if (match) frames.push({ functionIndex: Number(match[1]), offset: Number.parseInt(match[2]!, 16) });
    }
  } finally {
    Error.stackTraceLimit = limit;
    Error.prepareStackTrace = prepare as NonNullable<typeof prepare>;
  }
  return frames;
}

/** Indices of the runtime's functions, by the names that csrc gives them. */
function functionsOfTheRuntime(wasm: Uint8Array): ReadonlySet<number> {
  const indices = new Set<number>();
  const family = /^(malloc|calloc|realloc|reallocarray|free|aligned_alloc|memalign|posix_memalign)$/;
  for (const [index, name] of readModule(wasm).functionNames()) {
    if (
      family.test(name) ||
      /^(hl_|heapline_|__libc_(malloc|calloc|memalign)$|emscripten_builtin_)/.test(name)
    ) {
      indices.add(index);
    }
  }
  return indices;
}
