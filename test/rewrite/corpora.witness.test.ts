// Passes over whole libraries: the programs print what they printed before, and with the slots the context of every
// allocation is still V8's own stack.

import { beforeAll, describe, expect, it } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { ExitSignal, Input, Output, openWasiGuest } from '../../src/host/index.ts';
import { type InstrumentedModule, instrument } from '../../src/instrument/index.ts';
import { Rewriter } from '../../src/rewrite/index.ts';
import type { RuntimeImports, RuntimeTestImports } from '../../src/runtime/index.ts';
import { type Corpus, corpora, corpusBuild, fetchCorpora } from '../corpora/corpora.ts';
import { FULL } from '../support/full.ts';
import { ACCESSES, countAccesses, exportGlobals, moveBodies } from '../support/rewriting-passes.ts';
import { compileTraced, Witness } from '../support/stack-witness.ts';

/** An address that the C stack, which lies at the beginning of memory, does not reach in these programs. */
const FREE_ADDRESS = 4096;

beforeAll(() => fetchCorpora());

// A capture of V8's stack costs some 20 µs, and tree-sitter allocates half a million times, sqlite3 a quarter million.
const chosen = corpora.filter(
  ({ name, setjmp }) => !setjmp && name !== 'tree-sitter' && (FULL || name !== 'sqlite3'),
);

async function compiled(corpus: Corpus): Promise<Uint8Array> {
  const { wasm } = await compileTraced(corpus.sources, corpusBuild(corpus, 'clang'));
  return wasm;
}

const silent: RuntimeImports & RuntimeTestImports = {
  host_stack: () => 0,
  fault() {},
  point: () => 0,
  exiting() {},
  trace() {},
};

interface Outcome {
  readonly exitCode: number;
  readonly printed: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

async function run(bytes: Uint8Array, name: string, witness: Witness | null = null): Promise<Outcome> {
  const stdout = new Output(undefined);
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const guest = await openWasiGuest(
    module,
    {
      args: ['1'],
      programName: name,
      env: {},
      stdin: new Input(new Uint8Array()),
      files: new Map(),
      stdout,
      stderr: new Output(undefined),
      imports: {},
      instantiated: ({ exports }) => witness?.instantiated(exports),
    },
    witness?.runtime ?? silent,
  );
  try {
    guest.initialize();
    const exitCode = exitCodeOf(() => guest.runMain(() => {}));
    return { exitCode, printed: stdout.text(), exports: guest.exports };
  } finally {
    guest.dispose();
  }
}

/** Programs end by returning from main or through proc_exit, as their libc pleases. */
function exitCodeOf(main: () => number): number {
  try {
    return main();
  } catch (error) {
    if (error instanceof ExitSignal) return error.exitCode;
    throw error;
  }
}

describe.each(chosen)('$name', (corpus) => {
  it('with accesses counted, globals exported and slots, every context is the stack of V8', async () => {
    const original = await compiled(corpus);
    const instrumented: InstrumentedModule = instrument(original, {}, [
      (each) => countAccesses(each),
      exportGlobals,
    ]);
    const witness = new Witness(instrumented, original);
    const plain = await run(original, corpus.name);
    const outcome = await run(instrumented.bytes, corpus.name, witness);
    expect(plain.printed).not.toBe('');
    expect([outcome.exitCode, outcome.printed]).toEqual([0, plain.printed]);
    expect(witness.differences.slice(0, 3)).toEqual([]);
    expect(witness.allocations).toBeGreaterThan(20);
    expect((outcome.exports[ACCESSES] as WebAssembly.Global).value).toBeGreaterThan(100_000n);
  }, 600_000);

  it('with every body moved behind a trampoline, it prints the same', async () => {
    const original = await compiled(corpus);
    const rewriter = new Rewriter(readModule(original));
    const { functions } = moveBodies(rewriter, () => true, FREE_ADDRESS);
    expect(functions.length).toBeGreaterThan(100);
    const plain = await run(original, corpus.name);
    const outcome = await run(rewriter.write().bytes, corpus.name);
    expect([outcome.exitCode, outcome.printed]).toEqual([0, plain.printed]);
  });
});
