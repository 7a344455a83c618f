// The corpora run once with a runtime that checks itself at the highest level of assertions (csrc/debug.h). They are
// instrumented, so that the context tree has work to do. They compute the same as with the shipped runtime.

import { beforeAll, describe, expect, it } from 'vitest';
import { readModule } from '../../src/binary/index.ts';
import { type CompiledModule, compile } from '../../src/compile/index.ts';
import { loadWasm } from '../../src/index.ts';
import { linkingWith, type RuntimeBuild } from '../support/runtime-objects.ts';
import { type Corpus, corpora, corpusBuild, fetchCorpora } from './corpora.ts';

beforeAll(fetchCorpora);

function build(corpus: Corpus, runtime: RuntimeBuild): Promise<CompiledModule> {
  const options = corpusBuild(corpus, corpus.setjmp ? 'embedded' : 'clang');
  return linkingWith(runtime, () => compile(corpus.sources, options));
}

async function run({ wasm }: CompiledModule) {
  using lib = await loadWasm(wasm, { hostFrames: 'off', args: ['1'] });
  const { exitCode, stdout } = lib.run();
  const { allocObjects, allocBytes, contexts, peakBytes, faults } = lib.heap.stats();
  return { exitCode, stdout, allocObjects, allocBytes, contexts, peakBytes, faults };
}

describe.each(corpora)('$name', (corpus) => {
  it('violates no assertion, and has the same ledger as with the shipped runtime', async () => {
    const shipped = await build(corpus, 'shipped');
    const checked = await build(corpus, 'debug');
    const names = [...readModule(checked.wasm).functionNames().values()];
    expect(names).toContain('hl_assertion_failed');
    const ran = await run(checked);
    const { contexts, peakBytes, ...rest } = await run(shipped);
    expect(ran).toMatchObject(rest);
    // duktape's hash seed is the address of its heap, which differs with the size of the runtime.
    if (corpus.name !== 'duktape') expect(ran).toMatchObject({ contexts, peakBytes });
    expect(ran).toMatchObject({ exitCode: 0, faults: 0 });
    expect(ran.allocObjects).toBeGreaterThan(20);
  }, 1_800_000);
});
