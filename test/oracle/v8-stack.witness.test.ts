// The central claim, against an outside witness: the context that the runtime records for an allocation is the stack
// that V8 itself sees at that moment. Whole runs of the corpora are compared.

import { beforeAll, describe, expect, it } from 'vitest';
import type { ToolchainName } from '../../src/compile/index.ts';
import { openEmscriptenGuest } from '../../src/glue/index.ts';
import { ExitSignal, Gate, type GuestOptions, Input, Output, openWasiGuest } from '../../src/host/index.ts';
import { instrument } from '../../src/instrument/index.ts';
import { type Corpus, corporaFor, corpusBuild, fetchCorpora } from '../corpora/corpora.ts';
import { FULL } from '../support/full.ts';
import { compileTraced, Witness } from '../support/stack-witness.ts';

const TOOLCHAINS: readonly ToolchainName[] = ['embedded', 'clang', 'emscripten'];

beforeAll(() => fetchCorpora());

describe.each(TOOLCHAINS)('%s', (toolchain) => {
  // A capture costs some 20 µs, and tree-sitter allocates half a million times.
  const able = corporaFor(toolchain).filter(({ name }) => FULL || name !== 'tree-sitter');

  it.each(able)(
    "$name: every allocation's context is V8's own stack",
    async (corpus) => {
      const { allocations, deepest, differences } = await compareWholeRun(corpus, toolchain);
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

async function compareWholeRun(corpus: Corpus, toolchain: ToolchainName): Promise<Witness> {
  const compiled = await compileTraced(corpus.sources, corpusBuild(corpus, toolchain));
  const instrumented = instrument(compiled.wasm);
  const witness = new Witness(instrumented, compiled.wasm);
  const options: GuestOptions = {
    args: ['1'],
    programName: corpus.name,
    env: {},
    stdin: new Input(new Uint8Array()),
    files: new Map(),
    stdout: new Output(undefined),
    stderr: new Output(undefined),
    imports: {},
    instantiated: ({ exports }) => witness.instantiated(exports),
  };
  const module = new WebAssembly.Module(instrumented.bytes as Uint8Array<ArrayBuffer>);
  const gate = new Gate((error) => error);
  const guest =
    compiled.glue === null
      ? await openWasiGuest(module, options, witness.runtime)
      : await openEmscriptenGuest(module, compiled.glue, options, witness.runtime, gate);
  try {
    guest.initialize();
    expect(exitCodeOf(() => guest.runMain(() => {}))).toBe(0);
    expect(witness.allocations).toBe(witness.ledger!.totals().allocObjects);
  } finally {
    guest.dispose();
  }
  return witness;
}

/** Runs a program. It ends by returning from main or through proc_exit, depending on its libc. */
function exitCodeOf(run: () => number): number {
  try {
    return run();
  } catch (error) {
    if (error instanceof ExitSignal) return error.exitCode;
    throw error;
  }
}
