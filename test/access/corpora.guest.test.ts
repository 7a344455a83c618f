// Checks of accesses in whole libraries, variables included: they find nothing, and the programs print what they print without them. V8
// accepts the modules, and their code stays within what is promised.

import { beforeAll, describe, expect, it } from 'vitest';
import { instrumentWithChecks } from '../../src/access/index.ts';
import { compile } from '../../src/compile/index.ts';
import { loadWasm } from '../../src/index.ts';
import { type Corpus, corpora, corpusBuild, fetchCorpora } from '../corpora/corpora.ts';
import { FULL } from '../support/full.ts';

beforeAll(fetchCorpora);

// The others take longer than all other tests of accesses together.
const chosen = corpora.filter(({ name }) => FULL || name === 'expat');
/** How many times larger code may become, slots included. */
const LARGEST_GROWTH = 2.2;

describe.each(chosen)('$name', (corpus: Corpus) => {
  it('prints the same with all checks on, and no access is wrong', async () => {
    const build = corpusBuild(corpus, corpus.setjmp ? 'embedded' : 'clang', '-O2');
    const { wasm } = await compile(corpus.sources, { ...build, stack: true });
    const run = async (checks: boolean) => {
      using lib = await loadWasm(wasm, { hostFrames: 'off', args: ['1'], checks });
      const { exitCode, stdout } = lib.run();
      const faults = lib.heap
        .faults()
        .map(({ kind, frames }) => [kind, ...frames.map((each) => each.function)]);
      return { exitCode, stdout, faults };
    };
    const checked = await run(true);
    expect(checked).toEqual(await run(false));
    expect(checked.faults).toEqual([]);
    const { statistics } = await instrumentWithChecks(wasm);
    expect(statistics.instrumentedCodeSize / statistics.originalCodeSize).toBeLessThan(LARGEST_GROWTH);
  }, 600_000);
});
